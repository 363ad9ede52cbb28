"""/record: what followed the alerts, by kind, beside chance. Never more than was measured."""

from __future__ import annotations

from bot.replies import MeasuredKind, Record
from bot.views.card import Card, Part
from bot.views.figures import day_time, percent, table
from bot.views.log import KINDS, kind_name
from bot.views.origin import Context, footer, refresh
from bot.views.pieces import headline, tldr
from teleglas.language import Html
from teleglas.outcomes import TOLD_MIN
from teleglas.track_record import LEAST_TOLD, NOTHING, TrackRecord

__all__ = ["record"]

_UNMEASURED = MeasuredKind(NOTHING, NOTHING)


def record(reply: Record, context: Context) -> Card:
    """Return the card of /record: of every kind, or of one with its directions and horizons."""
    say, count = context.words.say, context.words.count
    kinds = [kind for kind in KINDS if reply.kind in {None, kind}]
    kinds += [kind for kind in reply.counts if kind not in KINDS and reply.kind in {None, kind}]
    total = sum(reply.counts.get(kind, 0) for kind in kinds)
    found = [reply.measured.get(kind, _UNMEASURED) for kind in kinds]
    known = sum(max(each.outcomes, each.up.n) for each in found)
    # the alerts tell the same record: of late, since markets change
    newest = max((each.up.n for each in found if each.outcomes > each.up.n), default=0)
    sent = count("{n} alert sent", "{n} alerts sent", total)
    measured = count("{n} outcome measured", "{n} outcomes measured", known)
    since = (
        "" if reply.since_ms is None else say("Since {time}.", time=day_time(reply.since_ms, context.zone))
    )
    parts = (
        Part(headline(f"{sent}, {measured}")),
        Part(_table(reply, kinds, context)),
        Part(_newest(newest, context)),
        Part(_explained(context), 1),
        Part(tldr(context, _chance(reply, kinds, context), since)),
        Part(footer(context)),
    )
    return Card(parts, ((refresh(f"record {reply.kind or ''}".strip(), context),),))


def _table(reply: Record, kinds: list[str], context: Context) -> str:
    say = context.words.say
    rows: list[list[str]] = []
    for kind in kinds:
        known = reply.measured.get(kind, _UNMEASURED)
        rows.append([kind_name(kind, context), f"n={known.up.n}"])
        if known.up.n >= LEAST_TOLD:
            rows += _figures(known.up, context)
            if known.right.n >= LEAST_TOLD:
                rows.append(_line(say("right"), known.right, context))
        for direction, horizon, way in known.ways if reply.kind else ():
            rows.append([say("{direction}, {n} min", direction=direction, n=horizon), f"n={way.n}"])
            if way.n >= LEAST_TOLD:
                rows += _figures(way, context)
    return table(rows)


def _figures(known: TrackRecord, context: Context) -> list[list[str]]:
    say = context.words.say
    return [["· " + say("median"), percent(known.median or 0)], _line(say("up"), known, context)]


def _line(what: str, known: TrackRecord, context: Context) -> list[str]:
    """Return `· up 63% [48–76]` and chance, a dash where that is not known."""
    rate, low, high = ((part or 0) * 100 for part in (known.rate, known.low, known.high))
    share = "–" if known.baseline is None else f"{known.baseline * 100:.0f}%"
    return [f"· {what} {rate:.0f}% [{low:.0f}–{high:.0f}]", context.words.say("any {share}", share=share)]


def _newest(most: int, context: Context) -> str:
    """Say of how many outcomes the figures are, where there are more."""
    if not most:
        return ""
    return context.words.say("The figures are of the newest {n} of a kind, as in the alerts.", n=f"{most:,}")


def _explained(context: Context) -> str:
    say = context.words.say
    return say(
        "After {n} min, from the first alert of each episode. In brackets the interval (95%); right: the price moved as the"
        " kind calls it; any: how often any minute was followed by such a move.",
        n=TOLD_MIN,
    )


def _chance(reply: Record, kinds: list[str], context: Context) -> str:
    """Say which kinds were right more often than chance, the whole interval above it."""
    say = context.words.say
    enough = [kind for kind in kinds if reply.measured.get(kind, _UNMEASURED).right.n >= LEAST_TOLD]
    if not enough:
        least = say("There is no record yet: that takes {n} measured outcomes of a kind.", n=LEAST_TOLD)
        calling = any(reply.measured.get(kind, _UNMEASURED).up.n >= LEAST_TOLD for kind in kinds)
        return say("No kind that calls a direction has a record yet.") if calling else least
    better = [kind for kind in enough if _beats(reply.measured[kind].right)]
    if not better:
        return say("No kind was right more often than chance beyond doubt.")
    names = ", ".join(kind_name(kind, context) for kind in better)
    return say("More often right than chance, the whole interval above it: {kinds}.", kinds=Html(names))


def _beats(known: TrackRecord) -> bool:
    return known.low is not None and known.baseline is not None and known.low > known.baseline
