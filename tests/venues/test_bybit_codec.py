"""Bybit frames, hand-made and recorded: sides, exact amounts, and names for what is refused."""

from __future__ import annotations

import json

import pytest

from teleglas.errors import BadFrame
from teleglas.venues.bybit.codec import BybitCodec
from teleglas.venues.bybit.instruments import next_page, parse_instruments
from tests.venues.tape import Tape

T = 1_790_000_000_000


def raw(frame) -> bytes:
    """Compact JSON, as the venue writes it: the codec's fast path knows its first bytes."""
    return frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()


def decode(frame, codec: BybitCodec | None = None) -> Tape:
    """Return what one frame gives."""
    tape = Tape()
    (codec or BybitCodec({})).decode(raw(frame), tape)
    return tape


def body(payload, endpoint="recent-trade", argument="BTCUSDT") -> Tape:
    """Return what one REST body gives."""
    tape = Tape()
    BybitCodec({}).decode_body(endpoint, argument, raw(payload), tape)
    return tape


def trade(**fields) -> dict:
    """Return a row of publicTrade."""
    row = {"T": T, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "90000.5", "L": "PlusTick", "i": "id-1"}
    return row | {"BT": False, "RPI": False, "seq": 77} | fields


def trades(*rows) -> dict:
    """Return a publicTrade frame."""
    return {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": T + 1, "data": list(rows)}


def order(**fields) -> dict:
    """Return a row of allLiquidation."""
    return {"T": T, "s": "ETHUSDT", "S": "Buy", "v": "4", "p": "3000.25"} | fields


def orders(*rows) -> dict:
    """Return an allLiquidation frame."""
    return {"topic": "allLiquidation.ETHUSDT", "type": "snapshot", "ts": T + 400, "data": list(rows)}


def rest_trade(**fields) -> dict:
    """Return a row of recent-trade."""
    row = {"execId": "id-1", "symbol": "BTCUSDT", "price": "90000.5", "size": "0.5", "side": "Buy"}
    return row | {"time": str(T), "isBlockTrade": False, "seq": "77"} | fields


def rest(*rows) -> dict:
    """Return a recent-trade body."""
    return {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": list(rows)}, "time": T}


@pytest.mark.parametrize(("side", "buy"), [("Buy", True), ("Sell", False)])
def test_trade_names_the_taker(side, buy):
    """`S` of a trade is the taker's side; `i` tells rows of one `seq` apart."""
    tape = decode(trades(trade(S=side), trade(S=side, i="id-2")))
    assert tape.trades == [
        ("BTCUSDT", 77, "id-1", T, buy, 90000.5, 0.5),
        ("BTCUSDT", 77, "id-2", T, buy, 90000.5, 0.5),
    ]


def test_spelling_of_the_frame_does_not_matter():
    """A frame with blanks or another order of keys is the same frame."""
    frame = trades(trade())
    spaced = json.dumps(frame, indent=1).encode()
    turned = raw(dict(reversed(frame.items())))
    assert decode(spaced).trades == decode(turned).trades == decode(frame).trades != []


def test_trade_without_a_sequence_is_numbered_by_its_time():
    """Frames of 2023 carry no `seq`: their trades still count once each."""
    row = trade()
    del row["seq"]
    assert decode(trades(row)).trades[0][1:3] == (T, "id-1")


def test_block_trades_are_no_flow():
    """A negotiated trade must not look like a whale; its neighbours count."""
    tape = decode(trades(trade(BT=True), trade(i="id-2")))
    assert [row[2] for row in tape.trades] == ["id-2"]
    assert tape.refusals == [("other_product", "block trade")]


@pytest.mark.parametrize(("side", "position"), [("Buy", "long"), ("Sell", "short")])
def test_liquidation_names_the_position(side, position):
    """`S` of a liquidation is the POSITION: `Buy` is a liquidated long, the opposite of Binance."""
    tape = decode(orders(order(S=side)))
    assert tape.orders == [("bybit", "ETHUSDT", "ETH", position, 3000.25, 1_200_100, "bankruptcy")]
    assert (tape.liquidations[0].completeness, tape.liquidations[0].event_ms) == ("all", T)


def test_equal_rows_of_a_frame_are_told_apart():
    """Identical rows in one frame are real orders: the ordinal keeps them."""
    tape = decode(orders(order(), order(v="5"), order(), order()))
    assert [row.occurrence for row in tape.liquidations] == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("make", "wrap", "seen"),
    [(trade, trades, "trades"), (order, orders, "liquidations")],
)
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"S": "buy"}, "bad_side"),
        ({"p": "0"}, "bad_number"),
        ({"v": "-1"}, "bad_number"),
        ({"p": "NaN"}, "bad_number"),
        ({"v": "x"}, "bad_number"),
        ({"T": 0}, "bad_number"),
        ({"p": None}, "bad_type"),
        ({"s": 1}, "bad_type"),
        ({"s": "ETHBTC"}, "unknown_symbol"),
        ({"s": "BTCUSD"}, "other_product"),
        ({"s": "BTCUSDZ26"}, "other_product"),
        ({"s": "X" * 50 + "USDT"}, "unknown_symbol"),
    ],
)
def test_bad_rows_lose_no_neighbours(make, wrap, seen, fields, reason):
    """A bad row is refused by name; those before and after it count."""
    tape = decode(wrap(make(), make(**fields), make()))
    assert (len(getattr(tape, seen)), tape.reasons) == (2, [reason])


