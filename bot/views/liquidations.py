"""/liq: what was liquidated, of one coin or in the market."""

from __future__ import annotations

from bot.answers import TAPE, Block, Liquidations, Span
from bot.replies import LiquidationReply, MarketReply
from bot.views import pictures
from bot.views.card import Button, Card, Part
from bot.views.figures import percent, price, ratio, share, table, usd
from bot.views.origin import Context, Named, footer, missing_line, refresh, sources
from bot.views.pieces import (
    WINDOWS,
    at_price,
    headline,
    others,
    price_line,
    side_word,
    span_of,
    span_or_longest,
    tldr,
    verdict_of_spans,
    window_buttons,
)
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["liquidations", "market"]

_VENUES = 5
_BUSY = 3.0


def liquidations(reply: LiquidationReply, context: Context) -> Card:
    """Return the card of /liq COIN."""
    say = context.words.say
    coin = reply.coin
    span = span_or_longest(reply.liquidations, reply.window)
    named: list[Named] = [
        (say("liquidations"), reply.liquidations), (say("price"), reply.price), (say("open interest"), reply.open_interest),
        (say("chart"), reply.bars),
    ]  # fmt: skip
    parts = (
        Part(headline(_headline(coin, span, reply, context))),
        Part(_spans(reply, context)),
        Part(_venues(span, context), 2),
        Part(_largest(reply.liquidations, context), 1),
        Part(_context(reply, context), 1),
        Part(missing_line(named, context), 1),
        Part(_summary(reply, context)),
        Part(sources(named, context), 3),
        Part(footer(context, reply.liquidations)),
    )
    buttons = (
        window_buttons(f"liq {coin}", WINDOWS, reply.window),
        (refresh(f"liq {coin} {reply.window}", context), *others(coin, ("raw", "heat"))),
    )
    details = Button(say("Details"), f"+liq {coin} {reply.window} text")
    return Card(parts, buttons, pictures.liquidations(reply, context), details, f"liq {coin} {reply.window}")


def market(reply: MarketReply, context: Context) -> Card:
    """Return the card of /liq without a coin: the market's largest."""
    say = context.words.say
    found = reply.market.value
    if found is None:
        said = missing_line([(say("liquidations of the market"), reply.market)], context)
        return Card((Part(said), Part(footer(context))), ((refresh(f"liq * {reply.window}", context),),))
    total = found.long_usd + found.short_usd
    head = say("{usd} liquidated in {window}, {share} of it longs", usd=usd(total), window=found.window,
               share=share(found.long_usd, found.short_usd))  # fmt: skip
    rows = [
        [row.coin, usd(row.long_usd), usd(row.short_usd), "" if row.change_percent is None else percent(row.change_percent, 1)]
        for row in found.rows
    ]  # fmt: skip
    titles = ["", say("longs"), say("shorts"), say("price")]
    kept = 4 if any(row[3] for row in rows) else 3
    top = found.rows[0] if found.rows else None
    first = ""
    if top is not None and total > 0:
        part = share(top.long_usd + top.short_usd, total - top.long_usd - top.short_usd)
        first = say("{coin} alone is {share} of it.", coin=top.coin, share=part)
    parts = (
        Part(headline(head)),
        Part(table([row[:kept] for row in rows], titles[:kept])),
        Part(
            tldr(
                context, verdict_of_spans(Span(found.window, found.long_usd, found.short_usd), context), first
            )
        ),
        Part(footer(context, reply.market)),
    )
    coins = tuple(Button(row.coin, f"+liq {row.coin}") for row in found.rows[:4])
    frames = window_buttons("liq *", WINDOWS, reply.window)
    return Card(parts, (frames, coins, (refresh(f"liq * {reply.window}", context),)))


