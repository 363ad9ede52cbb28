"""Volume spikes by their definition (SPEC 2, SEMANTICS 4, 12), on coins whose past is known.

A second is judged by its end, once: when it is over, if the minute before it held half of a spike or a large
order in it completes one; else when a later one begins, or at the next full minute.
"""

from __future__ import annotations

import random
from fractions import Fraction
from statistics import median

from tests.reference.million.events import tier_of
from tests.reference.million.flow import run
from tests.reference.million.levels import NEVER
from tests.reference.million.lives import Line, Machine, Row, only
from tests.reference.million.nasty import START_MS, assets
from ws_alert.rules import Rules

__all__ = ["Past", "Spikes", "SpikesByDefinition"]

SPIKE = "volume_spike"
DAY = 1440
Past = dict[int, int]
"""Taker cents by closed UTC minute, from the coin's first one on; those without any are zero."""


class SpikesByDefinition:
    """One asset on one history; past: its minutes before."""

    def __init__(self, rules: Rules, asset: str, past: Past) -> None:
        self.rule = rules.thresholds.volume_spike
        self.floor = rules.thresholds.whale_cluster.floor(asset)
        self.past = past
        self.trades: list[Row] = []
        self.rows = 0
        self.newest, self.second, self.minute = 0, -1, NEVER
        self.closing, self.judged = NEVER, -1
        self.going: Line | None = None
        self.start_ms, self.ends_ms = 0, NEVER
        self.lines: list[Line] = []
        self._medians: dict[int, tuple[Fraction, int] | None] = {}

    def read(self, rows: list[Row]) -> list[Line]:
        """Return what a history makes, to the end of its last episode."""
        for row in rows:
            self.one(row)
        self.wait(rows[-1].received_ms + 200_000)
        return self.lines

    def one(self, row: Row) -> None:
        """Take a row."""
        now, second = row.received_ms, row.at_ms // 1000
        self.wait(now)
        if row.at_ms < now - 60_000:
            return
        if self.minute == NEVER:
            self.minute = (now // 60_000 + 1) * 60_000
        self.newest = max(self.newest, row.at_ms)
        opens = second > self.second
        if opens:
            before, self.second, self.closing = self.second, second, NEVER
            if second - before <= 60 and self.judged != before:
                self.judge(before + 1, now)
            if self.reached(2 * self.volume(second - 60, second), now):
                self.closing = max(now, second * 1000 + 1000)
        if row.what != "trade":
            return
        self.trades.append(row)
        is_order = row.amount >= self.floor and row.at_ms > self.newest - 30_000
        if (
            is_order
            and self.closing == NEVER
            and self.reached(self.volume(self.second - 60, self.second + 1), now)
        ):
            self.closing = max(now, self.second * 1000 + 1000)

    def wait(self, now: int) -> None:
        """Let what is due by then happen: a second is over, then the episode ends, then the full minute is judged."""
        while True:
            due = min(self.closing, self.ends_ms, self.minute)
            if due > now or due == NEVER:
                return
            if self.closing == due:
                self.closing, self.judged = NEVER, self.second
                self.judge(self.second + 1, due)
            elif self.ends_ms == due and self.going is not None:
                self.ends_ms = NEVER
                last, self.going = self.going, None
                self.lines.append(Line("end", due, SPIKE, "neutral", self.start_ms, last.usd, 1, ()))
            else:
                self.minute += 60_000
                self.full_minute(due)

    def full_minute(self, now: int) -> None:
        """Judge the last second if nothing has, and it may be one."""
        recent = now // 1000 - 60 <= self.second < now // 1000 and self.judged != self.second
        if recent and self.reached(self.volume(self.second - 60, self.second + 1), now):
            self.judged = self.second
            self.judge(self.second + 1, now)

    def volume(self, first: int, until: int) -> int:
        """Return the taker cents of the seconds [first, until)."""
        return sum(r.amount for r in self.trades if first <= r.at_ms // 1000 < until)

    def median(self, now: int) -> tuple[Fraction, int] | None:
        """Return the median minute of the closed ones of 24 h, and how many they are; None without any."""
        closed = now // 60_000 - 2
        if closed not in self._medians:
            here: Past = {}
            for row in self.trades:
                here[row.at_ms // 60_000] = here.get(row.at_ms // 60_000, 0) + row.amount
            known = min([*self.past, *here], default=closed + 1)
            minutes = [
                self.past.get(m, 0) + here.get(m, 0) for m in range(max(known, closed - DAY + 1), closed + 1)
            ]
            self._medians[closed] = (
                (Fraction(median([2 * usd for usd in minutes])) / 2, len(minutes)) if minutes else None
            )
        return self._medians[closed]

    def reached(self, usd: int, now: int) -> bool:
        """Whether so much in a minute is a spike."""
        if usd < round(self.rule.floor_usd * 100):
            return False
        found = self.median(now)
        return found is not None and found[1] >= 360 and usd >= Fraction(str(self.rule.multiple)) * found[0]

    def judge(self, until: int, now: int) -> None:
        """Judge the sixty whole seconds before."""
        usd = self.volume(until - 60, until)
        if not self.reached(usd, now):
            return
        middle, minutes = self.median(now) or (Fraction(0), 0)
        exact = Fraction(str(self.rule.multiple)) * middle
        threshold = max(round(self.rule.floor_usd * 100), -(-exact.numerator // exact.denominator))
        sides = [sum(r.amount for r in self.trades if r.side == side and until - 60 <= r.at_ms // 1000 < until)
                 for side in ("buy", "sell")]  # fmt: skip
        facts = (*sides, int(middle + Fraction(1, 2)), minutes)
        line = Line("hit", now, SPIKE, "neutral", until * 1000, usd, 1, (), tier_of(usd, threshold), facts)
        self.lines.append(line)
        if self.going is None:
            self.start_ms = line.event_ms
        self.going, self.ends_ms = line, now + 60_000


_STEPS = (0, 1, 300, 999, 1000, 1000, 1001, 2000, 5000, 9_000, 20_000, 29_999, 40_000, 58_999, 59_000, 59_999, 60_000, 60_001,
          61_000, 90_000)  # fmt: skip


class Spikes:
    """The family of the volume spike. Forty coins, each with a past of its own; one engine for twenty batches."""

    def __init__(self) -> None:
        on = only(SPIKE)
        variants = (
            {},
            {"floor_usd": 99_999.99, "multiple": 1.5},
            {"floor_usd": 50_000, "multiple": 8.1},
            {"floor_usd": 250_000, "multiple": 2.0},
        )
        self._variants = [
            Rules.model_validate({"thresholds": {SPIKE: each}, "detectors": on, "radar": {"enabled": False}}) for each in variants
        ]  # fmt: skip
        self._rules = self._variants[0]
        self._machine: Machine | None = None
        self._batches = self._base = 0
        self._pasts: dict[str, Past] = {}
        self._before: dict[str, Past] = {}

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return a history for each coin, on the past that the batches before have made."""
        if self._machine is None or self._batches % 20 == 0:
            self._rules = rng.choice(self._variants)
            self._base = START_MS
            self._pasts = {asset: _past(rng, self._rules) for asset in assets(40)}
            self._machine = _with_past(self._rules, self._pasts, self._base)
        else:
            self._base = (self._machine.engine.now_ms // 60_000 + 2) * 60_000
        self._batches += 1
        return {asset: self._history(rng, asset) for asset in assets(40)}

    def by_engine(self, histories: dict[str, list[Row]], rng: random.Random | None) -> dict[str, list[Line]]:
        """Go on in the engine of the batches before; alone, in a new one with the history's own past."""
        if rng is None:
            alone = _with_past(self._rules, {name: self._before[name] for name in histories}, self._base)
            return run(alone, histories, 2, self._base, 130_000)
        assert self._machine is not None
        return run(self._machine, histories, 8 * rng.random(), self._base, 130_000)

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself; then its minutes are past."""
        if len(histories) > 1:
            self._before = {name: dict(past) for name, past in self._pasts.items()}
            for asset, rows in histories.items():
                _add(self._pasts[asset], rows)
        return {
            asset: SpikesByDefinition(self._rules, asset, self._before[asset]).read(rows)
            for asset, rows in histories.items()
        }

    def _history(self, rng: random.Random, asset: str) -> list[Row]:
        past, rule = self._pasts[asset], self._rules.thresholds.volume_spike
        closed = self._base // 60_000 - 2
        middle = median([past.get(m, 0) for m in range(max(min(past), closed - DAY + 1), closed + 1)])
        exact = Fraction(str(rule.multiple)) * Fraction(middle)
        need = max(round(rule.floor_usd * 100), -(-exact.numerator // exact.denominator))
        floor = self._rules.thresholds.whale_cluster.floor(asset)
        parts = rng.choice((1, 2, 3, 5, 8))
        small = rng.random() < 0.3
        now, rows = self._base + rng.randrange(100_000), list[Row]()
        for _ in range(rng.choice((2, 3, 4, 6, 9))):
            now += rng.choice(_STEPS)
            late = (
                rng.choice((1, 999, 1000, 5000, 29_999, 30_000, 59_999, 60_000, 60_001))
                if rng.random() < 0.1
                else 0
            )
            so_far = sum(r.amount for r in rows if r.at_ms > now - 60_000)
            usd = rng.choice(
                (need // parts, need - so_far, need - so_far, need // 2, need // 2 + 1, 2 * need, floor)
            )
            usd = max(1, usd + rng.choice((0, 0, 0, 1, -1)))
            what, side = (
                ("trade", rng.choice(("buy", "sell"))) if rng.random() < 0.95 else ("liquidation", "long")
            )
            pieces = min(25, -(-usd // (floor - 1))) if small and what == "trade" else 1
            for piece in range(pieces):
                part = usd // pieces + (usd % pieces if piece == 0 else 0)
                rows.append(Row(now, now - late, what, asset, "a", side, max(1, part)))
        return rows


def _past(rng: random.Random, rules: Rules) -> Past:
    minutes = rng.choice((300, 355, 356, 357, 358, 359, 360, 361, 400, 700, 1440, 1500))
    limit = round(rules.thresholds.volume_spike.floor_usd * 100 / rules.thresholds.volume_spike.multiple)
    usual = rng.choice((0, 1, limit // 3, limit, limit, limit + 1, 2 * limit, 3 * limit, 10 * limit))
    first = START_MS // 60_000 - 3 - minutes
    past = {first + m: max(0, usual + rng.choice((0, 0, 0, 1, -1, 1000, -1000))) for m in range(minutes)}
    past[first] = past[first] or 1  # its first minute has a trade
    return past


def _with_past(rules: Rules, pasts: dict[str, Past], base_ms: int) -> Machine:
    machine = Machine(rules, remembers=True)
    first = min(min(past) for past in pasts.values())
    for minute in range(first, base_ms // 60_000 - 3):
        volumes = [(asset, past[minute]) for asset, past in pasts.items() if minute in past]
        machine.engine.baselines.close(minute, volumes, looked=True, interest=None)
    return machine


def _add(past: Past, rows: list[Row]) -> None:
    for row in rows:
        if row.what == "trade" and row.at_ms >= row.received_ms - 60_000:
            past[row.at_ms // 60_000] = past.get(row.at_ms // 60_000, 0) + row.amount
