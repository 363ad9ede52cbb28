"""Candles of the three venues: only closed ones, from the stream and by REST, with the same values."""

from __future__ import annotations

import json

import msgspec
import pytest

from teleglas.market import Candle, Instrument
from teleglas.venues.binance.codec import BinanceCodec
from teleglas.venues.binance.stream import BinanceDialogue
from teleglas.venues.bybit.codec import BybitCodec
from teleglas.venues.bybit.stream import BybitDialogue
from teleglas.venues.candle_rows import open_times
from teleglas.venues.okx.codec import OkxCodec
from teleglas.venues.okx.stream import OkxDialogue
from tests.venues.tape import Tape

T = 1_795_262_580_000
SYMBOLS = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT-SWAP"}
CODECS = {"binance": BinanceCodec, "bybit": BybitCodec, "okx": OkxCodec}
ENDPOINTS = {"binance": "klines", "bybit": "kline", "okx": "candles"}


def row(index: int) -> Candle:
    """Return the index-th candle of a made-up series."""
    return Candle(T + index * 60_000, 60_000, 100.5 + index, 103.0 + index, 99.0, 101.0 + index, 7.25 + index)


def codec(venue: str):
    """Return a decoder that knows one contract."""
    symbol = SYMBOLS[venue]
    return CODECS[venue]({symbol: Instrument(venue, symbol, "BTC")})


def frame(venue: str, candle: Candle, *, closed: bool, timeframe: str = "1m") -> bytes:
    """Return a candle as the venue's stream sends it."""
    o, h, low, c, v = (
        repr(each) for each in (candle.open, candle.high, candle.low, candle.close, candle.volume)
    )
    if venue == "binance":
        data = {"t": candle.open_ms, "T": candle.close_ms - 1, "s": "BTCUSDT", "i": timeframe, "o": o, "c": c,
                "h": h, "l": low, "v": v, "n": 3, "x": closed, "B": "0"}  # fmt: skip
        return json.dumps({"stream": f"btcusdt@kline_{timeframe}", "data": {"e": "kline", "E": T, "s": "BTCUSDT", "k": data}}).encode()  # fmt: skip
    if venue == "bybit":
        minutes = timeframe.removesuffix("m")
        data = {"start": candle.open_ms, "end": candle.close_ms - 1, "interval": minutes, "open": o, "close": c,
                "high": h, "low": low, "volume": v, "turnover": "1", "confirm": closed, "timestamp": T}  # fmt: skip
        return json.dumps({"type": "snapshot", "topic": f"kline.{minutes}.BTCUSDT", "data": [data], "ts": T}).encode()  # fmt: skip
    cells = [str(candle.open_ms), o, h, low, c, v, "0.1", "10", str(int(closed))]
    return json.dumps({"arg": {"channel": f"candle{timeframe}", "instId": "BTC-USDT-SWAP"}, "data": [cells]}).encode()  # fmt: skip


def body(venue: str, candles: list[Candle]) -> bytes:
    """Return candles as the venue's REST lists them; the last one is still open."""
    cells = [
        [c.open_ms, repr(c.open), repr(c.high), repr(c.low), repr(c.close), repr(c.volume)] for c in candles
    ]
    if venue == "binance":
        return json.dumps([[*each, each[0] + 59_999, "1", 3, "1", "1", "0"] for each in cells]).encode()
    newest_first = [[str(each[0]), *each[1:]] for each in reversed(cells)]
    if venue == "bybit":
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [[*each, "1"] for each in newest_first]}}).encode()  # fmt: skip
    rows = [[*each, "0.1", "10", str(int(place > 0))] for place, each in enumerate(newest_first)]
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


@pytest.mark.parametrize("venue", CODECS)
def test_the_stream_gives_closed_candles_only(venue):
    """A candle that still moves is nothing, and no error either."""
    tape = Tape()
    decoder = codec(venue)
    decoder.decode(frame(venue, row(0), closed=False), tape)
    decoder.decode(frame(venue, row(0), closed=True), tape)
    decoder.decode(frame(venue, msgspec.structs.replace(row(1), timeframe_ms=300_000), closed=True, timeframe="5m"), tape)  # fmt: skip
    assert tape.candles == [
        (SYMBOLS[venue], row(0)),
        (SYMBOLS[venue], msgspec.structs.replace(row(1), timeframe_ms=300_000)),
    ]
    assert tape.refusals == []


@pytest.mark.parametrize("venue", CODECS)
def test_a_body_gives_its_candles_in_order_without_the_open_one(venue):
    """The newest row of a body is never trusted to be closed."""
    tape = Tape()
    codec(venue).decode_body(
        ENDPOINTS[venue], f"{SYMBOLS[venue]}:1m", body(venue, [row(0), row(1), row(2)]), tape
    )
    assert tape.candles == [(SYMBOLS[venue], row(0)), (SYMBOLS[venue], row(1))]
    assert tape.refusals == []


@pytest.mark.parametrize("venue", CODECS)
def test_a_bad_row_costs_only_itself(venue):
    """NaN in one row is refused by name; its neighbours are taken."""
    broken = body(venue, [row(0), row(1), row(2)]).replace(repr(row(0).close).encode(), b"NaN")
    tape = Tape()
    codec(venue).decode_body(ENDPOINTS[venue], f"{SYMBOLS[venue]}:1m", broken, tape)
    assert tape.candles == [(SYMBOLS[venue], row(1))]
    assert tape.reasons == ["bad_number"]


@pytest.mark.parametrize("venue", CODECS)
def test_other_timeframes_of_a_body_are_refused(venue):
    """A series of an unknown length would be read as another one."""
    tape = Tape()
    codec(venue).decode_body(ENDPOINTS[venue], f"{SYMBOLS[venue]}:7m", body(venue, [row(0), row(1)]), tape)
    assert tape.candles == []
    assert tape.reasons == ["unknown_message"]


@pytest.mark.parametrize("venue", CODECS)
def test_open_times_of_any_venue(venue):
    """Paging needs the times only, ascending."""
    assert open_times(body(venue, [row(0), row(1)])) == [T, T + 60_000]
    with pytest.raises(msgspec.MsgspecError):
        open_times(b"<html>")


def test_plans_subscribe_candles_where_the_venue_has_them():
    """Binance: the routed path; Bybit: linear; OKX: the business path, with candles as its canary."""
    series = [("BTCUSDT", "1m"), ("BTCUSDT", "5m")]
    (binance,) = BinanceDialogue.plans(liquidations=False, candles=series)
    assert binance.url == "wss://fstream.binance.com/market/stream"
    assert binance.topics == ("btcusdt@kline_1m", "btcusdt@kline_5m")
    (bybit,) = BybitDialogue.plans(candles=series)
    assert (bybit.family, bybit.topics) == ("candles", ("kline.1.BTCUSDT", "kline.5.BTCUSDT"))
    (okx,) = OkxDialogue.plans(liquidations=False, candles=[("BTC-USDT-SWAP", "1h")])
    assert okx.url == "wss://ws.okx.com:8443/ws/v5/business"
    assert okx.subscribed == ("candle1m:BTC-USDT-SWAP", "candle1H:BTC-USDT-SWAP")
