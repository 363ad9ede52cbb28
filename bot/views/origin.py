"""Where figures come from and how old they are; and, where there are none, why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from typing import Any

import msgspec

from bot.answers import ALERT_BOT, COINGLASS, EXCHANGES, TAPE, Block, Missing, Reason
from bot.views.card import Button
from bot.views.figures import clock, day_time, zone_name
from teleglas import numbers
from teleglas.language import Html, Words
from teleglas.telegram.text import escape

__all__ = ["Context", "Named", "footer", "missing_line", "origin", "refresh", "sources", "why"]

Named = tuple[str, Block[Any]]
"""A block and what it is called in the reader's language."""

_FRESH_MS = 1_000
_NAMED_VENUES = 3
_SAME_DAY_MS = 12 * 3_600_000


class Context(msgspec.Struct, frozen=True):
    """Whom a card is for. zone: of times of day; now_ms: Unix ms; simulated: the market is not real."""

    words: Words
    now_ms: int
    zone: tzinfo = UTC
    simulated: bool = False

    def time(self, ms: int) -> str:
        """Write a time of day with its zone."""
        return f"{clock(ms, self.zone)} {zone_name(self.zone, ms)}"

    def age(self, ms: int) -> str:
        """Write a length of time with the reader's units: `2 min 10 s`."""
        say = self.words.say
        units = {"d": say("d"), "h": say("h"), "min": say("min"), "s": say("s")}
        return " ".join(units.get(part, part) for part in numbers.span(ms).split(" "))

    def short_time(self, ms: int) -> str:
        """Write hours and minutes."""
        return clock(ms, self.zone)[:5]

    def since(self, ms: int) -> str:
        """Write when something began: hours and minutes, with the day if that is not clear."""
        return day_time(ms, self.zone) if self.now_ms - ms > _SAME_DAY_MS else self.short_time(ms)


def why(missing: Missing, context: Context) -> Html:
    """Say in words why something is not known."""
    words = context.words
    ours = {
        "": words.say("the source"),
        EXCHANGES: words.say("the exchanges"),
        TAPE: words.say("our own tape"),
        ALERT_BOT: words.say("the alert bot"),
    }
    who = ours.get(missing.who, missing.who)
    said = {
        Reason.NEEDS_KEY: words.say("needs a CoinGlass key"),
        Reason.NEEDS_PLAN: words.say("needs the {plan} plan of CoinGlass", plan=missing.detail),
        Reason.BAD_KEY: words.say("CoinGlass does not accept the key"),
        Reason.NOT_LISTED: words.say("{who} does not list it", who=who),
        Reason.BUSY: words.say("{who} is asked too often now", who=who),
        Reason.CHANGED: words.say("{who} answered in an unknown form", who=who),
        Reason.NOT_RECORDED: words.say("the alert bot has recorded nothing yet"),
        Reason.EMPTY: words.say("{who} has no figures", who=who),
        Reason.NO_ANSWER: words.say("{who} did not answer", who=who),
        Reason.REFUSED: words.say("{who} refuses this server's address", who=who)
        if missing.detail == "region_block"
        else words.say("{who} refused the question", who=who),
        Reason.NOT_PUBLISHED: words.say("{who} does not publish it", who=who),
    }
    if missing.plan:
        dearer = words.say("needs the {plan} plan of CoinGlass", plan=missing.plan)
        return Html(", ".join([dearer, said[missing.reason]]))
    return said[missing.reason]


def origin(block: Block[Any], context: Context) -> Html:
    """Say who told a block, of which venues, and how old it is."""
    words = context.words
    if block.missing is not None:
        return why(block.missing, context)
    parts = [_source(block, context)]
    if block.source == COINGLASS and block.venues:
        parts.append(_venues(block.venues, context))
    passed = context.now_ms - block.as_of_ms
    if block.stale:
        parts.append(words.say("old: from {age} ago", age=context.age(passed)))
    elif passed > _FRESH_MS:
        parts.append(words.say("{age} ago", age=context.age(passed)))
    else:
        parts.append(words.say("just now"))
    parts += [why(gap, context) for gap in block.gaps]
    return Html(", ".join(parts))


def sources(named: Sequence[Named], context: Context) -> str:
    """Return who told what, blocks of the same origin in one line, as an expandable quote."""
    lines: dict[str, list[str]] = {}
    for name, block in named:
        if block.missing is None:
            lines.setdefault(origin(block, context), []).append(_safe(name))
    if not lines:
        return ""
    told = "\n".join(f"{', '.join(names)}: {where}" for where, names in lines.items())
    title = context.words.say("Sources")
    return f"<blockquote expandable>{title}\n{told}</blockquote>"


def missing_line(named: Iterable[Named], context: Context) -> str:
    """Say what is not known and why; empty if everything is."""
    lines: dict[str, list[str]] = {}
    for name, block in named:
        if block.missing is not None:
            lines.setdefault(why(block.missing, context), []).append(_safe(name))
    if not lines:
        return ""
    told = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in lines.items())
    return context.words.say("Not known: {what}", what=Html(told))


def footer(context: Context, *blocks: Block[Any]) -> str:
    """Return the last line: origin of the main blocks, and when the card was made."""
    said = list(dict.fromkeys(origin(block, context) for block in blocks if block.missing is None))
    updated = context.words.say("Updated {time}", time=context.time(context.now_ms))
    if context.simulated:
        updated = Html(context.words.say("SIMULATED market") + f" · {updated}")
    return f"<i>{Html(' · ').join([*said, updated])}</i>"


def refresh(command: str, context: Context) -> Button:
    """Return the button that makes the same card anew, in place."""
    return Button("↻ " + context.words.say("Refresh"), command)


def _source(block: Block[Any], context: Context) -> str:
    words = context.words
    if block.source == TAPE:
        told = context.since(block.since_ms or block.as_of_ms)
        return words.say("our own tape since {time}, coverage {share}", time=told, share=_share(block))
    if block.source == COINGLASS:
        return COINGLASS
    return _venues(block.venues, context) if block.venues else words.say("the exchanges")


def _safe(name: str) -> str:
    return name if isinstance(name, Html) else escape(name)


def _share(block: Block[Any]) -> str:
    # Cut, not rounded: 99.9 % is not all of it.
    return f"{int((block.coverage or 0.0) * 100 + 1e-9)}%"


def _venues(venues: tuple[str, ...], context: Context) -> str:
    if len(venues) <= _NAMED_VENUES:
        return Html(", ".join(map(escape, venues)))
    return context.words.count("{n} exchange", "{n} exchanges", len(venues))
