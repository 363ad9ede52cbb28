"""A table of contracts: exact in the journal, one object per contract for a session."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.errors import BadFrame
from teleglas.instrument_table import InstrumentTable, decode, encode
from teleglas.market import Instrument

FIELDS = ("venue", "symbol", "asset", "inverse", "multiplier", "scale")
NAMES = st.text(min_size=1, max_size=12)
INSTRUMENTS = st.builds(
    Instrument,
    venue=NAMES,
    symbol=NAMES,
    asset=NAMES,
    inverse=st.booleans(),
    multiplier=st.decimals(min_value="1e-12", max_value="1e12", allow_nan=False),
    scale=st.integers(1, 10**6),
)


def facts(instrument: Instrument) -> tuple:
    """Return what a contract says, for comparing."""
    return tuple(getattr(instrument, name) for name in FIELDS)


@given(st.dictionaries(NAMES, INSTRUMENTS, max_size=8))
def test_table_survives_its_spelling(table):
    """A journal's table comes back exactly, multipliers to the last digit."""
    again = decode(encode(table))
    assert {key: facts(row) for key, row in again.items()} == {key: facts(row) for key, row in table.items()}


def test_equal_tables_are_equal_bytes():
    """The order in which a venue lists its contracts does not show in the journal."""
    one, other = Instrument("okx", "A", "A"), Instrument("okx", "B", "B", multiplier=Decimal("0.01"))
    assert encode({"A": one, "B": other}) == encode({"B": other, "A": one})


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"A":{}}',
        b'{"A":{"venue":"okx","symbol":"A","asset":"A","multiplier":"x"}}',
        b'{"A":{"venue":"okx","symbol":"A","asset":"A","multiplier":"NaN"}}',
        b'{"A":{"venue":"okx","symbol":"A","asset":"A","multiplier":"-1"}}',
        b'{"A":{"venue":"okx","symbol":"A","asset":"A","scale":0}}',
    ],
)
def test_other_bytes_are_malformed(payload):
    """A broken header is refused; amounts are never computed from a guessed table."""
    with pytest.raises(BadFrame, match="malformed"):
        decode(payload)


def test_refresh_keeps_the_objects_of_unchanged_contracts():
    """Later stages know a contract by identity: only a changed one becomes another object."""
    old = {name: Instrument("okx", name, name, multiplier=Decimal(1)) for name in ("A", "B", "C")}
    table = InstrumentTable("okx", old)
    known = table.known
    changed = Instrument("okx", "B", "B", multiplier=Decimal(10))
    table.use({"A": Instrument("okx", "A", "A"), "B": changed, "D": Instrument("okx", "D", "D")})
    assert table.known is known
    assert (known["A"], known["B"], known["C"]) == (old["A"], changed, old["C"])
    assert sorted(known) == ["A", "B", "C", "D"]


def test_learning_stops_when_the_room_is_used_up():
    """Contracts added by name are bounded between two tables."""
    table = InstrumentTable("bybit", {}, room=1)
    assert facts(table.learn("1000PEPEUSDT")) == ("bybit", "1000PEPEUSDT", "PEPE", False, 1, 1000)
    with pytest.raises(BadFrame, match="unknown_instrument"):
        table.learn("BTCUSDT")
    table.use({})
    assert table.learn("BTCUSDT") is table.known["BTCUSDT"]
    with pytest.raises(BadFrame, match="unknown_symbol"):
        table.learn("ETHBTC")
