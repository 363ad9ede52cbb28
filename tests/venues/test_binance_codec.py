"""Binance frames, hand-made and recorded: sides, exact amounts, and names for what is refused."""

from __future__ import annotations

import json

import pytest

from teleglas.errors import BadFrame
from teleglas.venues.binance.codec import BinanceCodec
from teleglas.venues.binance.instruments import next_page, parse_instruments
from tests.venues.tape import Tape

T = 1_790_000_000_000


def decode(frame, codec: BinanceCodec | None = None) -> Tape:
    """Return what one frame gives."""
    tape = Tape()
    payload = frame if isinstance(frame, bytes) else json.dumps(frame, ensure_ascii=False).encode()
    (codec or BinanceCodec({})).decode(payload, tape)
    return tape


def trade(**fields) -> dict:
    """Return an aggTrade event."""
    return {
        "e": "aggTrade",
        "E": T + 9,
        "a": 7,
        "s": "BTCUSDT",
        "p": "90000.5",
        "q": "0.25",
        "T": T,
        "m": True,
    } | fields


def order(**fields) -> dict:
    """Return a forceOrder event with these fields of the order."""
    row = {
        "s": "ETHUSDT",
        "S": "SELL",
        "q": "10",
        "p": "2900.1",
        "ap": "3000.25",
        "l": "1",
        "z": "4",
        "T": T,
    } | fields
    return {"e": "forceOrder", "E": T + 999, "o": row}


def wrapped(data, stream="x@y") -> dict:
    """Return an event as a combined stream wraps it."""
    return {"stream": stream, "data": data}


def body(payload, endpoint="aggTrades", argument="BTCUSDT") -> Tape:
    """Return what one REST body gives."""
    tape = Tape()
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    BinanceCodec({}).decode_body(endpoint, argument, raw, tape)
    return tape


@pytest.mark.parametrize(("maker", "buy"), [(True, False), (False, True)])
@pytest.mark.parametrize("wrap", [True, False])
def test_trade_names_the_taker(maker, buy, wrap):
    """When the buyer was the maker the taker sold, in wrapped and bare frames alike."""
    frame = trade(m=maker)
    assert decode(wrapped(frame) if wrap else frame).trades == [("BTCUSDT", 7, "", T, buy, 90000.5, 0.25)]


def test_one_codec_reads_both_shapes_in_turn():
    """A connection that changes between wrapped and bare frames loses none of them."""
    codec, tape = BinanceCodec({}), Tape()
    for number in range(6):
        frame = trade(a=number)
        codec.decode(json.dumps(wrapped(frame) if number % 2 else frame).encode(), tape)
    assert [row[1] for row in tape.trades] == [0, 1, 2, 3, 4, 5]
    assert tape.refusals == []


@pytest.mark.parametrize(("side", "position"), [("SELL", "long"), ("BUY", "short")])
def test_forced_order_closes_the_opposite_position(side, position):
    """A forced SELL liquidates a long, a forced BUY a short; amount = filled quantity x average price."""
    tape = decode(wrapped(order(S=side)))
    assert tape.orders == [("binance", "ETHUSDT", "ETH", position, 3000.25, 1_200_100, "fill")]
    assert tape.liquidations[0].completeness == "sampled"
    assert tape.liquidations[0].event_ms == T


@pytest.mark.parametrize("fields", [{"ap": "0"}, {"z": "0"}, {"ap": 0, "z": 0}, {"z": "0.000"}])
def test_unfilled_order_counts_as_ordered(fields):
    """Before a fill the amount is the order's quantity x limit, marked as an order price."""
    assert decode(order(**fields)).orders == [
        ("binance", "ETHUSDT", "ETH", "long", 2900.1, 2_900_100, "order")
    ]


def test_missing_fill_counts_as_ordered():
    """An order without the fill's fields is an unfilled one."""
    frame = order()
    del frame["o"]["ap"], frame["o"]["z"]
    assert decode(frame).orders[0][-2:] == (2_900_100, "order")


def test_cents_are_exact():
    """Cents come from the decimal text, half up, never from binary floats."""
    assert decode(order(z="1", ap="1.005")).liquidations[0].usd_cents == 101


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(("kind", "reasons"), [(1, []), (2, ["other_product"])])
def test_symbol_type_inside_or_beside_the_order(beside, kind, reasons):
    """COIN-M orders are merged into the stream; `st` tells them apart wherever it stands."""
    frame = order() | {"st": kind} if beside else order(st=kind)
    assert decode(frame).reasons == reasons


@pytest.mark.parametrize("symbol", ["BTCUSD_PERP", "BTCUSD_260327"])
@pytest.mark.parametrize("make", [trade, order])
def test_coin_margined_symbols_are_another_product(symbol, make):
    """A COIN-M quantity is in contracts: multiplied by the price it would be 1000 times too large."""
    assert decode(make(s=symbol)).reasons == ["other_product"]


