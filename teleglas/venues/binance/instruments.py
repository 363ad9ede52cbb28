"""Binance USD-M contracts from `/fapi/v1/exchangeInfo`.

Quantities are in base coins and `1000PEPEUSDT` counts price and quantity per 1000, so no
contract needs a multiplier (reference: feeds 0.2).
"""

from __future__ import annotations

import re

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import asset_of_symbol
from teleglas.market import Instrument
from teleglas.venues.rows import DECODE_ERRORS, explain

__all__ = ["COIN_M", "USD_M", "next_page", "parse_instruments"]


USD_M = re.compile(r".+(USDT|USDC|FDUSD|BUSD)(_\d{6})?")
COIN_M = re.compile(r".+USD_(PERP|\d{6})")


class _Symbol(msgspec.Struct):
    symbol: str


class _Body(msgspec.Struct):
    symbols: list[_Symbol]


_BODY = msgspec.json.Decoder(_Body)


def parse_instruments(body: bytes) -> dict[str, Instrument]:
    """Return the contracts by symbol; others than USD-M ones with a USD quote are left out.

    Raises BadFrame(`malformed` or `bad_type`) for a body of another shape.
    """
    try:
        rows = _BODY.decode(body).symbols
    except DECODE_ERRORS as error:
        raise BadFrame(*explain(error)) from error
    table: dict[str, Instrument] = {}
    for row in rows:
        if not USD_M.fullmatch(row.symbol):
            continue
        try:
            asset, scale = asset_of_symbol(row.symbol)
        except BadFrame:
            continue
        table[row.symbol] = Instrument(venue="binance", symbol=row.symbol, asset=asset, scale=scale)
    return table


def next_page(body: bytes) -> str:  # noqa: ARG001  # the venues share one signature
    """Return an empty string: the body holds every contract."""
    return ""
