"""Answers in, pictures to draw out; None where there is not enough to draw. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from bot.answers import COINGLASS, Block, Candle, Price
from bot.replies import FundingReply, HeatReply, InterestReply, LiquidationReply, MarketViewReply, Overview
from bot.views.bands import Bands, levels
from bot.views.figures import day_time, percent, price, ratio, usd, zone_name
from bot.views.figures import funding as funding_text
from bot.views.origin import Context, origin
from bot.views.pieces import length, main_funding, span_of
from teleglas import numbers
from teleglas.charts.picture import (
    AnyPicture,
    Clock,
    HeatPicture,
    LinePicture,
    MarketPicture,
    MarketRow,
    OverviewPicture,
    Picture,
    Tile,
)
from teleglas.charts.scale import time_ticks
from teleglas.market_view import MarketView
from teleglas.telegram.text import plain

__all__ = ["funding", "heat", "liquidations", "market", "open_interest", "overview"]

_LEAST_POINTS = 2
_MARKED = 6
_TICKS = 5


def liquidations(reply: LiquidationReply, context: Context) -> AnyPicture | None:
    """Return price candles with bars of liquidations below."""
    context = _charted(context)
    bars = reply.bars.value or ()
    say = context.words.say
    if len(bars) < _LEAST_POINTS:
        return None
    bucket = _step([bar.time_ms for bar in bars])
    from_ms, to_ms = bars[0].time_ms, bars[-1].time_ms + bucket
    largest = max(bars, key=lambda bar: bar.long_usd + bar.short_usd)
    top = largest.long_usd + largest.short_usd
    at = context.short_time(largest.time_ms)
    return Picture(
        title=_title(reply.coin, reply.price.value.price if reply.price.value else None),
        subtitle=plain(say("liquidations since {time}", time=day_time(max(from_ms, reply.bars.since_ms or 0), context.zone))),
        sources=plain(origin(reply.bars, context)),
        footer=_footer(context),
        from_ms=from_ms, to_ms=to_ms, bucket_ms=bucket,
        price=_until_now(_candles(reply.candles.value or (), from_ms, to_ms, bucket), reply.price),
        bars=tuple((bar.time_ms, round(bar.short_usd * 100), round(bar.long_usd * 100)) for bar in bars),
        up=plain(say("shorts")), down=plain(say("longs")),
        # Without any there is nothing to point at: the shade lies outside.
        shade_from_ms=largest.time_ms if top > 0 else from_ms - bucket,
        shade_to_ms=largest.time_ms + bucket if top > 0 else from_ms - bucket,
        callout=plain(say("largest bar {usd} at {time}", usd=usd(top), time=at)) if top > 0 else "",
        callout_up=largest.short_usd > largest.long_usd, simulated=context.simulated, clock=_clock(context, to_ms),
    )  # fmt: skip


def open_interest(reply: InterestReply, context: Context) -> AnyPicture | None:
    """Return the price with open interest below."""
    context = _charted(context)
    points = reply.history.value or ()
    if len(points) < _LEAST_POINTS:
        return None
    from_ms = points[0].time_ms
    to_ms = max(
        points[-1].time_ms, min(context.now_ms, points[-1].time_ms + _step([p.time_ms for p in points]))
    )
    say = context.words.say
    figure = tuple((point.time_ms, point.value) for point in points)
    total = reply.open_interest
    if total.value is not None and not total.stale and _same_venues(total, reply.history):
        figure = _led_to(figure, total.value.total_usd, min(total.as_of_ms, to_ms))
    return LinePicture(
        title=_title(reply.coin, reply.price.value.price if reply.price.value else None),
        subtitle=plain(say("open interest, {window}", window=reply.window)),
        sources=plain(origin(reply.history, context)), footer=_footer(context), from_ms=from_ms, to_ms=to_ms,
        price=_line_until_now(_closes(reply.candles.value or (), from_ms, to_ms), reply.price, to_ms),
        figure=figure, unit="usd",
        name=plain(say("open interest")), latest=usd(figure[-1][1]), simulated=context.simulated, clock=_clock(context, to_ms),
    )  # fmt: skip


def funding(reply: FundingReply, context: Context) -> AnyPicture | None:
    """Return the price with funding below, as bars from zero."""
    context = _charted(context)
    points = reply.history.value or ()
    if len(points) < _LEAST_POINTS:
        return None
    from_ms = points[0].time_ms
    to_ms = points[-1].time_ms + _step([point.time_ms for point in points])
    closes = _closes(reply.candles.value or (), from_ms, to_ms)
    say = context.words.say
    rate = main_funding(reply.funding)
    what = say("funding, {window}", window="7d") if rate is None else say("funding, {window}; now {rate} per 8 h", window="7d", rate=funding_text(rate))  # fmt: skip
    return LinePicture(
        title=_title(reply.coin, closes[-1][1] if closes else None), subtitle=plain(what),
        sources=plain(origin(reply.history, context)), footer=_footer(context), from_ms=from_ms, to_ms=to_ms, price=closes,
        figure=tuple((point.time_ms, point.percent) for point in points), unit="percent", name=plain(say("funding")),
        latest=funding_text(points[-1].percent), as_bars=True, simulated=context.simulated, clock=_clock(context, to_ms),
    )  # fmt: skip


def heat(reply: HeatReply, bands: Bands | None, context: Context) -> AnyPicture | None:
    """Return the heat map with the price over it. bands: its cells in bands, None without a map."""
    context = _charted(context)
    found = reply.heat.value
    if (
        found is None
        or bands is None
        or not found.cells
        or len(found.times_ms) < _LEAST_POINTS
        or len(found.prices) < _LEAST_POINTS
    ):
        return None
    say = context.words.say
    to_ms = found.times_ms[-1] + _step(found.times_ms)
    columns, rows, cells = bands
    most = max(amount for _, _, amount in cells)
    what = say("estimated liquidation levels, {window}", window=found.window) if found.estimated else say(
        "liquidations that happened, {window}", window=found.window)  # fmt: skip
    return HeatPicture(
        title=_title(reply.coin, reply.price.value.price if reply.price.value else None), subtitle=plain(what),
        sources=plain(origin(reply.heat, context)), footer=_footer(context), columns=columns, to_ms=to_ms,
        rows=rows, cells=cells,
        price=_line_until_now(_closes(found.candles, found.times_ms[0], to_ms), reply.price, to_ms), low="$0", high=usd(most),
        marks=tuple((at, f"{price(at)}  {usd(amount)}") for at, amount in levels(bands, estimated=found.estimated)[:_MARKED]), simulated=context.simulated, clock=_clock(context, to_ms),
    )  # fmt: skip


def market(reply: MarketViewReply, context: Context) -> AnyPicture | None:
    """Return what was liquidated in the market by time and by coin; None where nothing was."""
    context = _charted(context)
    seen = reply.view.value
    if seen is None or not seen.usd:
        return None
    say = context.words.say
    total, longs, shorts = (_least(cents, seen) for cents in (seen.usd, seen.long_usd, seen.short_usd))
    busiest, clock = seen.busiest, _clock(context, seen.to_ms)
    return MarketPicture(
        title=plain(say("{usd} liquidated", usd=total)), subtitle=plain(say("the market, {window}", window=length(seen, reply.window))),
        sources=plain(origin(reply.view, context)), footer=_footer(context),
        from_ms=seen.from_ms, to_ms=seen.to_ms, bucket_ms=seen.bucket_ms,
        bars=tuple((bucket.open_ms, bucket.short_usd, bucket.long_usd) for bucket in seen.buckets),
        up=" ".join((plain(say("shorts")), shorts)), down=" ".join((plain(say("longs")), longs)),
        gaps=seen.gaps, gap=plain(say("not recorded")), ticks=tuple(time_ticks(seen.from_ms, seen.to_ms, _TICKS, clock.ahead_ms)), zone=clock.name,
        shade_ms=busiest.open_ms if busiest else None,
        callout=plain(say("most {usd}", usd=_least(busiest.usd, seen))) if busiest else "",
        heading=plain(say("Most liquidated")),
        rows=tuple(MarketRow(part.asset, _least(part.usd, seen), part.short_usd, part.long_usd) for part in seen.top),
        simulated=context.simulated,
    )  # fmt: skip


def _least(cents: int, seen: MarketView) -> str:
    """Write an amount for a picture, where there is no room for the words "at least"."""
    return f"≥ {numbers.usd(cents, cut=True)}" if seen.at_least else numbers.usd(cents)


def overview(reply: Overview, context: Context) -> AnyPicture | None:
    """Return the price of 24 h with tiles of figures."""
    context = _charted(context)
    candles = reply.candles.value or ()
    if len(candles) < _LEAST_POINTS or reply.price.value is None:
        return None
    to_ms = candles[-1].time_ms + _step([candle.time_ms for candle in candles])
    return OverviewPicture(
        title=_title(reply.coin, reply.price.value.price), subtitle=plain(context.words.say("overview, {window}", window="24h")),
        sources=plain(origin(reply.price, context)), footer=_footer(context), from_ms=candles[0].time_ms, to_ms=to_ms,
        price=_line_until_now(_closes(candles, candles[0].time_ms, to_ms), reply.price, to_ms), tiles=tuple(_tiles(reply, context))[:8],
        simulated=context.simulated, clock=_clock(context, to_ms),
    )  # fmt: skip


def _tiles(reply: Overview, context: Context) -> list[Tile]:
    say = context.words.say
    tiles = []
    changes = reply.price.value.change_percent if reply.price.value else {}
    tiles += [
        Tile(window, percent(changes[window]), _tone(changes[window]))
        for window in ("1h", "24h")
        if window in changes
    ]
    if reply.open_interest.value is not None:
        tiles.append(Tile(plain(say("open interest")), usd(reply.open_interest.value.total_usd)))
    rate = main_funding(reply.funding)
    if rate is not None:
        tiles.append(Tile(plain(say("funding 8h")), funding_text(rate)))
    span = span_of(reply.liquidations, "24h")
    if span is not None:
        tiles.append(Tile(plain(say("longs hit 24h")), usd(span.long_usd), -1))
        tiles.append(Tile(plain(say("shorts hit 24h")), usd(span.short_usd), 1))
    accounts = reply.ratios.value.global_account if reply.ratios.value else None
    if accounts is not None:
        tiles.append(Tile(plain(say("long/short")), ratio(accounts, 1)))
    strength = (reply.rsi.value or {}).get("4h")
    if strength is not None:
        tiles.append(Tile("RSI 4h", f"{strength:.0f}"))
    return tiles


def _charted(context: Context) -> Context:
    return msgspec.structs.replace(context, words=context.words.for_charts)


def _clock(context: Context, at_ms: int) -> Clock:
    """Return the reader's zone as it is at a time; an axis over a change to summer time has that of its end."""
    ahead = datetime.fromtimestamp(at_ms // 1000, context.zone).utcoffset() or timedelta(0)
    return Clock(round(ahead.total_seconds()) * 1000, zone_name(context.zone, at_ms))


def _tone(change: float) -> int:
    return (change > 0) - (change < 0)


def _title(coin: str, value: float | None) -> str:
    return coin if value is None else f"{coin} ${price(value)}"


def _footer(context: Context) -> str:
    return context.time(context.now_ms)


def _step(times: Sequence[int]) -> int:
    """Return the shortest distance of neighbours, at least a second."""
    return max(1000, min((after - before for before, after in pairwise(times)), default=60_000))


def _closes(candles: Sequence[Candle], from_ms: int, to_ms: int) -> tuple[tuple[int, float], ...]:
    step = _step([candle.time_ms for candle in candles])
    return tuple(
        (candle.time_ms + step // 2, candle.close)
        for candle in candles
        if from_ms <= candle.time_ms + step // 2 <= to_ms and _sound(candle)
    )


def _candles(
    candles: Sequence[Candle], from_ms: int, to_ms: int, bucket: int
) -> tuple[tuple[int, float, float, float], ...]:
    """Return (open_ms, low, high, close) in the bars' periods."""
    rows: dict[int, tuple[float, float, float]] = {}
    for candle in candles:
        if not (from_ms <= candle.time_ms < to_ms and _sound(candle)):
            continue
        at = from_ms + (candle.time_ms - from_ms) // bucket * bucket
        low, high, _ = rows.get(at, (candle.low, candle.high, candle.close))
        rows[at] = (min(low, candle.low), max(high, candle.high), candle.close)
    return tuple((at, *rows[at]) for at in sorted(rows))


def _until_now(
    rows: tuple[tuple[int, float, float, float], ...], told: Block[Price]
) -> tuple[tuple[int, float, float, float], ...]:
    """Close the last candle at the price that the title tells: both are of now."""
    if not rows or told.value is None or told.stale:
        return rows
    at, low, high, _ = rows[-1]
    now = told.value.price
    return (*rows[:-1], (at, min(low, now), max(high, now), now))


def _line_until_now(
    points: tuple[tuple[int, float], ...], told: Block[Price], to_ms: int
) -> tuple[tuple[int, float], ...]:
    """Lead the line to the price that the title tells, at its time but within the picture."""
    if not points or told.value is None or told.stale:
        return points
    return _led_to(points, told.value.price, min(told.as_of_ms, to_ms))


def _led_to(points: tuple[tuple[int, float], ...], value: float, at: int) -> tuple[tuple[int, float], ...]:
    """End a line at a value of this time, which stands in the words beside it."""
    return (*(point for point in points if point[0] < at), (at, value))


def _same_venues(one: Block[Any], other: Block[Any]) -> bool:
    """Return whether two figures are of the same markets: CoinGlass's totals are of all that it has."""
    if one.source != other.source:
        return False
    return one.source == COINGLASS or set(one.venues) == set(other.venues)


def _sound(candle: Candle) -> bool:
    return all(math.isfinite(value) and value > 0 for value in (candle.low, candle.high, candle.close))
