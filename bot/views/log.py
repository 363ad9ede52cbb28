"""/alerts: what the alert bot sent, and what followed it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.replies import AlertLine, Alerts
from bot.views.card import Card, Part, note
from bot.views.figures import day_time, percent
from bot.views.origin import Context, footer, refresh
from bot.views.pieces import headline, tldr
from teleglas import numbers
from teleglas.language import Html
from teleglas.outcomes import TOLD_MIN
from teleglas.telegram.text import escape

__all__ = ["KINDS", "alerts", "kind_name"]

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
        f"{day_time(line.event_ms, context.zone)} {_told(line, context)}\n↳ {_outcome(line, context)}"
        for line in reply.alerts[:_SHOWN]
    )
    parts = (
        Part(headline(head)),
        Part(lines),
        Part(tldr(context, _summary(reply.alerts[:_SHOWN], context))),
        Part(footer(context)),
    )
    return Card(parts, (again,))


def _told(line: AlertLine, context: Context) -> str:
    side = "" if line.kind in _WITHOUT_SIDE else f" {escape(line.direction)}"
    # The USD of funding and open interest are how much is open, not what happened; a confluence has none.
    value = "" if line.usd <= 0 or line.kind in _OF_OPEN_INTEREST else f" {numbers.usd(line.usd)}"
    return f"{escape(line.asset)} {kind_name(line.kind, context)}{side}{value} · {escape(line.tier)}"


def _outcome(line: AlertLine, context: Context) -> str:
    """Say how the price moved, or why that is not known."""
    say = context.words.say
    if line.outcome == "measured" and line.move is not None:
        return say("{move} after {n} min", move=percent(line.move), n=TOLD_MIN)
    reasons = {
        "open": say("{n} min are not over yet", n=TOLD_MIN),
        "unseen": say("not measured: no price was seen after {n} min", n=TOLD_MIN),
        "unpriced": say("not measured: no price was seen at the alert"),
        "again": say("told again: its first alert has the outcome"),
    }
    return reasons.get(line.outcome, say("not measured: older than outcomes are kept"))


def _summary(lines: Sequence[AlertLine], context: Context) -> str:
    moves = [line.move for line in lines if line.outcome == "measured" and line.move is not None]
    if not moves:
        return context.words.say("No outcome of these is measured yet.")
    up = sum(move > 0 for move in moves)
    return context.words.say(
        "After {n} min the price was higher behind {up} of {measured} measured ones. /record has the whole record.",
        n=TOLD_MIN, up=up, measured=len(moves),
    )  # fmt: skip
