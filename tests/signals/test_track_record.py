"""From outcomes to a kind's record and to score_v2: against slow definitions, synthetic truths, and at the edges."""

from __future__ import annotations

import random
from statistics import median

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.outcomes import Followed, Move
from teleglas.track_record import NOTHING, right, track_record, up, wilson
from ws_alert.records import Records
from ws_alert.signals.track_record import LEAST, PRIOR, calibrate, records_of, score_v2

MOVES = st.floats(-20, 20).map(lambda move: round(move, 2))
CHANCES = st.none() | st.floats(0, 1)
CALL = st.tuples(st.integers(0, 40).map(float), st.booleans())
CALLS = st.lists(CALL, max_size=60) | st.lists(CALL, min_size=LEAST - 1, max_size=300)
ENOUGH = st.lists(CALL, min_size=LEAST, max_size=300)


def test_wilson_is_the_published_interval():
    """Brown, Cai and DasGupta's form: symmetric, inside 0..1, never of zero width."""
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(pair):
    """The interval always contains what was measured."""
    wins, count = pair
    low, high = wilson(wins, count)
    assert 0 <= low <= wins / count + 1e-12
    assert wins / count - 1e-12 <= high <= 1
    assert low < high


@given(st.lists(st.tuples(MOVES, CHANCES), max_size=60))
def test_a_record_sums_up_what_was_measured(moves):
    """Every figure is what its name says; what there is nothing to tell from is None."""
    record = track_record(moves)
    assert (record.n, record.hits) == (len(moves), len([each for each, _ in moves if each > 0]))
    if not moves:
        assert record == NOTHING
        return
    assert (record.low, record.high) == wilson(record.hits, record.n)
    assert record.low <= record.rate <= record.high
    assert record.median == median([each for each, _ in moves])
    assert record.size == median([abs(each) for each, _ in moves])
    known = [chance for _, chance in moves if chance is not None]
    if len(known) * 2 < len(moves):
        assert record.baseline is None
    else:
        assert record.baseline == pytest.approx(sum(known) / len(known))


def followed(kind, direction, move, strength=1.0):
    """Return an alert whose assets rise in 60 and fall in 30 of 100 minutes."""
    return Followed(kind, direction, strength, Move(15, move, up=0.6, down=0.3))


def test_up_counts_moves_and_right_counts_calls():
    """Longs closed by force call down; an unchanged price is no hit either way."""
    rows = [followed("liquidation_storm", way, move) for way, move in
            (("long", -1.0), ("long", 0.0), ("short", 2.0), ("short", -3.0))]  # fmt: skip
    rose, called = up(rows), right(rows)
    assert (rose.n, rose.hits, rose.median, rose.baseline) == (4, 1, -0.5, pytest.approx(0.6))
    assert (called.n, called.hits, called.median, called.baseline) == (4, 2, 0.5, pytest.approx(0.45))
    neutral = [followed("volume_spike", "neutral", 1.5)]
    assert (up(neutral).n, right(neutral)) == (1, NOTHING)


def test_each_kind_has_its_record_by_direction():
    """Directions are not mixed where moves up are told, and are where right calls are counted."""
    rows = [
        followed("stop_hunt", "long", 1.0),
        followed("stop_hunt", "short", 1.0),
        followed("oi_divergence", "neutral", 4.0),
    ]
    found = records_of(rows)
    hunts = found.kinds["stop_hunt"]
    assert {way: (each.n, each.hits) for way, each in hunts.ways.items()} == {"long": (1, 1), "short": (1, 1)}
    assert (hunts.right.n, hunts.right.hits, hunts.curve) == (2, 1, ())
    assert found.kinds["oi_divergence"].right == NOTHING
    assert msgspec.json.decode(msgspec.json.encode(found), type=Records) == found


