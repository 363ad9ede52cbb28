"""The one table of endpoints: path, parameters, kind of symbol, plan, interval floor, freshness, rows.

Source: reference coinglass 3 (docs repository and skills repository, 2026). Parameters marked
required are sent always; an unknown one never. `coin` is `BTC`, `pair` the exchange's own
spelling, to be found in `PAIRS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from teleglas.venues.coinglass.api import rows_book as book
from teleglas.venues.coinglass.api import rows_flow as flow
from teleglas.venues.coinglass.api import rows_interest as interest
from teleglas.venues.coinglass.api import rows_liquidations as liquidations
from teleglas.venues.coinglass.api import rows_markets as markets
from teleglas.venues.coinglass.api import rows_mood as mood
from teleglas.venues.coinglass.api import rows_whales as whales
from teleglas.venues.coinglass.api.decode import Reader, board, history, one, rows

__all__ = ["ENDPOINTS", "Endpoint", "Plan", "Table", "coin_bars", "pair_bars"]

T = TypeVar("T")
SymbolKind = Literal["", "coin", "pair"]
Plan = Literal["Hobbyist", "Startup", "Standard", "Professional"]

_MINUTE, _HOUR = 60.0, 3600.0
_BARS = ("interval", "limit")
_TIMES = ("start_time", "end_time")


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint(Generic[T]):
    """One question to CoinGlass.

    plan: the lowest that includes it. floor: whether the plan limits `interval` from below.
    ttl_s: for how long an answer is fresh.
    """

    path: str
    read: Reader[T]
    ttl_s: float
    plan: Plan = "Hobbyist"
    symbol: SymbolKind = ""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    floor: bool = False
    defaults: tuple[tuple[str, str | int], ...] = ()

    @property
    def name(self) -> str:
        """The path without its common beginning, for people: `open-interest/exchange-list`."""
        return self.path.removeprefix("/api/").removeprefix("futures/")

    def query(self, given: Mapping[str, str | int]) -> dict[str, str | int]:
        """Return the parameters to send. Raises TypeError for an unknown or missing one."""
        unknown = set(given) - {*self.required, *self.optional}
        missing = set(self.required) - {*given, *dict(self.defaults)}
        if unknown or missing:
            raise TypeError(f"{self.name}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        return {**dict(self.defaults), **given}


def pair_bars(path: str, read: Reader[T], *, plan: Plan = "Hobbyist", floor: bool = True, ttl_s: float = _MINUTE,
              extra: tuple[str, ...] = ()) -> Endpoint[T]:  # fmt: skip
    """Return a history of one pair on one exchange."""
    return Endpoint(f"/api/{path}", read, ttl_s, plan, "pair", ("exchange", "symbol", *_BARS), (*_TIMES, *extra), floor)


def coin_bars(path: str, read: Reader[T], *, plan: Plan = "Hobbyist", floor: bool = True, exchanges: bool = True,
              extra: tuple[str, ...] = ()) -> Endpoint[T]:  # fmt: skip
    """Return a history of one coin, over the exchanges of `exchange_list` or over all."""
    required = ("symbol", *_BARS, *(("exchange_list",) if exchanges else ()))
    return Endpoint(f"/api/{path}", read, _MINUTE, plan, "coin", required, (*_TIMES, *extra), floor)


class Table:
    """Endpoints as class attributes."""

    def all(self) -> dict[str, Endpoint[Any]]:
        """Return every endpoint by its name in this table."""
        return {name: value for name, value in vars(type(self)).items() if isinstance(value, Endpoint)}


class _Endpoints(Table):
    """Every endpoint that the bots ask, by theme."""

    SUBSCRIPTION: Final = Endpoint("/api/user/account/subscription", one(mood.Subscription), _HOUR)
    COINS: Final = Endpoint("/api/futures/supported-coins", markets.read_names, _HOUR)
    EXCHANGES: Final = Endpoint("/api/futures/supported-exchanges", markets.read_names, _HOUR)
    PAIRS: Final = Endpoint("/api/futures/supported-exchange-pairs", markets.read_pairs, _HOUR, optional=("exchange",))
    EXCHANGE_RANK: Final = Endpoint("/api/futures/exchange-rank", rows(markets.ExchangeRank), _MINUTE)

    COINS_MARKETS: Final = Endpoint(
        "/api/futures/coins-markets", rows(markets.CoinMarket, windows=markets.COIN_WINDOWS), 30, "Standard",
        optional=("exchange_list", "per_page", "page"))  # fmt: skip
    PAIRS_MARKETS: Final = Endpoint(
        "/api/futures/pairs-markets", rows(markets.PairMarket), 15, "Hobbyist", "coin", ("symbol",))
    PRICE_CHANGES: Final = Endpoint(
        "/api/futures/coins-price-change", rows(markets.PriceChange, windows=markets.PRICE_WINDOWS), 15, "Standard")
    PRICE_HISTORY: Final = pair_bars("futures/price/history", history(markets.Candle), ttl_s=20)
    SPOT_PAIRS_MARKETS: Final = Endpoint(
        "/api/spot/pairs-markets", rows(markets.SpotPairMarket, windows=markets.SPOT_PAIR_WINDOWS), 15, "Hobbyist",
        "coin", ("symbol",))  # fmt: skip
    SPOT_COINS_MARKETS: Final = Endpoint(
        "/api/spot/coins-markets", rows(markets.SpotCoinMarket, windows=markets.SPOT_COIN_WINDOWS), 30, "Standard",
        optional=("per_page", "page"))  # fmt: skip
    SPOT_PRICE_HISTORY: Final = pair_bars("spot/price/history", history(markets.Candle), ttl_s=20)

    OPEN_INTEREST: Final = Endpoint(
        "/api/futures/open-interest/exchange-list",
        board(rows(interest.OpenInterest, windows=interest.INTEREST_WINDOWS)), 15, "Hobbyist", "coin", ("symbol",))  # fmt: skip
    OPEN_INTEREST_HISTORY: Final = coin_bars(
        "futures/open-interest/aggregated-history", history(interest.Ohlc), exchanges=False, extra=("unit",))
    OPEN_INTEREST_PAIR_HISTORY: Final = pair_bars(
        "futures/open-interest/history", history(interest.Ohlc), extra=("unit",))
    OPEN_INTEREST_CHART: Final = Endpoint(
        "/api/futures/open-interest/exchange-history-chart", interest.read_chart, _MINUTE, "Hobbyist", "coin",
        ("symbol", "range"), ("unit",))  # fmt: skip

    FUNDING: Final = Endpoint("/api/futures/funding-rate/exchange-list", interest.read_funding, 30)
    FUNDING_HISTORY: Final = pair_bars("futures/funding-rate/history", history(interest.Ohlc))
    FUNDING_BY_INTEREST: Final = coin_bars(
        "futures/funding-rate/oi-weight-history", history(interest.Ohlc), exchanges=False)
    FUNDING_BY_VOLUME: Final = coin_bars(
        "futures/funding-rate/vol-weight-history", history(interest.Ohlc), exchanges=False)
    FUNDING_ACCUMULATED: Final = Endpoint(
        "/api/futures/funding-rate/accumulated-exchange-list", interest.read_funding, _HOUR, required=("range",))
    FUNDING_ARBITRAGE: Final = Endpoint(
        "/api/futures/funding-rate/arbitrage", rows(interest.Arbitrage), 30, "Startup", required=("usd",),
        optional=("exchange_list",))  # fmt: skip

    LIQUIDATIONS: Final = Endpoint(
        "/api/futures/liquidation/exchange-list", board(rows(liquidations.LiquidationTotals)), 15, "Hobbyist", "coin",
        ("range",), ("symbol",))  # fmt: skip
    LIQUIDATION_COINS: Final = Endpoint(
        "/api/futures/liquidation/coin-list",
        rows(liquidations.CoinLiquidations, windows=liquidations.COIN_LIQUIDATION_WINDOWS), 30, "Startup",
        required=("exchange",))  # fmt: skip
    LIQUIDATION_HISTORY: Final = pair_bars("futures/liquidation/history", history(liquidations.LiquidationBar))
    LIQUIDATION_COIN_HISTORY: Final = coin_bars(
        "futures/liquidation/aggregated-history", history(liquidations.LiquidationBar, strip=("aggregated_",)))
    LIQUIDATION_ORDERS: Final = Endpoint(
        "/api/futures/liquidation/order", history(liquidations.LiquidationOrder), 15, "Standard", "coin",
        ("exchange", "symbol", "min_liquidation_amount"), _TIMES)  # fmt: skip
    LIQUIDATION_MAP: Final = Endpoint(
        "/api/futures/liquidation/map", liquidations.read_map, _MINUTE, "Professional", "pair",
        ("exchange", "symbol", "range"))  # fmt: skip
    LIQUIDATION_COIN_MAP: Final = Endpoint(
        "/api/futures/liquidation/aggregated-map", liquidations.read_map, _MINUTE, "Professional", "coin",
        ("symbol", "range"))  # fmt: skip
    HEATMAP: Final = Endpoint(
        "/api/futures/liquidation/heatmap/model1", liquidations.read_heatmap, _MINUTE, "Professional", "pair",
        ("exchange", "symbol", "range"))  # fmt: skip
    COIN_HEATMAP: Final = Endpoint(
        "/api/futures/liquidation/aggregated-heatmap/model1", liquidations.read_heatmap, _MINUTE, "Professional",
        "coin", ("symbol", "range"))  # fmt: skip
    MAX_PAIN: Final = Endpoint(
        "/api/futures/liquidation/max-pain", rows(liquidations.MaxPain), _MINUTE, "Professional",
        optional=("range",))  # fmt: skip

    GLOBAL_ACCOUNTS: Final = pair_bars(
        "futures/global-long-short-account-ratio/history", history(flow.Ratio, strip=("global_account_",)))
    TOP_ACCOUNTS: Final = pair_bars(
        "futures/top-long-short-account-ratio/history", history(flow.Ratio, strip=("top_account_",)))
    TOP_POSITIONS: Final = pair_bars(
        "futures/top-long-short-position-ratio/history", history(flow.Ratio, strip=("top_position_",)))

    TAKERS: Final = Endpoint(
        "/api/futures/taker-buy-sell-volume/exchange-list", flow.read_takers, 15, "Hobbyist", "coin",
        ("symbol", "range"))  # fmt: skip
    TAKER_HISTORY: Final = pair_bars(
        "futures/v2/taker-buy-sell-volume/history", history(flow.TakerBar, strip=("taker_",)))
    TAKER_COIN_HISTORY: Final = coin_bars(
        "futures/aggregated-taker-buy-sell-volume/history", history(flow.TakerBar, strip=("aggregated_",)),
        extra=("unit",))  # fmt: skip
    NET_FLOW: Final = Endpoint(
        "/api/futures/coin/netflow", one(flow.NetFlow, windows=flow.FLOW_WINDOWS), 30, "Startup", "coin",
        ("symbol", "exchange_list"), defaults=(("exchange_list", "Binance,Bybit,OKX,Bitget,Gate"),))  # fmt: skip
    NET_FLOWS: Final = Endpoint(
        "/api/futures/netflow-list", rows(flow.NetFlow, windows=flow.FLOW_WINDOWS), 30, "Startup",
        optional=("per_page", "page"))  # fmt: skip
    CVD: Final = pair_bars("futures/cvd/history", history(flow.CvdBar), plan="Startup", floor=False)
    COIN_CVD: Final = coin_bars(
        "futures/aggregated-cvd/history", history(flow.CvdBar, strip=("agg_",)), plan="Startup", floor=False,
        extra=("unit",))  # fmt: skip
    SPOT_CVD: Final = pair_bars("spot/cvd/history", history(flow.CvdBar), plan="Startup", floor=False)
    SPOT_COIN_CVD: Final = coin_bars(
        "spot/aggregated-cvd/history", history(flow.CvdBar, strip=("agg_",)), plan="Startup", floor=False,
        extra=("unit",))  # fmt: skip

    DEPTH: Final = pair_bars(
        "futures/orderbook/ask-bids-history", history(book.DepthBar), ttl_s=15, extra=("range",))
    COIN_DEPTH: Final = coin_bars(
        "futures/orderbook/aggregated-ask-bids-history", history(book.DepthBar, strip=("aggregated_",)),
        extra=("range",))  # fmt: skip
    BOOK: Final = pair_bars(
        "futures/orderbook/history", book.read_snapshots, plan="Standard", floor=False, ttl_s=15)
    WALLS: Final = Endpoint(
        "/api/futures/orderbook/large-limit-order", book.read_walls, 15, "Standard", "pair", ("exchange", "symbol"))
    SPOT_WALLS: Final = Endpoint(
        "/api/spot/orderbook/large-limit-order", book.read_walls, 15, "Standard", "pair", ("exchange", "symbol"))

    WHALE_ACTIONS: Final = Endpoint(
        "/api/hyperliquid/whale-alert", rows(whales.WhaleAction), 15, "Startup")
    WHALE_POSITIONS: Final = Endpoint(
        "/api/hyperliquid/whale-position", rows(whales.Position), 30, "Startup")
    POSITIONS: Final = Endpoint(
        "/api/hyperliquid/position", whales.read_position_page, 30, "Standard", "coin", ("symbol",), ("current_page",))
    WHALE_INDEX: Final = pair_bars(
        "futures/whale-index/history", history(whales.WhaleIndex), plan="Startup", floor=False)

    RSI: Final = Endpoint(
        "/api/futures/rsi/list", rows(mood.RsiRow, windows=mood.RSI_WINDOWS), 30, "Standard")
    RSI_HISTORY: Final = pair_bars(
        "futures/indicators/rsi", history(mood.Rsi), plan="Startup", floor=False, extra=("window", "series_type"))
    FEAR_GREED: Final = Endpoint("/api/index/fear-greed-history", mood.read_fear_greed, _HOUR)
    COINBASE_PREMIUM: Final = Endpoint(
        "/api/coinbase-premium-index", history(mood.Premium), _MINUTE, required=_BARS, optional=_TIMES, floor=True)


ENDPOINTS = _Endpoints()
