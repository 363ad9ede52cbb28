"""The trade tape of an asset in one-second buckets: memory does not depend on the rate."""

from __future__ import annotations

from math import inf
from struct import Struct

from ws_alert.messages import Chart

__all__ = ["KEPT_SECONDS", "Second", "SecondTape"]

KEPT_SECONDS = 300
"""Five minutes: the longest look back of volatility, of taker flow and of a chart."""

_MINUTE_SECONDS = 60
_LEAST_DRAWN_MS = 60_000

_CELLS = Struct("<5q3d")
"""A closed second: itself, bought, sold, longs and shorts liquidated, low, high, last price."""
_FLOW = Struct("<3q40x")
_FLOW_THEN = Struct("<3q40xq")
"""The flow of a row and the second of the next one."""
_CENTS = Struct("<q")
_PRICES = Struct("<3d")
_SIZE = _CELLS.size
_BUY, _SELL, _LONG, _SHORT, _LOW = 8, 16, 24, 32, 40
_MOST = 2**63 - 1
_NEVER = 1 << 62
_TRIM_AT = 32 * _SIZE


class Second:
    """Sums of one second: taker buys and sells, liquidated longs and shorts (cents), price of one coin."""

    __slots__ = ("buy", "high", "last", "long_usd", "low", "second", "sell", "short_usd")

    def __init__(
        self,
        second: int,
        buy: int = 0,
        sell: int = 0,
        long_usd: int = 0,
        short_usd: int = 0,
        low: float = inf,
        high: float = 0.0,
        last: float = 0.0,
    ) -> None:
        self.second = second
        self.buy = buy
        self.sell = sell
        self.long_usd = long_usd
        self.short_usd = short_usd
        self.low = low
        self.high = high
        self.last = last


