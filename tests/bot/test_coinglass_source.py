"""CoinGlass's answers in the command bot's words: names, multiples and lengths of time."""

from __future__ import annotations

import json

import httpx
import pytest

from bot.answers import LargeOrder, MissingError, Reason
from bot.sources.coinglass import CoinglassSource
from teleglas.market import TakerSide
from teleglas.venues.answer import SourceChanged
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.api.endpoints import ENDPOINTS as E
from teleglas.venues.coinglass.rest import CoinglassRest
from tests.rest_server import Answer, RestServer, running_rest_server

SECOND = 1_790_000_000
HEAT = {
    "y_axis": [0.0045, 0.0046, 0.0047],
    "liquidation_leverage_data": [[0, 0, 5_000.0], [1, 2, 7_000.0]],
    "price_candlesticks": [
        [SECOND, "0.0046", "0.0047", "0.0045", "0.0046", "10"],
        [SECOND + 300, "0.0046", "0.0048", "0.0046", "0.0047", "10"],
    ],
}


@pytest.fixture
async def server():
    """Return CoinGlass, which lists PEPE by the thousand only."""
    async with running_rest_server() as running:
        tell(running, E.COINS.path, ["BTC", "1000PEPE"])
        yield running


@pytest.fixture
async def source(server):
    """Return the source over it."""
    async with httpx.AsyncClient(timeout=5) as http:
        rest = CoinglassRest(http, server.url)
        rest.use_key("canary-key")
        api = CoinglassApi(rest)
        yield CoinglassSource(api)
        await api.close()


def tell(server: RestServer, path: str, data: object) -> None:
    """Answer a path with data from now on."""
    server.rules[path] = lambda _: Answer(json.dumps({"code": "0", "msg": "success", "data": data}))


async def test_a_heat_map_of_a_multiplied_coin_is_in_prices_of_one(server, source):
    """Levels and candles of `1000PEPE` are a thousandth each, as every other price on the card."""
    tell(server, E.COIN_HEATMAP.path, HEAT)
    found = (await source.heat("PEPE", "24h")).value
    assert found.prices == pytest.approx((4.5e-6, 4.6e-6, 4.7e-6))
    assert [candle.high for candle in found.candles] == pytest.approx([4.7e-6, 4.8e-6])
    assert found.cells == ((0, 0, 5_000.0), (1, 2, 7_000.0))
    assert server.queries(E.COIN_HEATMAP.path) == [{"symbol": "1000PEPE", "range": "24h"}]


async def test_a_heat_map_says_which_length_of_time_it_is_of(server, source):
    """CoinGlass has none shorter than twelve hours: who asks for one hour gets a day, and is told."""
    tell(server, E.COIN_HEATMAP.path, HEAT)
    for asked, told in (("1h", "24h"), ("4h", "24h"), ("12h", "12h"), ("24h", "24h")):
        assert (await source.heat("PEPE", asked)).value.window == told


async def test_levels_beyond_the_axes_are_no_levels(server, source):
    """As in the documentation's own sample: a map of which no cell has a place is no map."""
    tell(
        server,
        E.COIN_HEATMAP.path,
        HEAT | {"liquidation_leverage_data": [[5, 124, 2_288_867.26], [0, -1, 9.0]]},
    )
    with pytest.raises(MissingError) as error:
        await source.heat("PEPE", "24h")
    assert error.value.missing.reason is Reason.EMPTY


async def test_a_list_without_binance_is_no_word_on_a_coin(server, source):
    """Where the exchange's name is another now, nothing is known of its pairs; the coin is not missing."""
    tell(
        server,
        E.PAIRS.path,
        {"Binance Futures": [{"instrument_id": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"}]},
    )
    with pytest.raises(SourceChanged):
        await source.ratios("BTC")


async def test_large_orders_are_of_one_coin_and_open(server, source):
    """A code of 1 sells and 2 buys; what is filled, or of an unknown side, is left out."""
    tell(
        server,
        E.PAIRS.path,
        {
            name: [{"instrument_id": "1000PEPEUSDT", "base_asset": "1000PEPE", "quote_asset": "USDT"}]
            for name in ("Binance", "Bybit")
        },
    )
    row = {"id": 1, "exchange_name": "Bybit", "symbol": "1000PEPEUSDT", "start_time": 1_700_000_000_000}
    tell(
        server,
        E.WALLS.path,
        [
            row | {"price": 0.004, "current_usd_value": 90_000, "order_side": 2, "order_state": 1},
            row | {"price": 0.006, "current_usd_value": 70_000, "order_side": 1, "order_state": 1},
            row | {"price": 0.007, "current_usd_value": 10_000, "order_side": 1, "order_state": 2},
            row | {"price": 0.008, "current_usd_value": 10_000, "order_side": 9, "order_state": 1},
        ],
    )
    found = await source.large_orders("PEPE", "Bybit")
    assert found.venues == ("Bybit",)
    assert found.value == (
        LargeOrder(TakerSide.SELL, pytest.approx(6e-6), 70_000.0, 1_700_000_000_000),
        LargeOrder(TakerSide.BUY, pytest.approx(4e-6), 90_000.0, 1_700_000_000_000),
    )
    assert server.queries(E.WALLS.path) == [{"exchange": "Bybit", "symbol": "1000PEPEUSDT"}]


@pytest.mark.parametrize("lost", ["price", "current_usd_value", "order_side", "order_state"])
async def test_large_orders_that_cannot_be_read_are_not_none(server, source, lost):
    """A field that is null in every row is a change of the form; no row at all is none."""
    pairs = [{"instrument_id": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"}]
    tell(server, E.PAIRS.path, {"Binance": pairs})
    row = {"id": 1, "exchange_name": "Binance", "symbol": "BTCUSDT", "price": 97_000, "current_usd_value": 2e6,
           "order_side": 2, "order_state": 1}  # fmt: skip
    tell(server, E.WALLS.path, [row | {lost: None}])
    with pytest.raises((MissingError, SourceChanged)):
        await source.large_orders("BTC", "Binance")


async def test_no_large_order_is_an_answer(server, source):
    """Binance has none of the coin now."""
    tell(
        server,
        E.PAIRS.path,
        {"Binance": [{"instrument_id": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"}]},
    )
    tell(server, E.WALLS.path, [])
    assert (await source.large_orders("BTC", "Binance")).value == ()


async def test_a_strength_that_lacks_a_frame_is_left_to_the_exchanges(server, source):
    """Their candles tell every frame; passed over in silence it would look as if nobody asked."""
    row = {"symbol": "BTC", "rsi_1h": 41.5, "rsi_4h": 52.0, "rsi_24h": 60.0}
    tell(server, E.RSI.path, [row, row | {"symbol": "1000PEPE", "rsi_1h": None}])
    assert (await source.rsi("BTC")).value == {"1h": 41.5, "4h": 52.0, "1d": 60.0}
    with pytest.raises(MissingError):
        await source.rsi("PEPE")
