"""Order flow and whale accumulation by their definitions, over all rows of a history (SPEC 2, SEMANTICS 3, 4, 9, 12).

Judged when a second closes: when a later one begins, at its end where a large order left the flow leaning,
and at every full minute; accumulation also at each large order.
"""

from __future__ import annotations

import random
from fractions import Fraction

from tests.reference.million.events import by_venue, points
from tests.reference.million.levels import NEVER, Levels
from tests.reference.million.lives import Line, Machine, Row, only
from tests.reference.million.nasty import START_MS, assets
from tests.reference.million.spine import in_order
from ws_alert.rules import Rules

__all__ = ["Flow", "FlowByDefinition", "beats", "run"]

FLOW, HOARD = "order_flow", "whale_accumulation_window"
SPAN_MS = 900_000


class FlowByDefinition:
    """One asset."""

    def __init__(self, rules: Rules, asset: str) -> None:
        self.rules, self.group = rules, rules.groups.of(asset)
        self.floor = rules.thresholds.whale_cluster.floor(asset)
        self.rows: list[Row] = []
        self.orders: list[Row] = []
        self.newest, self.second, self.minute = 0, -1, NEVER
        self.closing = NEVER
        self.levels = Levels()

    def read(self, rows: list[Row]) -> list[Line]:
        """Return what a history makes, until nothing of it is left in any window."""
        for row in rows:
            self.one(row)
        self.wait(rows[-1].received_ms + SPAN_MS)
        return self.levels.lines

    def one(self, row: Row) -> None:
        """Take a row."""
        now = row.received_ms
        self.wait(now)
        if row.at_ms < now - 60_000:
            return
        if self.minute == NEVER:
            self.minute = (now // 60_000 + 1) * 60_000
        self.rows.append(row)
        self.newest = max(self.newest, row.at_ms)
        if row.at_ms // 1000 > self.second:
            self.second, self.closing = row.at_ms // 1000, NEVER
            # the row that begins a second tells time and price before it counts as an order itself
            self.closed(self.second, now)
        if row.what == "trade" and row.amount >= self.floor:
            self.orders.append(row)
        if row.what == "trade" and row.amount >= self.floor and row.at_ms > self.newest - 30_000:
            if self.rules.detectors.whale_accumulation_window:
                self.hoarding(row.at_ms, now)
            if self.rules.detectors.order_flow and self.leans() and self.closing == NEVER:
                self.closing = max(now, self.second * 1000 + 1000)

    def wait(self, now: int) -> None:
        """Let what is due by then happen: a second is over, then levels end, then the full minute is judged."""
        while True:
            due = min(self.closing, self.levels.next_end(), self.minute)
            if due > now or due == NEVER:
                return
            if self.closing == due:
                self.closing = NEVER
                self.closed(self.second + 1, due)
            elif self.levels.next_end() == due:
                self.levels.end(due)
            else:
                self.minute += 60_000
                self.closed(due // 1000, due)

    def taken(self, first: int, until: int) -> tuple[int, int]:
        """Return the taker cents bought and sold in the seconds [first, until)."""
        trades = [r for r in self.rows if r.what == "trade" and first <= r.at_ms // 1000 < until]
        return sum(r.amount for r in trades if r.side == "buy"), sum(
            r.amount for r in trades if r.side == "sell"
        )

    def leans(self) -> bool:
        """Whether the five minutes with the second that is still open lean enough, and are enough for any score."""
        usd = self.taken(self.second - 300, self.second + 1)
        rule = self.rules.thresholds.order_flow
        enough = points(self.group, sum(usd), sum(usd)) > 65 or rule.score < 65
        return enough and max(usd) > Fraction(str(rule.ratio)) * sum(usd)

    def closed(self, until: int, now: int) -> None:
        """Judge the whole seconds before `until`."""
        if self.rules.detectors.order_flow:
            self.flowing(until, now)
        if self.levels.is_open(HOARD):
            self.hoarding(until * 1000, now)

    def flowing(self, until: int, now: int) -> None:
        """More than 65 % of one side, three large orders of it, a score above 70."""
        usd, rule = self.taken(until - 300, until), self.rules.thresholds.order_flow
        volume, ratio = sum(usd), Fraction(str(rule.ratio))
        for side, mine in zip(("buy", "sell"), usd, strict=True):
            orders = [r for r in self.orders if r.side == side
                      and (until - 300) * 1000 <= r.at_ms < until * 1000]  # fmt: skip
            score = min(99, points(self.group, volume, mine))
            if mine > ratio * volume and len(orders) >= rule.count and score > rule.score:
                tier = (
                    "URGENT" if score >= 85 else "WATCH" if score >= 70 else "INFO" if score >= 60 else "NONE"
                )
                facts = (*usd, sum(r.amount for r in orders), len(orders), float(score))
                self.levels.hit(
                    Line(
                        "hit",
                        now,
                        FLOW,
                        side,
                        until * 1000,
                        volume,
                        len(orders),
                        by_venue(orders),
                        tier,
                        facts,
                    )
                )
            else:
                self.levels.measure(FLOW, side, mine / (volume * ratio) if volume else 0, now)

    def hoarding(self, event_ms: int, now: int) -> None:
        """Three large orders of the side with more USD in 180 s while the price range is at most 0.15 %."""
        at, rule = max(self.newest, event_ms), self.rules.thresholds.whale_accumulation_window
        rows = [r for r in self.orders if at - 180_000 < r.at_ms <= at]
        usd = {side: sum(r.amount for r in rows if r.side == side) for side in ("buy", "sell")}
        flat = self.range_percent(at) <= Fraction(str(rule.range_percent))
        for side, other in (("buy", "sell"), ("sell", "buy")):
            mine = [r for r in rows if r.side == side]
            more = flat and usd[side] > usd[other]
            if more and len(mine) >= rule.count:
                times = len(mine) // rule.count
                tier = "URGENT" if times >= 4 else "WATCH" if times >= 2 else "INFO"
                facts = (usd[other], len(rows) - len(mine))
                self.levels.hit(
                    Line("hit", now, HOARD, side, event_ms, usd[side], len(mine), by_venue(mine), tier, facts)
                )
            else:
                self.levels.measure(HOARD, side, Fraction(len(mine), rule.count) if more else 0, now)

    def range_percent(self, at: int) -> Fraction:
        """Return the exact price range of the 180 whole seconds up to that of `at`, in percent of the last price."""
        last = at // 1000
        priced = [r for r in self.rows if r.what == "trade" and last - 180 < r.at_ms // 1000 <= last]
        if not priced:
            return Fraction(1_000)
        final = max(r.at_ms // 1000 for r in priced)
        price = [r.price for r in priced if r.at_ms // 1000 == final][-1]
        high, low = (Fraction(str(edge(r.price for r in priced))) for edge in (max, min))
        return (high - low) / Fraction(str(price)) * 100


def beats(first_ms: int, last_ms: int) -> list[Row]:
    """Return the trades of a coin that is traded all the time, as there is one on every market."""
    return [Row(at, at, "trade", "BEAT", "a", "buy", 100) for at in range(first_ms - 5_000, last_ms, 20_000)]


def run(
    machine: Machine,
    histories: dict[str, list[Row]],
    stop: float,
    first_ms: int = START_MS,
    tail_ms: int = 500_000,
) -> dict[str, list[Line]]:
    """Feed histories beside that coin, with a restart after this share of the rows (none above 1)."""
    last = max(rows[-1].received_ms for rows in histories.values())
    rows = in_order({**histories, "BEAT": beats(first_ms, last + tail_ms)})
    for place, row in enumerate(rows):
        machine.feed(row)
        if place == int(stop * len(rows)):
            machine.restart()
    machine.rest()
    return machine.take()


_STEPS = (0, 1, 400, 999, 1000, 1000, 1001, 3000, 9_000, 20_000, 29_999, 30_001, 59_000, 60_000, 60_001, 119_000, 179_999, 180_000,
          180_001, 240_000, 299_000, 299_999, 300_000, 300_001)  # fmt: skip
_PRICES = ((100.0, 100.05), (100.0, 100.15), (100.0, 100.0, 100.1, 100.16), (100.0, 100.15, 99.99))
_SHARES = ((13, 20), (13, 20), (7, 10), (7, 10), (4, 5), (4, 5), (1, 1), (1, 1), (1, 1), (1, 2), (13, 25))
_VOLUMES = (200_000_000, 200_000_001, 300_000_001, 300_000_000, 500_000_001, 800_000_000, 100_000_000)


class Flow:
    """The family of the taker flow."""

    def __init__(self) -> None:
        on = only(FLOW, HOARD)
        variants = ({}, {}, {"order_flow": {"score": 50, "count": 1}},
                    {"order_flow": {"ratio": 0.5, "count": 2}, "whale_accumulation_window": {"count": 1, "range_percent": 0.1}})  # fmt: skip
        self._variants = [
            Rules.model_validate({"thresholds": each, "detectors": on, "radar": {"enabled": False}})
            for each in variants
        ]
        self._rules = self._variants[0]

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return a history for each of forty coins."""
        self._rules = rng.choice(self._variants)
        return {asset: self._history(rng, asset) for asset in assets(40)}

    def by_engine(self, histories: dict[str, list[Row]], rng: random.Random | None) -> dict[str, list[Line]]:
        """Run them in one engine, restarted once in every third batch."""
        return run(Machine(self._rules), histories, 3 * rng.random() if rng is not None else 2)

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself."""
        return {asset: FlowByDefinition(self._rules, asset).read(rows) for asset, rows in histories.items()}

    def _history(self, rng: random.Random, asset: str) -> list[Row]:
        floor = self._rules.thresholds.whale_cluster.floor(asset)
        share = {"majors": 100, "large_cap": 50}.get(self._rules.groups.of(asset), 25)
        volume = rng.choice(_VOLUMES) * share // 100
        over, under = rng.choice(_SHARES)
        prices, main = rng.choice(_PRICES), rng.random() < 0.5
        slow = rng.random() < 0.4
        now, rows = START_MS + rng.randrange(120_000), list[Row]()
        for _ in range(rng.choice((3, 4, 5, 6, 8, 11))):
            now += rng.choice(_STEPS if slow or rng.random() < 0.1 else _STEPS[:8])
            late = (
                rng.choice((1, 999, 1000, 5000, 29_999, 30_000, 59_999, 60_000, 60_001))
                if rng.random() < 0.1
                else 0
            )
            with_main = rng.random() < over / under
            side = "buy" if with_main == main else "sell"
            goal = volume * over // under if with_main else volume - volume * over // under
            left = goal - sum(r.amount for r in rows if r.side == side)
            usd = rng.choice((goal // 3, goal // 3 + 1, left, left, floor, floor, floor - 1, goal // 2, 1))
            what = "liquidation" if rng.random() < 0.05 else "trade"
            if what == "liquidation":
                side = "long"
            rows.append(Row(now, now - late, what, asset, rng.choice("aab"), side, max(1, usd + rng.choice((0, 0, 0, 1, -1))),
                            rng.choice(prices)))  # fmt: skip
        return rows
