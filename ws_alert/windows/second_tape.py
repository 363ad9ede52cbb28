"""The trade tape of an asset in one-second buckets: memory does not depend on the rate."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from struct import Struct

from ws_alert.messages import Chart

__all__ = ["KEPT_SECONDS", "Second", "SecondTape"]

KEPT_SECONDS = 300
"""Five minutes: the longest look back of volatility and of a chart."""

_LEAST_DRAWN_MS = 60_000

_OPEN_SECONDS = 62
"""So late a trade may still come (SEMANTICS 3); what is older is packed."""

_FLOW_SECONDS = 300
_MINUTE_SECONDS = 60

_RING_SECONDS = KEPT_SECONDS + 1
"""One more than is shown: the second that leaves the sums when a new one begins."""

_FEW = 72
"""An asset that trades in fewer of its seconds takes less memory without the packed ones."""

_PACKED = Struct("<5q3d")
_PACKED_SUMS = Struct("<3q")
"""How `_PACKED` begins: the second, bought and sold."""
_MOST = 2**63 - 1
_NOTHING = (0, 0)


class Second:
    """Sums of one second: taker buys and sells, liquidated longs and shorts (cents), price of one coin."""

    __slots__ = ("buy", "high", "last", "long_usd", "low", "second", "sell", "short_usd")

    def __init__(self, second: int) -> None:
        self.second = second
        self.buy = 0
        self.sell = 0
        self.long_usd = 0
        self.short_usd = 0
        self.low = inf
        self.high = 0.0
        self.last = 0.0


class SecondTape:
    """The last five minutes of an asset.

    current: the bucket that nearly every trade goes to, from_ms to before until_ms. newest_ms: H of
    SEMANTICS 3, the newest window time of any event of the asset. Of an asset that trades nearly every
    second, the seconds that no late trade can reach any more are packed into a ring of 64
    bytes each, a fifth of what they take as objects.

    buy, sell: taker cents of the 300 whole seconds before `current`; minute: both sides' of the
    60 before it. passed: a second has closed since the reader last cleared it.
    """

    __slots__ = ("_range", "_ring", "_rows", "buy", "current", "from_ms", "minute", "newest_ms", "passed", "sell",
                 "until_ms")  # fmt: skip

    def __init__(self) -> None:
        self.newest_ms = self.from_ms = self.until_ms = 0
        self.buy = self.sell = self.minute = 0
        self.passed = False
        self._range: tuple[int, int, float, float] | None = None
        self.current = Second(-1)
        self._rows: dict[int, Second] = {}
        self._ring = bytearray()

    def at(self, second: int) -> Second:
        """Return the bucket of a Unix second at most a minute behind the newest, making it if it is new."""
        rows = self._rows
        row = rows.get(second)
        if row is None:
            row = Second(second)
            if second <= self.current.second:
                rows[second] = row
                return row
            self._pass(second)
            self.current = rows[second] = row
            self.from_ms = start_ms = second * 1000
            self.until_ms = start_ms + 1000
            if next(iter(rows)) < second - KEPT_SECONDS or len(rows) > _FEW:
                self._forget(second)
        return row

    def add(self, second: int, cents: int, *, buy: bool) -> None:
        """Count a taker order in its second, which may have closed already."""
        row = self.current if second == self.current.second else self.at(second)
        if buy:
            row.buy += cents
        else:
            row.sell += cents
        behind = self.current.second - second
        if 0 < behind <= _FLOW_SECONDS:
            if buy:
                self.buy += cents
            else:
                self.sell += cents
            if behind <= _MINUTE_SECONDS:
                self.minute += cents

    def price(self, second: int, price: float) -> None:
        """Note a price of one coin within a second."""
        row = self.current if second == self.current.second else self.at(second)
        row.low = min(row.low, price)
        row.high = max(row.high, price)
        row.last = price
        if row is not self.current:
            self._range = None

    def flow(self, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the 300 seconds before the second `until`.

        until: not before the current second.
        """
        current = self.current
        if until == current.second:
            return self.buy, self.sell
        if until - current.second > _FLOW_SECONDS:
            return 0, 0
        buy, sell = self._sums(current.second - _FLOW_SECONDS, until - _FLOW_SECONDS)
        return self.buy + current.buy - buy, self.sell + current.sell - sell

    def minute_sides(self, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the 60 seconds before the second `until`."""
        return self._sums(until - _MINUTE_SECONDS, until)

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

    def _closed_range(self, after: int) -> tuple[float, float]:
        """Return low and high of the seconds after `after` and before the current one; one look a second."""
        second = self.current.second
        if self._range is None or self._range[:2] != (after, second):
            rows = self._priced(after * 1000, second * 1000 - 1)
            low, high = (
                min((row.low for row in rows), default=inf),
                max((row.high for row in rows), default=0.0),
            )
            self._range = (after, second, low, high)
        return self._range[2:]

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

    def _between(self, after_ms: int, to_ms: int) -> list[Second]:
        first, last = after_ms // 1000, to_ms // 1000
        found = [row for second, row in self._rows.items() if first < second <= last]
        if self._ring:
            first = max(first, self.current.second - KEPT_SECONDS)
            found += [
                _second(*cells) for cells in _PACKED.iter_unpack(self._ring) if first < cells[0] <= last
            ]
        return sorted(found, key=lambda row: row.second)

    def _priced(self, after_ms: int, to_ms: int) -> list[Second]:
        return [row for row in self._between(after_ms, to_ms) if row.last]

    def _pass(self, second: int) -> None:
        """Let the current second, and all before `second`, join the sums; let what is too old leave them."""
        last = self.current
        ended, bought, sold = last.second, last.buy, last.sell
        self.passed = True
        if second - ended > _FLOW_SECONDS:
            self.buy = self.sell = self.minute = 0
            return
        buy, sell = self._sums(ended - _FLOW_SECONDS, second - _FLOW_SECONDS)
        self.buy += bought - buy
        self.sell += sold - sell
        if second - ended > _MINUTE_SECONDS:
            self.minute = 0
            return
        buy, sell = self._sums(ended - _MINUTE_SECONDS, second - _MINUTE_SECONDS)
        self.minute += bought + sold - buy - sell

    def _sums(self, first: int, end: int) -> tuple[int, int]:
        """Return the taker cents, bought and sold, of the kept seconds of [first, end)."""
        rows, ring, buy, sell = self._rows, self._ring, 0, 0
        if end - first == 1 and not ring:
            lone = rows.get(first)
            return (lone.buy, lone.sell) if lone is not None else _NOTHING
        if not ring and end - first > len(rows):
            for second, row in rows.items():
                if first <= second < end:
                    buy += row.buy
                    sell += row.sell
            return buy, sell
        for second in range(first, end):
            found = rows.get(second)
            if found is not None:
                buy += found.buy
                sell += found.sell
            elif ring:
                packed, bought, sold = _PACKED_SUMS.unpack_from(ring, second % _RING_SECONDS * _PACKED.size)
                if packed == second:
                    buy += bought
                    sell += sold
        return buy, sell

    def _forget(self, newest: int) -> None:
        rows = self._rows
        while (first := next(iter(rows))) < newest - KEPT_SECONDS:
            del rows[first]
        if len(rows) > _FEW:
            while (first := next(iter(rows))) <= newest - _OPEN_SECONDS:
                self._pack(rows.pop(first))

    def _pack(self, row: Second) -> None:
        if not self._ring:
            self._ring = bytearray(_RING_SECONDS * _PACKED.size)
        place = row.second % _RING_SECONDS * _PACKED.size
        sums: Sequence[int] = (row.buy, row.sell, row.long_usd, row.short_usd)
        if max(sums) > _MOST:
            sums = [min(cents, _MOST) for cents in sums]
        _PACKED.pack_into(self._ring, place, row.second, *sums, row.low, row.high, row.last)


def _second(
    second: int, buy: int, sell: int, long_usd: int, short_usd: int, low: float, high: float, last: float
) -> Second:
    row = Second(second)
    row.buy, row.sell, row.long_usd, row.short_usd = buy, sell, long_usd, short_usd
    row.low, row.high, row.last = low, high, last
    return row
