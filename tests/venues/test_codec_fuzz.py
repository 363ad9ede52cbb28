"""No bytes make a codec raise, or hand over a number that no market can have (`Tape` checks each one)."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleglas.market import Instrument
from teleglas.venues.binance.codec import BinanceCodec
from teleglas.venues.bybit.codec import BybitCodec
from teleglas.venues.coinglass.codec import CoinGlassCodec
from teleglas.venues.hyperliquid.codec import HyperliquidCodec
from teleglas.venues.okx.codec import OkxCodec
from tests.venues.tape import Tape

T = 1_790_000_000_000
SWAP = "BTC-USDT-SWAP"
CODECS = {
    "binance": BinanceCodec({}),
    "bybit": BybitCodec({}),
    "okx": OkxCodec({SWAP: Instrument("okx", SWAP, "BTC", multiplier=Decimal("0.01"))}),
    "coinglass": CoinGlassCodec({}),
    "hyperliquid": HyperliquidCodec({}),
}
ENDPOINTS = {
    "binance": [("aggTrades", "BTCUSDT"), ("fundingInfo", "*"), ("premiumIndex", "*"), ("openInterest", "*")],
    "bybit": [("recent-trade", "BTCUSDT"), ("tickers", "*")],
    "okx": [("trades", SWAP), ("liquidation-orders", ""), ("open-interest", "*"), ("funding-rate", f"{SWAP}@{T}")],
    "coinglass": [("liquidation/order", "calibrated:1=long"), ("liquidation/exchange-list", f"BTC@{T}"),
                  ("funding-rate/exchange-list", f"@{T}"), ("open-interest/exchange-list", f"BTC@{T}")],
    "hyperliquid": [("metaAndAssetCtxs", f"@{T}")],
}  # fmt: skip
_B_TRADE = {"e": "aggTrade", "a": 1, "s": "BTCUSDT", "p": "9.5", "q": "2", "T": T, "m": True}
_B_ORDER = {"s": "BTCUSDT", "S": "SELL", "q": "1", "p": "2", "ap": "3", "z": "4", "T": T, "st": 1}
_O_TRADE = {"instId": SWAP, "tradeId": "1", "px": "9", "sz": "2", "side": "buy", "ts": str(T)}
_O_GROUP = {"instId": SWAP, "instType": "SWAP"} | {
    "details": [{"bkPx": "9", "sz": "2", "posSide": "net", "side": "buy", "ts": str(T)}]
}
_C_ROW = {"baseAsset": "BTC", "exName": "Binance", "price": 9.5, "side": 2, "symbol": "BTCUSDT"} | {
    "time": T,
    "volUsd": "38.5",
}
FRAMES = {
    "binance": [
        {"stream": "x", "data": _B_TRADE},
        _B_TRADE,
        {"stream": "x", "data": {"e": "forceOrder", "o": _B_ORDER}},
        [{"e": "markPriceUpdate", "s": "BTCUSDT", "E": T, "p": "9"}, {"e": "forceOrder", "o": _B_ORDER}],
        [{key: value for key, value in _B_TRADE.items() if key not in "es"}],
        [{"symbol": "BTCUSDT", "fundingIntervalHours": 4, "markPrice": "9.5", "lastFundingRate": "0.001", "time": T}],
        {"symbol": "BTCUSDT", "openInterest": "12.5", "time": T},
    ],
    "bybit": [
        {"topic": "publicTrade.B", "data": [{"T": T, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2", "i": "i", "seq": 3}]},
        {"topic": "allLiquidation.B", "data": [{"T": T, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2"}]},
        {"topic": "tickers.B", "ts": T, "data": {"symbol": "BTCUSDT", "markPrice": "9"}},
        {"retCode": 0, "result": {"list": [
            {"execId": "i", "symbol": "BTCUSDT", "price": "1", "size": "2", "side": "Sell", "time": str(T), "seq": "1"}
        ]}},
        {"retCode": 0, "time": T, "result": {"list": [{"symbol": "BTCUSDT", "fundingRate": "0.001", "fundingIntervalHour": 4,
                                                       "openInterestValue": "5"}]}},
    ],
    "okx": [
        {"arg": {"channel": "trades"}, "data": [_O_TRADE]},
        {"arg": {"channel": "liquidation-orders"}, "data": [_O_GROUP]},
        {"arg": {"channel": "mark-price"}, "data": [{"instId": SWAP, "markPx": "9", "ts": str(T)}]},
        {"code": "0", "data": [_O_GROUP]},
        {"code": "0", "data": [{"instId": SWAP, "oi": "5", "oiUsd": "6.5", "ts": str(T), "fundingRate": "0.001",
                                "fundingTime": str(T), "nextFundingTime": str(T + 14_400_000)}]},
    ],
    "coinglass": [
        {"channel": "liquidationOrders", "data": [_C_ROW]},
        {"channel": "futures_trades@Binance_BTCUSDT@1", "data": [_C_ROW]},
        {"code": "0", "data": [_C_ROW]},
        {"code": "0", "data": [{"exchange": "OKX", "long_liquidation_usd": 5, "short_liquidation_usd": "6",
                                "open_interest_usd": 7.5}]},
        {"code": "0", "data": [{"symbol": "BTC", "stablecoin_margin_list": [
            {"exchange": "OKX", "funding_rate": 0.1, "funding_rate_interval": 8}]}]},
    ],
    "hyperliquid": [
        [{"universe": [{"name": "kPEPE"}]}, [{"funding": "0.001", "openInterest": "5", "markPx": "2.5"}]],
    ],
}  # fmt: skip
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["NaN", "-0", "0", "1e999", "-1", "Infinity", "1e-999", 0, -1, 1e308, 2**70, "", [], {}, "٣", "1_0"]
    ),
    st.recursive(
        st.none(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner)
    ),
)


def feed(venue: str, payload: bytes) -> None:
    """Give a codec these bytes as a frame and as every body it knows."""
    codec = CODECS[venue]
    codec.decode_many([payload], Tape())
    for endpoint, argument in ENDPOINTS[venue]:
        codec.decode_body(endpoint, argument, payload, Tape())


def places(value, path=()) -> list[tuple]:
    """Return the path of every value inside a frame."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [found for key, child in inner for found in places(child, (*path, key))]


