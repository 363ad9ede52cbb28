"""/alerts and /record: what the alert bot sent, and what became of it."""

from __future__ import annotations

from bot.replies import AlertLine, Alerts, Record
from bot.views.card import Card, Part, note
from bot.views.figures import day_time, table
from bot.views.origin import Context, footer, refresh
from bot.views.pieces import headline, tldr
from teleglas import numbers
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["KINDS", "alerts", "kind_name", "record"]

KINDS = (
    "large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster", "global_radar", "market_cascade",
    "stop_hunt", "order_flow", "whale_accumulation_window", "volume_spike", "funding_extreme", "oi_divergence",
    "candle_confluence",
)  # fmt: skip

_SHOWN = 10
_WITHOUT_SIDE = ("volume_spike", "oi_divergence")
_OF_OPEN_INTEREST = ("funding_extreme", "oi_divergence")


def kind_name(kind: str, context: Context) -> str:
    """Return what a kind of alert is called."""
    words = context.words
    names = {
        "large_liquidation": words.say("large liquidation"),
        "whale_trade": words.say("whale trade"),
        "liquidation_storm": words.say("liquidation storm"),
        "whale_cluster": words.say("whale cluster"),
        "global_radar": words.say("global radar"),
        "market_cascade": words.say("market cascade"),
        "stop_hunt": words.say("stop hunt"),
        "order_flow": words.say("order flow"),
        "whale_accumulation_window": words.say("whale accumulation"),
        "volume_spike": words.say("volume spike"),
        "funding_extreme": words.say("extreme funding"),
        "oi_divergence": words.say("OI divergence"),
        "candle_confluence": words.say("candle confluence"),
    }
    return names.get(kind, Html(escape(kind.replace("_", " "))))


def alerts(reply: Alerts, context: Context) -> Card:
    """Return the card of /alerts."""
    say = context.words.say
    again = (refresh(f"alerts {reply.coin or ''}".strip(), context),)
    if reply.alerts is None:
        return note(say("The alert bot has not run on this database yet, so there are no alerts."), again)
    of_coin = say(" of {coin}", coin=reply.coin) if reply.coin else Html("")
    if not reply.alerts:
        return note(say("No alert{of} has been sent yet.", of=of_coin), again)
    newest = reply.alerts[0]
    passed = context.age(context.now_ms - newest.event_ms)
    head = say(
        "Latest alert{of}: {alert}, {age} ago", of=of_coin, alert=Html(_told(newest, context)), age=passed
    )
    lines = "\n".join(
        f"{day_time(line.event_ms, context.zone)} {_told(line, context)}" for line in reply.alerts[:_SHOWN]
    )
    parts = (
        Part(headline(head)),
        Part(lines),
        Part(tldr(context, say("What followed the alerts is not measured yet, so no outcome is shown."))),
        Part(footer(context)),
    )
    return Card(parts, (again,))


def _told(line: AlertLine, context: Context) -> str:
    side = "" if line.kind in _WITHOUT_SIDE else f" {escape(line.direction)}"
    # The USD of funding and open interest are how much is open, not what happened; a confluence has none.
    value = "" if line.usd <= 0 or line.kind in _OF_OPEN_INTEREST else f" {numbers.usd(line.usd)}"
    return f"{escape(line.asset)} {kind_name(line.kind, context)}{side}{value} · {escape(line.tier)}"


def record(reply: Record, context: Context) -> Card:
    """Return the card of /record: counts, and that outcomes are not measured."""
    say = context.words.say
    kinds = [kind for kind in KINDS if reply.kind in {None, kind}]
    kinds += [kind for kind in reply.counts if kind not in KINDS and reply.kind in {None, kind}]
    total = sum(reply.counts.get(kind, 0) for kind in kinds)
    head = context.words.count("{n} alert sent; outcomes are not measured yet",
                               "{n} alerts sent; outcomes are not measured yet", total)  # fmt: skip
    since = (
        "" if reply.since_ms is None else say("Since {time}.", time=day_time(reply.since_ms, context.zone))
    )
    parts = (
        Part(headline(head)),
        Part(table([[kind_name(kind, context), f"{reply.counts.get(kind, 0):,}"] for kind in kinds])),
        Part(tldr(context, say("There is no hit rate yet, and none is made up."), since)),
        Part(footer(context)),
    )
    return Card(parts, ((refresh(f"record {reply.kind or ''}".strip(), context),),))
