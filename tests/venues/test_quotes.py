"""What the venues' public bodies mean, against values worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from teleglas.market import Instrument, PositionSide, TakerSide
from teleglas.venues.binance import quotes as binance
from teleglas.venues.bybit import quotes as bybit
from teleglas.venues.hyperliquid import quotes as hyperliquid
from teleglas.venues.okx import quotes as okx
from teleglas.venues.quotes import (
    Candle,
    Flow,
    Funding,
    Interest,
    InterestPoint,
    Level,
    NoFiguresError,
    NotPublishedError,
    Position,
    Trade,
    UnitUsd,
    book_of,
    flow_of,
    last,
    optional,
    optional_amount,
    optional_price,
    ratio_of,
)

BTC = Instrument("binance", "BTCUSDT", "BTC")
PEPE = Instrument("binance", "1000PEPEUSDT", "PEPE", scale=1000)
SWAP = Instrument("okx", "BTC-USDT-SWAP", "BTC", multiplier=Decimal("0.01"))
INVERSE = Instrument("okx", "BTC-USD-SWAP", "BTC", inverse=True, multiplier=Decimal(100))
K_PEPE = Instrument("hyperliquid", "kPEPE", "PEPE", scale=1000)
TICKER = {"symbol": "BTCUSDT", "lastPrice": "100", "turnover24h": "900", "prevPrice24h": "80", "markPrice": "",
          "highPrice24h": "110", "lowPrice24h": "70", "fundingRate": "-0.0005", "fundingIntervalHour": "4",
          "nextFundingTime": "1790006400000", "openInterest": "20", "openInterestValue": "2000",
          "singleOpenInterest": "10", "singleOpenInterestValue": "1000"}  # fmt: skip
STATE = {"funding": "0.0000125", "openInterest": "32", "prevDayPx": "63564.0", "dayNtlVlm": "1128.5",
          "premium": None, "oraclePx": "64429.0", "markPx": "64405.0", "midPx": "64412.5"}  # fmt: skip
WRONG = (msgspec.MsgspecError, ValueError)


def body(value) -> bytes:
    """Return JSON."""
    return json.dumps(value).encode()


class TestBinance:
    """USD-M and spot."""

    def test_a_day_is_of_one_coin(self):
        """1000PEPE is divided by its scale, the volume is USD already."""
        row = {"lastPrice": "0.0125", "openPrice": "0.0100", "highPrice": "0.0130", "lowPrice": "0.0090",
               "quoteVolume": "5000000.5"}  # fmt: skip
        day = binance.day(body(row), PEPE)
        assert (day.price, day.open, day.high, day.low) == pytest.approx((1.25e-5, 1e-5, 1.3e-5, 9e-6))
        assert day.volume_usd == 5_000_000.5

    def test_a_contract_without_a_trade_has_no_price(self):
        """A price of zero is no price, and no zero is shown."""
        row = {"lastPrice": "0.000", "openPrice": "0", "highPrice": "0", "lowPrice": "0", "quoteVolume": "0"}
        with pytest.raises(NoFiguresError):
            binance.day(body(row), BTC)

    def test_interest_is_one_side_at_the_mark(self):
        """2,000 thousands of PEPE at a mark of 0.01 per thousand are 2 million coins and $20."""
        mark = binance.mark(
            body({"markPrice": "0.01", "lastFundingRate": "0.0001", "nextFundingTime": 9}), PEPE
        )
        assert binance.interest(body({"openInterest": "2000"}), mark, PEPE) == Interest(
            2e6, pytest.approx(20.0)
        )

    def test_funding_is_percent_per_its_interval(self):
        """0.0001 is 0.01 %; 4-hourly it is 0.02 % per 8 h; without the list of intervals it is unknown."""
        row = body({"markPrice": "1", "lastFundingRate": "0.0001", "nextFundingTime": 1790006400000})
        hours = binance.intervals(body([{"symbol": "1000PEPEUSDT", "fundingIntervalHours": 4}]))
        assert binance.funding(row, hours, PEPE) == Funding(pytest.approx(0.01), 4.0, 1790006400000)
        assert binance.funding(row, hours, PEPE).percent_8h == pytest.approx(0.02)
        assert binance.funding(row, hours, BTC).interval_h == 8.0
        assert binance.funding(row, None, BTC).percent_8h is None

    def test_candles_tell_what_takers_bought(self):
        """Quote volume 300, of which takers bought 180: they sold 120."""
        row = [60000, "2", "4", "1", "3", "100", 119999, "300", 7, "60", "180", "0"]
        candles = binance.candles(body([row]), PEPE)
        assert candles == [Candle(60000, 0.002, 0.004, 0.001, 0.003, 300.0, 180.0)]
        assert flow_of(candles) == [Flow(60000, 180.0, 120.0)]

    def test_a_buyer_who_was_the_maker_was_sold_to(self):
        """`m` names the buyer's role."""
        rows = [{"p": "100", "q": "3", "T": 5, "m": True}, {"p": "0.5", "q": "10", "T": 6, "m": False}]
        assert binance.trades(body(rows), BTC) == [
            Trade(5, TakerSide.SELL, 100.0, 300.0), Trade(6, TakerSide.BUY, 0.5, 5.0),
        ]  # fmt: skip

    def test_only_what_trades_and_never_expires_is_listed(self):
        """A delisted or dated contract would answer with old figures."""
        rows = [("A", "TRADING", "PERPETUAL"), ("B", "SETTLING", "PERPETUAL"), ("C", "TRADING", "CURRENT_QUARTER"),
                ("D", "TRADING", "TRADIFI_PERPETUAL")]  # fmt: skip
        found = [{"symbol": name, "status": status, "contractType": kind} for name, status, kind in rows]
        assert binance.perpetuals(body({"symbols": found})) == {"A", "D"}

    def test_ratios_and_histories_are_oldest_first(self):
        """The newest ratio counts; no shorts at all give no ratio; an empty list is no answer."""
        rows = [{"longAccount": "0.5", "shortAccount": "0.5"}, {"longAccount": "0.6", "shortAccount": "0.4"}]
        assert binance.ratio(body(rows)) == pytest.approx(1.5)
        assert binance.ratio(body([{"longAccount": "1", "shortAccount": "0"}])) is None
        with pytest.raises(NoFiguresError):
            binance.ratio(b"[]")
        past = [{"sumOpenInterest": "3", "timestamp": 20}, {"sumOpenInterest": "2", "timestamp": 10}]
        assert binance.interest_history(body(past), PEPE) == [
            InterestPoint(10, 2000.0),
            InterestPoint(20, 3000.0),
        ]
        rates = [{"fundingRate": "-0.0002", "fundingTime": 7}]
        assert binance.funding_history(body(rates))[0].percent == pytest.approx(-0.02)
        assert binance.spot_usd(body({"quoteVolume": "12.5"})) == 12.5


