"""CoinGlass frames and bodies: both spellings, both side codes, and names for what is refused."""

from __future__ import annotations

import json

import pytest

from teleglas.errors import BadFrame
from teleglas.venues.coinglass.codec import CoinGlassCodec
from teleglas.venues.coinglass.instruments import next_page, parse_instruments
from tests.venues.tape import Tape

T = 1_790_000_000_000


def raw(frame) -> bytes:
    """Return a frame as bytes."""
    return frame if isinstance(frame, bytes) else json.dumps(frame).encode()


def decode(frame, codec: CoinGlassCodec | None = None) -> Tape:
    """Return what one frame gives."""
    tape = Tape()
    (codec or CoinGlassCodec({})).decode(raw(frame), tape)
    return tape


def body(payload, argument="calibrated:1=long", endpoint="liquidation/order", codec=None) -> Tape:
    """Return what one REST body gives."""
    tape = Tape()
    (codec or CoinGlassCodec({})).decode_body(endpoint, argument, raw(payload), tape)
    return tape


def row(**fields) -> dict:
    """Return a row in the old spelling."""
    base = {"baseAsset": "BTC", "exName": "Binance", "price": 90000.5, "side": 1, "symbol": "BTCUSDT"}
    return base | {"time": T, "volUsd": 125000.25} | fields


def snake(**fields) -> dict:
    """Return a row in the new spelling."""
    base = {"base_asset": "BTC", "exchange": "Binance", "price": 90000.5, "side": 1, "symbol": "BTCUSDT"}
    return base | {"time": T, "volume_usd": 125000.25} | fields


def rest_row(**fields) -> dict:
    """Return a row of the REST orders."""
    base = {"exchange_name": "BINANCE", "symbol": "BTCUSDT", "base_asset": "BTC", "price": 90000.5}
    return base | {"usd_value": 125000.25, "side": 1, "time": T} | fields


def orders(*rows, channel="liquidationOrders") -> dict:
    """Return a liquidation frame."""
    return {"channel": channel, "data": list(rows)}


def trades(*rows, channel="futures_trades@Binance_BTCUSDT@10000") -> dict:
    """Return a trade frame."""
    return {"channel": channel, "data": list(rows)}


@pytest.mark.parametrize(("side", "position"), [(1, "long"), (2, "short"), ("1", "long"), ("2", "short")])
@pytest.mark.parametrize("make", [row, snake])
@pytest.mark.parametrize("channel", ["liquidationOrders", "liquidation_orders"])
def test_liquidation_in_both_spellings(side, position, make, channel):
    """Stream code 1 is a liquidated long, 2 a short, in the old and the new spelling of channel and fields."""
    tape = decode(orders(make(side=side), channel=channel))
    assert tape.orders == [("binance", "BTCUSDT", "BTC", position, 90000.5, 12_500_025, "order")]
    assert (tape.liquidations[0].completeness, tape.liquidations[0].event_ms) == ("sampled", T)


@pytest.mark.parametrize(("side", "buy"), [(1, False), (2, True)])
@pytest.mark.parametrize("make", [row, snake])
def test_trade_in_both_spellings(side, buy, make):
    """Trade code 1 is a taker's sell, 2 a buy; the quantity is the USD amount."""
    tape = decode(trades(make(side=side)))
    assert tape.trades == [("BTCUSDT", T, f"90000.5:125000.25:{side}", T, buy, 90000.5, 125000.25)]


def test_amount_of_a_trade_is_exactly_the_given_usd():
    """The instrument counts in USD, so no rounding comes between the row and the amount."""
    codec = CoinGlassCodec({})
    instrument = decode(orders(row()), codec).liquidations[0].instrument
    assert instrument.inverse
    assert instrument.multiplier == 1


def test_a_lone_object_and_text_numbers():
    """`data` may be one object, and numbers may be text."""
    frame = {"channel": "liquidationOrders", "data": row(price="90000.5", volUsd="125000.25", time=str(T))}
    assert decode(frame).orders[0][4:6] == (90000.5, 12_500_025)


