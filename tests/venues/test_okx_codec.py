"""OKX frames, hand-made and recorded: sides, contract sizes, and names for what is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from teleglas.errors import BadFrame
from teleglas.market import Instrument
from teleglas.venues.okx.builtin import AS_OF, builtin_instruments
from teleglas.venues.okx.codec import OkxCodec
from teleglas.venues.okx.instruments import next_page, parse_instruments
from tests.venues.tape import Tape

T = 1_790_000_000_000
TABLE = {
    "BTC-USDT-SWAP": Instrument("okx", "BTC-USDT-SWAP", "BTC", multiplier=Decimal("0.01")),
    "BTC-USD-SWAP": Instrument("okx", "BTC-USD-SWAP", "BTC", inverse=True, multiplier=Decimal(100)),
}


def raw(frame) -> bytes:
    """Compact JSON, as the venue writes it: the codec's fast path knows its first bytes."""
    return frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()


def decode(frame, table=TABLE) -> Tape:
    """Return what one frame gives."""
    tape = Tape()
    OkxCodec(table).decode(raw(frame), tape)
    return tape


def body(payload, endpoint, argument="BTC-USDT-SWAP") -> Tape:
    """Return what one REST body gives."""
    tape = Tape()
    OkxCodec(TABLE).decode_body(endpoint, argument, raw(payload), tape)
    return tape


def trade(**fields) -> dict:
    """Return a row of trades."""
    row = {
        "instId": "BTC-USDT-SWAP",
        "tradeId": "77",
        "px": "90000.5",
        "sz": "3.5",
        "side": "buy",
        "ts": str(T),
    }
    return row | {"count": "2"} | fields


def trades(*rows) -> dict:
    """Return a trades frame."""
    return {"arg": {"channel": "trades", "instId": "BTC-USDT-SWAP"}, "data": list(rows)}


def order(**fields) -> dict:
    """Return one order of a liquidation group."""
    return (
        {"bkLoss": "0", "bkPx": "90000.5", "ccy": "", "posSide": "long", "side": "sell", "sz": "8.55"}
        | {"ts": str(T)}
        | fields
    )


def group(*details, instId="BTC-USDT-SWAP", instType="SWAP") -> dict:  # noqa: N803  # the venue's names
    """Return the liquidations of one contract."""
    return {"details": list(details), "instFamily": "BTC-USDT", "instId": instId, "instType": instType}


def orders(*groups) -> dict:
    """Return a liquidation-orders frame."""
    return {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": list(groups)}


@pytest.mark.parametrize(("side", "buy"), [("buy", True), ("sell", False)])
def test_trade_names_the_taker(side, buy):
    """`side` of a trade is the taker's; the size stays in contracts."""
    assert decode(trades(trade(side=side))).trades == [("BTC-USDT-SWAP", 77, "", T, buy, 90000.5, 3.5)]


def test_spelling_of_the_frame_does_not_matter():
    """A frame with blanks or another order of keys is the same frame."""
    frame = trades(trade())
    spaced = json.dumps(frame, indent=1).encode()
    turned = raw(dict(reversed(frame.items())))
    assert decode(spaced).trades == decode(turned).trades == decode(frame).trades != []


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({"posSide": "long", "side": "sell"}, "long"),
        ({"posSide": "short", "side": "buy"}, "short"),
        ({"posSide": "long", "side": "buy"}, "long"),  # the position counts, whatever the order says
        ({"posSide": "net", "side": "sell"}, "long"),
        ({"posSide": "net", "side": "buy"}, "short"),
        ({"posSide": "", "side": "buy"}, "short"),
    ],
)
def test_liquidated_side(fields, position):
    """The position's side counts; for a net position the order's side tells it."""
    tape = decode(orders(group(order(**fields))))
    assert tape.orders == [("okx", "BTC-USDT-SWAP", "BTC", position, 90000.5, 769504, "bankruptcy")]
    assert (tape.liquidations[0].completeness, tape.liquidations[0].event_ms) == ("sampled", T)


def test_inverse_contracts_are_counted_in_usd():
    """An inverse contract is worth its USD: multiplied by the price it would be absurd."""
    tape = decode(orders(group(order(sz="12"), instId="BTC-USD-SWAP")))
    assert tape.orders == [("okx", "BTC-USD-SWAP", "BTC", "long", 90000.5, 120_000, "bankruptcy")]


