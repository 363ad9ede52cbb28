"""Bybit linear contracts from `/v5/market/instruments-info?category=linear` (paged: feed-quirks 21).

Linear quantities are in base coins, so no contract needs a multiplier (reference: feeds 0.2).
"""

from __future__ import annotations

import re

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import asset_of_symbol
from teleglas.market import Instrument, Refusal
from teleglas.venues.rows import DECODE_ERRORS, explain

__all__ = ["INVERSE", "LINEAR", "next_page", "parse_instruments"]


LINEAR = re.compile(r".+(USDT|USDC|PERP)(-\d{1,2}[A-Z]{3}\d{2})?")
INVERSE = re.compile(r".+USD([HMUZ]\d{2})?")


class _Contract(msgspec.Struct):
    symbol: str


class _Result(msgspec.Struct):
    contracts: list[_Contract] = msgspec.field(name="list")
    category: str = "linear"
    nextPageCursor: str | None = ""  # noqa: N815  # the venue's name


class _Body(msgspec.Struct):
    result: _Result


_BODY = msgspec.json.Decoder(_Body)


def parse_instruments(body: bytes) -> dict[str, Instrument]:
    """Return one page of contracts by symbol; names that are not linear ones are left out.

    Raises BadFrame(`malformed`, `bad_type`) for a body of another shape and
    BadFrame(`other_product`) for another category, whose quantities are in USD.
    """
    result = _result(body)
    if result.category != "linear":
        raise BadFrame(Refusal.OTHER_PRODUCT, f"category {result.category}"[:80])
    table: dict[str, Instrument] = {}
    for row in result.contracts:
        if not LINEAR.fullmatch(row.symbol):
            continue
        try:
            asset, scale = asset_of_symbol(row.symbol)
        except BadFrame:
            continue
        table[row.symbol] = Instrument(venue="bybit", symbol=row.symbol, asset=asset, scale=scale)
    return table


def next_page(body: bytes) -> str:
    """Return the cursor of the next page, or an empty string after the last one.

    Raises BadFrame like `parse_instruments`.
    """
    return _result(body).nextPageCursor or ""


def _result(body: bytes) -> _Result:
    try:
        return _BODY.decode(body).result
    except DECODE_ERRORS as error:
        raise BadFrame(*explain(error)) from error
