"""The exact windows again, with thresholds that follow each coin's own normal (SEMANTICS 13)."""

from __future__ import annotations

import random

from tests.reference.million.events import EventsByDefinition
from tests.reference.million.flow import run
from tests.reference.million.lives import Line, Machine, Row, only
from tests.reference.million.nasty import START_MS, assets, events
from tests.reference.normals import nearest_rank
from tests.shelf import SERIES, note
from ws_alert.rules import Rules

__all__ = ["Adaptive", "Samples"]

DAY = 1440


class Samples:
    """One coin's past: its first minute, and by (kind, side) the largest value of each minute with any."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.largest: dict[tuple[str, str], dict[int, int]] = {}

    def take(self, kind: str, side: str, minute: int, usd: int) -> None:
        """Take a value."""
        minutes = self.largest.setdefault((kind, side), {})
        minutes[minute] = max(usd, minutes.get(minute, 0))

    def normal(self, kind: str, side: str, now_ms: int) -> int | None:
        """Return q99.5 of the closed minutes of today and the seven UTC days before, None before 24 h of history."""
        closed = now_ms // 60_000 - 2
        oldest = (closed // DAY - 7) * DAY
        if closed - max(oldest, self.first) + 1 < DAY:
            return None
        found = self.largest.get((kind, side), {})
        return nearest_rank([usd for minute, usd in found.items() if oldest <= minute <= closed])

    def copy(self) -> Samples:
        """Return the same, to be added to."""
        found = Samples(self.first)
        found.largest = {key: dict(minutes) for key, minutes in self.largest.items()}
        return found


class _Known(EventsByDefinition):
    """Notes its samples as they come, and asks each normal once a minute."""

    def __init__(self, rules: Rules, asset: str, samples: Samples) -> None:
        self._samples, self._asked = samples, dict[tuple[str, str, int], int | None]()
        super().__init__(rules, asset, self._normal)

    def one(self, row: Row) -> None:
        """Take a row."""
        super().one(row)
        for kind, side, at_ms, usd in self.noted:
            self._samples.take(kind, side, at_ms // 60_000, usd)
        self.noted.clear()

    def _normal(self, kind: str, side: str, now_ms: int) -> int | None:
        key = (kind, side, now_ms // 60_000)
        if key not in self._asked:
            self._asked[key] = self._samples.normal(kind, side, now_ms)
        return self._asked[key]


class Adaptive:
    """The family of adaptive thresholds. Forty coins, each with a past of its own; one engine for eighty batches."""

    def __init__(self) -> None:
        on = only("large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster")
        self._variants = [
            Rules.model_validate({"thresholds": {"mode": mode}, "detectors": on}) for mode in ("both", "both", "adaptive", "fixed")
        ]  # fmt: skip
        self._rules = self._variants[0]
        self._machine: Machine | None = None
        self._batches = self._base = 0
        self._pasts: dict[str, Samples] = {}
        self._before: dict[str, Samples] = {}

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return a history for each coin, on the past that the batches before have made."""
        if self._machine is None or self._batches % 80 == 0:
            self._rules = rng.choice(self._variants)
            self._base = START_MS
            self._pasts = {asset: self._past(rng, asset) for asset in assets(40)}
            self._machine = self._with_past(self._pasts)
        else:
            self._base = (self._machine.engine.now_ms // 60_000 + 8) * 60_000
        self._batches += 1
        made = {}
        for asset, past in self._pasts.items():
            normals = [past.normal(kind.value, side, self._base) for kind, side in SERIES]
            made[asset] = events(
                rng, self._rules, asset, [usd for usd in normals if usd and usd < 10**11], self._base
            )
        return made

    def by_engine(self, histories: dict[str, list[Row]], rng: random.Random | None) -> dict[str, list[Line]]:
        """Go on in the engine of the batches before; alone, in a new one with the history's own past."""
        if rng is None:
            alone = self._with_past({name: self._before[name] for name in histories})
            return run(alone, histories, 2, self._base, 1_000)
        assert self._machine is not None
        return run(self._machine, histories, 8 * rng.random(), self._base, 1_000)

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself; then its samples are past."""
        if len(histories) > 1:
            self._before = {name: past.copy() for name, past in self._pasts.items()}
        pasts = self._pasts if len(histories) > 1 else {name: self._before[name].copy() for name in histories}
        return {
            asset: _Known(self._rules, asset, pasts[asset]).read(rows) for asset, rows in histories.items()
        }

    def _past(self, rng: random.Random, asset: str) -> Samples:
        """Return a day or more, with values around the fixed thresholds in some of its minutes."""
        minutes = rng.choice((1000, 1436, 1437, 1438, 1439, 1440, 2000, 2000, 2000))
        last = START_MS // 60_000 - 4
        past = Samples(last - minutes)
        group, rule = self._rules.groups.of(asset), self._rules.thresholds
        past.take("whale_trade", "buy", past.first, 1_000_000)
        for kind, side in SERIES:
            fixed = getattr(rule, kind.value).usd(group)
            usual = fixed * rng.choice((1, 5, 9, 10, 10, 11, 20, 45)) // 10
            for _ in range(rng.choice((0, 1, 40, 199, 200, 201))):
                usd = usual + rng.choice((0, 1, -1, 0, usual // 10))
                past.take(kind.value, side, last - rng.randrange(minutes), usd)
        return past

    def _with_past(self, pasts: dict[str, Samples]) -> Machine:
        machine = Machine(self._rules, remembers=True)
        baselines = machine.engine.baselines
        by_minute: dict[int, dict[tuple, int]] = {}
        for asset, past in pasts.items():
            for kind, side in SERIES:
                for minute, usd in past.largest.get((kind.value, side), {}).items():
                    by_minute.setdefault(minute, {})[asset, kind, side] = usd
        for minute in range(min(past.first for past in pasts.values()), self._base // 60_000 - 3):
            note(baselines, minute, by_minute.get(minute, {}))
            baselines.close(minute, (), looked=True, interest=None)
        return machine
