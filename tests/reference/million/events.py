"""Single events, storms, clusters, the radar and stop hunts by their definitions, over all rows of a history.

Written from SPEC 2 and SEMANTICS 1-3, 8-13, with a scan of everything at each row. Only the numbers of
`ws_alert.rules` are shared with the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import log

from tests.reference.million.lives import Line, Row
from ws_alert.rules import Rules

__all__ = ["EventsByDefinition", "by_venue", "points", "tier_of"]

W = 30_000
LATE = 60_000
POINTS = {"majors": 100, "large_cap": 50, "mid_cap": 25, "others": 25}
AGAINST = {"long": "buy", "short": "sell"}
Normal = Callable[[str, str, int], int | None]


def tier_of(usd: int, threshold: int) -> str:
    """1x INFO, 2x WATCH, 4x URGENT."""
    return "URGENT" if usd >= 4 * threshold else "WATCH" if usd >= 2 * threshold else "INFO"


def by_venue(rows: list[Row]) -> tuple[tuple[str, int], ...]:
    """Sum the rows per venue."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.venue] = found.get(row.venue, 0) + row.amount
    return tuple(sorted(found.items()))


def points(group: str, volume: int, side_usd: int) -> int:
    """Return score_v1 without absorption and record: its volume steps are scaled by group (SPEC 2, SEMANTICS 12)."""
    found = 50
    for millions, more in ((5, 20), (3, 15), (2, 10)):
        if volume * 100 > millions * 100_000_000 * POINTS[group]:
            found += more
            break
    if volume and Fraction(side_usd, volume) > Fraction(8, 10):
        return found + 15
    return found + (10 if volume and Fraction(side_usd, volume) > Fraction(7, 10) else 0)


@dataclass
class Going:
    """An episode that goes on."""

    kind: str
    direction: str
    start_ms: int
    ends_ms: int
    takes: frozenset[str]


@dataclass
class Flush:
    """A flush that may be absorbed."""

    side: str
    began_ms: int
    last_ms: int
    low: float
    high: float
    usd: int = 0
    side_usd: int = 0
    count: int = 0
    venues: tuple[tuple[str, int], ...] = ()
    absorbed: list[int] = field(default_factory=list)