def test_equal_rows_of_a_frame_are_told_apart():
    """Identical orders in one frame are real, also when they stand in two groups."""
    tape = decode(orders(group(order(), order()), group(order())))
    assert [row.occurrence for row in tape.liquidations] == [0, 1, 2]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"posSide": "both"}, "bad_side"),
        ({"posSide": "net", "side": ""}, "bad_side"),
        ({"posSide": 1}, "bad_type"),
        ({"bkPx": "0"}, "bad_number"),
        ({"sz": "-2"}, "bad_number"),
        ({"sz": "NaN"}, "bad_number"),
        ({"sz": None}, "bad_type"),
        ({"ts": "later"}, "bad_number"),
        ({"sz": "1e15"}, "absurd_amount"),
    ],
)
def test_bad_orders_lose_no_neighbours(fields, reason):
    """A bad order is refused by name; those before and after it count."""
    tape = decode(orders(group(order(), order(**fields), order(sz="1")), group(order(sz="2"))))
    assert (len(tape.liquidations), tape.reasons) == (3, [reason])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"side": "Buy"}, "bad_side"),
        ({"px": "-1"}, "bad_number"),
        ({"sz": "0"}, "bad_number"),
        ({"tradeId": "x"}, "bad_number"),
        ({"px": None}, "bad_type"),
        ({"instId": "NEW-USDT-SWAP"}, "unknown_instrument"),
        ({"instId": "BTC-USDT"}, "other_product"),
        ({"instId": "BTC-USDT-260327"}, "other_product"),
    ],
)
def test_bad_trades_lose_no_neighbours(fields, reason):
    """A bad trade is refused by name; those before and after it count."""
    tape = decode(trades(trade(), trade(**fields), trade(tradeId="78")))
    assert ([row[1] for row in tape.trades], tape.reasons) == ([77, 78], [reason])


def test_contract_size_is_never_guessed():
    """A SWAP that the table lacks is refused, until a table with it comes."""
    codec, tape = OkxCodec({}), Tape()
    codec.decode(raw(orders(group(order()))), tape)
    assert tape.refusals == [("unknown_instrument", "BTC-USDT-SWAP")]
    codec.use(TABLE)
    codec.decode(raw(orders(group(order()))), tape)
    assert tape.liquidations[0].instrument is TABLE["BTC-USDT-SWAP"]


def test_other_instrument_types_are_another_product():
    """The channel may carry FUTURES, MARGIN or OPTION rows: they are not ours."""
    tape = decode(orders(group(order(), instType="FUTURES", instId="XRP-USD-230929"), group(order())))
    assert (len(tape.liquidations), tape.reasons) == (1, ["other_product"])


def test_mark_prices():
    """The mark-price channel gives a mark of each contract of the table."""
    row = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "markPx": "90001.5", "ts": str(T)}
    frame = {
        "arg": {"channel": "mark-price"},
        "data": [row, row | {"instId": "BTC-USDT"}, row | {"markPx": "0"}],
    }
    tape = decode(frame)
    assert tape.marks == [("BTC-USDT-SWAP", T, 90001.5)]
    assert sorted(tape.reasons) == ["bad_number", "other_product"]


@pytest.mark.parametrize(
    "frame",
    [
        b"pong",
        b"ping",
        {"event": "subscribe", "arg": {"channel": "trades", "instId": "X"}, "connId": "a"},
        {"event": "error", "code": "60018", "msg": "doesn't exist"},
        {"event": "notice", "code": "64008", "msg": "soon"},
        {"event": "channel-conn-count", "channel": "trades", "connCount": "1"},
    ],
)
def test_answers_are_not_events(frame):
    """What the dialogue reads is passed over in silence here."""
    assert decode(frame).empty


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"table": "swap/trade", "data": []}, "legacy"),
        ({"arg": {"channel": "books", "instId": "X"}, "data": []}, "unknown_message"),
        ({"arg": {"channel": "trades-all", "instId": "X"}, "data": []}, "unknown_message"),
        ({"code": "0", "data": []}, "unknown_message"),
        ({"arg": 5}, "bad_type"),
        ({"arg": {"channel": "trades"}}, "malformed"),
        (b'{"arg":{"channel":"trades"},"data":[', "malformed"),
        (b"[]", "bad_type"),
        (b"\xff", "malformed"),
        (b'{"arg":{"channel":"trades"' + b" " * (1 << 20), "oversized"),
    ],
)
def test_other_frames_are_refused_by_name(frame, reason):
    """What is no event of ours is counted by its reason and never raises."""
    assert decode(frame).reasons == [reason]


