"""Hyperliquid's `metaAndAssetCtxs` to funding and open interest (feeds 10).

It publishes no liquidations, and we open no stream of it. Funding is HOURLY. Open interest is
taken as published; sources disagree whether it counts one side or both, which changes no
percentage of its own, and its share of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from teleglas.errors import BadFrame
from teleglas.instrument_table import InstrumentTable
from teleglas.market import Instrument, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.codec import Codec
from teleglas.venues.interest_rows import as_rate, hand_over_interest, received_ms
from teleglas.venues.rows import DECODE_ERRORS, Exact, explain, refuse_error, too_large

__all__ = ["ENDPOINT", "HyperliquidCodec", "of_coins"]

ENDPOINT: Final = "metaAndAssetCtxs"

_INTERVAL_H = 1.0


class _Coin(msgspec.Struct, gc=False):
    name: str
    isDelisted: bool = False  # noqa: N815  # the venue's name


class _Meta(msgspec.Struct, gc=False):
    universe: list[_Coin]


class _State(msgspec.Struct, gc=False):
    funding: Exact
    openInterest: Exact  # noqa: N815  # the venue's name
    markPx: Exact  # noqa: N815  # the venue's name
    dayNtlVlm: Exact = 0  # noqa: N815  # the venue's name


class _RawMeta(msgspec.Struct):
    universe: list[msgspec.Raw]


_BODY = msgspec.json.Decoder(tuple[_Meta, list[msgspec.Raw]])
_RAW_BODY = msgspec.json.Decoder(tuple[_RawMeta, list[msgspec.Raw]])
_COIN = msgspec.json.Decoder(_Coin)
_STATE = msgspec.json.Decoder(_State, strict=False)


class HyperliquidCodec(Codec):
    """Decodes the one body that is polled. Never raises."""

    venue = "hyperliquid"

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._table = InstrumentTable(self.venue, instruments)

    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Take a refreshed table of contracts."""
        self._table.use(instruments)

    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Refuse every frame: no stream is read."""
        for payload in payloads:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, payload[:80].decode(errors="replace"))

    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over the coins of `metaAndAssetCtxs`; argument: `@` and when it was received, in Unix ms."""
        if too_large(payload, sink):
            return
        if endpoint != ENDPOINT:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"endpoint {endpoint}"[:80])
            return
        came = received_ms(argument, sink)
        if came is None:
            return
        try:
            meta, states = _BODY.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        if len(meta.universe) != len(states):
            sink.refuse(Refusal.MALFORMED, f"{len(meta.universe)} coins, {len(states)} states")
            return
        for coin, state in zip(meta.universe, states, strict=True):
            # Markets of other builders (`xyz:GOLD`) are no coins.
            if not coin.isDelisted and ":" not in coin.name:
                self._coin(coin.name, state, came[1], sink)

    def _coin(self, name: str, raw: msgspec.Raw, at_ms: int, sink: MarketSink) -> None:
        try:
            state = _STATE.decode(raw)
            instrument = self._table.known.get(name) or self._table.learn(name)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        except BadFrame as error:
            refuse_error(sink, error)
            return
        # first: a rate is told with the open interest that it is paid on
        hand_over_interest(sink, instrument, at_ms, state.openInterest, state.markPx)
        rate = as_rate(state.funding, name, sink)
        if rate is not None:
            sink.funding(instrument, at_ms, rate, _INTERVAL_H)


def of_coins(body: bytes, wanted: Callable[[str, float], bool]) -> tuple[bytes, tuple[str, ...]]:
    """Return a body with the coins that are wanted by name and USD volume of 24 h, and their names.

    Raises msgspec.MsgspecError or ValueError for another shape.
    """
    meta, states = _RAW_BODY.decode(body)
    kept = []
    for raw, state in zip(meta.universe, states, strict=True):
        coin = _COIN.decode(raw)
        if not coin.isDelisted and wanted(coin.name, float(_STATE.decode(state).dayNtlVlm)):
            kept.append((coin.name, raw, state))
    universe, figures = [raw for _, raw, _ in kept], [state for _, _, state in kept]
    return msgspec.json.encode([{"universe": universe}, figures]), tuple(name for name, _, _ in kept)
