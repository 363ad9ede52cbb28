"""Numbers as traders read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas import numbers

CENTS = st.integers(-(10**16), 10**16)


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "$0"), (5, "$0.05"), (950, "$9.50"), (10_000, "$100"), (99_994, "$1.00K"), (123_456, "$1.23K"),
        (51_234_500, "$512K"), (99_949_999, "$999K"), (99_999_900, "$1.00M"), (1_830_000_000, "$18.3M"),
        (99_999_999_999, "$1.00B"), (-1_830_000_000, "-$18.3M"), (10**16, "$100,000B"),
    ],
)  # fmt: skip
def test_usd_has_three_digits(cents, text):
    """Amounts read as on an exchange's screen; rounding up moves to the next letter, never `$1000K`."""
    assert numbers.usd(cents) == text


def _value(text: str) -> float:
    unit = {"K": 1e3, "M": 1e6, "B": 1e9}.get(text[-1], 1)
    return float(re.sub(r"[$,KMB]", "", text)) * unit * 100


@given(CENTS)
def test_usd_is_near_and_short(cents):
    """An amount is never off by more than half its third digit, and needs at most six characters below $1000B."""
    text = numbers.usd(cents)
    assert abs(_value(text) - cents) <= max(abs(cents) * 0.005 + 1e-6, 0.5)
    if abs(cents) < 99_949_999_999_900:
        assert len(text.lstrip("-")) <= 6


@given(st.integers(0, 10**16))
def test_a_cut_amount_is_never_above_the_true_one(cents):
    """`at least $18.3M` must be true, so a lower bound is cut and not rounded."""
    assert _value(numbers.usd(cents, cut=True)) <= cents + 1e-6 * cents


@given(CENTS, CENTS)
def test_larger_amounts_never_read_smaller(one, other):
    """The order of two amounts survives the writing."""
    low, high = sorted((one, other))
    assert _value(numbers.usd(low)) <= _value(numbers.usd(high))


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (200_000_000, "$2M"),
        (150_000_000, "$1.5M"),
        (50_000_000, "$500K"),
        (0, "$0"),
        (1_000_00, "$1K"),
        (950, "$9.50"),
    ],
)
def test_thresholds_have_no_needless_zeros(cents, text):
    """Set values and axes read `$2M`, not `$2.00M`."""
    assert numbers.usd_short(cents) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (97_525.5, "97,525.5"), (97_525.0, "97,525"), (0.0000138, "0.0000138"), (3_412.55, "3,412.55"),
        (1_234_567.8, "1,234,568"), (1e-12, "0.000000000001"), (0.99999999, "1"), (9.999999, "10"), (142.37, "142.37"),
    ],
)  # fmt: skip
def test_prices_are_plain(value, text):
    """A price has six digits, commas, no exponent and no trailing zeros."""
    assert numbers.price(value) == text


@given(st.floats(1e-15, 1e12))
def test_every_price_is_within_six_digits(value):
    """No coin is so cheap or dear that its price turns into an exponent or into zero."""
    text = numbers.price(value)
    assert re.fullmatch(r"[\d,]+(\.\d*[1-9])?", text)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=6e-6)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (30_000, "30 s"), (130_000, "2 min 10 s"), (60_000, "1 min"), (3_900_000, "1 h 5 min"), (0, "0 s"),
        (-5, "0 s"), (259_200_000, "3 d"), (90_000_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_spans(ms, text):
    """A length of time has at most two units."""
    assert numbers.span(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(84, "84 ms"), (2_449, "2.4 s"), (59_999, "59.9 s"), (130_000, "2 min 10 s"), (-3, "0 ms")],
)
def test_ages(ms, text):
    """A latency is told in the unit in which it is short."""
    assert numbers.age(ms) == text


@pytest.mark.parametrize(
    ("value", "base", "text"), [(1_999_999, 1_000_000, "1.9x"), (2, 1, "2.0x"), (12_345, 1, "12,345.0x")]
)
def test_multiples_are_cut(value, base, text):
    """A multiple just under two does not read `2.0x`, because two is what decides."""
    assert numbers.times(value, base) == text


def test_percent_has_no_negative_zero():
    """A move that rounds to nothing is `+0.00 %`, and a share has no sign."""
    assert numbers.percent(-0.004, signed=True) == "+0.00 %"
    assert numbers.percent(-0.734, signed=True) == "-0.73 %"
    assert numbers.percent(62.0, 0) == "62 %"


def test_times_are_utc_and_cut_to_the_second():
    """A moment is told in UTC, and 59.9 seconds do not become the next minute."""
    assert numbers.utc(1_795_262_590_999) == "2026-11-21 12:03:10 UTC"
    assert numbers.clock(1_795_262_590_999) == "12:03:10"
    assert numbers.date(1_795_262_590_999) == "2026-11-21"


def test_counts_and_scores():
    """One liquidation, several liquidations; a score has two decimals."""
    assert numbers.count(1, "liquidation") == "1 liquidation"
    assert numbers.count(1_212, "liquidation") == "1,212 liquidations"
    assert numbers.score(0.8649) == "0.86"


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "0s"), (45_999, "45s"), (60_000, "1m"), (3_599_999, "59m"), (3_600_000, "1h"), (12_060_000, "3h21m"),
     (86_400_000, "24h")],
)  # fmt: skip
def test_windows_are_cut(ms, text):
    """As traders name them: nothing that was not reached."""
    assert numbers.window(ms) == text
