"""Market cascades by their definition (SPEC 2, SEMANTICS 12): storms that began on several coins within 60 s."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.reference.million.events import EventsByDefinition
from tests.reference.million.lives import Line, Machine, Row, only
from tests.reference.million.nasty import START_MS
from ws_alert.rules import Rules

__all__ = ["Cascades", "CascadesByDefinition"]

KIND = "market_cascade"
COINS = ("BTC", "ETH", "SOL", "XRP", "DOT", "POL", "DOGE", "PEPE", "WIF", "LINK", "ATOM", "TIA")
_APART_MS = 240_000
_TIERS = ("INFO", "WATCH", "URGENT")


@dataclass
class _Going:
    start_ms: int
    ends_ms: int
    last: Line


class CascadesByDefinition:
    """The whole market on one history."""

    def __init__(self, rules: Rules) -> None:
        self.least = rules.thresholds.market_cascade.assets
        self.coins = {asset: EventsByDefinition(rules, asset) for asset in COINS}
        self.began: list[tuple[str, Line]] = []
        self.going: dict[str, _Going] = {}
        self.lines: list[Line] = []

    def read(self, rows: list[Row]) -> list[Line]:
        """Return the cascades of a history."""
        for row in rows:
            self.wait(row.received_ms)
            coin = self.coins[row.asset]
            coin.one(row)
            for storm in coin.started:
                self.begun(row.asset, storm)
            coin.started.clear()
        self.wait(1 << 60)
        return self.lines

    def begun(self, asset: str, storm: Line) -> None:
        """Look, when a storm began, at all that began in the 60 s up to the latest beginning."""
        self.began.append((asset, storm))
        newest = max(each.event_ms for _, each in self.began)
        found = [(name, each) for name, each in self.began if newest - 60_000 < each.event_ms <= newest]
        coins = len({name for name, _ in found})
        if (asset, storm) not in found or coins < self.least:
            return
        sides = {
            side: sum(each.usd for _, each in found if each.direction == side) for side in ("long", "short")
        }
        venues: dict[str, int] = {}
        for _, each in found:
            for venue, usd in each.venues:
                venues[venue] = venues.get(venue, 0) + usd
        own = 2 if coins >= 4 * self.least else 1 if coins >= 2 * self.least else 0
        tier = _TIERS[max(own, *(_TIERS.index(each.tier) for _, each in found))]
        direction = "long" if sides["long"] >= sides["short"] else "short"
        line = Line("hit", storm.now_ms, KIND, direction, storm.event_ms, sum(sides.values()),
                    sum(each.count for _, each in found), tuple(sorted(venues.items())), tier,
                    (coins, sides["long"], sides["short"]))  # fmt: skip
        self.lines.append(line)
        start = self.going[direction].start_ms if direction in self.going else line.event_ms
        self.going[direction] = _Going(start, storm.now_ms + 60_000, line)

    def wait(self, now: int) -> None:
        """End what is due by then."""
        for direction, one in sorted(self.going.items(), key=lambda item: (item[1].ends_ms, item[0])):
            if one.ends_ms <= now:
                del self.going[direction]
                self.lines.append(Line("end", one.ends_ms, KIND, direction, one.start_ms, one.last.usd, one.last.count,
                                       one.last.venues))  # fmt: skip


_STEPS = (0, 0, 0, 1, 500, 1000, 5000, 14_999, 29_999, 30_000, 30_001, 59_999, 60_000, 60_001)


class Cascades:
    """The family of the cascade: one history after another, since it looks at all coins."""

    def __init__(self) -> None:
        one = {"majors_count": 1, "large_cap_count": 1, "mid_cap_count": 1}
        low = {"majors_usd": 2_000_000, "large_cap_usd": 1_000_000, "mid_cap_usd": 500_000}
        on = only("liquidation_storm", KIND)
        self._variants = [
            Rules.model_validate({
                "thresholds": {KIND: {"assets": least}, **({"liquidation_storm": {**low, **one}} if single else {})},
                "detectors": on,
            })
            for least, single in ((5, False), (5, True), (2, True), (3, True), (1, False))
        ]  # fmt: skip
        self._rules = self._variants[0]

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return thirty histories, far apart in time."""
        self._rules = rng.choice(self._variants)
        made, start_ms = dict[str, list[Row]](), START_MS
        for place in range(30):
            rows = made[f"history {place:02}"] = self._history(rng, start_ms)
            start_ms = rows[-1].received_ms + _APART_MS
        return made

    def by_engine(self, histories: dict[str, list[Row]], rng: random.Random | None) -> dict[str, list[Line]]:
        """Run them one after another in one engine, with a restart in the middle of one or two."""
        machine, found = Machine(self._rules), {}
        for name, rows in histories.items():
            stop = rng.randrange(len(rows)) if rng is not None and rng.random() < 0.05 else -1
            for place, row in enumerate(rows):
                machine.feed(row)
                if place == stop:
                    machine.restart()
            machine.rest()
            found[name] = machine.take()["MARKET"]
        return found

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself."""
        return {name: CascadesByDefinition(self._rules).read(rows) for name, rows in histories.items()}

    def _history(self, rng: random.Random, start_ms: int) -> list[Row]:
        now, rows = start_ms + rng.randrange(60_000), list[Row]()
        leaning = rng.choice((0.0, 0.5, 0.5, 1.0))
        coins = rng.sample(COINS, rng.choice((2, 4, 5, 6, 6, 8, 12)))
        quick = rng.random() < 0.6
        for _ in range(rng.choice((2, 4, 5, 6, 8, 12))):
            now += rng.choice(_STEPS[:7] if quick else _STEPS)
            late = (
                rng.choice((1, 1000, 15_000, 29_999, 30_000, 59_999, 60_000, 60_001))
                if rng.random() < 0.1
                else 0
            )
            asset, side = rng.choice(coins), "long" if rng.random() < leaning else "short"
            rule = self._rules.thresholds.liquidation_storm
            group = self._rules.groups.of(asset)
            usd, count = (
                rule.usd(group) * rng.choice((1, 1, 1, 1, 2, 4)) + rng.choice((0, 0, 0, 0, 1, -1)),
                rule.count(group),
            )
            for piece in range(count):
                part = usd - (count - 1) if piece == 0 else 1
                rows.append(Row(now, now - late, "liquidation", asset, rng.choice("aab"), side, part))
        return rows
