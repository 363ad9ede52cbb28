"""Small pieces of sentences that every kind of message shares: plain text, not yet escaped."""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from teleglas import numbers
from ws_alert.messages import Alert, EventRow, FoldedLine, Kind

__all__ = [
    "NOUNS",
    "Words",
    "amount",
    "asset",
    "by_venue",
    "clipped",
    "folded",
    "measured",
    "move",
    "name",
    "normal",
    "possible",
    "price_of",
    "score",
    "side_taken",
    "supported",
    "venue",
    "versus",
    "what",
]

NOUNS = {
    Kind.LARGE_LIQUIDATION: "large liquidation",
    Kind.WHALE_TRADE: "whale trade",
    Kind.LIQUIDATION_STORM: "liquidation",
    Kind.WHALE_CLUSTER: "large order",
    Kind.GLOBAL_RADAR: "event",
    Kind.CANDLE_CONFLUENCE: "confluence",
    Kind.MARKET_CASCADE: "liquidation",
    Kind.STOP_HUNT: "liquidation",
    Kind.ORDER_FLOW: "large order",
    Kind.WHALE_ACCUMULATION_WINDOW: "large order",
    Kind.FUNDING_EXTREME: "venue",
    Kind.OI_DIVERGENCE: "venue",
    Kind.VOLUME_SPIKE: "trade",
}
"""What one counted thing of a kind is called."""

_NAME_CHARS = 24
_LIST_CHARS = 220
_WEEK_H = 168
_WITHOUT_SIDE = (Kind.VOLUME_SPIKE, Kind.OI_DIVERGENCE)
_OPEN_INTEREST = (Kind.FUNDING_EXTREME, Kind.OI_DIVERGENCE)
_LARGE_ORDERS = (Kind.ORDER_FLOW, Kind.WHALE_ACCUMULATION_WINDOW)

_VENUES = {
    "binance": "Binance",
    "bybit": "Bybit",
    "okx": "OKX",
    "coinglass": "CoinGlass",
    "hyperliquid": "Hyperliquid",
    "bitget": "Bitget",
    "gate": "Gate",
    "htx": "HTX",
    "bitmex": "BitMEX",
    "deribit": "Deribit",
    "kraken": "Kraken",
    "dydx": "dYdX",
    "bitfinex": "Bitfinex",
}


class Words(msgspec.Struct, frozen=True):
    """What a picture of the asset's tape says. up: the call-out belongs to the bars above zero."""

    what: str
    subtitle: str
    callout: str
    up: bool


def name(text: str, limit: int = _NAME_CHARS) -> str:
    """Make a venue's or a coin's name fit for one line: no control characters, at most `limit` long."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clipped(clean, limit) or "(unnamed)"


def venue(text: str, limit: int = _NAME_CHARS) -> str:
    """Write a venue as it writes itself: `Binance`, `OKX`; one that is not known stays as it came."""
    return name(_VENUES.get(text, text), limit)


def clipped(text: str, limit: int) -> str:
    """Cut a text to `limit` characters, the last being `…` when something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def asset(alert: Alert) -> str:
    """Return the coin as it opens the first line."""
    return name(alert.asset)


def amount(cents: int, *, sampled: bool) -> str:
    """Write an amount; a sampled feed makes it a lower bound, so it is cut, not rounded. 0 is `nothing`."""
    if cents <= 0:
        return "nothing"
    return f"at least {numbers.usd(cents, cut=True)}" if sampled else numbers.usd(cents)


def possible(price: float | None) -> TypeGuard[float]:
    """Tell whether a market can have traded at this price of one coin."""
    return price is not None and 1e-15 < price < 1e15


def price_of(row: EventRow) -> str:
    """Write a row's price, or say why there is none."""
    return numbers.price(row.price) if possible(row.price) else "a price that the venue did not tell"


def side_taken(side: str) -> str:
    """Turn a taker's side into what was done: `bought` or `sold`."""
    return "bought" if side == "buy" else "sold"


def versus(alert: Alert) -> str:
    """Write how far above its threshold the alert is: `9.1x the $2M threshold`."""
    if alert.threshold_usd <= 0:
        return "no USD threshold applied"
    threshold = numbers.usd_short(alert.threshold_usd)
    return f"{numbers.times(alert.told_usd, alert.threshold_usd)} the {threshold} threshold"


