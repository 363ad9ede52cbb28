"""RSI against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.indicators import rsi


def test_rsi_is_wilders():
    """Seed over three changes (+2, -1, +2), then one step of smoothing (-3)."""
    assert rsi([10, 12, 11, 13], 3) == pytest.approx(100 - 100 / (1 + (4 / 3) / (1 / 3)))
    gain, loss = (4 / 3 * 2 + 0) / 3, (1 / 3 * 2 + 3) / 3
    assert rsi([10, 12, 11, 13, 10], 3) == pytest.approx(100 - 100 / (1 + gain / loss))


def test_rsi_without_losses_gains_or_either():
    """100, 0 and 50 by definition, and never a division by zero."""
    rise = list(range(1, 20))
    assert (rsi(rise), rsi(rise[::-1]), rsi([5.0] * 20)) == (100.0, 0.0, 50.0)


def test_rsi_is_unknown_for_a_young_coin():
    """Fourteen closes have thirteen changes."""
    assert rsi([1.0] * 14) is None
    assert rsi([1.0] * 15) == 50.0
    assert rsi([], 14) is None


@given(st.lists(st.floats(0, 1e9), max_size=60))
def test_rsi_is_a_percentage_or_unknown(closes):
    """Zero prices included."""
    value = rsi(closes)
    assert value is None or 0.0 <= value <= 100.0