def test_missing_field_is_malformed():
    """A row without a field that it needs is malformed."""
    row = order()
    del row["v"]
    assert decode(orders(row)).reasons == ["malformed"]


def test_bad_push_time_does_not_cost_the_liquidations():
    """Only mark prices need the frame's own time."""
    assert len(decode(orders(order()) | {"ts": "soon"}).liquidations) == 1


@pytest.mark.parametrize(
    ("data", "ts", "marks", "reasons"),
    [
        ({"symbol": "BTCUSDT", "markPrice": "90001.5"}, T, [("BTCUSDT", T, 90001.5)], []),
        ({"symbol": "BTCUSDT", "bid1Price": "1"}, T, [], []),
        ({"symbol": "BTCUSDT", "markPrice": ""}, T, [], []),
        ({"symbol": "BTCUSDT", "markPrice": "-1"}, T, [], ["bad_number"]),
        ({"symbol": "BTCUSDT", "markPrice": "90001.5"}, 0, [], ["bad_number"]),
        ({"symbol": "BTCUSDT", "markPrice": "90001.5"}, None, [], ["bad_type"]),
        ({"symbol": "BTCUSD", "markPrice": "90001.5"}, T, [], ["other_product"]),
        ({"symbol": "BTCUSDT", "markPrice": 1}, T, [], ["bad_type"]),
    ],
)
def test_mark_price_where_a_ticker_gives_one(data, ts, marks, reasons):
    """A delta leaves out what did not change: then there is nothing to say."""
    tape = decode({"topic": "tickers.BTCUSDT", "type": "delta", "data": data, "ts": ts})
    assert (tape.marks, tape.reasons) == (marks, reasons)


@pytest.mark.parametrize("symbol", ["BTCPERP", "BTCUSDT-26DEC25", "1000PEPEUSDT", "NEWUSDC"])
def test_symbols_listed_after_the_table(symbol):
    """A linear contract that the table lacks is taken by its name, as one object."""
    codec = BybitCodec({})
    first = decode(orders(order(s=symbol)), codec).liquidations[0]
    assert first.usd_cents == 1_200_100
    assert decode(orders(order(s=symbol)), codec).liquidations[0].instrument is first.instrument


