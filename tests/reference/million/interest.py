"""Extreme funding and diverging open interest by their definitions (SPEC 2, SEMANTICS 9), over all rows of a history."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from fractions import Fraction

from tests.reference.million.levels import NEVER, Levels
from tests.reference.million.lives import Line, Machine, Row, only
from tests.reference.million.nasty import START_MS, assets
from tests.reference.million.spine import in_order
from ws_alert.rules import Rules

__all__ = ["Divergence", "DivergenceByDefinition", "Funding", "FundingByDefinition"]

MINUTE = 60_000


def _tier(multiple: Fraction) -> str:
    return "URGENT" if multiple >= 4 else "WATCH" if multiple >= 2 else "INFO"


class _ByDefinition(ABC):
    """One asset; open levels are measured again at every full minute."""

    kind = ""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], list[Row]] = {}
        self.newest = 0
        self.minute = NEVER
        self.levels = Levels()

    def read(self, rows: list[Row]) -> list[Line]:
        """Return what a history makes, until nothing is open any more."""
        for row in rows:
            self.wait(row.received_ms)
            mine = self.told.setdefault((row.what, row.venue), [])
            if row.what == "interest":
                self.newest = max(self.newest, row.at_ms)
            if not mine or row.at_ms > mine[-1].at_ms:
                mine.append(row)
                self.take(row)
                if self.levels.is_open(self.kind) and self.minute == NEVER:
                    self.minute = (row.received_ms // MINUTE + 1) * MINUTE
        self.wait(NEVER - 1)
        return self.levels.lines

    def wait(self, now: int) -> None:
        """Let what is due by then happen: levels end, then the full minute is measured."""
        while True:
            due = min(self.levels.next_end(), self.minute)
            if due > now:
                return
            if self.levels.next_end() == due:
                self.levels.end(due)
            else:
                if self.levels.is_open(self.kind):
                    self.measure(due)
                self.minute = due + MINUTE if self.levels.is_open(self.kind) else NEVER

    @abstractmethod
    def take(self, row: Row) -> None:
        """Judge a row that is new."""

    @abstractmethod
    def measure(self, now: int) -> None:
        """Measure the levels though nothing was told."""


class FundingByDefinition(_ByDefinition):
    """A venue's rate per 8 h is at least 0.1 % in one direction. A rate holds for three minutes."""

    kind = "funding_extreme"

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self.limit = Fraction(str(rules.thresholds.funding_extreme.percent))

    def take(self, row: Row) -> None:
        """Judge a rate."""
        if row.what == "funding":
            self.judge(row.received_ms, row)

    def measure(self, now: int) -> None:
        """Measure both directions."""
        self.judge(now, None)

    def judge(self, now: int, row: Row | None) -> None:
        """Measure both directions; with a row that was told, findings may come of it."""
        rates = {venue: Fraction(str(mine[-1].amount)) * 800 / Fraction(mine[-1].side)
                 for (what, venue), mine in self.told.items() if what == "funding" and now - mine[-1].at_ms <= 180_000}  # fmt: skip
        for direction, sign in (("long", 1), ("short", -1)):
            multiple = max([Fraction(0), *(sign * rate / self.limit for rate in rates.values())])
            if multiple < 1 or row is None:
                self.levels.measure(self.kind, direction, multiple, now)
                continue
            top = max(sign * rate for rate in rates.values())
            extreme = min(venue for venue, rate in rates.items() if sign * rate == top)
            venues = tuple((venue, self.open_interest(venue, now)) for venue, rate in sorted(rates.items())
                           if sign * rate >= self.limit)  # fmt: skip
            facts = (extreme, round(float(rates[extreme]), 9))
            self.levels.hit(Line("hit", now, self.kind, direction, row.at_ms, sum(usd for _, usd in venues), len(venues),
                                 venues, _tier(multiple), facts))  # fmt: skip

    def open_interest(self, venue: str, now: int) -> int:
        """Return what the venue told last within ten minutes."""
        fresh = [row.amount for row in self.told.get(("interest", venue), ()) if row.at_ms >= now - 600_000]
        return fresh[-1] if fresh else 0


class DivergenceByDefinition(_ByDefinition):
    """Within 15 minutes one venue rises by 1.5 % while the sum of the others falls by 0.5 %."""

    kind = "oi_divergence"

    def take(self, row: Row) -> None:
        """Judge a sample."""
        self.judge(row.received_ms, row)

    def measure(self, now: int) -> None:
        """Measure what is known; after half an hour of silence nothing is."""
        self.judge(now, None)

    def judge(self, now: int, row: Row | None) -> None:
        """Find the venue that diverges most."""
        changes = {}
        for (_, venue), mine in sorted(self.told.items()):
            before = [r.amount for r in mine if self.newest - 1_500_000 <= r.at_ms <= self.newest - 900_000]
            after = [r.amount for r in mine if r.at_ms >= self.newest - 600_000]
            if before and after and self.newest >= now - 1_800_000:
                changes[venue] = (before[-1], after[-1])
        best, found = Fraction(0), ""
        for venue, (was, is_now) in changes.items():
            others = [pair for name, pair in changes.items() if name != venue]
            before, after = sum(pair[0] for pair in others), sum(pair[1] for pair in others)
            if was and before:
                multiple = min(
                    Fraction(is_now - was, was) / Fraction("0.015"),
                    Fraction(before - after, before) / Fraction("0.005"),
                )
                if multiple > best:
                    best, found = multiple, venue
        if best < 1 or row is None:
            self.levels.measure(self.kind, "neutral", best, now)
            return
        was, is_now = changes[found]
        rest = [pair for name, pair in changes.items() if name != found]
        facts = (found, was, is_now, sum(pair[0] for pair in rest), sum(pair[1] for pair in rest))
        venues = tuple((venue, pair[1]) for venue, pair in sorted(changes.items()))
        self.levels.hit(
            Line(
                "hit",
                now,
                self.kind,
                "neutral",
                row.at_ms,
                is_now - was,
                len(changes),
                venues,
                _tier(best),
                facts,
            )
        )


