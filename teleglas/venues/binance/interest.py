"""Binance's funding and open interest: `premiumIndex`, `fundingInfo` and `openInterest` (feeds 1.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from teleglas.market import Instrument, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.interest_rows import Rate, as_hours, hand_over_interest, keep
from teleglas.venues.rows import DECODE_ERRORS, Exact, Millis, Price, RowReader, explain

__all__ = ["ENDPOINTS", "BinanceInterest", "of_symbols"]

ENDPOINTS: Final = frozenset({"fundingInfo", "openInterest", "premiumIndex"})

_USUAL_INTERVAL_H = 8.0
"""`fundingInfo` lists only the symbols whose interval differs, or once did."""


class _Named(msgspec.Struct, gc=False):
    symbol: str


class _Premium(msgspec.Struct, gc=False):
    symbol: str
    markPrice: Price  # noqa: N815  # the venue's name
    lastFundingRate: Rate  # noqa: N815  # the venue's name
    time: Millis


class _Interval(msgspec.Struct, gc=False):
    symbol: str
    fundingIntervalHours: Any = None  # noqa: N815  # the venue's name


class _Interest(msgspec.Struct, gc=False):
    symbol: str
    openInterest: Exact  # noqa: N815  # the venue's name
    time: Millis


_NAMED = msgspec.json.Decoder(_Named)
_PREMIUMS: RowReader[_Premium] = RowReader(_Premium)
_INTERVALS = msgspec.json.Decoder(list[_Interval])
_INTEREST = msgspec.json.Decoder(_Interest, strict=False)


class BinanceInterest:
    """Reads the bodies of one poll in their order: intervals, then rates with mark prices, then open interest.

    What the earlier ones say stays known until the next poll.
    """

    def __init__(self, find: Callable[[str, MarketSink], Instrument | None]) -> None:
        self._find = find
        self._hours: dict[str, Any] | None = None
        self._marks: dict[str, float] = {}

    def decode(self, endpoint: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over what a body tells; refuse by name what it does not. Never raises."""
        if endpoint == "fundingInfo":
            self._intervals(payload, sink)
        elif endpoint == "premiumIndex":
            for row in _PREMIUMS.read(payload, sink):
                self._premium(row, sink)
        else:
            self._interest(payload, sink)

    def _intervals(self, payload: bytes, sink: MarketSink) -> None:
        try:
            rows = _INTERVALS.decode(payload)
        except DECODE_ERRORS as error:
            # A list that cannot be read must not make 8 hours of every interval.
            sink.refuse(*explain(error))
        else:
            self._hours = {row.symbol: row.fundingIntervalHours for row in rows}

    def _premium(self, row: _Premium, sink: MarketSink) -> None:
        instrument = self._find(row.symbol, sink)
        if instrument is None:
            return
        self._marks[row.symbol] = row.markPrice
        if self._hours is None:
            sink.refuse(Refusal.UNKNOWN_INTERVAL, f"{row.symbol[:40]}: fundingInfo has not come yet")
            return
        hours = as_hours(self._hours.get(row.symbol, _USUAL_INTERVAL_H), row.symbol, sink)
        if hours is not None:
            sink.funding(instrument, row.time, row.lastFundingRate, hours)

    def _interest(self, payload: bytes, sink: MarketSink) -> None:
        try:
            row = _INTEREST.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        instrument = self._find(row.symbol, sink)
        if instrument is None:
            return
        mark = self._marks.get(row.symbol)
        if mark is None:
            sink.refuse(Refusal.UNKNOWN_PRICE, f"{row.symbol[:40]}: no mark price yet")
            return
        hand_over_interest(sink, instrument, row.time, row.openInterest, mark)


def of_symbols(body: bytes, symbols: frozenset[str]) -> bytes:
    """Return a list with the rows of these symbols only. Raises msgspec.MsgspecError for another shape."""
    return msgspec.json.encode(keep(body, lambda row: _NAMED.decode(row).symbol, symbols))