class TestBybit:
    """Linear and spot."""

    def ticker(self, **changed) -> bytes:
        """Return a ticker with some fields changed; None leaves one out."""
        row = {name: value for name, value in (TICKER | changed).items() if value is not None}
        return body({"retCode": 0, "result": {"category": "linear", "list": [row]}})

    def test_one_ticker_tells_day_funding_and_interest(self):
        """An empty mark is unknown; the rate is percent per four hours."""
        day = bybit.day(self.ticker(), BTC)
        assert (day.price, day.volume_usd, day.open, day.high, day.low, day.mark) == (
            100,
            900,
            80,
            110,
            70,
            None,
        )
        funding = bybit.funding(self.ticker())
        assert funding == Funding(pytest.approx(-0.05), 4.0, 1790006400000)
        assert funding.percent_8h == pytest.approx(-0.1)

    def test_interest_counts_one_side(self):
        """The single-sided fields, else half of both sides; the thousand scales coins, not USD."""
        assert bybit.interest(self.ticker(), BTC) == Interest(10.0, 1000.0)
        old = self.ticker(singleOpenInterest=None, singleOpenInterestValue=None)
        assert bybit.interest(old, PEPE) == Interest(10_000.0, 1000.0)
        with pytest.raises(ValueError, match="no open interest"):
            bybit.interest(self.ticker(singleOpenInterest=None, openInterest=None), BTC)
        rows = [
            {"openInterest": "8", "timestamp": "20"},
            {"openInterest": "8", "singleOpenInterest": "5", "timestamp": "10"},
        ]
        past = bybit.interest_history(body({"result": {"list": rows}}), BTC)
        assert past == [InterestPoint(10, 5.0), InterestPoint(20, 4.0)]

    def test_an_empty_funding_rate_is_no_figure(self):
        """Contracts before their start have none; it is not zero."""
        with pytest.raises(NoFiguresError):
            bybit.funding(self.ticker(fundingRate=""))

    def test_rows_come_newest_first_and_leave_oldest_first(self):
        """Candles, ratios, trades."""
        klines = [["120000", "3", "3", "3", "3", "1", "3"], ["60000", "2", "4", "1", "3", "10", "30"]]
        candles = bybit.candles(body({"result": {"list": klines}}), BTC)
        assert [row.time_ms for row in candles] == [60000, 120000]
        with pytest.raises(NotPublishedError):
            flow_of(candles)
        ratios = [
            {"buyRatio": "0.6", "sellRatio": "0.4", "timestamp": "20"},
            {"buyRatio": "0.1", "sellRatio": "0.9", "timestamp": "10"},
        ]
        assert bybit.ratio(body({"result": {"list": ratios}})) == pytest.approx(1.5)
        trades = [
            {"price": "10", "size": "2", "side": "Sell", "time": "9"},
            {"price": "10", "size": "1", "side": "Buy", "time": "8"},
        ]
        assert bybit.trades(body({"result": {"list": trades}}), BTC) == [
            Trade(8, TakerSide.BUY, 10.0, 10.0), Trade(9, TakerSide.SELL, 10.0, 20.0),
        ]  # fmt: skip

    def test_an_unknown_side_is_not_guessed(self):
        """It is a change of the format."""
        rows = [{"price": "10", "size": "2", "side": "sold", "time": "9"}]
        with pytest.raises(ValueError, match="side"):
            bybit.trades(body({"result": {"list": rows}}), BTC)

    def test_listing_and_history(self):
        """Only what trades now; rates as percent."""
        rows = [{"symbol": "A", "status": "Trading", "contractType": "LinearPerpetual"},
                {"symbol": "B", "status": "PreLaunch", "contractType": "LinearPerpetual"},
                {"symbol": "C", "status": "Trading", "contractType": "LinearFutures"}]  # fmt: skip
        assert bybit.perpetuals(body({"result": {"list": rows}})) == {"A"}
        rates = [{"fundingRate": "0.0001", "fundingRateTimestamp": "5"}]
        assert bybit.funding_history(body({"result": {"list": rates}}))[0].percent == pytest.approx(0.01)
        for read in (
            lambda: bybit.ratio(body({"result": {"list": []}})),
            lambda: bybit.spot_usd(body({"result": {"list": []}})),
        ):
            with pytest.raises(NoFiguresError):
                read()


