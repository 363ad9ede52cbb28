"""/raw: everything about a coin, on one card."""

from __future__ import annotations

from typing import Any

from bot.answers import COINGLASS, EXCHANGES, Block, Book, Reason, missing
from bot.replies import Overview
from bot.views import pictures
from bot.views.card import Button, Card, Part
from bot.views.figures import funding, percent, price, share, signed_usd, table, usd
from bot.views.origin import Context, Named, footer, missing_line, refresh, sources
from bot.views.pieces import (
    at_price,
    change_24h,
    funding_word,
    headline,
    interest_word,
    main_funding,
    others,
    ratio_line,
    rsi_word,
    span_or_longest,
    tldr,
    verdict_of_spans,
)
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["overview", "overview_picture"]

_CHANGES = ("5m", "15m", "1h", "4h", "24h")
_VENUES = 6


def overview(reply: Overview, context: Context) -> Card:
    """Return the card of /raw."""
    named = _named(reply, context)
    parts = (
        Part(headline(_headline(reply, context))),
        Part(_changes(reply, context)),
        Part(_ranges(reply, context)),
        Part(_venues(reply, context), 3),
        Part(_liquidations(reply, context), 1),
        Part(_lines(reply, context), 1),
        Part(missing_line([*named, *_lacking(reply, context)], context), 2),
        Part(_summary(reply, context)),
        Part(sources(named, context), 4),
        Part(footer(context)),
    )
    return Card(parts, _buttons(reply, context))


def overview_picture(reply: Overview, context: Context) -> Card:
    """Return the picture of /raw with its text alternative."""
    picture = pictures.overview(reply, context)
    parts = (Part(headline(_headline(reply, context))), Part(_summary(reply, context)), Part(footer(context)))
    whole = Button(context.words.say("All figures"), f"+raw {reply.coin}")
    return Card(
        parts, ((refresh(f"raw {reply.coin} chart", context), whole),), picture, key=f"raw {reply.coin}"
    )


def _named(reply: Overview, context: Context) -> list[Named]:
    say = context.words.say
    return [
        (say("price"), reply.price), (say("open interest"), reply.open_interest), (say("volume"), reply.volume),
        (say("funding"), reply.funding), (say("liquidations"), reply.liquidations), (say("ratios"), reply.ratios),
        (say("taker flow"), reply.flow), (say("CVD"), reply.cvd), ("RSI", reply.rsi), (say("order book"), reply.book),
        (say("whale index"), reply.whale_index),
    ]  # fmt: skip


def _lacking(reply: Overview, context: Context) -> list[Named]:
    """Return the parts that an answer came without: passed over they would look as if nobody had asked."""
    say = context.words.say
    found: list[Named] = []
    told, traded = reply.price.value, reply.volume.value
    if told is not None:
        for name, ends in (
            (say("range of 24 h"), (told.low_24h, told.high_24h)),
            (say("range of 7 d"), (told.low_7d, told.high_7d)),
        ):
            if None in ends:
                found.append((name, _nothing_from(reply.price)))
    if traded is not None and traded.spot_usd is None and not reply.volume.gaps:
        found.append((say("spot volume"), _nothing_from(reply.volume)))
    return found


def _nothing_from(block: Block[Any]) -> Block[Any]:
    one = block.venues[0] if len(block.venues) == 1 else EXCHANGES
    return missing(Reason.EMPTY, COINGLASS if block.source == COINGLASS else one)


def _headline(reply: Overview, context: Context) -> str:
    coin = escape(reply.coin)
    at = at_price(reply.price, context)
    return f"{coin} {at}" if at else f"{coin}: " + context.words.say("price not known")


def _changes(reply: Overview, context: Context) -> str:
    moves = reply.price.value.change_percent if reply.price.value else {}
    interest = reply.open_interest.value.change_percent if reply.open_interest.value else {}
    flows = {flow.window: flow.buy_usd - flow.sell_usd for flow in reply.flow.value or ()}
    rows = []
    for window in _CHANGES:
        cells = (moves.get(window), interest.get(window), flows.get(window))
        if cells == (None, None, None):
            continue
        rows.append(
            [
                window,
                "" if cells[0] is None else percent(cells[0]),
                "" if cells[1] is None else percent(cells[1]),
                "" if cells[2] is None else signed_usd(cells[2]),
            ]
        )
    say = context.words.say
    head = ["", say("price"), "OI", say("takers")]
    kept = [at for at in range(4) if at == 0 or any(row[at] for row in rows)]
    return table([[row[at] for at in kept] for row in rows], [head[at] for at in kept])


