"""What the alert bot recorded itself, in the words of the command bot.

The tape knows what it does not know: every block says since when it was kept and how
much of the time the feeds were complete. Nothing recorded is not zero.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.answers import (
    ALERT_BOT,
    TAPE,
    Block,
    Candle,
    HeatMap,
    LiquidationBar,
    Liquidations,
    Market,
    MarketRow,
    MissingError,
    Reason,
    Single,
    Span,
    Storms,
    VenueSides,
    WhaleTrade,
    WhaleTrades,
)
from bot.sources.derived import BARS
from teleglas import numbers
from teleglas.cache import TtlCache
from teleglas.market import PositionSide, TakerSide
from teleglas.market_view import MarketView, view
from teleglas.storage import notes, tape
from teleglas.storage.market import FAMILY, market_rows
from teleglas.storage.store import StoreUnavailable
from teleglas.storage.tape import Coverage
from teleglas.storage.thread import StoreThread
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Event
from teleglas.venue_names import venue_name
from teleglas.venues.quotes import MINUTES

__all__ = ["SPANS_MS", "TapeSource"]

P = ParamSpec("P")
T = TypeVar("T")

SPANS_MS = {"1h": 3_600_000, "4h": 14_400_000, "12h": 43_200_000, "24h": 86_400_000, "7d": 604_800_000}
"""Length of time -> ms."""

_BUCKETS_MS = {window: MINUTES[period] * MINUTE_MS for window, (period, _) in BARS.items()}
_LIQUIDATION_SPANS = ("1h", "4h", "12h", "24h")
_KEPT_S = 3.0
_OLD_MS = 180_000
_SILENT_MS = 60_000
_TOP = 10
_SHOWN = 25
_MOST_EVENTS = 20_000
_EVERY_COIN_USD = 500_000.0
_HEAT_ROWS, _HEAT_COLUMNS = 36, 48


def _kept(
    question: Callable[Concatenate[TapeSource, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[TapeSource, P], Coroutine[Any, Any, T]]:
    """Ask the database once for all who ask the same within a few seconds."""

    async def ask(self: TapeSource, /, *about: P.args, **named: P.kwargs) -> T:
        key = (question.__name__, *about, *sorted(named.items()))
        kept = await self.kept.get(key, _KEPT_S, lambda: question(self, *about, **named))
        return kept.value

    return ask


class TapeSource:
    """Reads the database that the alert bot writes. wall_ms: Unix ms. kept: answers of the last few seconds."""

    def __init__(
        self, store: StoreThread, wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._store = store
        self._wall_ms = wall_ms
        self.kept = TtlCache()

    async def close(self) -> None:
        """Give up what is under way; the store stays the caller's."""
        await self.kept.close()

    @_kept
    async def liquidations(self, coin: str) -> Block[Liquidations]:
        """Return what was recorded within each length of time, with the largest single one of 24 h.

        Of the lengths that the record does not cover the shortest stands for all, as what it is.
        """
        known, end = await self._record("liquidations", "24h")
        spans: list[Span] = []
        for window in _LIQUIDATION_SPANS:
            name, complete = _window(window, known, end)
            if not complete and spans and end - known.since_ms <= SPANS_MS[spans[-1].window] + MINUTE_MS:
                break  # it would tell the same once more
            bars = await self._store.run(tape.bars, LIQUIDATION, end - SPANS_MS[window], end, asset=coin)
            venues = _by_venue(bars)
            longs, shorts = sum(row.long_usd for row in venues), sum(row.short_usd for row in venues)
            spans.append(Span(name, longs, shorts, venues, complete))
            if not complete:
                break
        found = Liquidations(tuple(spans), await self.largest(coin))
        return self._block(found, known)

    @_kept
    async def largest(self, coin: str) -> Single | None:
        """Return the largest forced order of 24 h, None if none was recorded."""
        try:
            known, end = await self._record("liquidations", "24h")
        except MissingError:
            return None
        from_ms = end - SPANS_MS["24h"]
        top = await self._store.run(tape.largest, LIQUIDATION, from_ms, end, asset=coin)
        if top is None:
            return None
        return Single(
            venue_name(top.venue), top.usd / 100, top.price or None, top.event_ms, PositionSide(top.side),
            max(known.since_ms, from_ms),
        )  # fmt: skip

    @_kept
    async def liquidation_bars(self, coin: str, window: str) -> Block[tuple[LiquidationBar, ...]]:
        """Return bars over a length of time, also the empty ones since the tape began."""
        known, end = await self._record("liquidations", window)
        step = _BUCKETS_MS[window]
        from_ms = end - SPANS_MS[window]
        rows = await self._store.run(tape.bars, LIQUIDATION, from_ms, end, asset=coin, bucket_ms=step)
        sums: dict[tuple[int, str], int] = {}
        for row in rows:
            sums[row.minute_ms, row.side] = sums.get((row.minute_ms, row.side), 0) + row.usd
        first = max(from_ms, known.since_ms) // step * step
        bars = tuple(
            LiquidationBar(at, sums.get((at, "long"), 0) / 100, sums.get((at, "short"), 0) / 100)
            for at in range(first, end, step)
        )
        return self._block(bars, known)

    @_kept
    async def market(self, window: str) -> Block[Market]:
        """Return the coins with the most recorded liquidations."""
        known, end = await self._record("liquidations", window)
        sums: dict[str, list[int]] = {}
        for bar in await self._store.run(tape.bars, LIQUIDATION, end - SPANS_MS[window], end):
            sums.setdefault(bar.asset, [0, 0])[bar.side != "long"] += bar.usd
        rows = [MarketRow(asset, longs / 100, shorts / 100) for asset, (longs, shorts) in sums.items()]
        rows.sort(key=lambda row: -(row.long_usd + row.short_usd))
        totals = sum(row.long_usd for row in rows), sum(row.short_usd for row in rows)
        return self._block(Market(_window(window, known, end)[0], tuple(rows[:_TOP]), *totals), known)

    @_kept
    async def market_view(self, window: str) -> Block[MarketView]:
        """Return the whole market within a length of time, or the part of it that is recorded."""
        known, end = await self._record(FAMILY, window)
        # The minute that goes on belongs to it, so that the newest storm does.
        last_ms = end - end % MINUTE_MS + MINUTE_MS
        from_ms = max(last_ms - SPANS_MS[window], known.since_ms)
        try:
            rows = await market_rows(self._store, from_ms, end, _BUCKETS_MS[window], now_ms=self._wall_ms())
        except StoreUnavailable:
            raise MissingError(Reason.NO_ANSWER, TAPE) from None
        return self._block(await asyncio.to_thread(view, rows), known)

    @_kept
    async def storms(self) -> Block[Storms]:
        """Return the storms that went on when the alert bot last told how it is."""
        said = await self._store.run(notes.heartbeat, notes.ALERT_PROCESS)
        if said is None:
            raise MissingError(Reason.NOT_RECORDED, TAPE)
        if self._wall_ms() - said.at_ms > _SILENT_MS:
            raise MissingError(Reason.NO_ANSWER, ALERT_BOT)
        return Block(said.storms, None, TAPE, as_of_ms=said.at_ms)

    @_kept
    async def whale_trades(self, coin: str | None, min_usd: float | None) -> Block[WhaleTrades]:
        """Return large taker orders of 24 h; min_usd None: all that is recorded, of every coin those of $500K."""
        known, end = await self._record("trades", "24h")
        least = min_usd if min_usd is not None else 0.0 if coin else _EVERY_COIN_USD
        rows = await self._store.run(
            tape.events,
            ORDER,
            end - SPANS_MS["24h"],
            asset=coin,
            min_usd=round(least * 100),
            limit=_MOST_EVENTS,
        )
        from_ms = max(known.since_ms, end - SPANS_MS["24h"])
        if len(rows) == _MOST_EVENTS:
            from_ms = max(from_ms, rows[-1].event_ms)
        trades = [_trade(row) for row in rows]
        top = sorted(trades, key=lambda row: -row.usd)[:_SHOWN]
        bought = sum(row.usd for row in trades if row.side is TakerSide.BUY)
        shown_least = least or min((row.usd for row in trades), default=0.0)
        value = WhaleTrades(tuple(trades[:_SHOWN]), tuple(top), bought, sum(row.usd for row in trades) - bought,
                            len(trades), shown_least, from_ms, end)  # fmt: skip
        return self._block(value, known)

    async def heat(self, coin: str, window: str, candles: Sequence[Candle]) -> Block[HeatMap]:
        """Return where forced orders were recorded, over time and price."""
        known, end = await self._record("liquidations", window)
        from_ms = end - SPANS_MS[window]
        rows = await self._store.run(tape.events, LIQUIDATION, from_ms, asset=coin, limit=_MOST_EVENTS)
        priced = [row for row in rows if row.price > 0]
        if not priced:
            raise MissingError(Reason.EMPTY, TAPE)
        name, _ = _window(window, known, end)
        return self._block(_heat_map(priced, candles, from_ms, end, name), known)

    @_kept
    async def coins(self) -> Block[tuple[str, ...]]:
        """Return the coins that were liquidated within a day, the largest first."""
        known, end = await self._record("liquidations", "24h")
        bars = await self._store.run(tape.bars, LIQUIDATION, end - SPANS_MS["24h"], end)
        sums: dict[str, int] = {}
        for bar in bars:
            sums[bar.asset] = sums.get(bar.asset, 0) + bar.usd
        return self._block(tuple(sorted(sums, key=lambda asset: -sums[asset])), known)

    async def covered(self, window: str) -> str:
        """Return the shortest length of time that shows all that was recorded within `window`."""
        try:
            known, end = await self._record("liquidations", window)
        except MissingError:
            return window
        return next((name for name, ms in SPANS_MS.items() if ms >= end - known.since_ms), window)

    async def _record(self, family: str, window: str) -> tuple[Coverage, int]:
        """Return what was recorded of a length of time, and the time that it ends at (Unix ms).

        That is now, or where an old record ends, since it knows nothing of what came after.
        Raises MissingError if there is no record.
        """
        now = self._wall_ms()
        known = await self._store.run(tape.coverage, family, now - SPANS_MS[window], now)
        if known is not None and now - known.newest_ms <= MINUTE_MS + _OLD_MS:
            return known, now
        older = await self._store.run(tape.coverage, family, now - tape.KEPT_MS, now)
        if older is None:
            raise MissingError(Reason.NOT_RECORDED, TAPE)
        end = older.newest_ms + MINUTE_MS
        return await self._store.run(tape.coverage, family, end - SPANS_MS[window], end) or older, end

    def _block(self, value: T, known: Coverage) -> Block[T]:
        now = self._wall_ms()
        newest = min(now, known.newest_ms + MINUTE_MS)
        return Block(
            value, None, TAPE, tuple(venue_name(name) for name in known.venues), newest,
            stale=now - newest > _OLD_MS, since_ms=known.since_ms, coverage=known.share,
        )  # fmt: skip