def test_rest_liquidations_equal_those_of_the_stream():
    """Content is what tells a repeat: the body's rows must be the frame's rows."""
    rows = group(order(), order(), order(sz="1"))
    stream = decode(orders(rows)).liquidations
    polled = body({"code": "0", "data": [rows], "msg": ""}, "liquidation-orders", "").liquidations
    assert polled == stream


def test_rest_trades_in_the_order_of_ids():
    """The newest come first in a body and are handed over in the order of their ids."""
    tape = body(
        {"code": "0", "msg": "", "data": [trade(tradeId="9"), trade(tradeId="8"), trade(sz="0")]}, "trades"
    )
    assert ([row[1] for row in tape.trades], tape.reasons) == ([8, 9], ["bad_number"])
    assert tape.trades[1][2:] == decode(trades(trade())).trades[0][2:]


@pytest.mark.parametrize(
    ("payload", "endpoint", "reason"),
    [
        ({"code": "50011", "data": [], "msg": "Too Many Requests"}, "trades", "unknown_message"),
        ({"code": "0", "msg": ""}, "trades", "unknown_message"),
        ({"code": "0", "data": []}, "candles", "unknown_message"),
        (b"<html>", "trades", "malformed"),
        (b" " * ((1 << 20) + 1), "trades", "oversized"),
    ],
)
def test_other_bodies_are_refused_by_name(payload, endpoint, reason):
    """A refusal of the venue, an unknown endpoint and rubbish are counted, not raised."""
    assert body(payload, endpoint).reasons == [reason]