@pytest.mark.parametrize(
    "frame",
    [
        {"success": True, "ret_msg": "", "conn_id": "c", "req_id": "1", "op": "subscribe"},
        {"success": False, "ret_msg": "Invalid topic", "op": "subscribe"},
        {"success": True, "ret_msg": "pong", "conn_id": "c", "op": "ping"},
        {"op": "pong", "args": ["1"]},
    ],
)
def test_answers_are_not_events(frame):
    """What the dialogue asked for is answered in silence here."""
    assert decode(frame).empty


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"topic": "liquidation.BTCUSDT", "data": {}}, "legacy"),
        ({"topic": "trade.BTCUSDT", "data": []}, "legacy"),
        ({"topic": "instrument_info.100ms.BTCUSD", "data": {}}, "legacy"),
        ({"topic": "orderBookL2_25.BTCUSD", "data": {}}, "legacy"),
        ({"topic": "klineV2.1.BTCUSD", "data": []}, "legacy"),
        ({"success": True, "request": {"op": "subscribe"}}, "legacy"),
        ({"ret_code": 0, "result": []}, "legacy"),
        ({"topic": "orderbook.50.BTCUSDT", "data": {}}, "unknown_message"),
        ({"hello": 1}, "unknown_message"),
        ({"topic": 5}, "bad_type"),
        ({"topic": "publicTrade.BTCUSDT"}, "malformed"),
        ({"topic": "publicTrade.BTCUSDT", "data": 5}, "bad_type"),
        (b'{"topic":"publicTrade.BTCUSDT","data":[', "malformed"),
        (b"pong?", "malformed"),
        (b"\xff", "malformed"),
        (b'{"topic":"publicTrade.' + b" " * (1 << 20), "oversized"),
    ],
)
def test_other_frames_are_refused_by_name(frame, reason):
    """What is no event of ours is counted by its reason and never raises."""
    assert decode(frame).reasons == [reason]


def test_rest_trades_equal_those_of_the_stream():
    """The newest come first in a body and are handed over in the order of their numbers."""
    newest = rest_trade(seq="78", execId="id-3")
    tape = body(rest(newest, rest_trade(execId="id-2"), rest_trade(), rest_trade(size="0")))
    assert [row[1:3] for row in tape.trades] == [(77, "id-1"), (77, "id-2"), (78, "id-3")]
    assert tape.trades[0] == decode(trades(trade())).trades[0]
    assert tape.reasons == ["bad_number"]


def test_rest_block_trades_and_other_symbols_are_refused():
    """A body is only taken for the symbol that was asked for."""
    tape = body(rest(rest_trade(isBlockTrade=True), rest_trade(symbol="ETHUSDT")))
    assert (tape.trades, sorted(tape.reasons)) == ([], ["other_product", "other_product"])
    assert len(body(rest(rest_trade(symbol="ETHUSDT")), argument="").trades) == 1


@pytest.mark.parametrize(
    ("payload", "endpoint", "reason"),
    [
        ({"retCode": 10001, "retMsg": "params error", "result": {}}, "recent-trade", "unknown_message"),
        ({"retCode": 10006, "retMsg": "Too many visits"}, "recent-trade", "unknown_message"),
        (rest(), "kline", "unknown_message"),
        (b"<html>", "recent-trade", "malformed"),
        (b" " * ((1 << 20) + 1), "recent-trade", "oversized"),
    ],
)
def test_other_bodies_are_refused_by_name(payload, endpoint, reason):
    """A refusal of the venue, an unknown endpoint and rubbish are counted, not raised."""
    assert body(payload, endpoint).reasons == [reason]


