"""The decoders of all venues that this version reads, by venue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from teleglas.market import Instrument
from teleglas.venues.binance.codec import BinanceCodec
from teleglas.venues.bybit.codec import BybitCodec
from teleglas.venues.codec import Codec
from teleglas.venues.coinglass.codec import CoinGlassCodec
from teleglas.venues.coinglass.instruments import key_of
from teleglas.venues.hyperliquid.codec import HyperliquidCodec
from teleglas.venues.okx.codec import OkxCodec

__all__ = ["decoders"]


def decoders(instruments: Mapping[str, Iterable[Instrument]]) -> dict[str, Codec]:
    """Return a decoder for each venue, knowing the given instruments of it."""

    def of(venue: str) -> dict[str, Instrument]:
        return {instrument.symbol: instrument for instrument in instruments.get(venue, ())}

    return {
        "binance": BinanceCodec(of("binance")),
        "bybit": BybitCodec(of("bybit")),
        "okx": OkxCodec(of("okx")),
        "hyperliquid": HyperliquidCodec(of("hyperliquid")),
        "coinglass": CoinGlassCodec(
            # one source of several exchanges, whose symbols are the same
            {key_of(one.venue, one.symbol): one for one in instruments.get("coinglass", ())}
        ),
    }
