"""Calibration of the side codes of CoinGlass's REST orders."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.venues.coinglass.calibration import calibrate, is_truncated

HOUR = 1_700_000_000_000 // 3_600_000 * 3_600_000


def _orders(*rows: tuple[int, float], at_ms: int = HOUR + 5, pair: str = "BTCUSDT") -> bytes:
    data = [{"side": side, "usd_value": usd, "time": at_ms, "symbol": pair} for side, usd in rows]
    return json.dumps({"code": "0", "data": data}).encode()


def _bar(long_usd: float, short_usd: float, at_ms: int = HOUR) -> bytes:
    row = {"time": at_ms, "long_liquidation_usd": str(long_usd), "short_liquidation_usd": str(short_usd)}
    return json.dumps({"code": "0", "data": [row]}).encode()


MOSTLY_ONE = [(1, 100.0)] * 9 + [(2, 50.0)] * 2


def test_one_is_long():
    """Side 1 holds what the bar calls long."""
    assert calibrate(_orders(*MOSTLY_ONE), _bar(1000, 120)) == "1=long"


def test_one_is_short():
    """Side 1 holds what the bar calls short."""
    assert calibrate(_orders(*MOSTLY_ONE), _bar(120, 1000)) == "1=short"


@pytest.mark.parametrize(
    ("body", "history"),
    [
        (_orders(*MOSTLY_ONE[:5]), _bar(1000, 120)),  # too few
        (_orders(*([(1, 100.0), (2, 100.0)] * 6)), _bar(600, 620)),  # balanced
        (_orders(*MOSTLY_ONE), _bar(0, 0)),  # empty bar
        (_orders(*MOSTLY_ONE), _bar(500, 60)),  # more than the bar holds
        (_orders(*MOSTLY_ONE, at_ms=HOUR + 3_600_000), _bar(1000, 120)),  # another hour
        (_orders(*MOSTLY_ONE, pair="BTCUSDC"), _bar(1000, 120)),  # another pair
        (_orders((3, 5.0), *MOSTLY_ONE), _bar(1000, 120)),  # a code nobody knows
        (_orders(*(MOSTLY_ONE * 19)), _bar(1e6, 1.2e5)),  # truncated
        (b"<html>", _bar(1, 1)),
        (_orders(*MOSTLY_ONE), b'{"data":[{"time":1}]}'),
        (_orders(*MOSTLY_ONE), _bar(1000, 120).replace(b"1000", b"x")),
    ],
)
def test_no_clear_answer(body, history):
    """Rather no direction than a guessed one."""
    assert calibrate(body, history) is None


def test_texts_count_as_numbers():
    """Numbers come as text on some plans."""
    body = _orders(*MOSTLY_ONE).replace(b"100.0", b'"100.0"').replace(b'"side": 1', b'"side": "1"')
    assert calibrate(body, _bar(1000, 120)) == "1=long"


def test_truncation_is_seen():
    """A full list asks for a higher minimum."""
    assert is_truncated(_orders(*([(1, 5.0)] * 200)))
    assert not is_truncated(_orders((1, 5.0)))
    assert not is_truncated(b"<html>")


@given(
    st.lists(st.tuples(st.booleans(), st.floats(1_000, 1e6)), min_size=1, max_size=150),
    st.floats(0, 0.3),
    st.booleans(),
)
def test_never_the_wrong_way(rows, unlisted, one_is_long):
    """Whatever happened in the hour, and whatever share the minimum hides, the answer is right or absent."""
    long_usd = sum(usd for is_long, usd in rows if is_long)
    short_usd = sum(usd for is_long, usd in rows if not is_long)
    body = _orders(*((1 if is_long == one_is_long else 2, usd) for is_long, usd in rows))
    found = calibrate(body, _bar(long_usd * (1 + unlisted), short_usd * (1 + unlisted)))
    assert found in (None, "1=long" if one_is_long else "1=short")