def test_list_of_forced_orders():
    """`!forceOrder@arr` may be the array that its name says; equal rows are told apart."""
    rows = [order(), order(), order(S="BUY")]
    for frame in (rows, wrapped(rows)):
        tape = decode(frame)
        assert [(row.side.value, row.occurrence) for row in tape.liquidations] == [
            ("long", 0),
            ("long", 1),
            ("short", 0),
        ]


def test_list_keeps_the_neighbours_of_a_bad_row():
    """One bad row of a list is refused by name, the others count."""
    for frame in (wrapped([order(), order(S="HOLD"), trade()]), [order(), order(S="HOLD"), trade()]):
        tape = decode(frame)
        assert (len(tape.liquidations), len(tape.trades), tape.reasons) == (1, 1, ["bad_side"])


def test_mark_prices_one_or_many():
    """Mark prices come alone or as an array; those of other products are refused."""
    mark = {"e": "markPriceUpdate", "E": T, "s": "BTCUSDT", "p": "90001.5", "r": ""}
    assert decode(wrapped(mark)).marks == [("BTCUSDT", T, 90001.5)]
    tape = decode(wrapped([mark, mark | {"s": "BTCUSD_PERP"}, mark | {"p": "0"}]))
    assert tape.marks == [("BTCUSDT", T, 90001.5)]
    assert sorted(tape.reasons) == ["bad_number", "other_product"]


@pytest.mark.parametrize(
    ("symbol", "asset", "scale"),
    [
        ("牛来USDT", "牛来", 1),
        ("1000PEPEUSDT", "PEPE", 1000),
        ("BTCUSDC", "BTC", 1),
        ("BTCUSDT_260327", "BTC", 1),
    ],
)
def test_symbols_listed_after_the_table(symbol, asset, scale):
    """A contract that the table lacks is taken by its name: USD-M needs no multiplier."""
    codec = BinanceCodec({})
    tape = decode(order(s=symbol, ap="3000", z="4"), codec)
    assert tape.orders == [("binance", symbol, asset, "long", 3000 / scale, 1_200_000, "fill")]
    assert decode(order(s=symbol), codec).liquidations[0].instrument is tape.liquidations[0].instrument


@pytest.mark.parametrize("symbol", ["ETHBTC", "USDT", "", "A" * 50 + "USDT"])
def test_symbols_without_a_usd_amount(symbol):
    """A pair that is not quoted in USD, or no pair at all, is an unknown symbol."""
    assert decode(trade(s=symbol)).reasons == ["unknown_symbol"]
    assert decode([trade(s=symbol)]).reasons == ["unknown_symbol"]
    assert decode([order(s=symbol)]).reasons == ["unknown_symbol"]


def test_new_symbols_are_bounded():
    """A feed that invents symbols is refused after a while instead of filling the memory."""
    codec, tape = BinanceCodec({}), Tape()
    for number in range(2_001):
        codec.decode(json.dumps(trade(s=f"X{number}YUSDT")).encode(), tape)
    assert tape.reasons == ["unknown_instrument"]
    codec.use({})
    assert decode(trade(s="LATERUSDT"), codec).reasons == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"p": "0"}, "bad_number"),
        ({"p": "-1"}, "bad_number"),
        ({"p": "nan"}, "bad_number"),
        ({"q": "inf"}, "bad_number"),
        ({"q": "1e400"}, "bad_number"),
        ({"p": "abc"}, "bad_number"),
        ({"p": ""}, "bad_number"),
        ({"p": 1e13}, "bad_number"),
        ({"T": -1}, "bad_number"),
        ({"T": T * 1000}, "bad_number"),
        ({"T": 1.5}, "bad_number"),
        ({"a": "x"}, "bad_number"),
        ({"p": None}, "bad_type"),
        ({"p": True}, "bad_type"),
        ({"s": 5}, "bad_type"),
        ({"m": "maybe"}, "bad_type"),
        ({"q": []}, "bad_type"),
    ],
)
def test_bad_trades_are_refused_by_name(fields, reason):
    """Every absurd field of a trade is refused with the reason that names it."""
    for frame in (trade(**fields), wrapped(trade(**fields))):
        tape = decode(frame)
        assert (tape.trades, tape.reasons) == ([], [reason])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"S": "sell"}, "bad_side"),
        ({"S": 1}, "bad_type"),
        ({"ap": "-3"}, "bad_number"),
        ({"ap": "abc"}, "bad_number"),
        ({"ap": "NaN"}, "bad_number"),
        ({"z": "Infinity"}, "bad_number"),
        ({"z": "1e-9", "ap": "1e-9"}, "bad_number"),
        ({"ap": "1e12", "z": "0.001"}, "bad_number"),
        ({"ap": "1e-400", "z": "1e410", "p": "1e-400", "q": "1e410"}, "bad_number"),
        ({"z": "1e20"}, "absurd_amount"),
        ({"ap": "1e900000", "z": "1e900000"}, "absurd_amount"),
        ({"ap": 10**400, "z": 10**400}, "absurd_amount"),
        ({"ap": False}, "bad_type"),
        ({"T": 0}, "bad_number"),
    ],
)
def test_bad_orders_are_refused_by_name(fields, reason):
    """Every absurd field of a forced order is refused with the reason that names it."""
    tape = decode(order(**fields))
    assert (tape.liquidations, tape.reasons) == ([], [reason])