def _headline(coin: str, span: Span | None, reply: LiquidationReply, context: Context) -> str:
    say = context.words.say
    if span is None:
        return say("{coin}: liquidations are not known", coin=coin)
    total = span.long_usd + span.short_usd
    what = {
        "coin": coin,
        "usd": usd(total),
        "window": span.window,
        "at": Html(at_price(reply.price, context)),
    }
    if total <= 0:
        return say("{coin}: nothing liquidated in {window} {at}", **what)
    if span.long_usd >= span.short_usd:
        what["share"] = share(span.long_usd, span.short_usd)
        return say("{coin}: {usd} liquidated in {window}, {share} of it longs {at}", **what)
    what["share"] = share(span.short_usd, span.long_usd)
    return say("{coin}: {usd} liquidated in {window}, {share} of it shorts {at}", **what)


def _spans(reply: LiquidationReply, context: Context) -> str:
    say = context.words.say
    spans = reply.liquidations.value.spans if reply.liquidations.value else ()
    rows = [
        [
            span.window + ("" if span.complete else "*"),
            usd(span.long_usd),
            usd(span.short_usd),
            share(span.long_usd, span.short_usd),
            ratio(span.long_usd, span.short_usd),
        ]
        for span in spans
    ]
    drawn = table(rows, ["", say("longs"), say("shorts"), "L%", "L/S"])
    if any(not span.complete for span in spans):
        drawn += "\n" + say("* since our record began")
    return drawn


def _venues(span: Span | None, context: Context) -> str:
    if span is None or not span.by_venue:
        return ""
    say = context.words.say
    rows = [
        [row.venue, usd(row.long_usd), usd(row.short_usd), share(row.long_usd, row.short_usd)]
        for row in span.by_venue[:_VENUES]
    ]
    return (
        say("By exchange, {window}", window=span.window)
        + "\n"
        + table(rows, ["", say("longs"), say("shorts"), "L%"])
    )


def _largest(block: Block[Liquidations], context: Context) -> str:
    """Return the largest single one; beside another source's sums it is named as of our own record."""
    single = block.value.largest if block.value else None
    if single is None:
        return ""
    say = context.words.say
    facts = {
        "usd": usd(single.usd), "side": Html(side_word(single.side, context)), "venue": single.venue,
        "time": context.short_time(single.time_ms),
    }  # fmt: skip
    if single.price:
        told = say("{usd} {side} on {venue} at ${price}, {time}", price=price(single.price), **facts)
    else:
        told = say("{usd} {side} on {venue}, {time}", **facts)
    if block.source == TAPE:
        return say("Largest: {what}", what=told)
    return say("Largest on our own tape since {time}: {what}", time=context.since(single.since_ms), what=told)


def _context(reply: LiquidationReply, context: Context) -> str:
    lines = [price_line(reply.price, context)]
    interest = reply.open_interest.value
    if interest is not None:
        change = interest.change_percent.get("24h")
        told = usd(interest.total_usd) + ("" if change is None else f" ({percent(change)} 24h)")
        lines.append(context.words.say("Open interest: {usd}", usd=told))
    return "\n".join(line for line in lines if line)


def _summary(reply: LiquidationReply, context: Context) -> str:
    say = context.words.say
    hour, day = span_of(reply.liquidations, "1h"), span_of(reply.liquidations, "24h")
    pace = ""
    if hour is not None and day is not None:
        usual = (day.long_usd + day.short_usd) / 24
        now = hour.long_usd + hour.short_usd
        if usual > 0 and now >= _BUSY * usual:
            pace = say("The last hour is {times}x the average hour of the day.", times=f"{now / usual:.1f}")
    against, part = "", 0.0
    interest = reply.open_interest.value
    if day is not None and interest is not None and interest.total_usd > 0:
        part = (day.long_usd + day.short_usd) / interest.total_usd * 100
    if part > 0:
        against = say("That is {share} of the open interest.", share=f"{part:.2f}%")
    told = verdict_of_spans(span_or_longest(reply.liquidations, "24h"), context)
    return tldr(context, told, pace, escape(against))