def changed(value, path, odd):
    """Return a frame with one value replaced."""
    if not path:
        return odd
    key, *rest = path
    if isinstance(value, dict):
        return value | {key: changed(value[key], rest, odd)}
    return [changed(child, rest, odd) if index == key else child for index, child in enumerate(value)]


@pytest.mark.parametrize("venue", CODECS)
@settings(max_examples=150, deadline=None)
@given(payload=st.binary(max_size=200))
def test_random_bytes(venue, payload):
    """Bytes of any kind are refused, not raised."""
    feed(venue, payload)


@pytest.mark.parametrize("venue", CODECS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_frames_with_an_odd_value(venue, data):
    """Any value of a real frame may turn into anything."""
    frame = data.draw(st.sampled_from(FRAMES[venue]))
    for _ in range(data.draw(st.integers(1, 2))):
        frame = changed(frame, data.draw(st.sampled_from(places(frame))), data.draw(ODD))
    feed(venue, json.dumps(frame).encode())


@pytest.mark.parametrize("venue", CODECS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_frames_with_damaged_bytes(venue, data):
    """Any byte of a real frame may be lost, doubled or changed on the way."""
    payload = json.dumps(data.draw(st.sampled_from(FRAMES[venue])), separators=(",", ":")).encode()
    start = data.draw(st.integers(0, len(payload) - 1))
    end = data.draw(st.integers(start, min(len(payload), start + 4)))
    feed(venue, payload[:start] + data.draw(st.binary(max_size=4)) + payload[end:])


@pytest.mark.parametrize("venue", CODECS)
def test_undamaged_frames_count(venue):
    """The frames that the fuzz damages are good ones: each gives an event."""
    for number, frame in enumerate(FRAMES[venue]):
        tape = Tape()
        payload = json.dumps(frame).encode()
        CODECS[venue].decode_many([payload], tape)
        for endpoint, argument in ENDPOINTS[venue]:
            CODECS[venue].decode_body(endpoint, argument, payload, tape)
        told = tape.trades or tape.liquidations or tape.marks or tape.rates or tape.interest
        assert told or (venue, number) == ("coinglass", 3)