def _ranges(reply: Overview, context: Context) -> str:
    say = context.words.say
    lines = []
    known = reply.price.value
    if known is not None:
        for window, low, high in (
            ("24h", known.low_24h, known.high_24h),
            ("7d", known.low_7d, known.high_7d),
        ):
            if low is not None and high is not None:
                lines.append(
                    say("{window} low {low}, high {high}", window=window, low=price(low), high=price(high))
                )
    if reply.open_interest.value is not None:
        lines.append(say("Open interest: {usd}", usd=usd(reply.open_interest.value.total_usd)))
    traded = reply.volume.value
    if traded is not None:
        told = [
            say("{kind} {usd}", kind=kind, usd=usd(amount))
            for kind, amount in ((say("futures"), traded.futures_usd), (say("spot"), traded.spot_usd))
            if amount is not None
        ]
        lines.append(say("Volume 24h: {told}", told=Html(" · ".join(told))))
    return "\n".join(lines)


def _venues(reply: Overview, context: Context) -> str:
    """Return open interest and funding side by side, the largest venues first."""
    say = context.words.say
    interest = {
        row.venue: row.usd
        for row in (reply.open_interest.value.by_venue if reply.open_interest.value else ())
    }
    rates = {row.venue: row for row in (reply.funding.value.by_venue if reply.funding.value else ())}
    names = [*interest, *(name for name in rates if name not in interest)][:_VENUES]
    rows = []
    for name in names:
        rate = rates.get(name)
        rows.append(
            [
                name,
                usd(interest[name]) if name in interest else "",
                "" if rate is None or rate.percent_8h is None else funding(rate.percent_8h),
                context.short_time(rate.next_ms) if rate and rate.next_ms else "",
            ]
        )
    head = ["", "OI", say("funding 8h"), say("next")]
    kept = [at for at in range(4) if at == 0 or any(row[at] for row in rows)]
    return table([[row[at] for at in kept] for row in rows], [head[at] for at in kept])


def _liquidations(reply: Overview, context: Context) -> str:
    say = context.words.say
    spans = reply.liquidations.value.spans if reply.liquidations.value else ()
    rows = [
        [span.window, usd(span.long_usd), usd(span.short_usd), share(span.long_usd, span.short_usd)]
        for span in spans
    ]
    drawn = table(rows, ["", say("longs"), say("shorts"), say("longs") + " %"])
    return say("Liquidated") + f"\n{drawn}" if drawn else ""


def _lines(reply: Overview, context: Context) -> str:
    say = context.words.say
    lines = [ratio_line(reply.ratios, context)]
    if reply.cvd.value is not None:
        lines.append(say("CVD 24h: {usd}", usd=signed_usd(reply.cvd.value)))
    if reply.rsi.value:
        told = " · ".join(f"{frame} {value:.0f}" for frame, value in reply.rsi.value.items())
        lines.append(f"RSI 14: {told}")
    if reply.book.value is not None:
        lines.append(_book(reply.book.value, context))
    if reply.whale_index.value is not None:
        lines.append(say("Whale index: {value}", value=f"{reply.whale_index.value:.1f}"))
    return "\n".join(line for line in lines if line)


def _book(book: Book, context: Context) -> str:
    return context.words.say(
        "Book on {venue}: {bid} / {ask}, within {reach} bids {bids}, asks {asks}",
        venue=book.venue, bid=price(book.bid), ask=price(book.ask), reach=f"{min(1.0, book.reach_percent):.2g}%",
        bids=usd(book.bid_1_usd), asks=usd(book.ask_1_usd),
    )  # fmt: skip


def _summary(reply: Overview, context: Context) -> str:
    say = context.words.say
    strength = (reply.rsi.value or {}).get("4h")
    told = ""
    if strength is not None:
        told = say("RSI 4h is {word} ({value}).", word=rsi_word(strength, context), value=f"{strength:.0f}")
    return tldr(
        context,
        interest_word(reply.open_interest, context, change_24h(reply.price)),
        verdict_of_spans(span_or_longest(reply.liquidations, "24h"), context),
        funding_word(main_funding(reply.funding), context),
        told,
    )


def _buttons(reply: Overview, context: Context) -> tuple[tuple[Button, ...], ...]:
    chart = Button(context.words.say("Chart"), f"+raw {reply.coin} chart")
    return (
        (refresh(f"raw {reply.coin}", context), chart),
        others(reply.coin, ("liq", "whale", "oi")),
    )
