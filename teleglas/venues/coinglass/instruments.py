"""CoinGlass: which contracts its exchanges list, from `/api/futures/supported-exchange-pairs`.

CoinGlass gives amounts in USD, whatever the venue counts in: its instruments are `inverse`
with multiplier 1, which means "the quantity is the USD amount". Keys are `venue:symbol`,
because two venues use the same symbol.
"""

from __future__ import annotations

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import asset_and_scale, asset_of_symbol
from teleglas.market import Instrument, Refusal
from teleglas.venues.rows import DECODE_ERRORS, explain

__all__ = ["build_instrument", "key_of", "next_page", "parse_instruments", "venue_of"]

_ALIASES = {"gate.io": "gate", "gateio": "gate", "huobi": "htx", "okex": "okx", "crypto.com": "cryptocom"}
_MAX_NAME = 40


class _Pair(msgspec.Struct):
    instrument_id: str
    base_asset: str = ""


class _Body(msgspec.Struct):
    data: dict[str, list[_Pair]]


_BODY = msgspec.json.Decoder(_Body)


def venue_of(exchange: str) -> str:
    """Return our lower-case name of an exchange that CoinGlass spells in several ways.

    Raises BadFrame(`malformed`) for a name that is none.
    """
    name = exchange.strip().lower()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise BadFrame(Refusal.MALFORMED, f"exchange {exchange[:_MAX_NAME]!r}")
    return _ALIASES.get(name, name)


def key_of(venue: str, symbol: str) -> str:
    """Return the key of a contract in the table."""
    return f"{venue}:{symbol}"


def build_instrument(venue: str, symbol: str, base: str) -> Instrument:
    """Return the contract `symbol` of `venue` on the coin `base` (may be empty).

    The symbol stays as given; the asset is the base's. The scale is the symbol's where the
    two agree: a price of `1000PEPEUSDT` is per 1000 even if the base is given as `PEPE`.
    Raises BadFrame(`unknown_symbol`) if neither tells a coin.
    """
    if not symbol or max(len(symbol), len(base)) > _MAX_NAME or not (symbol + base).isprintable():
        raise BadFrame(Refusal.UNKNOWN_SYMBOL, f"{symbol[:_MAX_NAME]!r} on {base[:_MAX_NAME]!r}")
    try:
        named, named_scale = asset_of_symbol(symbol)
    except BadFrame:
        if not base:
            raise
        named, named_scale = "", 1
    asset, scale = asset_and_scale(base) if base else (named, named_scale)
    if asset == named:
        scale = named_scale
    return Instrument(venue=venue, symbol=symbol, asset=asset, inverse=True, scale=scale)


def parse_instruments(body: bytes) -> dict[str, Instrument]:
    """Return every listed contract by `venue:symbol`; rows without a USD quote and base are left out.

    Raises BadFrame(`malformed` or `bad_type`) for a body of another shape.
    """
    try:
        exchanges = _BODY.decode(body).data
    except DECODE_ERRORS as error:
        raise BadFrame(*explain(error)) from error
    table: dict[str, Instrument] = {}
    for exchange, pairs in exchanges.items():
        for pair in pairs:
            try:
                instrument = build_instrument(venue_of(exchange), pair.instrument_id, pair.base_asset)
            except BadFrame:
                continue
            table[key_of(instrument.venue, instrument.symbol)] = instrument
    return table


def next_page(body: bytes) -> str:  # noqa: ARG001  # the venues share one signature
    """Return an empty string: the body holds every contract."""
    return ""
