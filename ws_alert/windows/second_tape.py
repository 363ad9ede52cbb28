"""The trade tape of an asset in one-second buckets: memory does not depend on the rate."""

from __future__ import annotations

from math import inf

from ws_alert.messages import Chart

__all__ = ["KEPT_SECONDS", "Second", "SecondTape"]

KEPT_SECONDS = 300
"""Five minutes: the longest look back of volatility and of a chart."""

_LEAST_DRAWN_MS = 60_000


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

    current: the bucket that nearly every trade goes to. newest_ms: H of SEMANTICS 3, the
    newest window time of any event of the asset.
    """

    __slots__ = ("_rows", "current", "newest_ms")

    def __init__(self) -> None:
        self.newest_ms = 0
        self.current = Second(-1)
        self._rows: dict[int, Second] = {}

    def at(self, second: int) -> Second:
        """Return the bucket of a Unix second, making it if it is new."""
        row = self._rows.get(second)
        if row is None:
            row = self._rows[second] = Second(second)
            if second > self.current.second:
                self.current = row
                self._forget(second - KEPT_SECONDS)
        return row

    def price(self, second: int, price: float) -> None:
        """Note a price of one coin within a second."""
        row = self.current if second == self.current.second else self.at(second)
        row.low = min(row.low, price)
        row.high = max(row.high, price)
        row.last = price

    def range_percent(self, newest_ms: int) -> float | None:
        """Return (high - low) / last price of the last five minutes in percent, None without a price."""
        rows = self._priced(newest_ms - KEPT_SECONDS * 1000, newest_ms)
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

    def _between(self, after_ms: int, to_ms: int) -> list[Second]:
        first, last = after_ms // 1000, to_ms // 1000
        found = [row for second, row in self._rows.items() if first < second <= last]
        return sorted(found, key=lambda row: row.second)

    def _priced(self, after_ms: int, to_ms: int) -> list[Second]:
        return [row for row in self._between(after_ms, to_ms) if row.last]

    def _forget(self, oldest: int) -> None:
        rows = self._rows
        while (first := next(iter(rows))) <= oldest:
            del rows[first]