class SecondTape:
    """The last five minutes of an asset.

    current: the bucket that nearly every trade goes to, from_ms to before until_ms; always the same
    object. newest_ms: H of SEMANTICS 3, the newest window time of any event of the asset. Seconds that closed
    are one row of 64 bytes each, in their order, so that a new second reads and writes little memory.

    buy, sell: taker cents of the 300 whole seconds before `current`; minute: both sides' of the
    60 before it. passed: a second has closed since the reader last cleared it.
    """

    # _five, _one: where in the log the rows of `buy` and `sell`, and those of `minute`, begin;
    # _first_five, _first_one: the seconds that stand there
    __slots__ = ("_first_five", "_first_one", "_five", "_log", "_one", "_range", "buy", "current", "from_ms", "minute",
                 "newest_ms", "passed", "sell", "until_ms")  # fmt: skip

    def __init__(self) -> None:
        self.newest_ms = self.from_ms = self.until_ms = 0
        self.buy = self.sell = self.minute = 0
        self.passed = False
        self.current = Second(-1)
        self._log = bytearray()
        self._five = self._one = 0
        self._first_five = self._first_one = _NEVER
        self._range: tuple[int, int, float, float] | None = None

    @property
    def closed(self) -> int:
        """The last kept second before the current one, -1 without any."""
        log = self._log
        return int(_CENTS.unpack_from(log, len(log) - _SIZE)[0]) if log else -1

    def open(self, second: int) -> Second:
        """Return the bucket of a Unix second that is not before the current one; all before it close."""
        row = self.current
        if second > row.second:
            self._close(row, second)
            row.second = second
            row.buy = row.sell = row.long_usd = row.short_usd = 0
            row.low = inf
            row.high = row.last = 0.0
            self.from_ms = start_ms = second * 1000
            self.until_ms = start_ms + 1000
            self.passed = True
        return row

    def add(self, second: int, cents: int, *, buy: bool) -> None:
        """Count a taker order in its second, which may have closed already, at most a minute ago."""
        behind = self.current.second - second
        if behind <= 0:
            row = self.open(second)
            if buy:
                row.buy += cents
            else:
                row.sell += cents
            return
        self._add(second, _BUY if buy else _SELL, cents)
        if behind <= KEPT_SECONDS:
            if buy:
                self.buy += cents
            else:
                self.sell += cents
            if behind <= _MINUTE_SECONDS:
                self.minute += cents

    def force(self, second: int, cents: int, *, long: bool) -> None:
        """Count a liquidation in its second like `add`; long: of the closed position."""
        if second < self.current.second:
            self._add(second, _LONG if long else _SHORT, cents)
            return
        row = self.open(second)
        if long:
            row.long_usd += cents
        else:
            row.short_usd += cents

    def price(self, second: int, price: float) -> None:
        """Note a price of one coin within a second, which may have closed already."""
        if second < self.current.second:
            at = self._row(second) + _LOW
            low, high, _ = _PRICES.unpack_from(self._log, at)
            _PRICES.pack_into(self._log, at, min(low, price), max(high, price), price)
            self._range = None
            return
        row = self.open(second)
        row.low = min(row.low, price)
        row.high = max(row.high, price)
        row.last = price

    def flow(self, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the 300 seconds before the second `until`.

        until: not before the current second.
        """
        current = self.current
        if until == current.second:
            return self.buy, self.sell
        if until - current.second > KEPT_SECONDS:
            return 0, 0
        buy, sell = self.buy + current.buy, self.sell + current.sell
        if self._first_five < until - KEPT_SECONDS:
            _, _, bought, sold = self._leaving(self._five, until - KEPT_SECONDS)
            return buy - bought, sell - sold
        return buy, sell

    def minute_sides(self, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the 60 seconds before the second `until`."""
        first, buy, sell = until - _MINUTE_SECONDS, 0, 0
        for second, bought, sold in _FLOW.iter_unpack(self._log[self._from(first) :]):
            if second < until:
                buy += bought
                sell += sold
        current = self.current
        if first <= current.second < until:
            return buy + current.buy, sell + current.sell
        return buy, sell

    def range_percent(self, newest_ms: int, span_ms: int = KEPT_SECONDS * 1000) -> float | None:
        """Return (high - low) / last price of the span before `newest_ms` in percent, None without a price."""
        current, last = self.current, newest_ms // 1000
        if last == current.second and current.last:
            low, high = self._closed_range((newest_ms - span_ms) // 1000)
            return (max(high, current.high) - min(low, current.low)) / current.last * 100
        rows = self._priced(newest_ms - span_ms, newest_ms)
        if not rows:
            return None
        low, high = min(row.low for row in rows), max(row.high for row in rows)
        return (high - low) / rows[-1].last * 100

    def move(self, after_ms: int, to_ms: int) -> tuple[float | None, float | None]:
        """Return the last price known before the span and the last one in it; None where there is none."""
        inside = self._priced(after_ms, to_ms)
        before = self._priced(after_ms - KEPT_SECONDS * 1000, after_ms)
        start = before[-1].last if before else (inside[0].low + inside[0].high) / 2 if inside else None
        return start, (inside[-1].last if inside else None)

    def chart(self, to_ms: int, *, orders: bool, bucket_s: int = 5) -> Chart:
        """Return what a picture draws: the last five minutes, or less where less is known."""
        price: dict[int, tuple[int, float, float, float]] = {}
        bars: dict[int, tuple[int, int, int]] = {}
        rows = self._between(to_ms - KEPT_SECONDS * 1000, to_ms)
        known_ms = (rows[0].second - bucket_s) * 1000 if rows else to_ms
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
            from_ms=max(to_ms - KEPT_SECONDS * 1000, min(known_ms, to_ms - _LEAST_DRAWN_MS)),
            to_ms=to_ms,
            bucket_ms=bucket_s * 1000,
            price=tuple(price.values()),
            bars=tuple(bars.values()),
            bars_are="orders" if orders else "liquidations",
        )

    def _closed_range(self, after: int) -> tuple[float, float]:
        """Return low and high of the seconds after `after` and before the current one; one look a second."""
        second = self.current.second
        if self._range is None or self._range[:2] != (after, second):
            rows = self._priced(after * 1000, second * 1000 - 1)
            low = min((row.low for row in rows), default=inf)
            high = max((row.high for row in rows), default=0.0)
            self._range = (after, second, low, high)
        return self._range[2:]

    def _between(self, after_ms: int, to_ms: int) -> list[Second]:
        """Return the kept seconds after one time up to another, five minutes of them at most."""
        last = to_ms // 1000
        first = max(after_ms // 1000, last - KEPT_SECONDS)
        log = self._log[self._from(first + 1) :]
        rows = [Second(*cells) for cells in _CELLS.iter_unpack(log) if cells[0] <= last]
        current = self.current
        if first < current.second <= last:
            rows.append(
                Second(
                    current.second, current.buy, current.sell, current.long_usd, current.short_usd,
                    current.low, current.high, current.last,
                )
            )  # fmt: skip
        return rows

    def _from(self, first: int) -> int:
        """Return the place of the log where the kept seconds from `first` on begin."""
        log, at = self._log, len(self._log)
        while at > self._five and _CENTS.unpack_from(log, at - _SIZE)[0] >= first:
            at -= _SIZE
        return at

    def _priced(self, after_ms: int, to_ms: int) -> list[Second]:
        return [row for row in self._between(after_ms, to_ms) if row.last]

    def _close(self, row: Second, second: int) -> None:
        """Let the current second join the log and the sums; let what is too old at `second` leave them."""
        ended, buy, sell, log = row.second, row.buy, row.sell, self._log
        if second - ended > KEPT_SECONDS:
            log.clear()
            self.buy = self.sell = self.minute = self._five = self._one = 0
            self._first_five = self._first_one = _NEVER
            return
        if self._first_five == _NEVER:
            self._first_five = ended
        if self._first_one == _NEVER:
            self._first_one = ended
        forced = row.long_usd, row.short_usd
        if max(buy, sell, *forced) > _MOST:
            log += _CELLS.pack(
                ended, *(min(cents, _MOST) for cents in (buy, sell, *forced)), row.low, row.high, row.last
            )
        else:
            log += _CELLS.pack(ended, buy, sell, *forced, row.low, row.high, row.last)
        self.minute += buy + sell
        self.buy += buy
        self.sell += sell
        edge = second - _MINUTE_SECONDS
        if self._first_one < edge:
            self._one, self._first_one, buy, sell = self._leaving(self._one, edge)
            self.minute -= buy + sell
        edge = second - KEPT_SECONDS
        if self._first_five < edge:
            self._five, self._first_five, buy, sell = self._leaving(self._five, edge)
            self.buy -= buy
            self.sell -= sell
            if self._five > _TRIM_AT:
                del log[: self._five]
                self._one -= self._five
                self._five = 0

    def _leaving(self, at: int, edge: int) -> tuple[int, int, int, int]:
        """Sum what lies before the second `edge` from a place of the log on; the row there does.

        Returns the place where the rest begins, the second that stands there, and the cents bought and sold.
        """
        log, last, buy, sell = self._log, len(self._log) - _SIZE, 0, 0
        while at < last:
            _, bought, sold, then = _FLOW_THEN.unpack_from(log, at)
            buy += bought
            sell += sold
            at += _SIZE
            if then >= edge:
                return at, then, buy, sell
        _, bought, sold = _FLOW.unpack_from(log, at)
        return at + _SIZE, _NEVER, buy + bought, sell + sold

    def _add(self, second: int, cell: int, cents: int) -> None:
        """Add to one cell of a second that has closed."""
        at = self._row(second) + cell
        (before,) = _CENTS.unpack_from(self._log, at)
        _CENTS.pack_into(self._log, at, min(before + cents, _MOST))

    def _row(self, second: int) -> int:
        """Return the place of a closed second in the log, making room for it if nothing happened in it before."""
        log, at = self._log, len(self._log)
        while at > self._five:
            (found,) = _CENTS.unpack_from(log, at - _SIZE)
            if found == second:
                return at - _SIZE
            if found < second:
                break
            at -= _SIZE
        log[at:at] = _CELLS.pack(second, 0, 0, 0, 0, inf, 0.0, 0.0)
        if at <= self._five and second < self.current.second - KEPT_SECONDS:
            self._five += _SIZE
        else:
            self._first_five = min(self._first_five, second)
        if at < self._one or second < self.current.second - _MINUTE_SECONDS:
            self._one += _SIZE
        else:
            self._first_one = min(self._first_one, second)
        return at