class TestOkx:
    """Swaps and spot."""

    def test_contracts_become_usd(self):
        """5 contracts of 0.01 BTC at 100,000 are $5,000; 3 inverse ones of $100 are $300."""
        rows = [{"px": "100000", "sz": "5", "side": "buy", "ts": "9"}]
        assert okx.trades(body({"data": rows}), SWAP) == [Trade(9, TakerSide.BUY, 100_000.0, 5000.0)]
        rows[0]["sz"] = "3"
        assert okx.trades(body({"data": rows}), INVERSE)[0].usd == 300.0
        book = okx.order_book(
            body({"data": [{"bids": [["99", "200", "0", "1"]], "asks": [["101", "100", "0", "1"]]}]}), SWAP
        )
        assert (book.bids, book.asks) == ((Level(99.0, 198.0),), (Level(101.0, 101.0),))

    def test_volume_counts_coins_of_a_swap_and_usd_of_a_pair(self):
        """The same field, two units."""
        row = {"last": "100", "volCcy24h": "7", "open24h": "90", "high24h": "120", "low24h": "80"}
        assert okx.day(body({"data": [row]}), SWAP).volume_usd == 700.0
        assert okx.spot_usd(body({"data": [row]})) == 7.0

    def test_funding_time_is_the_next_settlement(self):
        """The one after it tells the interval; an empty one leaves it unknown."""
        row = {"fundingRate": "0.0001", "fundingTime": "14400000", "nextFundingTime": "28800000"}
        assert okx.funding(body({"data": [row]})) == Funding(pytest.approx(0.01), 4.0, 14400000)
        assert okx.funding(body({"data": [row | {"nextFundingTime": ""}]})).interval_h is None

    def test_statistics_are_rows_of_text(self):
        """Interest is [time, contracts, coins, USD]; takers are [time, SOLD, bought]; newest first."""
        rows = [["20", "9", "5", "500"], ["10", "8", "4", "400"]]
        assert okx.interest_history(body({"data": rows}), SWAP) == [
            InterestPoint(10, 4.0),
            InterestPoint(20, 5.0),
        ]
        assert okx.flows(body({"data": [["10", "70", "30"]]})) == [Flow(10, 30.0, 70.0)]
        assert okx.ratio(body({"data": [["20", "1.25"], ["10", "0.5"]]})) == 1.25
        assert okx.interest(body({"data": [{"oi": "1", "oiCcy": "2", "oiUsd": "200"}]}), SWAP) == Interest(
            2.0, 200.0
        )
        candles = okx.candles(body({"data": [["60000", "2", "4", "1", "3", "1000", "10", "30", "1"]]}), SWAP)
        assert candles == [Candle(60000, 2.0, 4.0, 1.0, 3.0, 30.0)]
        rates = [{"realizedRate": "0.0001", "fundingTime": "5"}]
        assert okx.funding_history(body({"data": rates}))[0].percent == pytest.approx(0.01)
        listed = [{"instId": "A", "state": "live"}, {"instId": "B", "state": "suspend"}]
        assert okx.perpetuals(body({"data": listed})) == {"A"}

    def test_empty_lists_are_no_figures_and_short_rows_are_a_change(self):
        """Neither is zero."""
        for read in (okx.ratio, okx.spot_usd, okx.funding):
            with pytest.raises(NoFiguresError):
                read(body({"data": []}))
        with pytest.raises(ValueError, match="price"):
            okx.order_book(body({"data": [{"bids": [["99"]], "asks": []}]}), SWAP)
        with pytest.raises(ValueError, match="side"):
            okx.trades(body({"data": [{"px": "1", "sz": "1", "side": "b", "ts": "1"}]}), SWAP)


