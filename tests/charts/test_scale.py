"""Where the ticks of an axis stand and what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.charts import scale

NOON = 1_795_262_400_000
"""2026-11-21 12:00:00 UTC"""


@given(st.floats(1e-12, 1e12), st.floats(1.0001, 100), st.integers(2, 8))
def test_price_ticks_are_inside_distinct_and_few(low, factor, wanted):
    """Labels of one axis never repeat, so two grid lines can always be told apart."""
    low, high = scale.padded(low, low * factor)
    ticks = scale.price_ticks(low, high, wanted)
    labels = [label for _, label in ticks]
    assert len(set(labels)) == len(labels) <= wanted + 1
    assert all(low - (high - low) * 1e-6 <= value <= high + (high - low) * 1e-6 for value, _ in ticks)


def test_a_flat_price_lies_in_the_middle():
    """A price that did not move still has an axis around it."""
    low, high = scale.padded(100.0, 100.0)
    assert low < 100 < high
    assert scale.padded(0.0, 0.0) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("0.00001365", "0.0₄1365"),
        ("0.0001365", "0.0₃1365"),
        ("0.001365", "0.001365"),
        ("0.0000", "0.0000"),
        ("12.0001", "12.0001"),
    ],
)
def test_zeros_of_tiny_prices_are_counted(text, short):
    """A meme coin's price fits beside the chart, and loses no digit."""
    assert scale.short_zeros(text) == short


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(2, 6))
def test_usd_ticks_stay_inside_and_include_zero(up, down, wanted):
    """The zero line is always labelled, and no label stands beyond the bars."""
    ticks = scale.usd_ticks(up, down, wanted)
    assert (0, "0") in ticks
    assert all(-down <= value <= up for value, _ in ticks)
    assert len(ticks) <= wanted + 1


@given(st.integers(NOON - 10**12, NOON + 10**12), st.integers(1, 10**10), st.integers(2, 6))
def test_time_ticks_are_inside_and_few(from_ms, span, wanted):
    """Labels of the time axis never crowd, whatever the span."""
    ticks = scale.time_ticks(from_ms, from_ms + span, wanted)
    assert all(from_ms <= at <= from_ms + span for at, _ in ticks)
    assert len(ticks) <= wanted + 1


@pytest.mark.parametrize(("span_s", "label"), [(60, "12:00:00"), (600, "12:00"), (86_400 * 4, "11-22")])
def test_time_labels_tell_what_the_step_needs(span_s, label):
    """Seconds are told for short spans, days for long ones."""
    assert scale.time_ticks(NOON, NOON + span_s * 1_000, 4)[0][1] == label


def test_time_ticks_of_a_zone_are_round_there():
    """Nepal is 5 h 45 min ahead: its full hours are ours at a quarter past, and read as there."""
    ahead = (5 * 60 + 45) * 60_000
    ticks = scale.time_ticks(NOON, NOON + 4 * 3_600_000, 5, ahead)
    assert ticks == [(NOON + (15 + 60 * i) * 60_000, f"{18 + i}:00") for i in range(4)]