def test_table_of_contracts_page_by_page():
    """The body of instruments-info becomes linear contracts and the cursor of the next page."""
    names = ["BTCUSDT", "BTCPERP", "1000PEPEUSDT", "BTCUSD", "X" * 50 + "USDT"]
    result = {"category": "linear", "list": [{"symbol": name} for name in names], "nextPageCursor": "abc"}
    page = raw({"retCode": 0, "result": result})
    table = parse_instruments(page)
    assert {name: (row.asset, row.scale) for name, row in table.items()} == {
        "BTCUSDT": ("BTC", 1),
        "BTCPERP": ("BTC", 1),
        "1000PEPEUSDT": ("PEPE", 1000),
    }
    assert next_page(page) == "abc"
    assert next_page(raw({"result": result | {"nextPageCursor": None}})) == ""
    codec = BybitCodec({})
    codec.use(table)
    assert decode(orders(order(s="BTCUSDT")), codec).liquidations[0].instrument is table["BTCUSDT"]


@pytest.mark.parametrize(
    ("page", "reason"),
    [(b"{}", "malformed"), (b'{"result":{"category":"inverse","list":[]}}', "other_product")],
)
def test_other_tables_are_refused(page, reason):
    """An inverse table would be read in the wrong unit."""
    with pytest.raises(BadFrame, match=reason):
        parse_instruments(page)


def test_recorded_liquidations(shared):
    """Recorded frames give the sides, prices and cents worked out by hand."""
    codec, tape = BybitCodec({}), Tape()
    for line in (shared / "recordings/frames/bybit_allLiquidation_live.jsonl").read_bytes().splitlines():
        codec.decode(line, tape)
    assert [row[1:] for row in tape.orders] == [
        ("STRKUSDT", "STRK", "long", 0.05165, 10769, "bankruptcy"),
        ("ICPUSDT", "ICP", "long", 2.585, 5092, "bankruptcy"),
        ("MARSCOINUSDT", "MARSCOIN", "short", 0.12734, 30307, "bankruptcy"),
        ("BTCUSDT", "BTC", "long", 82396.9, 49438, "bankruptcy"),
        ("BTCUSDT", "BTC", "long", 82394.3, 313098, "bankruptcy"),
        ("ADAUSDT", "ADA", "short", 0.1915, 253699, "bankruptcy"),
        ("BTCUSDT", "BTC", "long", 85823.6, 8582, "bankruptcy"),
        ("ROSEUSDT", "ROSE", "short", 0.04499, 89980, "bankruptcy"),
    ]
    assert tape.refusals == []


RECORDED = {  # file: (trades, liquidations, marks, refusals by reason)
    "bybit_publicTrade_live2026_trimmed": (2, 0, 0, {}),
    "bybit_tickers_live2026": (0, 0, 0, {}),
    "bybit_tardis_liquidation": (0, 1, 0, {"legacy": 5}),
    "bybit_tardis_trade": (1, 0, 0, {"legacy": 6, "other_product": 3}),
    "bybit_tardis_ticker_funding_oi": (0, 0, 1, {"legacy": 11, "other_product": 2}),
    "bybit_tardis_book": (0, 0, 0, {"legacy": 16, "unknown_message": 5}),
    "bybit_cmp_trade": (0, 0, 0, {"legacy": 3}),
    "bybit_cmp_ticker": (0, 0, 0, {"legacy": 6}),
    "bybit_cmp_candlestick": (0, 0, 0, {"legacy": 3}),
    "bybit_cmp_open_interest": (0, 0, 0, {"legacy": 3}),
    "bybit_LEGACY2021_control": (0, 0, 0, {"legacy": 20}),
    "bybit_LEGACY2021_trade": (0, 0, 0, {"legacy": 142}),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_frames(shared, name):
    """Every recorded frame of the venue is decoded, or refused by the name that fits it."""
    codec, tape = BybitCodec({}), Tape()
    for line in (shared / "recordings" / "frames" / f"{name}.jsonl").read_bytes().splitlines():
        codec.decode(line, tape)
    trades_, liquidations, marks, refusals = RECORDED[name]
    assert (len(tape.trades), len(tape.liquidations), len(tape.marks)) == (trades_, liquidations, marks)
    assert {reason: tape.reasons.count(reason) for reason in tape.reasons} == refusals
