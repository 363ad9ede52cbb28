"""The trade tape of an asset in one-second buckets: memory does not depend on the rate."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class
from typing import Any, NamedTuple

from ws_alert.messages import Chart

__all__ = ["KEPT_SECONDS", "Second", "SecondTape"]

KEPT_SECONDS = 300
"""Five minutes: the longest look back of volatility, of taker flow and of a chart."""

_MINUTE_SECONDS = 60
_FEW = 6
"""So many seconds are read one by one quicker than as a slice."""

_LEAST_DRAWN_MS = 60_000

_CELLS = Struct("<4q3d8x")
"""A closed second: bought, sold, longs and shorts liquidated, low, high, last price."""
_SIDES = Struct("<2q48x")
_CENTS = Struct("<q")
_PRICES = Struct("<3d")
_SIZE = _CELLS.size
_WORDS = _SIZE // 8
_BUY, _SELL, _LONG, _SHORT, _LOW = 0, 8, 16, 24, 32
_MOST = 2**63 - 1
_EMPTY = bytearray(_CELLS.pack(0, 0, 0, 0, inf, 0.0, 0.0) * KEPT_SECONDS)


class Second(NamedTuple):
    """Sums of one second: taker buys and sells, liquidated longs and shorts (cents), price of one coin."""

    second: int
    buy: int
    sell: int
    long_usd: int
    short_usd: int
    low: float
    high: float
    last: float


class SecondTape:
    """The last five minutes of an asset.

    second: the Unix second that is open, from_ms to before until_ms; nearly every trade goes to its
    sums: bought, sold (taker cents), longs, shorts (cents of closed positions), low, high, last (price
    of one coin). newest_ms: H of SEMANTICS 3, the newest window time of any event of the asset. Each of the
    300 seconds before it has one place of 64 bytes in a ring, so that a new second reads and writes little memory.

    closed: the second that was open before, -1 if none is kept. buy, sell: taker cents of the 300 seconds;
    minute: both sides' of the 60 before `second`; ended_minute: of the 60 up to the end of `closed`, as they were
    when it closed. passed: a second has closed since the reader last cleared it.
    """

    __slots__ = ("_range", "_ring", "bought", "buy", "closed", "ended_minute", "from_ms", "high", "last", "longs", "low", "minute",
                 "newest_ms", "passed", "second", "sell", "shorts", "sold", "until_ms")  # fmt: skip

    def __init__(self) -> None:
        self.newest_ms = self.from_ms = self.until_ms = 0
        self.second, self.closed = -KEPT_SECONDS, -1
        self.bought = self.sold = self.longs = self.shorts = 0
        self.low = inf
        self.high = self.last = 0.0
        self.buy = self.sell = self.minute = self.ended_minute = 0
        self.passed = False
        self._ring = bytearray(_EMPTY)
        self._range: tuple[int, int, float, float] | None = None

    def open(self, second: int) -> None:
        """Let a Unix second be the open one; all before it close. One that is not later changes nothing."""
        ended = self.second
        if second <= ended:
            return
        if second - ended > KEPT_SECONDS:
            self._ring[:] = _EMPTY
            self.buy = self.sell = self.minute = 0
            self.closed = -1
        else:
            self._close(ended)
            self.closed = ended
            self.ended_minute = self.minute
            if second - ended > 1:
                self._skip(ended + 1, second)
        self.second = second
        self.bought = self.sold = self.longs = self.shorts = 0
        self.low = inf
        self.high = self.last = 0.0
        self.from_ms = start_ms = second * 1000
        self.until_ms = start_ms + 1000
        self.passed = True

    def add(self, second: int, cents: int, *, buy: bool) -> None:
        """Count a taker order in its second, which may have closed already, at most five minutes ago."""
        behind = self.second - second
        if behind <= 0:
            self.open(second)
            if buy:
                self.bought += cents
            else:
                self.sold += cents
        elif behind <= KEPT_SECONDS:
            counted = self._add(second, _BUY if buy else _SELL, cents)
            if buy:
                self.buy += counted
            else:
                self.sell += counted
            if behind <= _MINUTE_SECONDS:
                self.minute += counted

    def force(self, second: int, cents: int, long: bool) -> None:
        """Count a liquidation in its second like `add`; long: of the closed position."""
        if second < self.second:
            if self.second - second <= KEPT_SECONDS:
                self._add(second, _LONG if long else _SHORT, cents)
            return
        if second > self.second:
            self.open(second)
        if long:
            self.longs += cents
        else:
            self.shorts += cents

    def price(self, second: int, price: float) -> None:
        """Note a price of one coin within a second, which may have closed already."""
        behind = self.second - second
        if behind <= 0:
            self.open(second)
            self.low = min(self.low, price)
            self.high = max(self.high, price)
            self.last = price
        elif behind <= KEPT_SECONDS:
            at = second % KEPT_SECONDS * _SIZE + _LOW
            low, high, _ = _PRICES.unpack_from(self._ring, at)
            _PRICES.pack_into(self._ring, at, min(low, price), max(high, price), price)
            self._range = None

    def flow(self, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the 300 seconds before the second `until`.

        until: not before the open second.
        """
        if until == self.second:
            return self.buy, self.sell
        return self._sides(until, KEPT_SECONDS)

    def minute_sides(self, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the 60 seconds before the second `until`."""
        return self._sides(until, _MINUTE_SECONDS)

    def range_percent(self, newest_ms: int, span_ms: int = KEPT_SECONDS * 1000) -> float | None:
        """Return (high - low) / last price of the span before `newest_ms` in percent, None without a price."""
        if newest_ms // 1000 == self.second and self.last:
            low, high = self._closed_range((newest_ms - span_ms) // 1000)
            return (max(high, self.high) - min(low, self.low)) / self.last * 100
        rows = self._priced(newest_ms - span_ms, newest_ms)
        if not rows:
            return None
        low, high = min(row.low for row in rows), max(row.high for row in rows)
        return (high - low) / rows[-1].last * 100

    def extremes(self, newest_ms: int, span_ms: int) -> tuple[int, float, int, float]:
        """Return the second and the price of the lowest and of the highest trade of the span; it must hold one."""
        last = newest_ms // 1000
        first = max((newest_ms - span_ms) // 1000 + 1, self.second - KEPT_SECONDS)
        lows, highs = self._prices(first, min(last + 1, self.second))
        if last >= self.second:
            lows.append(self.low)
            highs.append(self.high)
        low, high = min(lows), max(highs)
        return first + lows.index(low), low, first + highs.index(high), high

    def move(self, after_ms: int, to_ms: int, known_ms: int = 0) -> tuple[float | None, float | None]:
        """Return the last price known before the span and the last one in it; None where there is none.

        known_ms: nothing up to then is looked at.
        """
        inside = self._priced(max(after_ms, known_ms), to_ms)
        before = self._priced(max(after_ms - KEPT_SECONDS * 1000, known_ms), after_ms)
        start = before[-1].last if before else (inside[0].low + inside[0].high) / 2 if inside else None
        return start, (inside[-1].last if inside else None)

    def chart(self, to_ms: int, *, orders: bool, bucket_s: int = 5, known_ms: int = 0) -> Chart:
        """Return what a picture draws: the last five minutes, or less where less is known, and nothing up to `known_ms`."""
        price: dict[int, tuple[int, float, float, float]] = {}
        bars: dict[int, tuple[int, int, int]] = {}
        rows = self._between(max(to_ms - KEPT_SECONDS * 1000, known_ms), to_ms)
        first_ms = (rows[0].second - bucket_s) * 1000 if rows else to_ms
        for row in rows:
            opened = row.second // bucket_s * bucket_s * 1000
            if row.last:
                _, low, high, _ = price.get(opened, (0, row.low, row.high, 0.0))
                price[opened] = (opened, min(low, row.low), max(high, row.high), row.last)
            up, down = (row.buy, row.sell) if orders else (row.short_usd, row.long_usd)
            if up or down:
                _, ups, downs = bars.get(opened, (0, 0, 0))
                bars[opened] = (opened, ups + up, downs + down)
        return Chart(
            from_ms=max(to_ms - KEPT_SECONDS * 1000, min(first_ms, to_ms - _LEAST_DRAWN_MS)),
            to_ms=to_ms,
            bucket_ms=bucket_s * 1000,
            price=tuple(price.values()),
            bars=tuple(bars.values()),
            bars_are="orders" if orders else "liquidations",
        )

    def _closed_range(self, after: int) -> tuple[float, float]:
        """Return low and high of the seconds after `after` and before the open one; one look a second."""
        second = self.second
        if self._range is None or self._range[:2] != (after, second):
            lows, highs = self._prices(max(after + 1, second - KEPT_SECONDS), second)
            self._range = (after, second, min(lows, default=inf), max(highs, default=0.0))
        return self._range[2:]

    def _priced(self, after_ms: int, to_ms: int) -> list[Second]:
        return [row for row in self._between(after_ms, to_ms) if row.last]

    def _between(self, after_ms: int, to_ms: int) -> list[Second]:
        """Return the kept seconds after one time up to another in which anything happened, five minutes at most."""
        last = to_ms // 1000
        first = max(after_ms // 1000, last - KEPT_SECONDS) + 1
        first, end = max(first, self.second - KEPT_SECONDS), min(last + 1, self.second)
        rows = [
            Second(second, *cells)
            for second, cells in enumerate(self._kept(first, end), first)
            if cells[6] or any(cells[:4])
        ]
        if first <= self.second <= last:
            rows.append(
                Second(
                    self.second,
                    self.bought,
                    self.sold,
                    self.longs,
                    self.shorts,
                    self.low,
                    self.high,
                    self.last,
                )
            )
        return rows

    def _sides(self, until: int, span: int) -> tuple[int, int]:
        buy, sell = self._summed(max(until - span, self.second - KEPT_SECONDS), min(until, self.second))
        if until - span <= self.second < until:
            return buy + self.bought, sell + self.sold
        return buy, sell

    def _summed(self, first: int, end: int) -> tuple[int, int]:
        """Return bought and sold of the seconds of [first, end), read as `_kept` reads them."""
        if first >= end:
            return 0, 0
        at, until = first % KEPT_SECONDS * _WORDS, end % KEPT_SECONDS * _WORDS
        cells = memoryview(self._ring).cast("q")
        if at < until:
            return sum(cells[at:until:_WORDS]), sum(cells[at + 1 : until : _WORDS])
        buy = sum(cells[at::_WORDS]) + sum(cells[:until:_WORDS])
        return buy, sum(cells[at + 1 :: _WORDS]) + sum(cells[1:until:_WORDS])

    def _prices(self, first: int, end: int) -> tuple[list[float], list[float]]:
        """Return low and high of the seconds of [first, end), read as `_kept` reads them; without a price inf and 0."""
        if first >= end:
            return [], []
        at, until = first % KEPT_SECONDS * _WORDS, end % KEPT_SECONDS * _WORDS
        cells = memoryview(self._ring).cast("d")
        if at < until:
            return list(cells[at + 4 : until : _WORDS]), list(cells[at + 5 : until : _WORDS])
        lows = list(cells[at + 4 :: _WORDS]) + list(cells[4:until:_WORDS])
        return lows, list(cells[at + 5 :: _WORDS]) + list(cells[5:until:_WORDS])

    def _kept(self, first: int, end: int) -> Iterator[tuple[Any, ...]]:
        """Yield the cells of each second of [first, end), of which none may be open or lost.

        A second to come reads as the one 300 before it.
        """
        at, until = first % KEPT_SECONDS * _SIZE, end % KEPT_SECONDS * _SIZE
        if first >= end:
            return
        if at < until:
            yield from _CELLS.iter_unpack(self._ring[at:until])
        else:
            yield from _CELLS.iter_unpack(self._ring[at:])
            yield from _CELLS.iter_unpack(self._ring[:until])

    def _close(self, ended: int) -> None:
        """Let the open second take the place of the one 300 before it, which leaves the sums."""
        ring, at = self._ring, ended % KEPT_SECONDS * _SIZE
        bought, sold = self.bought, self.sold
        left_buy, left_sell = _SIDES.unpack_from(ring, at)
        then_buy, then_sell = _SIDES.unpack_from(ring, (ended - _MINUTE_SECONDS) % KEPT_SECONDS * _SIZE)
        try:
            _CELLS.pack_into(ring, at, bought, sold, self.longs, self.shorts, self.low, self.high, self.last)
        except StructError:
            bought, sold = min(bought, _MOST), min(sold, _MOST)
            longs, shorts = min(self.longs, _MOST), min(self.shorts, _MOST)
            _CELLS.pack_into(ring, at, bought, sold, longs, shorts, self.low, self.high, self.last)
        self.buy += bought - left_buy
        self.sell += sold - left_sell
        self.minute += bought + sold - then_buy - then_sell

    def _skip(self, first: int, end: int) -> None:
        """Let the seconds of [first, end) close, in which nothing happened."""
        ring = self._ring
        if end - first <= _FEW:
            for second in range(first, end):
                buy, sell = _SIDES.unpack_from(ring, second % KEPT_SECONDS * _SIZE)
                self.buy -= buy
                self.sell -= sell
                buy, sell = _SIDES.unpack_from(ring, (second - _MINUTE_SECONDS) % KEPT_SECONDS * _SIZE)
                self.minute -= buy + sell
        else:
            if self.minute:
                buy, sell = self._summed(first - _MINUTE_SECONDS, min(end - _MINUTE_SECONDS, first))
                self.minute -= buy + sell
            buy, sell = self._summed(first, end)
            self.buy -= buy
            self.sell -= sell
        at, until = first % KEPT_SECONDS * _SIZE, end % KEPT_SECONDS * _SIZE
        if at < until:
            ring[at:until] = _EMPTY[at:until]
        else:
            ring[at:], ring[:until] = _EMPTY[at:], _EMPTY[:until]

    def _add(self, second: int, cell: int, cents: int) -> int:
        """Add to one sum of a second that has closed; return the cents that it took."""
        at = second % KEPT_SECONDS * _SIZE + cell
        (before,) = _CENTS.unpack_from(self._ring, at)
        after = min(before + cents, _MOST)
        _CENTS.pack_into(self._ring, at, after)
        return int(after - before)
