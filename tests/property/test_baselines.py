"""An asset's own normal against its slow definition, in one life and in several."""

from __future__ import annotations

import gc
import os
import random
import tracemalloc

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference.normals import DAY, SlowBaselines, nearest_rank
from tests.shelf import SERIES, Shelf, note, state
from ws_alert.messages import Kind
from ws_alert.windows.baselines import MINUTE_MS, Baselines
from ws_alert.windows.interest import FundingRow, InterestRows
from ws_alert.windows.sample_history import SampleHistory

EXAMPLES = int(os.environ.get("TELEGLAS_EXAMPLES", "200"))
START = 1_790_000_000_000 // MINUTE_MS


def restarted(shelf: Shelf, closed: int) -> Baselines:
    """Return what a start makes of the shelf; a minute that has no row was one in which nobody looked."""
    fresh = Baselines()
    fresh.keeps = True
    fresh.restore(shelf.stored())
    fresh.close(closed, (), looked=False, interest=None)
    return fresh


def same(baselines: Baselines, slow: SlowBaselines) -> None:
    """Check every answer."""
    for asset in ("BTC", "SOL", "X"):
        found, expected = baselines.median(asset), slow.median(asset)
        assert (found is None) == (expected is None)
        if found is not None:
            assert (found.twice_usd, found.minutes) == (expected[0] * 2, expected[1])
        for kind, side in SERIES:
            normal, key = baselines.normal(asset, kind, side), (asset, kind, side)
            quantile = slow.normal(key)
            assert (normal is None) == (quantile is None)
            if normal is not None:
                assert normal.hours == quantile[1] // 60
                if slow.history(asset) < 28 * DAY:
                    assert normal.usd == quantile[0]
                else:
                    factor = slow.factor(key, (slow.closed + 2) // 60)
                    assert abs(normal.usd / quantile[0] - factor) <= 0.01 * factor + 1 / quantile[0]


@st.composite
def lives(draw: st.DrawFn):
    """Draw stretches (minutes, share of them with activity, looked, restart behind) and a seed."""
    stretches = draw(
        st.lists(
            st.tuples(
                st.sampled_from([1, 2, 59, 61, 150, 400, 1438, 1440, 1500, 3 * DAY]),
                st.sampled_from([0.0, 0.01, 0.3, 1.0]),
                st.integers(0, 5).map(bool),
                st.booleans(),
                st.sampled_from([0, 0, 0, 1, 5, 200, 2 * DAY, 9 * DAY]),
            ),
            min_size=2,
            max_size=7,
        )
    )
    return stretches, draw(st.integers(0, 1_000_000))


@settings(max_examples=max(1, EXAMPLES // 20), deadline=None, suppress_health_check=list(HealthCheck))
@given(life=lives())
def test_medians_and_quantiles_are_those_of_sorted_lists(life) -> None:
    """Exactly, with minutes skipped, minutes in which nobody looked, and restarts from what was stored."""
    stretches, seed = life
    rng = random.Random(seed)  # noqa: S311 - made-up markets
    baselines, slow, shelf = Baselines(), SlowBaselines(), Shelf()
    baselines.keeps = True
    minute, day = START, -1
    for length, busy, looked, restart, gap in stretches:
        for _ in range(length):
            volumes, samples = {}, {}
            for asset in ("BTC", "SOL", "X"):
                if rng.random() < busy:
                    volumes[asset] = rng.choice([0, 1, 2, 5_000_000_00, 1 << 33])
                    for kind, side in rng.sample(SERIES, rng.randrange(3)):
                        samples[asset, kind, side] = rng.randrange(1, rng.choice([5, 1 << 36]))
            note(baselines, minute, samples)
            baselines.close(minute, volumes.items(), looked=looked, interest=None)
            slow.close(minute, volumes, samples, looked=looked)
            if minute // DAY != day:
                day = minute // DAY
                slow.forget()
            if rng.random() < 0.2:
                shelf.keep(baselines)
            if rng.random() < 0.002:
                same(baselines, slow)
            minute += 1
        same(baselines, slow)
        if restart:
            shelf.keep(baselines)
            before, baselines = baselines, restarted(shelf, minute - 1)
            assert state(baselines) == state(before)
            same(baselines, slow)
        minute += gap


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    days=st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.integers(1, 1 << 40), max_size=400)), min_size=1, max_size=14
    )
)
def test_the_largest_of_each_day_are_enough(days) -> None:
    """However the days differ, also when a large one leaves the week."""
    history, known, day = SampleHistory(), [], 20_000
    for step, samples in days:
        day += step
        for place, usd in enumerate(samples):
            history.add(day * DAY + place, usd)
            known.append((day, usd))
        assert history.quantile(day) == nearest_rank([usd for at, usd in known if at > day - 8])


def test_a_month_makes_the_quantile_follow_the_hour_of_the_week() -> None:
    """Samples four times as large at 14:00 of Mondays raise the threshold there, and nowhere else."""
    baselines, slow = Baselines(), SlowBaselines()
    rng = random.Random(3)  # noqa: S311 - made-up markets
    key = ("BTC", Kind.LIQUIDATION_STORM, "long")
    minute, factors = 19_723 * DAY, {}  # 2024-01-01, a Monday
    for _ in range(36 * DAY):
        hour = minute // 60
        size = 4 if (hour + 72) % 168 == 14 else 1
        samples = {key: round(size * rng.lognormvariate(15, 0.5))} if minute % 2 else {}
        note(baselines, minute, samples)
        baselines.close(minute, (("BTC", 1),), looked=True, interest=None)
        slow.close(minute, {"BTC": 1}, samples, looked=True)
        minute += 1
        if minute % 60 == 57 and minute >= (19_723 + 28) * DAY:
            usd = baselines.normal(*key).usd
            quantile = slow.normal(key)[0]
            factors[(hour + 72) % 168] = usd / quantile
            assert abs(usd / quantile - slow.factor(key, (slow.closed + 2) // 60)) < 0.01
    assert factors[14] > 1.9
    assert all(0.85 < factor < 1.15 for hour, factor in factors.items() if hour != 14)


def test_what_else_is_stored_with_a_minute_comes_back() -> None:
    """Also with a minute in which nobody looked, for the last two hours of rows."""
    baselines, shelf = Baselines(), Shelf()
    baselines.keeps = True
    rows = [InterestRows((FundingRow("a", "BTCUSDT", "BTC", n, 0.0001, 8.0),)) for n in range(200)]
    for n, row in enumerate(rows):
        baselines.close(START + n, (("BTC", n % 3),), looked=n < 150, interest=row)
        shelf.keep(baselines)
    assert Baselines().restore(shelf.stored()) == (rows[-120:], 0)
    assert len(shelf.minutes) == 120


def test_a_replay_collects_nothing_to_store() -> None:
    """Nobody would take it away."""
    baselines = Baselines()
    baselines.close(START, (("BTC", 1),), looked=True, interest=None)
    assert baselines.kept is None


def test_five_hundred_assets_with_all_series_take_less_than_15_mb() -> None:
    """Each with volume and eight samples 72 times a day for ten days, measured on ten of them."""
    rng = random.Random(5)  # noqa: S311 - made-up markets
    assets = [f"A{n}" for n in range(10)]
    gc.collect()
    tracemalloc.start()
    baselines = Baselines()
    for minute in range(START, START + 10 * DAY, 20):
        baselines._open[minute] = {asset: [rng.randrange(1, 1 << 32) for _ in SERIES] for asset in assets}
        baselines.close(minute, [(asset, 1 << 31) for asset in assets], looked=True, interest=None)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken * 50 < 15_000_000