def test_equal_rows_of_a_frame_are_told_apart():
    """Identical rows in one frame are real orders: the ordinal keeps them."""
    assert [one.occurrence for one in decode(orders(row(), row())).liquidations] == [0, 1]


@pytest.mark.parametrize(
    ("exchange", "venue"),
    [
        ("Binance", "binance"),
        ("OKX", "okx"),
        ("Gate.io", "gate"),
        ("huobi", "htx"),
        (" Bybit ", "bybit"),
        ("dYdX", "dydx"),
    ],
)
def test_exchange_names_are_ours(exchange, venue):
    """The venue of a row is the exchange that it happened on, in our spelling."""
    assert decode(orders(row(exName=exchange))).orders[0][0] == venue


@pytest.mark.parametrize(
    ("symbol", "base", "asset", "scale"),
    [
        ("BTC-USDT-SWAP", "BTC", "BTC", 1),
        ("BTCUSDT_UMCBL", "BTC", "BTC", 1),
        ("1000PEPEUSDT", "PEPE", "PEPE", 1000),
        ("1000PEPEUSDT", "1000PEPE", "PEPE", 1000),
        ("1000PEPEUSDT", "", "PEPE", 1000),
        ("PEPE-USDT-SWAP", "PEPE", "PEPE", 1),
        ("XBTUSD", "BTC", "BTC", 1),
    ],
)
def test_assets_and_scales(symbol, base, asset, scale):
    """The base names the coin; the symbol tells how many coins its price is for; it stays as given."""
    found = decode(orders(row(symbol=symbol, baseAsset=base, price=2000))).orders[0]
    assert found[1:3] == (symbol, asset)
    assert found[4] == 2000 / scale


def test_one_object_per_contract_of_each_venue():
    """The same symbol of two venues is two contracts, each one object for the session."""
    codec = CoinGlassCodec({})
    first = decode(orders(row(), row(exName="Bybit"), row()), codec).liquidations
    assert first[0].instrument is first[2].instrument is not first[1].instrument
    assert decode(trades(row(side=3)), codec).reasons == ["bad_side"]


@pytest.mark.parametrize(
    "fields",
    [{"baseAsset": "A\nB"}, {"baseAsset": "", "symbol": "A\nBUSDT"}, {"baseAsset": "A\x00"}, {"exName": "G\nate"}],
)
def test_names_that_would_break_a_record_are_refused(fields):
    """Memory, records and messages are lines: a name must not end one."""
    found = decode(orders(row(**fields), row()))
    assert len(found.liquidations) == len(found.reasons) == 1
    assert found.reasons[0] in {"unknown_symbol", "malformed"}


@pytest.mark.parametrize(("make", "wrap"), [(row, orders), (row, trades)], ids=["liquidations", "trades"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"side": 3}, "bad_side"),
        ({"side": "long"}, "bad_side"),
        ({"side": 0}, "bad_side"),
        ({"side": None}, "bad_type"),
        ({"price": 0}, "bad_number"),
        ({"price": "-1"}, "bad_number"),
        ({"price": "NaN"}, "bad_number"),
        ({"price": 1e12}, "bad_number"),
        ({"volUsd": 0}, "bad_number"),
        ({"volUsd": ""}, "bad_number"),
        ({"volUsd": None}, "bad_type"),
        ({"time": 0}, "bad_number"),
        ({"time": T * 1000}, "bad_number"),
        ({"exName": ""}, "malformed"),
        ({"exName": "x" * 50}, "malformed"),
        ({"symbol": ""}, "unknown_symbol"),
        ({"symbol": "ETHBTC", "baseAsset": ""}, "unknown_symbol"),
        ({"symbol": "NEWUSDT", "baseAsset": "B" * 50}, "unknown_symbol"),
    ],
)
def test_bad_rows_lose_no_neighbours(make, wrap, fields, reason):
    """A bad row is refused by name; those before and after it count."""
    tape = decode(wrap(make(), make(**fields), make(time=T + 1)))
    assert (len(tape.liquidations) + len(tape.trades), tape.reasons) == (2, [reason])