def test_table_of_contracts():
    """Linear contracts are worth ctVal x ctMult coins, inverse ones that many USD; the rest is left out."""
    rows = [
        {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC"},
        {"instId": "PEPE-USDT-SWAP", "instType": "SWAP", "ctVal": "100", "ctMult": "10", "ctValCcy": "PEPE"},
        {"instId": "BTC-USD-SWAP", "instType": "SWAP", "ctVal": "100", "ctMult": "", "ctValCcy": "USD"},
        {
            "instId": "BTC-USDT-260327",
            "instType": "FUTURES",
            "ctVal": "0.01",
            "ctMult": "1",
            "ctValCcy": "BTC",
        },
        {"instId": "ODD-USDT-SWAP", "instType": "SWAP", "ctVal": "1", "ctMult": "1", "ctValCcy": "EUR"},
        {"instId": "BAD-USDT-SWAP", "instType": "SWAP", "ctVal": "", "ctMult": "1", "ctValCcy": "BAD"},
        {
            "instId": "BIG-USDT-SWAP",
            "instType": "SWAP",
            "ctVal": "1e900000",
            "ctMult": "1e900000",
            "ctValCcy": "BIG",
        },
        {"instId": "A\nB-USDT-SWAP", "instType": "SWAP", "ctVal": "1", "ctMult": "1", "ctValCcy": "A\nB"},
        {"instId": "-USDT-SWAP", "instType": "SWAP", "ctVal": "1", "ctMult": "1", "ctValCcy": ""},
    ]
    page = raw({"code": "0", "data": rows})
    table = parse_instruments(page)
    assert {name: (row.asset, row.inverse, row.multiplier) for name, row in table.items()} == {
        "BTC-USDT-SWAP": ("BTC", False, Decimal("0.01")),
        "PEPE-USDT-SWAP": ("PEPE", False, Decimal(1000)),
        "BTC-USD-SWAP": ("BTC", True, Decimal(100)),
    }
    assert next_page(page) == ""
    with pytest.raises(BadFrame, match="malformed"):
        parse_instruments(b"{}")


def test_builtin_table_is_dated_and_sane():
    """The emergency table names its date and holds well-known sizes of both kinds."""
    table = builtin_instruments()
    assert AS_OF.startswith("2026-")
    assert table["BTC-USDT-SWAP"].usd(Decimal(90_000), Decimal(1)) == 900
    assert table["BTC-USD-SWAP"].usd(Decimal(90_000), Decimal(1)) == 100
    assert table["ETH-USD-SWAP"].usd(Decimal(3_000), Decimal(1)) == 10
    assert len(table) > 120
    assert all(name == row.symbol and row.multiplier > 0 for name, row in table.items())


def test_builtin_table_agrees_with_the_recorded_one(shared):
    """No size of the emergency table contradicts the recorded one."""
    recorded = parse_instruments((shared / "recordings/frames/rest/okx_instruments.json").read_bytes())
    builtin = builtin_instruments()
    both = builtin.keys() & recorded.keys()
    assert len(recorded) == 166
    assert len(both) > 80
    assert all(
        (builtin[name].multiplier, builtin[name].inverse)
        == (recorded[name].multiplier, recorded[name].inverse)
        for name in both
    )


def test_recorded_liquidations(shared):
    """Recorded frames give the sides, prices and cents worked out by hand; unknown sizes are refused."""
    codec, tape = OkxCodec(builtin_instruments()), Tape()
    for line in (shared / "recordings/frames/okx_liquidation-orders_live.jsonl").read_bytes().splitlines():
        codec.decode(line, tape)
    assert [row[1:] for row in tape.orders] == [
        ("BTC-USDT-SWAP", "BTC", "long", 82655.7, 706706, "bankruptcy"),
        ("CELO-USDT-SWAP", "CELO", "short", 0.09583, 191459, "bankruptcy"),
        ("MINA-USDT-SWAP", "MINA", "short", 0.09859, 108203, "bankruptcy"),
    ]
    unknown = ["CNPY-USDT-SWAP", "LA-USDT-SWAP", "MUBARAK-USDT-SWAP"]
    assert tape.refusals == [("unknown_instrument", name) for name in unknown]


RECORDED = {  # file: (trades, marks, refusals by reason)
    "okx_trades": (1, 0, {"other_product": 73}),
    "okx_cmp_trade": (2, 0, {"other_product": 4}),
    "okx_swap_tardis_trade": (1, 0, {"legacy": 2}),
    "okx_swap_tardis_ticker_funding_oi": (0, 0, {"legacy": 5, "unknown_message": 6, "unknown_instrument": 1}),
    "okx_swap_tardis_book": (0, 0, {"legacy": 4, "unknown_message": 1}),
    "okx_futures_tardis_trade": (0, 0, {"legacy": 4, "other_product": 1}),
    "okx_futures_tardis_liquidation": (0, 0, {"unknown_message": 2, "other_product": 1}),
    "okx_futures_tardis_ticker_funding_oi": (0, 0, {"legacy": 5, "unknown_message": 3, "other_product": 2}),
    "okx_futures_tardis_book": (0, 0, {"legacy": 3, "unknown_message": 2}),
    "okx_futures_tardis_other": (0, 0, {"unknown_message": 1}),
    "okx_books": (0, 0, {"unknown_message": 20}),
    "okx_tickers": (0, 0, {"unknown_message": 28}),
    "okx_control": (0, 0, {}),
    "okx_cmp_bbo": (0, 0, {"unknown_message": 4}),
    "okx_cmp_candlestick": (0, 0, {"other_product": 2}),
    "okx_cmp_funding_rate": (0, 0, {"unknown_message": 2}),
    "okx_cmp_open_interest": (0, 0, {"unknown_message": 5}),
    "okx_cmp_ticker": (0, 0, {"unknown_message": 4}),
    "okx_LEGACYv3_cmp_funding_rate": (0, 0, {"legacy": 2}),
    "okx_LEGACYv3_cmp_trade": (0, 0, {"legacy": 7}),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_frames(shared, name):
    """Every recorded frame of the venue is decoded, or refused by the name that fits it."""
    codec, tape = OkxCodec(builtin_instruments()), Tape()
    for line in (shared / "recordings" / "frames" / f"{name}.jsonl").read_bytes().splitlines():
        codec.decode(line, tape)
    trades_, marks, refusals = RECORDED[name]
    assert (len(tape.trades), len(tape.liquidations), len(tape.marks)) == (trades_, 0, marks)
    assert {reason: tape.reasons.count(reason) for reason in tape.reasons} == refusals
