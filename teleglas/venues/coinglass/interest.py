"""CoinGlass's funding and open interest by exchange (coinglass 3.3 and 3.4).

Rates are PERCENT per their interval. Of a coin's two lists the contracts margined in
stablecoins are read, and the open interest is the exchange's whole one, as each exchange
counts it: whether one side or both, CoinGlass does not tell.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import asset_and_scale
from teleglas.market import Instrument, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.coinglass.instruments import key_of, venue_of
from teleglas.venues.interest_rows import as_hours, as_rate, hand_over_interest, keep, received_ms
from teleglas.venues.rows import DECODE_ERRORS, Exact, RowReader, explain, refuse_error

__all__ = ["ENDPOINTS", "CoinglassInterest", "of_coins"]

ENDPOINTS: Final = frozenset({"funding-rate/exchange-list", "open-interest/exchange-list"})

_SUM = "all"
_MOST = 20_000
_LONGEST = 40


class _Named(msgspec.Struct, gc=False):
    symbol: str


class _Rate(msgspec.Struct, gc=False):
    """Inner keys may be missing: the exchange does not tell them."""

    exchange: str
    funding_rate: Exact | None = None
    funding_rate_interval: Any = None


class _Coin(msgspec.Struct, gc=False):
    symbol: str
    stablecoin_margin_list: list[_Rate] | None = None


class _Interest(msgspec.Struct, gc=False):
    exchange: str
    open_interest_usd: Exact | None = None


class _Body(msgspec.Struct, gc=False):
    data: msgspec.Raw = msgspec.Raw()
    code: str | int = "0"
    msg: str = ""


_NAMED = msgspec.json.Decoder(_Named)
_BODY = msgspec.json.Decoder(_Body)
_COINS: RowReader[_Coin] = RowReader(_Coin)
_INTERESTS: RowReader[_Interest] = RowReader(_Interest)


class CoinglassInterest:
    """Reads both bodies. A contract is named by its coin: the lists name none."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}

    def decode(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over what a body tells; refuse by name what it does not. Never raises.

        argument: `@` and when it was received, behind the coin of an open interest.
        """
        came = received_ms(argument, sink)
        if came is None:
            return
        try:
            body = _BODY.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        if str(body.code) != "0" or not body.data:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"code {body.code}: {body.msg}"[:80])
        elif endpoint == "funding-rate/exchange-list":
            for coin in _COINS.read(body.data, sink):
                for rate in coin.stablecoin_margin_list or ():
                    self._funding(coin.symbol, rate, came[1], sink)
        else:
            for row in _INTERESTS.read(body.data, sink):
                self._interest(came[0], row, came[1], sink)

    def _funding(self, coin: str, row: _Rate, at_ms: int, sink: MarketSink) -> None:
        if row.funding_rate is None:
            return
        instrument = self._instrument(row.exchange, coin, sink)
        rate = as_rate(row.funding_rate, coin, sink, percent=True)
        hours = as_hours(row.funding_rate_interval, coin, sink)
        if instrument is not None and rate is not None and hours is not None:
            sink.funding(instrument, at_ms, rate, hours)

    def _interest(self, coin: str, row: _Interest, at_ms: int, sink: MarketSink) -> None:
        if row.open_interest_usd is None or row.exchange.strip().lower() == _SUM:
            return
        instrument = self._instrument(row.exchange, coin, sink)
        if instrument is not None:
            hand_over_interest(sink, instrument, at_ms, row.open_interest_usd)

    def _instrument(self, exchange: str, coin: str, sink: MarketSink) -> Instrument | None:
        try:
            venue = venue_of(exchange)
            if not coin or len(coin) > _LONGEST or not coin.isprintable():
                raise BadFrame(Refusal.UNKNOWN_SYMBOL, repr(coin[:_LONGEST]))  # noqa: TRY301 - as venue_of does
        except BadFrame as error:
            refuse_error(sink, error)
            return None
        key = key_of(venue, coin)
        if key not in self._instruments:
            if len(self._instruments) >= _MOST:
                sink.refuse(Refusal.UNKNOWN_INSTRUMENT, f"{key[:60]}: too many coins")
                return None
            self._instruments[key] = Instrument(venue, coin, asset_and_scale(coin)[0], inverse=True)
        return self._instruments[key]


def of_coins(body: bytes, coins: frozenset[str]) -> bytes:
    """Return a body with the funding of these coins only. Raises msgspec.MsgspecError for another shape."""
    told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    told["data"] = keep(told.get("data", b"null"), lambda row: _NAMED.decode(row).symbol, coins)
    return msgspec.json.encode(told)