@pytest.mark.parametrize(("wrap", "reason"), [(orders, "absurd_amount"), (trades, "bad_number")])
def test_absurd_amounts(wrap, reason):
    """More than any market ever traded at once is a broken row."""
    assert decode(wrap(row(volUsd=1e13))).reasons == [reason]


def test_table_is_used_and_refreshed():
    """Contracts of the exchange list are the objects of the events."""
    page = raw(
        {
            "code": "0",
            "data": {"Gate": [{"instrument_id": "BTC_USDT", "base_asset": "BTC", "quote_asset": "USDT"}]},
        }
    )
    table = parse_instruments(page)
    codec = CoinGlassCodec({})
    codec.use(table)
    found = decode(orders(row(exName="Gate.io", symbol="BTC_USDT")), codec).liquidations[0]
    assert found.instrument is table["gate:BTC_USDT"]
    assert next_page(page) == ""


def test_table_leaves_out_what_it_cannot_name():
    """A row without a coin is left out; another shape is refused."""
    rows = [
        {"instrument_id": "ETHBTC"},
        {"instrument_id": "", "base_asset": "BTC"},
        {"instrument_id": "ETHUSDT"},
    ]
    assert list(parse_instruments(raw({"data": {"Binance": rows}}))) == ["binance:ETHUSDT"]
    with pytest.raises(BadFrame, match="malformed"):
        parse_instruments(b"{}")


def test_contracts_are_bounded():
    """A feed that invents symbols is refused after a while instead of filling the memory."""
    codec, tape = CoinGlassCodec({}), Tape()
    for start in range(0, 20_001, 1000):
        rows = [
            row(symbol=f"X{number}USDT", baseAsset="X") for number in range(start, min(start + 1000, 20_001))
        ]
        codec.decode(raw(orders(*rows)), tape)
    assert tape.reasons == ["unknown_instrument"]


@pytest.mark.parametrize(
    "frame",
    [
        b"pong",
        b"ping",
        {"code": "401", "msg": "Upgrade plan"},
        {"event": "subscribe", "success": True},
        {"method": "subscribe", "channels": ["liquidationOrders"]},
        {"error": "bad channel"},
    ],
)
def test_answers_are_not_events(frame):
    """Answers are undocumented: what looks like one is left to the dialogue."""
    assert decode(frame).empty


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (trades(row(), channel="spot_trades@Binance_BTCUSDT@10000"), "other_product"),
        (trades(row(), channel="futures_ticker@Binance_BTCUSDT"), "unknown_message"),
        ({"hello": 1}, "unknown_message"),
        ({"channel": 5}, "bad_type"),
        ({"channel": "liquidationOrders"}, "malformed"),
        ({"channel": "liquidationOrders", "data": 5}, "bad_type"),
        (b"[]", "bad_type"),
        (b"", "malformed"),
        (b"\xff", "malformed"),
        (b" " * ((1 << 20) + 1), "oversized"),
    ],
)
def test_other_frames_are_refused_by_name(frame, reason):
    """What is no event of ours is counted by its reason and never raises."""
    assert decode(frame).reasons == [reason]


@pytest.mark.parametrize(
    ("argument", "code", "side"),
    [
        ("calibrated:1=long", 1, "long"),
        ("calibrated:1=long", 2, "short"),
        ("calibrated:1=short", 1, "short"),
        ("calibrated:1=short", 2, "long"),
    ],
)
def test_rest_side_as_calibrated(argument, code, side):
    """The REST code is disputed: only a measured meaning is used, in either direction."""
    tape = body({"code": "0", "msg": "success", "data": [rest_row(side=code)]}, argument)
    assert tape.orders == [("binance", "BTCUSDT", "BTC", side, 90000.5, 12_500_025, "order")]


