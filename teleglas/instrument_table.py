"""A venue's contracts by symbol: the table that a codec looks symbols up in, and its spelling in a journal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import asset_of_symbol
from teleglas.market import Instrument, Refusal

__all__ = ["InstrumentTable", "decode", "encode"]


class _Row(msgspec.Struct, frozen=True, omit_defaults=True):
    venue: str
    symbol: str
    asset: str
    inverse: bool = False
    multiplier: str = "1"
    scale: int = 1


_TABLE = msgspec.json.Decoder(dict[str, _Row])


def encode(instruments: Mapping[str, Instrument]) -> bytes:
    """Return the table as JSON in the order of its keys, so that equal tables are equal bytes.

    Multipliers are text, because a float would not keep them exact.
    """
    rows = {
        key: _Row(
            venue=instrument.venue,
            symbol=instrument.symbol,
            asset=instrument.asset,
            inverse=instrument.inverse,
            multiplier=str(instrument.multiplier),
            scale=instrument.scale,
        )
        for key, instrument in sorted(instruments.items())
    }
    return msgspec.json.encode(rows)


def decode(payload: bytes) -> dict[str, Instrument]:
    """Return the table that `encode` wrote. Raises BadFrame(`malformed`) for anything else."""
    try:
        rows = _TABLE.decode(payload)
        return {key: _instrument(row) for key, row in rows.items()}
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError) as error:
        raise BadFrame(Refusal.MALFORMED, f"instrument table: {str(error)[:80]}") from error


def _instrument(row: _Row) -> Instrument:
    multiplier = Decimal(row.multiplier)
    if not multiplier.is_finite() or multiplier <= 0 or row.scale <= 0:
        raise ValueError(f"multiplier or scale of {row.symbol}")
    return Instrument(
        venue=row.venue,
        symbol=row.symbol,
        asset=row.asset,
        inverse=row.inverse,
        multiplier=multiplier,
        scale=row.scale,
    )


class InstrumentTable:
    """A venue's table, with one `Instrument` object per contract for the whole session.

    `known` is the dictionary to look symbols up in; it is only ever changed in place. A
    refreshed table keeps the objects of contracts that did not change, because later stages
    tell instruments apart by identity. Contracts that a venue removed stay known.
    """

    def __init__(self, venue: str, instruments: Mapping[str, Instrument], *, room: int = 2_000) -> None:
        """Start from a table; `room` bounds the contracts added by name until the next `use`.

        A venue lists a few a day, so more of them is a broken or hostile feed.
        """
        self.known: dict[str, Instrument] = dict(instruments)
        self._venue = venue
        self._room = room
        self._added = 0

    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Take a refreshed table."""
        for key, instrument in instruments.items():
            old = self.known.get(key)
            if old is None or not _equal(old, instrument):
                self.known[key] = instrument
        self._added = 0

    def learn(self, symbol: str) -> Instrument:
        """Return a linear contract counted in base coins that the table does not know yet.

        Raises BadFrame(`unknown_symbol`) for a name without a USD quote, and
        BadFrame(`unknown_instrument`) once the room is used up.
        """
        asset, scale = asset_of_symbol(symbol)
        return self.add(symbol, Instrument(venue=self._venue, symbol=symbol, asset=asset, scale=scale))

    def add(self, key: str, instrument: Instrument) -> Instrument:
        """Keep one more contract. Raises BadFrame(`unknown_instrument`) like `learn`."""
        if self._added >= self._room:
            raise BadFrame(Refusal.UNKNOWN_INSTRUMENT, f"{key}: too many new symbols")
        self._added += 1
        self.known[key] = instrument
        return instrument


def _equal(one: Instrument, other: Instrument) -> bool:
    return (one.venue, one.symbol, one.asset, one.inverse, one.multiplier, one.scale) == (
        other.venue,
        other.symbol,
        other.asset,
        other.inverse,
        other.multiplier,
        other.scale,
    )
