"""Pieces that several cards share: headlines, one-line figures, and judgements in words."""

from __future__ import annotations

from bot.answers import Block, Funding, Liquidations, OpenInterest, Price, Ratios, Span
from bot.views.card import Button
from bot.views.figures import percent, price, ratio, share, usd
from bot.views.origin import Context
from teleglas import numbers
from teleglas.language import Html
from teleglas.market import PositionSide
from teleglas.market_view import MarketView
from teleglas.telegram.text import escape

__all__ = ["WINDOWS", "at_price", "change_24h", "funding_word", "headline", "interest_word", "length", "main_funding", "others", "price_line", "ratio_line",
           "rsi_word", "side_word", "span_of", "span_or_longest", "tldr", "verdict_of_spans", "window_buttons"]  # fmt: skip

WINDOWS = ("1h", "4h", "12h", "24h")

_LENGTHS_MS = {"1h": 3_600_000, "4h": 14_400_000, "12h": 43_200_000, "24h": 86_400_000}
_SLACK_MS = 120_000
"""A whole length may lack this much: the minute that goes on, and the newest that is not recorded yet."""

_CALM_FUNDING = 0.01
_HOT_FUNDING = 0.03
_EVEN = 0.6
_CLEAR = 0.75
_OVERBOUGHT, _OVERSOLD = 70, 30


def length(seen: MarketView, window: str) -> str:
    """Return the length of time as it was asked, or what of it was recorded."""
    length_ms = seen.to_ms - seen.from_ms
    return window if length_ms >= _LENGTHS_MS[window] - _SLACK_MS else numbers.window(length_ms)


def headline(text: str) -> str:
    """Return the first line: the whole news in one sentence, bold."""
    return f"<b>{text}</b>"


def tldr(context: Context, *sentences: str) -> str:
    """Return the last paragraph: the card in words. Empty sentences are left out."""
    said = " ".join(sentence for sentence in sentences if sentence)
    title = context.words.say("In short")
    return f"<b>{title}:</b> {said}" if said else ""


def at_price(block: Block[Price], context: Context) -> str:
    """Return ` at $97,525.5, +1.20% in 24 h`, as far as it is known."""
    if block.value is None:
        return ""
    change = block.value.change_percent.get("24h")
    told = price(block.value.price)
    if change is None:
        return context.words.say("at ${price}", price=told)
    return context.words.say("at ${price} ({change} in 24 h)", price=told, change=percent(change))


def price_line(block: Block[Price], context: Context) -> str:
    """Return the price with its change as a line of context; empty if unknown."""
    if block.value is None:
        return ""
    change = block.value.change_percent.get("24h")
    told = price(block.value.price)
    if change is None:
        return context.words.say("Price: ${price}", price=told)
    return context.words.say("Price: ${price} ({change} in 24 h)", price=told, change=percent(change))


def change_24h(block: Block[Price]) -> float | None:
    """Return the change of 24 h in percent."""
    return block.value.change_percent.get("24h") if block.value else None


def span_of(block: Block[Liquidations], window: str) -> Span | None:
    """Return the span of this length of time."""
    spans = block.value.spans if block.value else ()
    return next((span for span in spans if span.window == window), None)


def span_or_longest(block: Block[Liquidations], window: str) -> Span | None:
    """Return the span of this length of time, else the longest that is known."""
    spans = block.value.spans if block.value else ()
    return span_of(block, window) or (spans[-1] if spans else None)


def side_word(side: PositionSide | None, context: Context) -> str:
    """Return what a liquidated or opened position was."""
    words = context.words
    if side is None:
        return words.say("side unknown")
    return words.say("long") if side is PositionSide.LONG else words.say("short")