class TestHyperliquid:
    """The info endpoint."""

    def contexts(self, *names: str, **changed) -> bytes:
        """Return an answer for these coins."""
        return body(
            [
                {"universe": [{"name": name, "szDecimals": 2} for name in names]},
                [STATE | changed for _ in names],
            ]
        )

    def test_names_and_states_pair_by_place(self):
        """One list too long is a change, since every figure would be another coin's."""
        assert list(hyperliquid.contexts(self.contexts("BTC", "kPEPE"))) == ["BTC", "kPEPE"]
        bad = body([{"universe": [{"name": "BTC"}]}, [STATE, STATE]])
        with pytest.raises(ValueError, match="as many"):
            hyperliquid.contexts(bad)

    def test_delisted_and_foreign_coins_are_left_out(self):
        """`xyz:GOLD` is a market of somebody else."""
        rows = [
            {"universe": [{"name": "A", "isDelisted": True}, {"name": "xyz:GOLD"}, {"name": "kPEPE"}]},
            [STATE] * 3,
        ]
        table = hyperliquid.perpetuals(hyperliquid.contexts(body(rows)))
        assert {name: (row.asset, row.scale) for name, row in table.items()} == {"kPEPE": ("PEPE", 1000)}

    def test_funding_is_hourly(self):
        """0.00125 % an hour is 0.01 % per 8 h; it settles at the next full hour."""
        state = hyperliquid.contexts(self.contexts("BTC"))["BTC"]
        funding = hyperliquid.funding(state, 3_600_001)
        assert (funding.percent_8h, funding.next_ms) == (pytest.approx(0.01), 7_200_000)

    def test_interest_is_marked_as_disputed_and_scaled(self):
        """It must not enter a sum of single-sided figures."""
        state = hyperliquid.contexts(self.contexts("kPEPE"))["kPEPE"]
        assert hyperliquid.interest(state, K_PEPE) == Interest(32_000.0, 32 * 64405.0, disputed=True)
        assert hyperliquid.day(state, K_PEPE).price == pytest.approx(64.4125)
        assert hyperliquid.day(
            hyperliquid.contexts(self.contexts("kPEPE", midPx=None))["kPEPE"], K_PEPE
        ).price == pytest.approx(64.405)

    def test_sides_and_lists(self):
        """A is a taker who sold, B one who bought."""
        rows = [
            {"px": "2", "sz": "3", "side": "A", "time": 9},
            {"px": "2", "sz": "1", "side": "B", "time": 8},
        ]
        assert hyperliquid.trades(body(rows), K_PEPE) == [
            Trade(8, TakerSide.BUY, 0.002, 2.0), Trade(9, TakerSide.SELL, 0.002, 6.0),
        ]  # fmt: skip
        with pytest.raises(NoFiguresError):
            hyperliquid.trades(b"[]", K_PEPE)
        named = [row | {"users": ["0xbuyer", "0xseller"]} for row in rows]
        assert [trade.taker for trade in hyperliquid.trades(body(named), K_PEPE)] == ["0xbuyer", "0xseller"]
        with pytest.raises(ValueError, match="side"):
            hyperliquid.trades(body([rows[0] | {"side": "buy"}]), K_PEPE)
        candle = {"t": 60000, "o": "2", "h": "4", "l": "1", "c": "3", "v": "10"}
        assert hyperliquid.candles(body([candle]), K_PEPE) == [
            Candle(60000, 0.002, 0.004, 0.001, 0.003, 30.0)
        ]
        assert hyperliquid.funding_history(body([{"fundingRate": "0.0000125", "time": 5}]))[
            0
        ].percent == pytest.approx(0.00125)
        levels = [[{"px": "9", "sz": "2", "n": 1}], [{"px": "10", "sz": "3", "n": 1}]]
        book = hyperliquid.order_book(body({"levels": levels}), K_PEPE)
        assert (book.bids, book.asks, book.middle) == (
            (Level(0.009, 18.0),),
            (Level(0.01, 30.0),),
            pytest.approx(0.0095),
        )

    def test_positions_of_an_account(self):
        """The sign of the size is the side, kilo coins are of one coin, and there may be no liquidation price."""
        cross, isolated = {"type": "cross", "value": 20}, {"type": "isolated", "value": 3, "rawUsd": "-95.1"}
        told = {"szi": "-4.0", "positionValue": "688.0", "unrealizedPnl": "-5.5", "entryPx": "170.0"}
        rows = [
            {"coin": "kPEPE", "leverage": cross, "liquidationPx": None} | told,
            {"coin": "BTC", "leverage": isolated, "liquidationPx": "60000.5"} | told | {"szi": "0.5", "positionValue": "9000"},
            {"coin": "ETH", "leverage": cross} | told | {"szi": "0.0"},
            {"coin": "xyz:GOLD", "leverage": cross} | told,
        ]  # fmt: skip
        state = {"time": 7, "assetPositions": [{"type": "oneWay", "position": row} for row in rows]}
        assert hyperliquid.positions(body(state)) == [
            Position("BTC", PositionSide.LONG, 9000.0, 3.0, -5.5, 170.0, 60_000.5, 7),
            Position("PEPE", PositionSide.SHORT, 688.0, 20.0, -5.5, pytest.approx(0.17), None, 7),
        ]
        assert hyperliquid.positions(body({"time": 7, "assetPositions": []})) == []