def reference(calls):
    """Return (strength, isotonic share) by the min-max formula over the same bins, drawn to the kind's share."""
    ordered = sorted(calls)
    size = max(10, len(ordered) // 10)
    bins, current = [], []
    for place, call in enumerate(ordered):
        current.append(call)
        ends = place + 1 == len(ordered) or ordered[place + 1][0] > call[0]
        if ends and len(current) >= size:
            bins.append(current)
            current = []
    if current:
        bins = [*bins[:-1], bins[-1] + current] if bins else [current]
    sums = [(sum(hit for _, hit in each), len(each)) for each in bins]

    def mean(first, last):
        chosen = sums[first : last + 1]
        return sum(hits for hits, _ in chosen) / sum(n for _, n in chosen)

    own = mean(0, len(sums) - 1)
    weight = len(ordered) / (len(ordered) + PRIOR)
    return [
        (
            each[0][0],
            own + weight * (max(min(mean(a, b) for b in range(at, len(sums))) for a in range(at + 1)) - own),
        )
        for at, each in enumerate(bins)
    ]


@given(CALLS)
def test_score_v2_is_isotonic_regression(calls):
    """Pooled shares are those of the textbook's min-max formula; too few calls give no score."""
    curve = calibrate(calls)
    if len(calls) < LEAST:
        assert curve == ()
        assert score_v2(curve, 1.0) is None
        return
    for strength, share in reference(calls):
        assert score_v2(curve, strength).share == pytest.approx(share)
    assert sum(step.n for step in curve) == len(calls)
    assert sum(step.hits for step in curve) == sum(hit for _, hit in calls)


@given(ENOUGH, st.lists(st.floats(-10, 60), min_size=2))
def test_score_v2_never_falls_with_the_strength(calls, strengths):
    """Whatever followed: stronger is never scored lower, and every score is a share."""
    curve = calibrate(calls)
    found = [score_v2(curve, strength) for strength in sorted(strengths)]
    shares = [each.share for each in found]
    assert shares == sorted(shares)
    assert all(0 <= each.share <= 1 and 0 <= each.low < each.high <= 1 for each in found)


@given(ENOUGH, st.integers(0, 1000))
def test_score_v2_rises_with_what_was_right(calls, which):
    """A call that was right in place of a wrong one lowers no score."""
    place = which % len(calls)
    better = [(strength, hit or at == place) for at, (strength, hit) in enumerate(calls)]
    for strength in range(41):
        before, after = (score_v2(calibrate(each), float(strength)).share for each in (calls, better))
        assert after >= before - 1e-12


@pytest.mark.parametrize("truth", [
    lambda strength: 0.35 + 0.5 * strength,
    lambda strength: 0.8 if strength > 0.7 else 0.5,
    lambda _strength: 0.55,
])  # fmt: skip
def test_score_v2_is_calibrated_on_a_known_truth(truth):
    """Of 20,000 made-up alerts it says what share is right, for weak and for strong ones."""
    dice = random.Random(7)  # noqa: S311 - made-up alerts
    calls = [
        (strength, dice.random() < truth(strength)) for strength in (dice.random() for _ in range(20_000))
    ]
    curve = calibrate(calls)
    errors = [abs(score_v2(curve, strength).share - truth(strength)) for strength, _ in calls]
    assert sum(errors) / len(errors) < 0.02
    fresh = [
        (strength, dice.random() < truth(strength)) for strength in (dice.random() for _ in range(20_000))
    ]
    for step in curve:
        hits = [
            hit
            for strength, hit in fresh
            if score_v2(curve, strength).n == step.n and score_v2(curve, strength).share == step.share
        ]
        assert sum(hits) / len(hits) == pytest.approx(step.share, abs=0.05)


def test_a_young_score_v2_stays_near_its_kind():
    """Thirty calls, of which the strong ones were all right: the score says three quarters, not certainty."""
    calls = [(float(place), place >= 15) for place in range(30)]
    curve = calibrate(calls)
    assert [step.n for step in curve] == [10, 10, 10]
    assert score_v2(curve, 99.0).share == pytest.approx(0.75)
    assert score_v2(curve, 0.0).share == pytest.approx(0.25)
    assert score_v2(curve, 99.0).low < 0.75