def _window(window: str, known: Coverage, end: int) -> tuple[str, bool]:
    """Return a length of time, cut to what is recorded of it, and whether that is all of it."""
    complete = known.since_ms <= end - SPANS_MS[window] + MINUTE_MS
    return window if complete else numbers.window(end - known.since_ms), complete


def _by_venue(bars: Sequence[Bar]) -> tuple[VenueSides, ...]:
    sums: dict[str, list[int]] = {}
    for bar in bars:
        sums.setdefault(bar.venue, [0, 0])[bar.side != "long"] += bar.usd
    rows = [VenueSides(venue_name(name), longs / 100, shorts / 100) for name, (longs, shorts) in sums.items()]
    return tuple(sorted(rows, key=lambda row: -(row.long_usd + row.short_usd)))


def _trade(row: Event) -> WhaleTrade:
    return WhaleTrade(
        venue_name(row.venue), row.asset, TakerSide(row.side), row.usd / 100, row.price, row.event_ms
    )


def _heat_map(
    rows: Sequence[Event], candles: Sequence[Candle], from_ms: int, to_ms: int, window: str
) -> HeatMap:
    inside = tuple(candle for candle in candles if candle.time_ms >= from_ms)
    low = min([row.price for row in rows] + [candle.low for candle in inside])
    high = max([row.price for row in rows] + [candle.high for candle in inside])
    step = (high - low) / _HEAT_ROWS or low * 0.001
    width = (to_ms - from_ms) // _HEAT_COLUMNS
    cells: dict[tuple[int, int], int] = {}
    for row in rows:
        column = min(_HEAT_COLUMNS - 1, max(0, (row.event_ms - from_ms) // width))
        line = min(_HEAT_ROWS - 1, int((row.price - low) / step))
        cells[column, line] = cells.get((column, line), 0) + row.usd
    times = tuple(from_ms + column * width for column in range(_HEAT_COLUMNS))
    prices = tuple(low + (line + 0.5) * step for line in range(_HEAT_ROWS))
    told = tuple((column, line, usd / 100) for (column, line), usd in sorted(cells.items()))
    return HeatMap(times, prices, told, inside, estimated=False, window=window)