@pytest.mark.parametrize("argument", ["", "BTC", "calibrated:1=buy"])
def test_rest_direction_stays_hidden_until_calibrated(argument):
    """Without a measurement a direction would be a guess, so every row is refused and counted."""
    tape = body({"code": 0, "data": [rest_row(), rest_row()]}, argument)
    assert tape.refusals == [("bad_side", "direction not calibrated")] * 2


@pytest.mark.parametrize(
    ("payload", "argument", "endpoint", "reason"),
    [
        ({"code": "401", "msg": "Upgrade plan"}, "calibrated:1=long", "liquidation/order", "unknown_message"),
        ({"code": "0", "msg": "success"}, "calibrated:1=long", "liquidation/order", "unknown_message"),
        (b"<html>", "calibrated:1=long", "liquidation/order", "malformed"),
        (b" " * ((1 << 20) + 1), "calibrated:1=long", "liquidation/order", "oversized"),
        ({"code": "0", "data": []}, "", "liquidation/history", "unknown_message"),
        ({"code": "0", "data": []}, "BTC", "liquidation/exchange-list", "malformed"),
        ({"code": "0", "data": []}, "BTC@soon", "liquidation/exchange-list", "malformed"),
        ({"code": "0", "data": []}, "BTC@²", "liquidation/exchange-list", "malformed"),
        ({"code": "0", "data": []}, "@5", "liquidation/exchange-list", "malformed"),
    ],
)
def test_other_bodies_are_refused_by_name(payload, argument, endpoint, reason):
    """A refusal of CoinGlass, an unknown endpoint and rubbish are counted, not raised."""
    assert body(payload, argument, endpoint).reasons == [reason]


def test_totals_become_growth():
    """Two bodies of the exchange list give what the totals grew by in between."""
    codec = CoinGlassCodec({})

    def totals(usd):
        return {
            "code": "0",
            "data": [{"exchange": "Bybit", "long_liquidation_usd": usd, "short_liquidation_usd": 0}],
        }

    assert body(totals(1000.5), f"BTC@{T}", "liquidation/exchange-list", codec).empty
    tape = body(totals(3000.75), f"BTC@{T + 10_000}", "liquidation/exchange-list", codec)
    assert [(one.instrument.venue, one.side.value, one.usd_cents) for one in tape.liquidations] == [
        ("bybit", "long", 200_025)
    ]


RECORDED = {  # file: (trades, liquidations as side and cents, refusals)
    "ws__recv.liquidationOrders": (0, [("binance", "short", 385_818)], []),
    "ws__recv.liquidationOrders.strings": (0, [("okx", "long", 12_500_025)], []),
    "ws__recv.liquidation_orders": (0, [("binance", "short", 385_818)], []),
    "ws__recv.futures_trades": (1, [], []),
    "ws__recv.futures_trades.snake": (1, [], []),
    "ws__recv.spot_trades": (0, [], ["other_product"]),
    "ws__recv.futures_ticker": (0, [], ["unknown_message"]),
    "ws__send.subscribe": (0, [], []),
    "ws__send.subscribe.snake": (0, [], []),
    "ws__send.unsubscribe": (0, [], []),
}


@pytest.mark.parametrize("name", RECORDED)
def test_documented_frames(shared, name):
    """The documented example frames give the sides and cents worked out by hand."""
    tape = decode((shared / "reference" / "coinglass-examples" / f"{name}.json").read_bytes())
    liquidations = [(one.instrument.venue, one.side.value, one.usd_cents) for one in tape.liquidations]
    assert (len(tape.trades), liquidations, tape.reasons) == RECORDED[name]


def test_documented_rest_orders(shared):
    """The documented REST example, read as calibrated to the stream's codes."""
    path = shared / "reference" / "coinglass-examples" / "futures__liquidation__order.json"
    tape = body(path.read_bytes())
    assert [(one.side.value, one.usd_cents) for one in tape.liquidations] == [
        ("short", 20_553_429),
        ("short", 1_591_867),
    ]
