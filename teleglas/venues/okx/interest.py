"""OKX's funding and open interest: `funding-rate` of one swap, `open-interest` of all (feeds 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from teleglas.market import Instrument, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.interest_rows import as_hours, as_rate, hand_over_interest, keep, received_ms
from teleglas.venues.rows import DECODE_ERRORS, Exact, Millis, RowReader

__all__ = ["ENDPOINTS", "OkxInterest", "of_symbols"]

ENDPOINTS: Final = frozenset({"funding-rate", "open-interest"})

_HOUR_MS = 3_600_000


class _Named(msgspec.Struct, gc=False):
    instId: str  # noqa: N815  # the venue's name


class _Funding(msgspec.Struct, gc=False):
    """fundingTime: the next settlement; nextFundingTime: the one after it, empty if that is not set yet."""

    instId: str  # noqa: N815  # the venue's name
    fundingRate: Exact  # noqa: N815  # the venue's name
    fundingTime: Millis  # noqa: N815  # the venue's name
    nextFundingTime: Exact = ""  # noqa: N815  # the venue's name
    ts: Exact = ""


class _Interest(msgspec.Struct, gc=False):
    instId: str  # noqa: N815  # the venue's name
    oi: Exact
    ts: Millis
    oiUsd: Exact = ""  # noqa: N815  # the venue's name


_NAMED = msgspec.json.Decoder(_Named)
_RATES: RowReader[_Funding] = RowReader(_Funding)
_INTERESTS: RowReader[_Interest] = RowReader(_Interest)


class OkxInterest:
    """Reads the `data` of both bodies."""

    def __init__(self, find: Callable[[str, MarketSink], Instrument | None]) -> None:
        self._find = find

    def decode(self, endpoint: str, argument: str, rows: msgspec.Raw, sink: MarketSink) -> None:
        """Hand over what a body tells; refuse by name what it does not. Never raises.

        argument: of `funding-rate` the swap and the time at which the body was received.
        """
        if endpoint == "open-interest":
            for row in _INTERESTS.read(rows, sink):
                self._interest(row, sink)
            return
        came = received_ms(argument, sink)
        for rate in _RATES.read(rows, sink) if came is not None else ():
            self._funding(rate, came[1] if came is not None else 0, sink)

    def _interest(self, row: _Interest, sink: MarketSink) -> None:
        instrument = self._find(row.instId, sink)
        if instrument is None:
            return
        if row.oiUsd != "":
            hand_over_interest(sink, instrument, row.ts, row.oiUsd)
        elif instrument.inverse:
            hand_over_interest(sink, instrument, row.ts, row.oi, str(instrument.multiplier))
        else:
            sink.refuse(Refusal.UNKNOWN_PRICE, f"{row.instId[:40]}: contracts without their worth")

    def _funding(self, row: _Funding, came_ms: int, sink: MarketSink) -> None:
        instrument = self._find(row.instId, sink)
        if instrument is None:
            return
        after = _millis(row.nextFundingTime)
        span_h = (after - row.fundingTime) / _HOUR_MS if after is not None else ""
        rate = as_rate(row.fundingRate, row.instId, sink)
        hours = as_hours(span_h, row.instId, sink)
        if rate is not None and hours is not None:
            sink.funding(instrument, _millis(row.ts) or came_ms, rate, hours)


def _millis(value: Exact) -> int | None:
    """Return a time, None if it is not told."""
    try:
        return msgspec.convert(value, Millis, strict=False)
    except DECODE_ERRORS:
        return None


def of_symbols(body: bytes, symbols: frozenset[str]) -> bytes:
    """Return a body with the rows of these swaps only. Raises msgspec.MsgspecError for another shape."""
    told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    told["data"] = keep(told.get("data", b"null"), lambda row: _NAMED.decode(row).instId, symbols)
    return msgspec.json.encode(told)
