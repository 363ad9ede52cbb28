"""OKX SWAP contracts from `/api/v5/public/instruments?instType=SWAP`.

Quantities are in contracts: linear ones are worth ctVal * ctMult base coins, inverse ones
ctVal * ctMult USD (reference: feeds 0.2, feed-quirks 28-29).
"""

from __future__ import annotations

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import QUOTES, asset_and_scale
from teleglas.market import Instrument
from teleglas.money import exact_decimal
from teleglas.venues.rows import DECODE_ERRORS, explain

__all__ = ["next_page", "parse_instruments"]


class _Contract(msgspec.Struct):
    instId: str  # noqa: N815  # the venue's name
    instType: str = ""  # noqa: N815  # the venue's name
    ctVal: str = ""  # noqa: N815  # the venue's name
    ctMult: str = ""  # noqa: N815  # the venue's name
    ctValCcy: str = ""  # noqa: N815  # the venue's name


class _Body(msgspec.Struct):
    data: list[_Contract]


_BODY = msgspec.json.Decoder(_Body)


def parse_instruments(body: bytes) -> dict[str, Instrument]:
    """Return the SWAP contracts by instId.

    A contract whose value is given neither in its base coin nor in USD is left out: its
    rows are then refused as `unknown_instrument`, since any multiplier would be a guess.
    Raises BadFrame(`malformed` or `bad_type`) for a body of another shape.
    """
    try:
        rows = _BODY.decode(body).data
    except DECODE_ERRORS as error:
        raise BadFrame(*explain(error)) from error
    table: dict[str, Instrument] = {}
    for row in rows:
        instrument = _instrument(row)
        if instrument is not None:
            table[instrument.symbol] = instrument
    return table


def next_page(body: bytes) -> str:  # noqa: ARG001  # the venues share one signature
    """Return an empty string: the body holds every contract."""
    return ""


def _instrument(row: _Contract) -> Instrument | None:
    base = row.instId.split("-", 1)[0]
    inverse = row.ctValCcy in QUOTES
    if row.instType != "SWAP" or not base or not (inverse or row.ctValCcy == base):
        return None
    if not row.instId.isprintable():
        return None
    try:
        multiplier = exact_decimal(row.ctVal) * exact_decimal(row.ctMult or "1")
    except (BadFrame, ArithmeticError):
        return None
    asset, scale = asset_and_scale(base)
    return Instrument(
        venue="okx", symbol=row.instId, asset=asset, inverse=inverse, multiplier=multiplier, scale=scale
    )