class TestShared:
    """What all venues use."""

    def test_books_are_sorted_and_never_cross(self):
        """A crossed book is a change; an empty side is no figure; zero prices are no levels."""
        unit = UnitUsd(BTC)
        book = book_of([(9.0, 1.0), (9.5, 2.0), (0.0, 5.0)], [(11.0, 1.0), (10.0, 1.0)], unit)
        assert [level.price for level in (*book.bids, *book.asks)] == [9.5, 9.0, 10.0, 11.0]
        with pytest.raises(ValueError, match="above"):
            book_of([(10.0, 1.0)], [(10.0, 1.0)], unit)
        with pytest.raises(NoFiguresError):
            book_of([], [(10.0, 1.0)], unit)

    def test_missing_is_not_zero(self):
        """None and empty text are unknown, zero is a value, NaN is a change."""
        assert (optional(None), optional(""), optional("0"), optional("5", 10)) == (None, None, 0.0, 0.5)
        assert (ratio_of(1.0, 0.0), ratio_of(0.0, 1.0)) == (None, 0.0)
        for text in ("nan", "inf", "x"):
            with pytest.raises(ValueError, match=r".+"):
                optional(text)
        with pytest.raises(ValueError, match="price"):
            last("-1", 1)

    def test_what_cannot_be_a_price_or_an_amount_is_refused(self):
        """A price below zero, beyond all coins, or text; zero is a price before the first trade, an amount for ever."""
        assert (optional_price("0", 1), optional_price("", 1), optional_price("5", 10)) == (None, None, 0.5)
        assert (optional_amount("0"), optional_amount(None), optional_amount("5", 10)) == (0.0, None, 0.5)
        for bad in ("-1", "1e30", "NaN", "five"):
            for read in (optional_price, optional_amount, last):
                with pytest.raises(ValueError, match=r"price|amount|number|float"):
                    read(bad, 1)
        ticker = {
            "lastPrice": "100",
            "openPrice": "-1",
            "highPrice": "1",
            "lowPrice": "1",
            "quoteVolume": "5",
        }
        with pytest.raises(WRONG):
            binance.day(body(ticker), BTC)

    def test_takers_cannot_buy_more_than_was_traded(self):
        """A volume that lost its meaning gives no flow, and a candle without a price none of its figures."""
        with pytest.raises(ValueError, match="part"):
            flow_of([Candle(60000, 2.0, 4.0, 1.0, 3.0, 0.0, 180.0)])
        row = [60000, "2", "4", "1", "0", "100", 119999, "300", 7, "60", "180", "0"]
        with pytest.raises(WRONG):
            binance.candles(body([row]), BTC)

    @pytest.mark.parametrize("bad", [b"{}", b"[]", b"null", b"<html>", b'{"data":[{}]}', b'{"result":{"list":[{}]}}',
                                     b'[{"universe":[]}]', b'{"result":{"list":[["x"]]}}', b'{"data":[["x","y"]]}'])  # fmt: skip
    def test_any_other_shape_is_refused_by_every_reader(self, bad):
        """No reader returns zeros, or raises anything that the door does not know."""
        readers = [
            lambda: binance.day(bad, BTC), lambda: binance.mark(bad, BTC), lambda: binance.perpetuals(bad),
            lambda: binance.interest(bad, 1.0, BTC), lambda: binance.order_book(bad, BTC), lambda: binance.spot_usd(bad),
            lambda: bybit.day(bad, BTC), lambda: bybit.interest(bad, BTC), lambda: bybit.funding(bad),
            lambda: bybit.order_book(bad, BTC), lambda: okx.day(bad, SWAP), lambda: okx.interest(bad, SWAP),
            lambda: okx.funding(bad), lambda: okx.order_book(bad, SWAP), lambda: okx.ratio(bad),
            lambda: hyperliquid.contexts(bad), lambda: hyperliquid.order_book(bad, K_PEPE),
        ]  # fmt: skip
        for read in readers:
            with pytest.raises((*WRONG, NoFiguresError)):
                read()

    @pytest.mark.parametrize("lost", range(12))
    def test_a_row_with_a_column_less_is_refused(self, lost):
        """Where a column went away every later figure would be another's: turnover as what takers bought."""
        kline = [60000, "2", "4", "1", "3", "100", 119999, "300", 7, "60", "180", "0"]
        bar = ["60000", "2", "4", "1", "3", "1000", "10", "30", "1"]
        held = ["60000", "1000", "10", "30"]
        stick = ["60000", "2", "4", "1", "3", "100", "300"]
        readers = [
            (kline, lambda row: binance.candles(body([row]), BTC)),
            (bar, lambda row: okx.candles(body({"data": [row]}), SWAP)),
            (held, lambda row: okx.interest_history(body({"data": [row]}), SWAP)),
            (stick, lambda row: bybit.candles(body({"result": {"list": [row]}}), BTC)),
        ]
        for whole, read in readers:
            assert len(read(whole)) == 1
            if lost < len(whole):
                with pytest.raises(WRONG):
                    read(whole[:lost] + whole[lost + 1 :])
