"""Funding and open interest of every venue: recorded rows, units, sides, intervals, and names for what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from teleglas.market import Instrument
from teleglas.venues.binance import interest as binance
from teleglas.venues.binance.codec import BinanceCodec
from teleglas.venues.bybit import interest as bybit
from teleglas.venues.bybit.codec import BybitCodec
from teleglas.venues.coinglass import interest as coinglass
from teleglas.venues.coinglass.codec import CoinGlassCodec
from teleglas.venues.hyperliquid import codec as hyperliquid
from teleglas.venues.hyperliquid.codec import HyperliquidCodec
from teleglas.venues.okx import interest as okx
from teleglas.venues.okx.codec import OkxCodec
from tests.venues.tape import Tape

T = 1_790_000_000_000
SWAPS = {
    "BTC-USDT-SWAP": Instrument("okx", "BTC-USDT-SWAP", "BTC", multiplier=Decimal("0.01")),
    "BTC-USD-SWAP": Instrument("okx", "BTC-USD-SWAP", "BTC", inverse=True, multiplier=Decimal(100)),
}


def raw(body) -> bytes:
    """Return a body as bytes."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def read(codec, *bodies: tuple[str, str, object]) -> Tape:
    """Return what bodies of (endpoint, argument, payload) give, in their order."""
    tape = Tape()
    for endpoint, argument, payload in bodies:
        codec.decode_body(endpoint, argument, raw(payload), tape)
    return tape