class EventsByDefinition:
    """One asset. normal: what is normal for (kind, side) at a time, None where it is not known."""

    def __init__(self, rules: Rules, asset: str, normal: Normal | None = None) -> None:
        self.rules, self.asset, self.group = rules, asset, rules.groups.of(asset)
        self.normal = normal
        self.floor = rules.thresholds.whale_cluster.floor(asset)
        self.rows: list[Row] = []
        self.newest = 0
        self.going: list[Going] = []
        self.flush: Flush | None = None
        self.lines: list[Line] = []
        self.started: list[Line] = []
        self.noted: list[tuple[str, str, int, int]] = []

    def read(self, rows: list[Row]) -> list[Line]:
        """Return what a history makes, to the end of its last episode."""
        for row in rows:
            self.one(row)
        self.wait(1 << 60)
        return self.lines

    def one(self, row: Row) -> None:
        """Take a row."""
        self.wait(row.received_ms)
        if row.at_ms < row.received_ms - LATE:
            return
        self.rows.append(row)
        self.newest = at = max(self.newest, row.at_ms)
        timely = row.at_ms > at - W
        within = [r for r in self.rows if at - W < r.at_ms <= at]
        forced = [r for r in within if r.what == "liquidation"]
        orders = [r for r in within if r.what == "trade" and r.amount >= self.floor]
        self.note(row, at, forced, orders, timely=timely)
        if timely:
            self.judge(row, forced, orders)

    def note(self, row: Row, at: int, forced: list[Row], orders: list[Row], *, timely: bool) -> None:
        """Collect the samples of SEMANTICS 13: (kind, side, time, cents)."""
        if row.what == "liquidation":
            self.noted.append(("large_liquidation", row.side, row.at_ms, row.amount))
            if timely:
                usd = sum(r.amount for r in forced if r.side == row.side)
                self.noted.append(("liquidation_storm", row.side, at, usd))
        elif row.amount >= self.floor:
            self.noted.append(("whale_trade", row.side, row.at_ms, row.amount))
            if timely:
                buy = sum(r.amount for r in orders if r.side == "buy")
                sell = sum(r.amount for r in orders if r.side == "sell")
                self.noted.append(("whale_cluster", "sell" if sell > buy else "buy", at, buy + sell))

    def known(self, kind: str, side: str, now: int) -> int | None:
        """Return the asset's own normal where it is asked and known."""
        return (
            self.normal(kind, side, now)
            if self.normal is not None and self.rules.thresholds.mode != "fixed"
            else None
        )

    def needed(self, kind: str, side: str, usd: int, now: int) -> int | None:
        """Return what so much is measured by, None if it is not enough."""
        fixed = getattr(self.rules.thresholds, kind).usd(self.group)
        mode, normal = self.rules.thresholds.mode, self.known(kind, side, now)
        if normal is None:
            return fixed if usd >= fixed else None
        if mode == "both":
            return fixed if usd >= fixed and usd >= normal else None
        least = max(normal, -(-fixed // 10))
        return least if usd >= least else None

    def judge(self, row: Row, forced: list[Row], orders: list[Row]) -> None:
        """Tell every rule that holds at this row, the radar first, then its parts, the single event, the hunt."""
        on, now = self.rules.detectors, row.received_ms
        is_order = row.what == "trade" and row.amount >= self.floor
        if row.what == "liquidation":
            self.flushed(row, forced)
        if row.what == "liquidation" or is_order:
            storms = [s for side in ("long", "short") if (s := self.storm(side, forced, now))]
            cluster = self.cluster(orders, now)
            if storms and cluster and self.rules.radar.enabled:
                self.radar(row, max(storms, key=lambda s: s[1]), cluster, forced, orders)
            if row.what == "liquidation" and on.liquidation_storm:
                for side, usd, minimum, rows in storms:
                    if side == row.side:
                        steps = max(s for s in (1, 2, 4, 8) if usd >= s * minimum)
                        self.hit(row, "liquidation_storm", side, usd, rows, tier_of(usd, minimum), (steps,))
            if is_order and cluster and on.whale_cluster:
                side, usd, minimum, rows = cluster
                self.hit(row, "whale_cluster", side, usd, rows, tier_of(usd, minimum))
        kind = "large_liquidation" if row.what == "liquidation" else "whale_trade"
        least = self.needed(kind, row.side, row.amount, now)
        if least is not None and getattr(on, kind):
            self.hit(row, kind, row.side, row.amount, [row], tier_of(row.amount, least))
        if is_order and on.stop_hunt:
            self.hunt(row)

    def storm(self, side: str, forced: list[Row], now: int) -> tuple[str, int, int, list[Row]] | None:
        """One side: (side, cents, what it is measured by, rows)."""
        rows = [r for r in forced if r.side == side]
        usd = sum(r.amount for r in rows)
        if len(rows) < self.rules.thresholds.liquidation_storm.count(self.group):
            return None
        least = self.needed("liquidation_storm", side, usd, now)
        return None if least is None else (side, usd, least, rows)

    def cluster(self, orders: list[Row], now: int) -> tuple[str, int, int, list[Row]] | None:
        """Both sides together, one of them dominant."""
        rule = self.rules.thresholds.whale_cluster
        buy = sum(r.amount for r in orders if r.side == "buy")
        sell = sum(r.amount for r in orders if r.side == "sell")
        if len(orders) < rule.count(self.group) or buy == sell:
            return None
        if max(buy, sell) < Fraction(str(rule.dominance(self.group))) * (buy + sell):
            return None
        side = "buy" if buy > sell else "sell"
        least = self.needed("whale_cluster", side, buy + sell, now)
        return None if least is None else (side, buy + sell, least, orders)

    def radar(self, row: Row, storm: tuple, cluster: tuple, forced: list[Row], orders: list[Row]) -> None:
        """SEMANTICS 11."""
        left = 1.0
        for _, usd, least, _ in (storm, cluster):
            left *= 1 - 0.8 * min(1.0, log(1 + usd / least) / log(17))
        score = 1 - left
        band = (
            "weak" if score < 0.35 else "moderate" if score < 0.6 else "strong" if score < 0.78 else "extreme"
        )
        net = sum(r.amount if r.side in ("buy", "short") else -r.amount for r in forced + orders)
        neutral = 5 * abs(net) < sum(r.amount for r in forced + orders)
        direction = "neutral" if neutral else "bullish" if net > 0 else "bearish"
        twice = storm[1] >= 2 * storm[2] and cluster[1] >= 2 * cluster[2]
        tier = {"strong": "WATCH", "extreme": "URGENT"}.get(band, "INFO")
        facts = (
            "convergence" if twice else "storm_and_cluster",
            band,
            self.volatility(),
            round(score, 5),
            storm[0],
        )
        self.hit(row, "global_radar", direction, storm[1] + cluster[1], storm[3] + cluster[3], tier, facts)

    def volatility(self) -> str:
        """Return the word for the price range of the last 300 whole seconds."""
        last = self.newest // 1000
        priced = [r for r in self.rows if r.what == "trade" and last - 300 < r.at_ms // 1000 <= last]
        if not priced:
            return "unknown"
        final = max(r.at_ms // 1000 for r in priced)
        price = [r.price for r in priced if r.at_ms // 1000 == final][-1]
        high, low = (Fraction(str(edge(r.price for r in priced))) for edge in (max, min))
        percent = (high - low) * 100 / Fraction(str(price))
        return (
            "low"
            if percent < Fraction(3, 10)
            else "medium"
            if percent < Fraction(8, 10)
            else "high"
            if percent < 2
            else "extreme"
        )

    def flushed(self, row: Row, forced: list[Row]) -> None:
        """Let a flush begin or go on: MORE than the amount, at least 60 % of it one side (long if equal)."""
        rule = self.rules.thresholds.stop_hunt
        usd = {side: sum(r.amount for r in forced if r.side == side) for side in ("long", "short")}
        total = sum(usd.values())
        side = "long" if usd["long"] >= usd["short"] else "short"
        if total <= rule.usd(self.group) or usd[side] < Fraction(str(rule.majority)) * total:
            return
        prices = [r.price for r in forced if r.side == side]
        known = self.flush
        if known is None or known.side != side or row.at_ms > known.last_ms + 30_000:
            known = self.flush = Flush(side, row.at_ms, row.at_ms, min(prices), max(prices))
        known.last_ms = max(known.last_ms, row.at_ms)
        known.low, known.high = min(known.low, *prices), max(known.high, *prices)
        if total > known.usd:
            known.usd, known.side_usd, known.count, known.venues = (
                total,
                usd[side],
                len(forced),
                by_venue(forced),
            )

    def hunt(self, row: Row) -> None:
        """Large orders against the flush, later than its beginning and at most 30 s after its last liquidation."""
        flush = self.flush
        if flush is None:
            return
        if row.at_ms > flush.last_ms + 30_000:
            self.flush = None
            return
        if row.side != AGAINST[flush.side] or row.at_ms <= flush.began_ms:
            return
        flush.absorbed.append(row.amount)
        score = points(self.group, flush.usd, flush.side_usd) + 25
        if (
            sum(flush.absorbed) <= self.rules.thresholds.stop_hunt.absorption(self.group)
            or min(99, score) <= 70
        ):
            return
        score = min(99, score)
        far = flush.low * 0.9985 if flush.side == "long" else flush.high * 1.0015
        facts = (
            flush.side_usd,
            sum(flush.absorbed),
            len(flush.absorbed),
            flush.low,
            flush.high,
            round(far, 6),
            float(score),
        )
        line = Line("hit", row.received_ms, "stop_hunt", flush.side, row.at_ms, flush.usd, flush.count, flush.venues,
                    "URGENT" if score >= 85 else "WATCH", facts)  # fmt: skip
        self.tell(line, frozenset({"long", "short"}))

    def hit(
        self, row: Row, kind: str, direction: str, usd: int, rows: list[Row], tier: str, facts: tuple = ()
    ) -> None:
        """Tell a finding."""
        takes = {"liquidation_storm": {direction}, "whale_cluster": {"buy", "sell"}}.get(kind, set())
        if kind == "global_radar":
            takes = {facts[4], "buy", "sell"}
        elif (normal := self.known(kind, direction, row.received_ms)) is not None:
            facts = (*facts, "normal", normal)
        line = Line(
            "hit", row.received_ms, kind, direction, row.at_ms, usd, len(rows), by_venue(rows), tier, facts
        )
        self.tell(line, frozenset(takes))

    def tell(self, line: Line, takes: frozenset[str]) -> None:
        """Write it down; it opens or prolongs its episode (SEMANTICS 9)."""
        self.lines.append(line)
        if line.kind in ("large_liquidation", "whale_trade"):
            return
        for one in self.going:
            if (one.kind, one.direction) == (line.kind, line.direction):
                one.ends_ms = line.now_ms + W
                return
        self.started.append(line)
        self.going.append(Going(line.kind, line.direction, line.event_ms, line.now_ms + W, takes))

    def wait(self, now: int) -> None:
        """End what is due by then, in order of time and name; its total are the distinct events since (start - w)."""
        for one in sorted(
            (g for g in self.going if g.ends_ms <= now), key=lambda g: (g.ends_ms, g.kind, g.direction)
        ):
            self.going.remove(one)
            rows = [r for r in self.rows if r.side in one.takes and r.at_ms > one.start_ms - W
                    and (r.what == "liquidation" or r.amount >= self.floor)]  # fmt: skip
            self.lines.append(Line("end", one.ends_ms, one.kind, one.direction, one.start_ms,
                                   sum(r.amount for r in rows), len(rows), by_venue(rows)))  # fmt: skip