@pytest.mark.parametrize(
    "frame",
    [
        {"result": None, "id": 1},
        {"result": ["!forceOrder@arr"], "id": 3},
        {"error": {"code": 2, "msg": "bad"}, "id": 1},
        {"code": 2, "msg": "Invalid request"},
    ],
)
def test_answers_are_not_events(frame):
    """What the dialogue asked for is answered in silence here."""
    assert decode(frame).empty


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (wrapped({"e": "kline", "s": "BTCUSDT"}), "malformed"),
        ({"e": "bookTicker", "s": "BTCUSDT"}, "unknown_message"),
        (wrapped({"asks": []}), "unknown_message"),
        (wrapped(["x"]), "unknown_message"),
        ({"hello": 1}, "unknown_message"),
        (wrapped(7), "unknown_message"),
        ({"e": 5}, "unknown_message"),
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"not json", "malformed"),
        (b"[", "malformed"),
        (b"7", "bad_type"),
        (b'{"e":"aggTrade"}', "malformed"),
        (b'{"stream":"x","data":' * 2000, "malformed"),
        (b'{"e":"aggTrade","s":"\xff"}', "malformed"),
        (b" " * (1 << 20) + b"{}", "oversized"),
    ],
)
def test_other_frames_are_refused_by_name(frame, reason):
    """What is no event of ours is counted by its reason and never raises."""
    assert decode(frame).reasons == [reason]


def test_rest_trades_in_the_order_of_ids():
    """A REST body becomes the same trades as the stream, in rising order of ids."""
    row = {"p": "90000.5", "q": "0.25", "T": T, "m": False}
    tape = body([row | {"a": 9}, row | {"a": 8}, row | {"a": 10, "p": "-1"}])
    assert tape.trades == [
        ("BTCUSDT", 8, "", T, True, 90000.5, 0.25),
        ("BTCUSDT", 9, "", T, True, 90000.5, 0.25),
    ]
    assert tape.reasons == ["bad_number"]


@pytest.mark.parametrize(
    ("payload", "endpoint", "argument", "reason"),
    [
        ({"code": -1121, "msg": "Invalid symbol."}, "aggTrades", "BTCUSDT", "unknown_message"),
        ([], "klines", "BTCUSDT", "unknown_message"),
        ([], "aggTrades", "ETHBTC", "unknown_symbol"),
        (b"<html>", "aggTrades", "BTCUSDT", "malformed"),
        (b"[" + b" " * (1 << 20) + b"]", "aggTrades", "BTCUSDT", "oversized"),
    ],
)
def test_other_bodies_are_refused_by_name(payload, endpoint, argument, reason):
    """A refusal of the venue, an unknown endpoint and rubbish are counted, not raised."""
    assert body(payload, endpoint, argument).reasons == [reason]


def test_table_of_contracts():
    """The body of exchangeInfo becomes USD-M contracts; others, and pairs without a USD quote, are left out."""
    symbols = ["BTCUSDT", "1000SHIBUSDC", "ETHBTC", "BTCUSD_PERP", "BTCUSDT_260327", "A" * 50 + "USDT"]
    raw = json.dumps({"symbols": [{"symbol": name, "status": "TRADING"} for name in symbols]}).encode()
    table = parse_instruments(raw)
    assert {name: (row.venue, row.asset, row.scale) for name, row in table.items()} == {
        "BTCUSDT": ("binance", "BTC", 1),
        "1000SHIBUSDC": ("binance", "SHIB", 1000),
        "BTCUSDT_260327": ("binance", "BTC", 1),
    }
    assert next_page(raw) == ""
    codec = BinanceCodec(table)
    assert decode(order(s="BTCUSDT"), codec).liquidations[0].instrument is table["BTCUSDT"]
    with pytest.raises(BadFrame, match="malformed"):
        parse_instruments(b"{}")


