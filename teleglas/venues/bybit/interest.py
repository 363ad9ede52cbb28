"""Bybit's funding and open interest: all linear `tickers` in one body (feeds 2, feed-quirks 19 and 20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from teleglas.errors import BadFrame
from teleglas.market import Instrument, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.interest_rows import as_hours, as_rate, at_least_zero, hand_over_interest, keep
from teleglas.venues.rows import DECODE_ERRORS, Exact, Millis, RowReader, explain, refuse_error

__all__ = ["ENDPOINTS", "BybitInterest", "of_symbols"]

ENDPOINTS: Final = frozenset({"tickers"})

_BOTH_SIDES = 2


class _Named(msgspec.Struct, gc=False):
    symbol: str


class _Ticker(msgspec.Struct, gc=False):
    """Empty or missing: the venue does not tell it."""

    symbol: str
    fundingRate: Exact = ""  # noqa: N815  # the venue's name
    fundingIntervalHour: Exact = ""  # noqa: N815  # the venue's name
    openInterestValue: Exact = ""  # noqa: N815  # the venue's name
    singleOpenInterestValue: Exact = ""  # noqa: N815  # the venue's name


_ABSENT = msgspec.Raw()


class _Result(msgspec.Struct, gc=False):
    rows: msgspec.Raw = msgspec.field(default=_ABSENT, name="list")


class _Body(msgspec.Struct, gc=False):
    time: Millis
    result: _Result


_NAMED = msgspec.json.Decoder(_Named)
_BODY = msgspec.json.Decoder(_Body, strict=False)
_TICKERS: RowReader[_Ticker] = RowReader(_Ticker)


class BybitInterest:
    """Reads `tickers`."""

    def __init__(self, find: Callable[[str, MarketSink], Instrument | None]) -> None:
        self._find = find

    def decode(self, payload: bytes, sink: MarketSink) -> None:
        """Hand over what a body tells; refuse by name what it does not. Never raises."""
        try:
            body = _BODY.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        for row in _TICKERS.read(body.result.rows, sink):
            instrument = self._find(row.symbol, sink)
            if instrument is not None:
                # first: a rate is told with the open interest that it is paid on
                _interest(instrument, row, body.time, sink)
                _funding(instrument, row, body.time, sink)


def _funding(instrument: Instrument, row: _Ticker, at_ms: int, sink: MarketSink) -> None:
    if row.fundingRate == "":
        return  # a dated contract has none
    rate = as_rate(row.fundingRate, row.symbol, sink)
    hours = as_hours(row.fundingIntervalHour, row.symbol, sink)
    if rate is not None and hours is not None:
        sink.funding(instrument, at_ms, rate, hours)


def _interest(instrument: Instrument, row: _Ticker, at_ms: int, sink: MarketSink) -> None:
    if row.singleOpenInterestValue != "":
        hand_over_interest(sink, instrument, at_ms, row.singleOpenInterestValue)
        return
    if row.openInterestValue == "":
        sink.refuse(Refusal.MALFORMED, f"{row.symbol[:40]}: no open interest")
        return
    try:
        both = at_least_zero(row.openInterestValue)
    except BadFrame as error:
        refuse_error(sink, error)
        return
    hand_over_interest(sink, instrument, at_ms, str(both / _BOTH_SIDES))


def of_symbols(body: bytes, symbols: frozenset[str]) -> bytes:
    """Return a body with the rows of these symbols only. Raises msgspec.MsgspecError for another shape."""
    told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    result: dict[str, Any] = msgspec.json.decode(told.get("result", b"{}"), type=dict[str, msgspec.Raw])
    result["list"] = keep(result.get("list", b"null"), lambda row: _NAMED.decode(row).symbol, symbols)
    return msgspec.json.encode({**told, "result": result})