def lines(shared: Path, name: str) -> list[dict]:
    """Return the recorded lines of a file."""
    text = (shared / "recordings" / "frames" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def example(shared: Path, name: str) -> bytes:
    """Return one of CoinGlass's documented bodies."""
    return (shared / "reference" / "coinglass-examples" / name).read_bytes()


# -- Binance -------------------------------------------------------------------------------


def premium(symbol="BTCUSDT", mark="97500.10", rate="0.00010000", **more) -> dict:
    """Return a row of premiumIndex."""
    return {
        "symbol": symbol,
        "markPrice": mark,
        "lastFundingRate": rate,
        "nextFundingTime": T + 1,
        "time": T,
        **more,
    }


def test_binance_recorded(shared) -> None:
    """The recorded open interest at the recorded rate's mark price; COIN-M contracts are other products."""
    marks = [
        row["data"]
        for row in lines(shared, "binance_usdm_tardis_ticker_funding_oi.jsonl")
        if row["data"]["e"] == "markPriceUpdate" and row["data"]["s"] == "BTCUSDT"
    ]
    told = [premium(row["s"], row["p"], row["r"], time=row["E"]) for row in marks]
    bodies = [("openInterest", "*", row) for row in lines(shared, "binance_cmp_open_interest.jsonl")]
    tape = read(BinanceCodec({}), ("fundingInfo", "*", []), ("premiumIndex", "*", told), *bodies)
    assert tape.rates == [
        ("BTCUSDT", 1569888003001, 0.0001, 8.0), ("BTCUSDT", 1597536008000, 0.0001564, 8.0)
    ]  # fmt: skip
    cents = int((Decimal("84617.188") * Decimal("11857.56") * 100).to_integral_value())
    assert tape.interest == [("BTCUSDT", 1654336844754, cents)]
    assert tape.reasons == ["other_product", "unknown_price", "other_product"]


def test_binance_intervals_come_first_and_are_never_guessed() -> None:
    """Before fundingInfo no rate is handed over; a list that cannot be read does not make 8 hours of 4."""
    codec = BinanceCodec({})
    tape = read(codec, ("premiumIndex", "*", [premium()]))
    assert (tape.rates, tape.reasons) == ([], ["unknown_interval"])
    hours = [
        {"symbol": "BTCUSDT", "fundingIntervalHours": 4},
        {"symbol": "ETHUSDT", "fundingIntervalHours": None},
    ]
    rows = [premium(), premium("ETHUSDT"), premium("SOLUSDT")]
    tape = read(codec, ("fundingInfo", "*", hours), ("fundingInfo", "*", b"{}"), ("premiumIndex", "*", rows))
    assert tape.rates == [("BTCUSDT", T, 0.0001, 4.0), ("SOLUSDT", T, 0.0001, 8.0)]
    assert tape.reasons == ["bad_type", "unknown_interval"]


def test_binance_interest_needs_a_mark_price_and_counts_it_exactly() -> None:
    """Base coins of one side; 1000PEPEUSDT scales itself."""
    codec = BinanceCodec({})
    body = {"symbol": "1000PEPEUSDT", "openInterest": "123456789", "time": T}
    assert read(codec, ("openInterest", "*", body)).reasons == ["unknown_price"]
    tape = read(
        codec, ("premiumIndex", "*", [premium("1000PEPEUSDT", "0.0046001")]), ("openInterest", "*", body)
    )
    assert tape.interest == [("1000PEPEUSDT", T, 56791358)]  # 567,913.575... half-up
    tape = read(codec, ("openInterest", "*", {**body, "openInterest": "0"}))
    assert tape.interest == [("1000PEPEUSDT", T, 0)]


@pytest.mark.parametrize(
    ("endpoint", "payload", "reason"),
    [
        ("openInterest", {"code": -1121, "msg": "Invalid symbol."}, "malformed"),
        ("openInterest", {"symbol": "BTCUSDT", "openInterest": "-1", "time": T}, "bad_number"),
        ("openInterest", {"symbol": "BTCUSDT", "openInterest": "NaN", "time": T}, "bad_number"),
        ("openInterest", {"symbol": "BTCUSDT", "openInterest": "1e15", "time": T}, "absurd_amount"),
        ("premiumIndex", [premium(rate="")], "bad_number"),
        ("premiumIndex", [premium(rate="1.5")], "bad_number"),
        ("premiumIndex", [premium(mark="0")], "bad_number"),
        ("premiumIndex", [premium("BTCUSD_PERP")], "other_product"),
        ("premiumIndex", b"[[[[", "malformed"),
        ("premiumIndex", b'{"code":-1003}', "malformed"),
    ],
)
def test_binance_refuses_by_name(endpoint, payload, reason) -> None:
    """What is no figure is counted, and its neighbours are read."""
    codec = BinanceCodec({})
    read(codec, ("fundingInfo", "*", []), ("premiumIndex", "*", [premium()]))
    tape = read(codec, (endpoint, "*", payload))
    assert (tape.rates, tape.interest, tape.reasons) == ([], [], [reason])
    tape = read(codec, ("premiumIndex", "*", [premium("!"), premium("ETHUSDT")]))
    assert [row[0] for row in tape.rates] == ["ETHUSDT"]


# -- Bybit ---------------------------------------------------------------------------------


def ticker(**more) -> dict:
    """Return a row of Bybit's tickers."""
    return {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingIntervalHour": "8", "openInterestValue": "200.02",
            "singleOpenInterestValue": "100.01", **more}  # fmt: skip


def tickers(*rows: dict) -> dict:
    """Return a body of Bybit's tickers."""
    return {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": list(rows)}, "time": T}


def test_bybit_recorded(shared) -> None:
    """A ticker of 2023: both sides are halved, and its funding interval was not told yet."""
    rows = [
        row["data"]
        for row in lines(shared, "bybit_tardis_ticker_funding_oi.jsonl")
        if str(row.get("topic", "")).startswith("tickers.") and row["type"] == "snapshot"
    ]
    assert {"BTCUSDT", "BTCUSD"} <= {row["symbol"] for row in rows}
    tape = read(BybitCodec({}), ("tickers", "*", tickers(*rows)))
    assert tape.interest == [("BTCUSDT", T, 75_343_053_541)]
    assert tape.rates == []
    assert sorted(tape.reasons) == ["other_product", "other_product", "unknown_interval"]


@pytest.mark.parametrize(
    ("row", "rates", "interest", "reasons"),
    [
        (ticker(), [(0.0001, 8.0)], [10_001], []),
        (ticker(fundingIntervalHour=4, fundingRate="-0.002"), [(-0.002, 4.0)], [10_001], []),
        (ticker(singleOpenInterestValue=""), [(0.0001, 8.0)], [10_001], []),
        (ticker(fundingRate=""), [], [10_001], []),
        (ticker(fundingIntervalHour=""), [], [10_001], ["unknown_interval"]),
        (ticker(fundingIntervalHour="0"), [], [10_001], ["unknown_interval"]),
        (ticker(fundingRate="cheap"), [], [10_001], ["bad_number"]),
        (ticker(singleOpenInterestValue="-5"), [(0.0001, 8.0)], [], ["bad_number"]),
        (ticker(singleOpenInterestValue="", openInterestValue=""), [(0.0001, 8.0)], [], ["malformed"]),
        (ticker(singleOpenInterestValue="", openInterestValue="no"), [(0.0001, 8.0)], [], ["bad_number"]),
    ],
)
def test_bybit_rows(row, rates, interest, reasons) -> None:
    """One side where it is told, else half of both; nothing is guessed."""
    tape = read(BybitCodec({}), ("tickers", "*", tickers(row)))
    assert [each[2:] for each in tape.rates] == rates
    assert [each[2] for each in tape.interest] == interest
    assert tape.reasons == reasons


# -- OKX -----------------------------------------------------------------------------------


def test_okx_recorded(shared) -> None:
    """Contracts of an inverse swap are dollars already; funding of 2022 did not tell its next but one settlement."""
    bodies = [("open-interest", "*", row) for row in lines(shared, "okx_cmp_open_interest.jsonl")]
    tape = read(OkxCodec(SWAPS), *bodies)
    assert tape.interest == [
        ("BTC-USD-SWAP", 1654348683853, 4_092_973 * 100 * 100), ("BTC-USD-SWAP", 1654348739678, 4_093_058 * 100 * 100)
    ]  # fmt: skip
    assert set(tape.reasons) == {"unknown_instrument", "other_product"}
    rows = [row["data"][0] for row in lines(shared, "okx_cmp_funding_rate.jsonl")]
    bodies = [
        ("funding-rate", f"{row['instId']}@{T}", {"code": "0", "msg": "", "data": [row]}) for row in rows
    ]
    tape = read(OkxCodec(SWAPS), *bodies)
    assert (tape.rates, tape.reasons) == ([], ["unknown_interval"] * 2)
    for row, hours in zip(rows, (8, 1), strict=True):
        row["nextFundingTime"] = str(int(row["fundingTime"]) + hours * 3_600_000)
    bodies = [
        ("funding-rate", f"{row['instId']}@{T}", {"code": "0", "msg": "", "data": [row]}) for row in rows
    ]
    assert read(OkxCodec(SWAPS), *bodies).rates == [
        ("BTC-USD-SWAP", T, 0.0000734174532791, 8.0), ("BTC-USDT-SWAP", T, 0.0001534702159002, 1.0)
    ]  # fmt: skip


def test_okx_dollars_of_linear_swaps_are_as_told() -> None:
    """`oiUsd` is one side; contracts alone have no worth without a price."""
    row = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "oi": "2100000", "oiCcy": "21000", "ts": str(T)}
    tape = read(OkxCodec(SWAPS), ("open-interest", "*", {"code": "0", "data": [row]}))
    assert (tape.interest, tape.reasons) == ([], ["unknown_price"])
    row["oiUsd"] = "2047512345.675"
    tape = read(OkxCodec(SWAPS), ("open-interest", "*", {"code": "0", "data": [row]}))
    assert tape.interest == [("BTC-USDT-SWAP", T, 204_751_234_568)]


def test_okx_tells_its_own_time_where_it_can() -> None:
    """Else the time of receipt, which the argument must hold."""
    row = {
        "instId": "BTC-USDT-SWAP",
        "fundingRate": "0.001",
        "fundingTime": f"{T}",
        "nextFundingTime": f"{T + 14_400_000}",
    }
    body = {"code": "0", "data": [row]}
    tape = read(OkxCodec(SWAPS), ("funding-rate", f"BTC-USDT-SWAP@{T + 5}", body))
    assert tape.rates == [("BTC-USDT-SWAP", T + 5, 0.001, 4.0)]
    row["ts"] = str(T + 3)
    assert read(OkxCodec(SWAPS), ("funding-rate", f"BTC-USDT-SWAP@{T + 5}", body)).rates[0][1] == T + 3
    assert read(OkxCodec(SWAPS), ("funding-rate", "BTC-USDT-SWAP", body)).reasons == ["malformed"]


# -- Hyperliquid ---------------------------------------------------------------------------


def test_hyperliquid_recorded(shared) -> None:
    """The recorded states of two coins as the body has them: hourly rates, coins at the mark price."""
    frames = lines(shared, "hyperliquid_activeAssetCtx_live2026.jsonl")
    frames += [
        row
        for row in lines(shared, "hyperliquid_tardis_ticker_funding_oi.jsonl")
        if row["channel"] == "activeAssetCtx"
    ]
    states = {row["data"]["coin"]: row["data"]["ctx"] for row in frames}
    body = [{"universe": [{"name": name, "szDecimals": 2} for name in states]}, list(states.values())]
    tape = read(HyperliquidCodec({}), ("metaAndAssetCtxs", f"@{T}", body))
    assert sorted(tape.rates) == [("BTC", T, 0.0000125, 1.0), ("MOODENG", T, 0.00004863, 1.0)]
    btc = int((Decimal("32227.66018") * Decimal("64405.0") * 100).to_integral_value())
    assert ("BTC", T, btc) in tape.interest
    assert not tape.refusals


def test_hyperliquid_leaves_out_what_is_gone_and_refuses_by_name() -> None:
    """Delisted coins and other builders' markets are none of ours; one bad state costs no other."""
    good = {"funding": "0.0001", "openInterest": "10", "markPx": "2.5"}
    names = [
        {"name": "kPEPE"},
        {"name": "GONE", "isDelisted": True},
        {"name": "xyz:GOLD"},
        {"name": "ETH"},
        {"name": "SOL"},
    ]
    body = [{"universe": names}, [good, good, good, {"funding": None}, {**good, "funding": "x"}]]
    tape = read(HyperliquidCodec({}), ("metaAndAssetCtxs", f"@{T}", body))
    assert tape.rates == [("kPEPE", T, 0.0001, 1.0)]
    assert tape.interest == [("kPEPE", T, 2_500), ("SOL", T, 2_500)]
    assert len(tape.refusals) == 2
    codec = HyperliquidCodec({})
    assert read(codec, ("metaAndAssetCtxs", f"@{T}", [{"universe": names}, []])).reasons == ["malformed"]
    assert read(codec, ("metaAndAssetCtxs", "@soon", body)).reasons == ["malformed"]
    assert read(codec, ("meta", f"@{T}", body)).reasons == ["unknown_message"]
    tape = Tape()
    codec.decode_many([b"{}"], tape)
    assert tape.reasons == ["unknown_message"]


# -- CoinGlass -----------------------------------------------------------------------------


def test_coinglass_documented(shared) -> None:
    """Percent becomes a fraction; the row of all exchanges is their sum and left out; empty lists say nothing."""
    codec = CoinGlassCodec({})
    tape = read(
        codec,
        ("funding-rate/exchange-list", f"@{T}", example(shared, "futures__funding-rate__exchange-list.json")),
        (
            "open-interest/exchange-list",
            f"BTC@{T}",
            example(shared, "futures__open-interest__exchange-list.json"),
        ),
        (
            "open-interest/exchange-list",
            f"BTC@{T}",
            example(shared, "futures__open-interest__exchange-list.live.json"),
        ),
        ("open-interest/exchange-list", f"BTC@{T}", example(shared, "_empty_list.json")),
    )
    assert tape.rates == [("BTC", T, 0.00007343, 8.0), ("BTC", T, 0.0000736901950628, 8.0)]
    assert tape.interest == [("BTC", T, 1_229_499_940_250)]
    assert not tape.refusals
    refused = read(
        codec, ("funding-rate/exchange-list", f"@{T}", example(shared, "_errors__upgrade_plan.json"))
    )
    assert refused.reasons == ["unknown_message"]


def test_coinglass_keeps_exchanges_apart_and_keys_may_be_missing() -> None:
    """One coin on two exchanges are two contracts; a percent of 0.07 is a fraction of exactly 0.0007."""
    rates = [
        {"exchange": "Gate.io", "funding_rate": 0.07, "funding_rate_interval": 4},
        {"exchange": "BINANCE", "funding_rate": "-0.1", "funding_rate_interval": 8},
        {"exchange": "dYdX"},
        {"exchange": "HTX", "funding_rate": 0.01},
        {"exchange": "", "funding_rate": 0.01, "funding_rate_interval": 8},
    ]
    data = [
        {"symbol": "BTC", "stablecoin_margin_list": rates},
        {"symbol": "ETH"},
        {"symbol": "B\nC", "stablecoin_margin_list": rates[:1]},
    ]
    seen = []

    class Named(Tape):
        def funding(self, instrument, event_ms, rate, interval_h) -> None:
            super().funding(instrument, event_ms, rate, interval_h)
            seen.append((instrument.venue, instrument.asset, rate))

    tape = Named()
    CoinGlassCodec({}).decode_body(
        "funding-rate/exchange-list", f"@{T}", raw({"code": "0", "data": data}), tape
    )
    assert seen == [("gate", "BTC", 0.0007), ("binance", "BTC", -0.001)]
    assert tape.reasons == ["unknown_interval", "malformed", "unknown_symbol"]


# -- what is journalled --------------------------------------------------------------------


def test_bodies_keep_the_watched_rows_as_they_came() -> None:
    """Every number stays in the venue's spelling; what is read of the kept body is what was read of the whole."""
    body = b'[{"symbol":"ABCUSDT","x":1},{"time":1,"markPrice":"97500.10000","symbol":"BTCUSDT"}]'
    kept = binance.of_symbols(body, frozenset({"BTCUSDT"}))
    assert kept == b'[{"time":1,"markPrice":"97500.10000","symbol":"BTCUSDT"}]'
    body = raw(tickers(ticker(symbol="ABCUSDT"), ticker(openInterestValue="2.000e2")))
    kept = bybit.of_symbols(body, frozenset({"BTCUSDT"}))
    assert json.loads(kept) == tickers(ticker(openInterestValue="2.000e2"))
    body = raw({"code": "0", "msg": "", "data": [{"instId": "A"}, {"instId": "B", "oi": "1"}]})
    assert json.loads(okx.of_symbols(body, frozenset({"B"}))) == {
        "code": "0",
        "msg": "",
        "data": [{"instId": "B", "oi": "1"}],
    }
    body = raw({"code": "0", "data": [{"symbol": "ETH", "n": 1}, {"symbol": "X"}]})
    assert json.loads(coinglass.of_coins(body, frozenset({"ETH"})))["data"] == [{"symbol": "ETH", "n": 1}]
    state = {"funding": "0", "openInterest": "1", "markPx": "1"}
    states = [{**state, "dayNtlVlm": "9e6"}, {**state, "dayNtlVlm": "1"}, {**state, "dayNtlVlm": "8e6"}]
    names = [{"name": "BTC"}, {"name": "DUST"}, {"name": "GONE", "isDelisted": True}]
    kept, coins = hyperliquid.of_coins(raw([{"universe": names, "n": 1}, states]), lambda _, usd: usd > 5e6)
    assert coins == ("BTC",)
    assert json.loads(kept) == [{"universe": names[:1]}, states[:1]]


@pytest.mark.parametrize(
    "body", [b"", b"no", b"{}", b"[]", b'{"data":7}', b'[{"a":1}]', b'{"data":[{"a":1}]}', b"[" * 9_000]
)
def test_another_shape_is_told_apart_from_an_empty_list(body) -> None:
    """A venue that changed its format is no venue without contracts."""
    for select in (binance.of_symbols, bybit.of_symbols, okx.of_symbols, coinglass.of_coins):
        if (select, body) == (binance.of_symbols, b"[]"):
            continue
        with pytest.raises((msgspec.MsgspecError, RecursionError)):
            select(body, frozenset({"BTCUSDT"}))
    with pytest.raises((msgspec.MsgspecError, ValueError, RecursionError)):
        hyperliquid.of_coins(body, lambda _name, _usd: True)