def verdict_of_spans(span: Span | None, context: Context) -> str:
    """Say which side was hit within a length of time."""
    words = context.words
    if span is None:
        return ""
    total = span.long_usd + span.short_usd
    if total <= 0:
        return words.say("Nothing was liquidated in {window}.", window=span.window)
    larger = max(span.long_usd, span.short_usd)
    facts = {"share": share(larger, total - larger), "total": usd(total), "window": span.window}
    if larger / total < _EVEN:
        return words.say("Both sides were hit alike in {window}: {total} together.", **facts)
    if span.long_usd > span.short_usd:
        return words.say("Longs were hit in {window}: {share} of {total}.", **facts)
    return words.say("Shorts were hit in {window}: {share} of {total}.", **facts)


def funding_word(rate: float | None, context: Context) -> str:
    """Say who pays whom, from a rate in percent per 8 h."""
    words = context.words
    if rate is None:
        return ""
    told = percent(rate, 4)
    if abs(rate) <= _CALM_FUNDING * 1.0001:
        return words.say("Funding is near its normal ({rate} per 8 h).", rate=told)
    if rate > 0:
        if rate >= _HOT_FUNDING:
            return words.say("Longs pay much to stay ({rate} per 8 h).", rate=told)
        return words.say("Longs pay shorts ({rate} per 8 h).", rate=told)
    return words.say("Shorts pay longs ({rate} per 8 h).", rate=told)


def main_funding(block: Block[Funding]) -> float | None:
    """Return the weighted rate, else that of the largest venue, in percent per 8 h."""
    if block.value is None:
        return None
    if block.value.weighted_8h is not None:
        return block.value.weighted_8h
    return next((row.percent_8h for row in block.value.by_venue if row.percent_8h is not None), None)


def rsi_word(value: float, context: Context) -> str:
    """Say what a relative strength is called."""
    words = context.words
    if value >= _OVERBOUGHT:
        return words.say("overbought")
    return words.say("oversold") if value <= _OVERSOLD else words.say("neutral")


def interest_word(block: Block[OpenInterest], context: Context, move: float | None) -> str:
    """Say what open interest and price do together in 24 h."""
    change = block.value.change_percent.get("24h") if block.value else None
    words = context.words
    if change is None:
        return ""
    told = percent(change)
    if abs(change) < 1:
        return words.say("Open interest hardly moved ({change} in 24 h).", change=told)
    if move is None:
        return words.say("Open interest: {change} in 24 h.", change=told)
    # Positions of both sides are opened and closed together: whose they are is not told.
    said = {
        (True, True): words.say("Positions were added while the price rose ({change} in 24 h).", change=told),
        (True, False): words.say(
            "Positions were added while the price fell ({change} in 24 h).", change=told
        ),
        (False, True): words.say(
            "Positions were closed while the price rose ({change} in 24 h).", change=told
        ),
        (False, False): words.say(
            "Positions were closed while the price fell ({change} in 24 h).", change=told
        ),
    }
    return said[change > 0, move > 0]


def ratio_line(block: Block[Ratios], context: Context) -> str:
    """Return longs divided by shorts of one venue's accounts."""
    words = context.words
    if block.value is None:
        return ""
    found = block.value
    named = (
        (words.say("accounts"), found.global_account),
        (words.say("top accounts"), found.top_account),
        (words.say("top positions"), found.top_position),
    )
    told = " · ".join(f"{name} {ratio(value, 1)}" for name, value in named if value is not None)
    return words.say("Long/short on {venue}: {told}", venue=found.venue, told=Html(told)) if told else ""


def window_buttons(command: str, windows: tuple[str, ...], chosen: str) -> tuple[Button, ...]:
    """Return a button for each length of time; the chosen one is marked."""
    return tuple(
        Button(f"· {window} ·" if window == chosen else window, f"{command} {window}") for window in windows
    )


def others(coin: str, names: tuple[str, ...]) -> tuple[Button, ...]:
    """Return buttons that open other cards of the same coin."""
    return tuple(Button(f"/{name} {escape(coin)}", f"+{name} {coin}") for name in names)