def by_venue(alert: Alert, shown: int = 3) -> str:
    """Write the largest venues' USD: `By venue, at least: Binance $9.10M · OKX $6.20M`."""
    label = _venues_are(alert)
    if not any(cents > 0 for _, cents in alert.venues):
        return f"{label}: unknown, the window held no event when this was written"
    ranked = sorted((pair for pair in alert.venues if pair[1] > 0), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{venue(each)} {numbers.usd(cents, cut=alert.sampled)}" for each, cents in ranked[:shown]]
    if len(ranked) > shown:
        rest = sum(cents for _, cents in ranked[shown:])
        parts.append(f"{len(ranked) - shown} more {numbers.usd(rest, cut=alert.sampled)}")
    return f"{label}{', at least' if alert.sampled else ''}: {' · '.join(parts)}"


def _venues_are(alert: Alert) -> str:
    # Of some kinds the venues' USD are not what the first line adds up.
    if alert.kind in _OPEN_INTEREST:
        return "Open interest by venue"
    if alert.kind in _LARGE_ORDERS:
        return f"Large {'sells' if alert.direction == 'sell' else 'buys'} by venue"
    return "By venue"


def measured(kind: Kind, cents: int, *, cut: bool = False) -> str:
    """Write the USD of a finding as the end of its name: ` $8.10M`; nothing where there is none."""
    if cents <= 0:
        return ""
    of_what = {Kind.FUNDING_EXTREME: "on {} open interest", Kind.OI_DIVERGENCE: "+{}"}.get(kind, "{}")
    return f" {of_what.format(numbers.usd(cents, cut=cut))}"


def folded(lines: tuple[FoldedLine, ...]) -> str:
    """Write what else was found at the same moment as one line."""
    return f"Also: {_as_fits(lines)}"


def supported(lines: tuple[FoldedLine, ...]) -> str:
    """Write which other kinds pointed the same way within the last minute."""
    return f"Also within 60 s: {_as_fits(lines)}"


def what(kind: Kind, direction: str) -> str:
    """Write a kind with its direction, if it has one: `order flow (buy)`, `volume spike`."""
    words = kind.value.replace("_", " ")
    return words if kind in _WITHOUT_SIDE else f"{words} ({name(direction)})"


def normal(alert: Alert) -> str:
    """Write how far above the asset's own normal the alert is; empty where none is kept (SEMANTICS 13)."""
    usual = alert.normal
    if usual is None or usual.usd <= 0 or alert.told_usd <= 0:
        return ""
    span = "7 days" if usual.hours >= _WEEK_H else f"{usual.hours:,} h"
    multiple = numbers.times(alert.told_usd, usual.usd)
    return f"{multiple} its normal ({numbers.usd(usual.usd)}, q99.5 of the last {span})"


def score(alert: Alert) -> str:
    """Write the confidence: a score, never a probability; empty where the kind has none."""
    return "" if alert.score is None else f"score {alert.score:.0f} of 99"


def move(first: float | None, last: float | None, window: str) -> str:
    """Write the price's way through the window, or why it is not known."""
    if not possible(first) or not possible(last):
        return "Price move unknown: no price seen in the window"
    change = numbers.percent((last / first - 1) * 100, signed=True)
    return f"Price {numbers.price(first)} → {numbers.price(last)} ({change}) in {window}"


def _as_fits(lines: tuple[FoldedLine, ...]) -> str:
    """List whole findings, then how many more: an amount that is cut would be another amount."""
    told: list[str] = []
    for line in lines:
        words = _folded(line)
        if told and sum(map(len, told)) + len(words) > _LIST_CHARS:
            break
        told.append(words)
    if len(told) < len(lines):
        told.append(f"{len(lines) - len(told):,} more")
    return "; ".join(told)


def _folded(line: FoldedLine) -> str:
    text = what(line.kind, line.direction) + measured(line.kind, line.usd, cut=True)
    if line.count > 1:
        text += f", {numbers.count(line.count, NOUNS[line.kind])}"
    if line.kind is Kind.FUNDING_EXTREME:
        return text  # its window is the unit of its rates, not a time in which it came
    return f"{text} in {numbers.span(line.window_ms)}" if line.window_ms else text