class _Polled(ABC):
    """Histories of forty coins in one engine, restarted never: what a restart keeps of polls is the store's."""

    kind = ""

    def __init__(self) -> None:
        self._rules = Rules.model_validate({"detectors": only(self.kind), "radar": {"enabled": False}})

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return a history for each coin."""
        return {asset: self._history(rng, asset) for asset in assets(40)}

    def by_engine(self, histories: dict[str, list[Row]], _rng: random.Random | None) -> dict[str, list[Line]]:
        """Run them together."""
        machine = Machine(self._rules)
        for row in in_order(histories):
            machine.feed(row)
        machine.rest()
        return machine.take()

    @abstractmethod
    def _history(self, rng: random.Random, asset: str) -> list[Row]:
        """Return the rows of one coin."""


_RATES = (0.001, 0.00099999, 0.0009999999999, 0.00125, 0.000125, 0.00012499999, 0.0005, 0.00049999, 0.00025, 0.002, 0.004,
          0.0039999, -0.001, -0.00099999, -0.000125, -0.002, -0.004, -0.00025, -0.0005, 0.0, 0.0008, 0.0007999, -0.0008,
          -0.0007999, 0.0001, -0.0001)  # fmt: skip


class Funding(_Polled):
    """The family of extreme funding."""

    kind = "funding_extreme"

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself."""
        return {asset: FundingByDefinition(self._rules).read(rows) for asset, rows in histories.items()}

    def _history(self, rng: random.Random, asset: str) -> list[Row]:
        now, rows = START_MS + rng.randrange(120_000), list[Row]()
        for _ in range(rng.choice((1, 2, 3, 4, 6, 9))):
            now += rng.choice(
                (
                    0,
                    1,
                    1000,
                    30_000,
                    59_999,
                    60_000,
                    60_001,
                    120_000,
                    179_999,
                    180_000,
                    180_001,
                    240_000,
                    600_000,
                )
            )
            late = rng.choice((0, 0, 0, 0, 1, 40_000))
            if rng.random() < 0.2:
                rows.append(
                    Row(
                        now,
                        now - late,
                        "interest",
                        asset,
                        rng.choice("abc"),
                        "",
                        rng.choice((0, 1, 5_000_000_00)),
                    )
                )
            else:
                rows.append(
                    Row(
                        now,
                        now - late,
                        "funding",
                        asset,
                        rng.choice("abc"),
                        rng.choice("1248"),
                        rng.choice(_RATES),
                    )
                )
        return rows


class Divergence(_Polled):
    """The family of diverging open interest."""

    kind = "oi_divergence"

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself."""
        return {asset: DivergenceByDefinition().read(rows) for asset, rows in histories.items()}

    def _history(self, rng: random.Random, asset: str) -> list[Row]:
        now, rows = START_MS + rng.randrange(120_000), list[Row]()
        base = {venue: 200_000 * rng.choice((1, 1, 2, 3, 5)) for venue in "abc"[: rng.choice((2, 2, 3))]}
        begun = rng.random() < 0.8
        for venue, usd in base.items() if begun else ():
            rows.append(Row(now, now - rng.choice((0, 0, 1, 300_000)), "interest", asset, venue, "", usd))
        now += (
            rng.choice((0, 1, 599_999, 600_000, 899_999, 900_000, 900_000, 900_001, 1_200_000))
            if begun
            else 0
        )
        for _ in range(rng.choice((2, 3, 4, 6, 8))):
            now += rng.choice(
                (
                    0,
                    0,
                    1,
                    30_000,
                    60_000,
                    60_000,
                    299_999,
                    300_000,
                    300_001,
                    599_999,
                    600_000,
                    600_001,
                    1_500_001,
                )
            )
            venue = rng.choice(list(base))
            change = rng.choice((1015, 1015, 1030, 1060, 995, 995, 990, 980, 1012, 996, 1000, 1100, 900, 0))
            usd = base[venue] * change // 1000 + rng.choice((0, 0, 0, 1, -1))
            rows.append(
                Row(now, now - rng.choice((0, 0, 0, 0, 1, 60_000)), "interest", asset, venue, "", max(0, usd))
            )
        return rows