def test_recorded_forced_orders(shared):
    """Recorded frames of 2020-2026 give the sides, prices and cents worked out by hand."""
    frames = shared / "recordings" / "frames"
    tape = Tape()
    codec = BinanceCodec({})
    for line in (frames / "binance_usdm_forceOrder_live.jsonl").read_bytes().splitlines():
        codec.decode(line, tape)
    assert [row[1:] for row in tape.orders] == [
        ("STGUSDT", "STG", "long", 0.1355, 68, "fill"),
        ("IOTXUSDT", "IOTX", "long", 0.06669, 24415, "fill"),
        ("XRPUSDT", "XRP", "short", 1.4912, 18968, "fill"),
        ("MANTAUSDT", "MANTA", "long", 0.0722187, 14798, "fill"),
        ("BTCUSDT", "BTC", "long", 82651.90, 1570386, "fill"),
        ("BTCUSDT", "BTC", "short", 83598.50, 8360, "fill"),
        ("ILVUSDT", "ILV", "long", 3.85642, 44927, "fill"),
        ("牛来USDT", "牛来", "long", 0.1057892, 97781, "fill"),
        ("XRPUSDT", "XRP", "short", 1.4043, 2163, "fill"),
        ("AINUSDT", "AIN", "long", 0.0387407, 7210, "fill"),
        ("RAYSOLUSDT", "RAYSOL", "long", 1.3911902, 9808, "fill"),
        ("ETHUSDT", "ETH", "short", 2725.49, 16352940, "fill"),
    ]
    assert tape.refusals == []


RECORDED = {  # file: (trades, liquidations, marks, refusals by reason)
    "binance_usdm_aggTrade": (91, 0, 0, {}),
    "binance_usdm_aggTrade_live2026": (2, 0, 0, {}),
    "binance_usdm_markPrice_live2026": (0, 0, 1, {}),
    "binance_usdm_tardis_liquidation": (0, 1, 0, {}),
    "binance_usdm_tardis_trade": (0, 0, 0, {"malformed": 1, "unknown_message": 3}),
    "binance_usdm_tardis_ticker_funding_oi": (0, 0, 3, {"unknown_message": 2}),
    "binance_usdm_tardis_book": (0, 0, 0, {"unknown_message": 2}),
    "binance_usdm_bookTicker": (0, 0, 0, {"unknown_message": 300}),
    "binance_usdm_bookTicker_live2026": (0, 0, 0, {"unknown_message": 1}),
    "binance_usdm_depth": (0, 0, 0, {"unknown_message": 60}),
    "binance_usdm_kline": (0, 0, 0, {}),
    "binance_usdm_kline_live2026": (0, 0, 0, {}),
    "binance_coinm_aggTrade": (0, 0, 0, {"other_product": 51}),
    "binance_coinm_bookTicker": (0, 0, 0, {"unknown_message": 300}),
    "binance_coinm_depth": (0, 0, 0, {"unknown_message": 60}),
    "binance_coinm_kline": (0, 0, 0, {"other_product": 33}),
    "binance_coinm_tardis_book": (0, 0, 0, {"unknown_message": 2}),
    "binance_coinm_tardis_liquidation": (0, 0, 0, {"other_product": 1}),
    "binance_coinm_tardis_other": (0, 0, 0, {}),
    "binance_coinm_tardis_ticker_funding_oi": (0, 0, 0, {"unknown_message": 3, "other_product": 1}),
    "binance_coinm_tardis_trade": (0, 0, 0, {"unknown_message": 2}),
    "binance_cmp_trade": (3, 0, 0, {"other_product": 2, "unknown_message": 1}),
    "binance_cmp_bbo": (0, 0, 0, {"unknown_message": 4}),
    "binance_cmp_candlestick": (0, 0, 0, {"other_product": 2}),
    "binance_cmp_funding_rate": (0, 0, 3, {"other_product": 3}),
    "binance_cmp_open_interest": (0, 0, 0, {"unknown_message": 4}),
    "binance_cmp_ticker": (0, 0, 0, {"unknown_message": 8}),
    "binance_TESTNET_forceOrder_live": (0, 1, 0, {}),  # only the host tells a testnet apart
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_frames(shared, name):
    """Every recorded frame of the venue is decoded, or refused by the name that fits it."""
    tape = Tape()
    codec = BinanceCodec({})
    for line in (shared / "recordings" / "frames" / f"{name}.jsonl").read_bytes().splitlines():
        codec.decode(line, tape)
    trades, liquidations, marks, refusals = RECORDED[name]
    assert (len(tape.trades), len(tape.liquidations), len(tape.marks)) == (trades, liquidations, marks)
    assert {reason: tape.reasons.count(reason) for reason in tape.reasons} == refusals


def test_recorded_table(shared):
    """The recorded exchangeInfo gives the known contracts."""
    table = parse_instruments((shared / "recordings/frames/rest/binance_usdm_exchangeInfo.json").read_bytes())
    assert len(table) == 122
    assert table["1000SHIBUSDT"].scale == 1000
    assert table["BTCUSDT"].asset == "BTC"
