"""Thresholds by an asset's own normal, and volume spikes, through the whole replay against slow definitions."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.reference import dense
from tests.reference.alert_decisions import Phase, Row
from tests.reference.replayed import SPINE, by_engine, by_reference, phases_of, read_tapes, same, write_tape
from ws_alert.rules import Detectors, RadarRules, Rules

EXAMPLES = int(os.environ.get("TELEGLAS_EXAMPLES", "200"))
ONLY_SPIKES = Detectors(**{name: name == "volume_spike" for name in Detectors.model_fields})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder that the examples write over."""
    return tmp_path_factory.mktemp("tapes")


def _tapes(folder: Path, *parts) -> tuple[list[Path], list[Path]]:
    liquidations, trades = ([row for part in parts for row in part[place]] for place in (0, 1))
    return [write_tape(folder / "liquidations.csv", liquidations)], [
        write_tape(folder / "trades.csv", trades)
    ]


@settings(max_examples=max(1, EXAMPLES // 5), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    past=dense.pasts(),
    tapes=dense.tapes(),
    rules=dense.rules(),
    mode=st.sampled_from(["both", "adaptive", "fixed"]),
)
def test_decisions_by_the_normal_are_those_of_the_reference(folder, past, tapes, rules: Rules, mode) -> None:
    """With a day and more of history, one by one, in order, to the cent."""
    thresholds = rules.thresholds.model_copy(update={"mode": mode})
    rules = rules.model_copy(update={"thresholds": thresholds, "detectors": SPINE})
    files = _tapes(folder, past.tapes(), tapes)
    same(by_engine(rules, folder, *files), by_reference(rules, *files))


@dataclass
class Spike:
    """An episode while it goes on; hit: (event_ms, usd)."""

    start_ms: int
    hit: tuple[int, int]
    end_ms: int


class Spikes:
    """Volume spikes the slow way: every trade is kept, and summed at each judgement.

    A second is judged by its end, once: when it is over, if the minute before it held half of a spike or a large
    order in it completes one; else when a later one begins, or at the next full minute.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules, self.now, self.minute = rules, 0, 0
        self.trades: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.first: dict[str, int] = {}
        self.second: dict[str, int] = {}
        self.newest: dict[str, int] = {}
        self.closing: dict[tuple[str, int], int] = {}
        self.judged: set[tuple[str, int]] = set()
        self.open: dict[str, Spike] = {}
        self.phases: list[Phase] = []

    def run(self, rows: list[Row]) -> list[Phase]:
        """Read all rows, then let the time pass."""
        for row in rows:
            self.read(row)
        self.wait(1 << 62)
        return self.phases

    def read(self, row: Row) -> None:
        """Take a row: one of a later second closes the one before; a large order lets its own be judged at its end."""
        now = max(self.now, row.ts_ms)
        self.wait(now)
        self.now = now
        if now - row.ts_ms > 60_000 or (self.rules.watch and row.asset not in self.rules.watch):
            return
        asset, second = row.asset, row.ts_ms // 1000
        self.newest[asset] = max(self.newest.get(asset, 0), row.ts_ms)
        if row.usd > 0:
            self.first[asset] = min(self.first.get(asset, second // 60), second // 60)
        if second > self.second.get(asset, -1):
            before, self.second[asset] = self.second.get(asset, -1), second
            if second - before <= 60 and (asset, before) not in self.judged:
                self.judge(asset, before + 1)
            if self.fires(asset, second, times=2) is not None:
                self.closing[asset, second] = max(now, (second + 1) * 1000)
            self.minute = self.minute or (now // 60_000 + 1) * 60_000
        if row.kind != "trade":
            return
        self.trades[asset].append((second, row.usd))
        is_order = row.usd >= self.rules.thresholds.whale_cluster.floor(asset)
        timely = row.ts_ms > self.newest[asset] - self.rules.window_ms
        opened = self.second[asset]
        if is_order and timely and self.fires(asset, opened + 1, 61) is not None:
            self.closing.setdefault((asset, opened), max(now, (opened + 1) * 1000))

    def wait(self, now: int) -> None:
        """Run what is due by then: seconds to be closed before episodes that end, at the same time."""
        while True:
            due = [(at, f"close\n{asset}\n{second}", asset, second) for (asset, second), at in self.closing.items()
                   if self.second[asset] == second]  # fmt: skip
            due += [(spike.end_ms, f"episode\n{asset}", asset, -1) for asset, spike in self.open.items()]
            due += [(self.minute, "minute", "", -1)] if self.minute else []
            if not due or min(due)[0] > now:
                return
            at, what, asset, second = min(due)
            self.now = max(self.now, at)
            if what.startswith("close"):
                del self.closing[asset, second]
                self.judged.add((asset, second))
                self.judge(asset, second + 1)
            elif what == "minute":
                self.minute = 0
                self.pass_minute(at // 1000)
            else:
                spike = self.open.pop(asset)
                self.tell("end", asset, spike.start_ms, spike.hit)

    def pass_minute(self, until: int) -> None:
        """Judge what nothing has closed since: the last seconds of assets that fell silent."""
        for asset, second in self.second.items():
            may = (asset, second) not in self.judged and self.fires(asset, second + 1, 61) is not None
            if until - 60 <= second < until and may:
                self.judged.add((asset, second))
                self.judge(asset, second + 1)

    def fires(self, asset: str, until: int, length: int = 60, times: int = 1) -> int | None:
        """Return the cents of [until - length, until) so many times, if they are a spike."""
        usd = times * sum(amount for second, amount in self.trades[asset] if until - length <= second < until)
        rule, closed = self.rules.thresholds.volume_spike, self.now // 60_000 - 2
        if usd < rule.floor_usd * 100:
            return None
        first = max(self.first.get(asset, closed + 1), closed - 1439)
        minutes = dict.fromkeys(range(first, closed + 1), 0)
        for second, amount in self.trades[asset]:
            if second // 60 in minutes:
                minutes[second // 60] += amount
        if len(minutes) < 360:
            return None
        middle = Fraction(median([2 * amount for amount in minutes.values()])) / 2
        return usd if usd >= Fraction(str(rule.multiple)) * middle else None

    def judge(self, asset: str, until: int) -> None:
        """Judge the sixty whole seconds before."""
        usd = self.fires(asset, until)
        if usd is None:
            return
        hit = (until * 1000, usd)
        if asset not in self.open:
            self.open[asset] = Spike(hit[0], hit, 0)
            self.tell("start", asset, hit[0], hit)
        self.open[asset].hit, self.open[asset].end_ms = hit, self.now + 60_000

    def tell(self, phase: str, asset: str, start_ms: int, hit: tuple[int, int]) -> None:
        """Write a line."""
        self.phases.append(Phase(phase, "volume_spike", asset, "neutral", start_ms, hit[0], hit[1], 1, ()))


@settings(max_examples=max(1, EXAMPLES // 5), deadline=None, suppress_health_check=list(HealthCheck))
@given(past=dense.pasts(), tapes=dense.tapes(), rules=dense.rules(), low=st.booleans())
@example(  # two late rows at one moment: between them a second is over
    past=dense.Past(24, 1, ["99999.99"]),
    tapes=(
        [],
        [
            (1_700_000_000_000, "a", "SOLUSDT", "sell", 100.0, "99999.99"),
            (1_699_999_970_000, "a", "BTCUSDT", "sell", 100.0, "99999.99"),
            (1_699_999_969_999, "a", "BTCUSDT", "sell", 100.0, "99999.99"),
        ],
    ),
    rules=Rules(),
    low=True,
)
def test_spikes_are_those_of_the_reference(folder, past, tapes, rules: Rules, low) -> None:
    """Each start and end, with late trades, seconds that only a deadline closes, and medians that move."""
    spike = rules.thresholds.volume_spike.model_copy(
        update={"floor_usd": 99_999.99, "multiple": 1.5} if low else {}
    )
    thresholds = rules.thresholds.model_copy(update={"volume_spike": spike})
    radar = RadarRules(enabled=False)
    rules = rules.model_copy(update={"thresholds": thresholds, "detectors": ONLY_SPIKES, "radar": radar})
    files = _tapes(folder, past.tapes(), tapes)
    assert phases_of(rules, folder, *files) == Spikes(rules).run(read_tapes(*files))
