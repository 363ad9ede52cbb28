"""The trade tape of an asset in one-second buckets: memory does not depend on the rate."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from struct import Struct
from typing import Any, Final, NamedTuple

from mypy_extensions import i64

from ws_alert.messages import Chart

__all__ = ["KEPT_SECONDS", "Second", "SecondTape"]

KEPT_SECONDS: Final = 300
"""Five minutes: the longest look back of volatility, of taker flow and of a chart."""

_MINUTE_SECONDS: Final = 60
_LEAST_DRAWN_MS: Final = 60_000

_CELLS: Final = Struct("<4q3d8x")
"""A closed second: bought, sold, longs and shorts liquidated, low, high, last price."""
_CENTS: Final = Struct("<q")
_PRICES: Final = Struct("<3d")
_SIZE: Final = 64
_WORDS: Final = 8
_BUY: Final = 0
_SELL: Final = 8
_LONG: Final = 16
_SHORT: Final = 24
_LOW: Final = 32
_MOST: Final = 2**63 - 1
_LARGE: Final = 2**61
"""Compiled code compares numbers below 2**62 without an object; only above it a sum is looked at closely."""
_BLANK: Final = _CELLS.pack(0, 0, 0, 0, inf, 0.0, 0.0)

# looked up once: each is told of every second of every asset
_pack: Final = _CELLS.pack_into
_sides_at: Final = Struct("<2q48x").unpack_from


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
    300 seconds before it has one place of 64 bytes in a ring, so that a new second reads and writes little memory. `_filled`
    names the places in which anything happened, the oldest first; from `_recent` on they lie in the last minute.

    closed: the second that was open before, -1 if none is kept. buy, sell: taker cents of the 300 seconds;
    minute: both sides' of the 60 before `second`; ended_minute: of the 60 up to the end of `closed`, as they were
    when it closed. passed: a second has closed since the reader last cleared it.
    """

    __slots__ = ("_filled", "_range", "_recent", "_ring", "bought", "buy", "closed", "ended_minute", "from_ms", "high", "last", "longs", "low", "minute",
                 "newest_ms", "passed", "second", "sell", "shorts", "sold", "until_ms")  # fmt: skip

    def __init__(self) -> None:
        self.newest_ms: i64 = 0
        self.from_ms: i64 = 0
        self.until_ms: i64 = 0
        self.second: i64 = -KEPT_SECONDS
        self.closed: i64 = -1
        self.bought = self.sold = self.longs = self.shorts = 0
        self.low = inf
        self.high = self.last = 0.0
        self.buy = self.sell = self.minute = self.ended_minute = 0
        self.passed = False
        self._ring = bytearray(_BLANK * KEPT_SECONDS)
        self._filled: list[int] = []
        self._recent = 0
        self._range: tuple[int, int, float, float] | None = None

    def open(self, second: i64) -> None:
        """Let a Unix second be the open one; all before it close. One that is not later changes nothing."""
        ended = self.second
        if second <= ended:
            return
        if second - ended > KEPT_SECONDS:
            self._leave(ended - 1, second)
            self.closed = -1
        else:
            self._close(ended)
            self.closed = ended
            self.ended_minute = self.minute
            if second - ended > 1:
                self._leave(ended, second - 1)
        self.second = second
        self.bought = self.sold = self.longs = self.shorts = 0
        self.low = inf
        self.high = self.last = 0.0
        self.from_ms = second * 1000
        self.until_ms = self.from_ms + 1000
        self.passed = True

    def add(self, second: i64, cents: int, *, buy: bool) -> None:
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

    def force(self, second: i64, cents: int, long: bool) -> None:
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

    def price(self, second: i64, price: float) -> None:
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
            if not high:
                self._fill(second)
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

    def _close(self, ended: i64) -> None:
        """Let the open second take the place of the one 300 before it, which leaves the sums."""
        self._leave(ended - 1, ended)
        bought, sold, longs, shorts = self.bought, self.sold, self.longs, self.shorts
        if not (self.last or bought or sold or longs or shorts):
            return
        place = ended % KEPT_SECONDS
        if bought > _LARGE or sold > _LARGE or longs > _LARGE or shorts > _LARGE:
            bought, sold, longs, shorts = min(bought, _MOST), min(sold, _MOST), min(longs, _MOST), min(shorts, _MOST)
        _pack(self._ring, place * _SIZE, bought, sold, longs, shorts, self.low, self.high, self.last)
        self._filled.append(place)
        self.buy += bought
        self.sell += sold
        self.minute += bought + sold

    def _leave(self, last: i64, newest: i64) -> None:
        """Let go of what lies 300 seconds before `newest`, and out of the minute what lies 60 before it.

        last: the newest second that has a place.
        """
        ring, filled, at = self._ring, self._filled, self._recent
        place: i64
        bought: int
        sold: int
        while at < len(filled):
            place = filled[at]
            if newest - last + (last - place) % KEPT_SECONDS < _MINUTE_SECONDS:
                break
            bought, sold = _sides_at(ring, place * _SIZE)
            self.minute -= bought + sold
            at += 1
        gone = 0
        while gone < at:
            place = filled[gone]
            if newest - last + (last - place) % KEPT_SECONDS < KEPT_SECONDS:
                break
            bought, sold = _sides_at(ring, place * _SIZE)
            self.buy -= bought
            self.sell -= sold
            ring[place * _SIZE : place * _SIZE + _SIZE] = _BLANK
            gone += 1
        if gone:
            del filled[:gone]
        self._recent = at - gone

    def _fill(self, second: i64) -> None:
        """Give a closed second its turn in `_filled`, unless it has it."""
        at = second % KEPT_SECONDS * _SIZE
        if self._ring[at : at + _SIZE] != _BLANK:
            return
        behind, last, turn = self.second - second, self.second - 1, len(self._filled)
        while turn and (last - self._filled[turn - 1]) % KEPT_SECONDS + 1 < behind:
            turn -= 1
        self._filled.insert(turn, second % KEPT_SECONDS)
        self._recent += behind > _MINUTE_SECONDS

    def _add(self, second: i64, cell: int, cents: int) -> int:
        """Add to one sum of a second that has closed; return the cents that it took."""
        at = second % KEPT_SECONDS * _SIZE + cell
        before: int
        (before,) = _CENTS.unpack_from(self._ring, at)
        if not before and cents:
            self._fill(second)
        after = min(before + cents, _MOST)
        _CENTS.pack_into(self._ring, at, after)
        return after - before
