"""The kinds of the analysis layer a second time, slow and plain, over everything that was read so far.

`Market` keeps every row of a tape with its window time. Each question is answered by a scan
of all of them. Only the numbers of `ws_alert.rules` are shared with the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ws_alert.rules import Rules

__all__ = ["Flush", "Market", "Row", "Storm", "cascade"]

LATE_MS = 60_000
STEPS = {
    "majors": Fraction(1),
    "large_cap": Fraction(1, 2),
    "mid_cap": Fraction(1, 4),
    "others": Fraction(1, 4),
}
AGAINST = {"long": "buy", "short": "sell"}


@dataclass(frozen=True)
class Row:
    """One accepted row. at_ms: its window time; usd in cents; price of one coin."""

    at_ms: int
    forced: bool
    asset: str
    side: str
    usd: int
    price: float


@dataclass
class Flush:
    """What a stop hunt waits for: the forced flow, as far as it went."""

    side: str
    began_ms: int
    last_ms: int
    usd: int
    count: int
    side_usd: int
    absorbed: int = 0


@dataclass(frozen=True)
class Storm:
    """A storm episode's first finding."""

    asset: str
    direction: str
    at_ms: int
    usd: int
    count: int


class Market:
    """All rows, and the flush of each asset."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.rows: list[Row] = []
        self.now = 0
        self.flushes: dict[str, Flush] = {}

    def newest(self, asset: str) -> int:
        """Return H."""
        return max((row.at_ms for row in self.rows if row.asset == asset), default=0)

    def read(self, ts_ms: int, *, forced: bool, asset: str, side: str, usd: int, price: float) -> Row | None:
        """Take a row; None if it is too old."""
        self.now = max(self.now, ts_ms)
        if self.now - ts_ms > LATE_MS:
            return None
        row = Row(ts_ms, forced, asset, side, usd, price)
        self.rows.append(row)
        return row

    def is_order(self, row: Row) -> bool:
        """Whether it is a taker order at or above the whale floor."""
        return not row.forced and row.usd >= self.rules.thresholds.whale_cluster.floor(row.asset)

    def is_timely(self, row: Row) -> bool:
        """Whether it lies within the window of storms and clusters."""
        return row.at_ms > self.newest(row.asset) - self.rules.window_ms

    def hunt(self, row: Row) -> Flush | None:
        """Return the flush if this row completes (or goes on with) its absorption."""
        if not self.is_timely(row):
            return None
        if row.forced:
            self._flushed(row)
            return None
        flush = self.flushes.get(row.asset)
        if flush is None or not self.is_order(row):
            return None
        if row.at_ms > flush.last_ms + 30_000:
            del self.flushes[row.asset]
            return None
        if row.side == AGAINST[flush.side] and row.at_ms > flush.began_ms:
            flush.absorbed += row.usd
            group = self.rules.groups.of(row.asset)
            if flush.absorbed > self.rules.thresholds.stop_hunt.absorption(group):
                return flush
        return None

    def _flushed(self, row: Row) -> None:
        at, group = self.newest(row.asset), self.rules.groups.of(row.asset)
        window = [r for r in self.rows if r.forced and r.asset == row.asset
                  and at - self.rules.window_ms < r.at_ms <= at]  # fmt: skip
        usd = {side: sum(r.usd for r in window if r.side == side) for side in ("long", "short")}
        total = sum(usd.values())
        side = "short" if usd["short"] > usd["long"] else "long"
        rule = self.rules.thresholds.stop_hunt
        if total <= rule.usd(group) or Fraction(usd[side], total) < Fraction(str(rule.majority)):
            return
        known = self.flushes.get(row.asset)
        if known is None or known.side != side or row.at_ms > known.last_ms + 30_000:
            known = self.flushes[row.asset] = Flush(side, row.at_ms, row.at_ms, 0, 0, 0)
        known.last_ms = max(known.last_ms, row.at_ms)
        if total > known.usd:
            known.usd, known.count, known.side_usd = total, len(window), usd[side]

    def score(self, asset: str, volume: int, side_usd: int, *, absorbed: bool) -> int:
        """Return score_v1 (SPEC 2, SEMANTICS 12)."""
        step = STEPS[self.rules.groups.of(asset)]
        millions = Fraction(volume, 100_000_000)
        points = 50
        points += (
            20 if millions > 5 * step else 15 if millions > 3 * step else 10 if millions > 2 * step else 0
        )
        share = Fraction(side_usd, volume) if volume else Fraction(0)
        points += 15 if share > Fraction(8, 10) else 10 if share > Fraction(7, 10) else 0
        return min(99, points + (25 if absorbed else 0))

    def flow(self, asset: str, until_ms: int) -> tuple[int, int]:
        """Return taker cents bought and sold in the whole seconds of [until - 300 s, until)."""
        trades = [r for r in self.rows if not r.forced and r.asset == asset
                  and until_ms - 300_000 <= r.at_ms < until_ms]  # fmt: skip
        return tuple(sum(r.usd for r in trades if r.side == side) for side in ("buy", "sell"))  # type: ignore[return-value]

    def flowing(self, asset: str, until_ms: int) -> str:
        """Return the direction of the order flow that the definition finds, or nothing."""
        buy, sell = self.flow(asset, until_ms)
        rule = self.rules.thresholds.order_flow
        for side, usd in (("buy", buy), ("sell", sell)):
            large = [r for r in self.rows if self.is_order(r) and r.asset == asset and r.side == side
                     and until_ms - 300_000 <= r.at_ms < until_ms]  # fmt: skip
            if (
                usd > Fraction(str(rule.ratio)) * (buy + sell)
                and len(large) >= rule.count
                and self.score(asset, buy + sell, usd, absorbed=False) > rule.score
            ):
                return side
        return ""

    def accumulating(self, asset: str, at_ms: int) -> str:
        """Return the side of the large orders in (at - 180 s, at] while the price was flat, or nothing."""
        rule = self.rules.thresholds.whale_accumulation_window
        rows = [
            r
            for r in self.rows
            if self.is_order(r) and r.asset == asset and at_ms - 180_000 < r.at_ms <= at_ms
        ]
        # prices are kept by whole seconds, as the windows of the trade tape are
        priced = [r for r in self.rows if not r.forced and r.asset == asset
                  and at_ms // 1000 - 180 < r.at_ms // 1000 <= at_ms // 1000]  # fmt: skip
        if not priced:
            return ""
        last_second = max(r.at_ms // 1000 for r in priced)
        last = [r for r in priced if r.at_ms // 1000 == last_second][-1].price
        high, low = (Fraction(str(edge(r.price for r in priced))) for edge in (max, min))
        spread = (high - low) / Fraction(str(last)) * 100
        usd = {side: sum(r.usd for r in rows if r.side == side) for side in ("buy", "sell")}
        side = "buy" if usd["buy"] > usd["sell"] else "sell"
        enough = len([r for r in rows if r.side == side]) >= rule.count
        return (
            side
            if spread <= Fraction(str(rule.range_percent)) and usd["buy"] != usd["sell"] and enough
            else ""
        )


def cascade(storms: list[Storm], newest: Storm, least: int) -> list[Storm]:
    """Return the storms that make a cascade at the one that began last, or none."""
    at = max(storm.at_ms for storm in storms)
    within = [storm for storm in storms if at - 60_000 < storm.at_ms <= at]
    return within if newest in within and len({storm.asset for storm in within}) >= least else []
