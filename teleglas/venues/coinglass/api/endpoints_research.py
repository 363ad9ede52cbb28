"""The endpoints that are documented but that no command asks: for research, scripts and later commands.

Source: reference coinglass 3, as `endpoints`.
"""

from __future__ import annotations

from typing import Any, Final

from teleglas.venues.coinglass.api import rows_book as book
from teleglas.venues.coinglass.api import rows_chain as chain
from teleglas.venues.coinglass.api import rows_etf as etf
from teleglas.venues.coinglass.api import rows_flow as flow
from teleglas.venues.coinglass.api import rows_indicators as indicators
from teleglas.venues.coinglass.api import rows_interest as interest
from teleglas.venues.coinglass.api import rows_news as news
from teleglas.venues.coinglass.api import rows_options as options
from teleglas.venues.coinglass.api import rows_wallets as wallets
from teleglas.venues.coinglass.api.decode import Reader, board, history, one, rows
from teleglas.venues.coinglass.api.endpoints import Endpoint, Plan, Table, coin_bars, pair_bars

__all__ = ["RESEARCH"]

_MINUTE, _HOUR = 60.0, 3600.0
_TIMES = ("start_time", "end_time")
_PAGES = ("per_page", "page")


def _free(path: str, read: Reader[Any], *, plan: Plan = "Hobbyist", ttl_s: float = _MINUTE,
          optional: tuple[str, ...] = ()) -> Endpoint[Any]:  # fmt: skip
    """Return a question without required parameters."""
    return Endpoint(f"/api/{path}", read, ttl_s, plan, optional=optional)


def _indicator(name: str, read: Reader[list[Any]], *extra: str) -> Endpoint[list[Any]]:
    """Return a technical indicator of one pair."""
    return pair_bars(f"futures/indicators/{name}", read, plan="Startup", floor=False, extra=(*extra, "series_type"))


class _Research(Table):
    """By theme."""

    ETF_BITCOIN_FLOWS: Final = _free("etf/bitcoin/flow-history", history(etf.EtfFlowDay), ttl_s=_HOUR)
    ETF_ETHEREUM_FLOWS: Final = _free("etf/ethereum/flow-history", history(etf.EtfFlowDay), ttl_s=_HOUR)
    ETF_SOLANA_FLOWS: Final = _free("etf/solana/flow-history", history(etf.EtfFlowDay), ttl_s=_HOUR)
    ETF_BITCOIN: Final = _free("etf/bitcoin/list", rows(etf.Etf))
    ETF_BITCOIN_NET_ASSETS: Final = _free(
        "etf/bitcoin/net-assets/history", history(etf.EtfNetAssets), ttl_s=_HOUR, optional=("ticker",))
    ETF_BITCOIN_ASSETS: Final = _free("etf/bitcoin/aum", history(etf.EtfAssets), ttl_s=_HOUR, optional=("ticker",))

    OPTIONS: Final = Endpoint(
        "/api/option/info", board(rows(options.OptionExchange)), 30, "Hobbyist", "coin", ("symbol",))
    OPTION_EXPIRIES: Final = Endpoint(
        "/api/option/max-pain", options.read_expiries, _MINUTE, "Hobbyist", "coin", ("symbol", "exchange"))
    OPTION_CHART: Final = Endpoint(
        "/api/option/exchange-oi-history", options.read_option_chart, _MINUTE, "Hobbyist", "coin",
        ("symbol", "unit", "range"))  # fmt: skip

    WALLETS: Final = Endpoint(
        "/api/exchange/assets", rows(chain.WalletAsset), _HOUR, required=("exchange",), optional=_PAGES)
    BALANCES: Final = Endpoint(
        "/api/exchange/balance/list", board(rows(chain.Balance, windows=chain.BALANCE_WINDOWS)), _HOUR, "Hobbyist",
        "coin", ("symbol",))  # fmt: skip
    BALANCE_CHART: Final = Endpoint(
        "/api/exchange/balance/chart", chain.read_balance_chart, _HOUR, "Hobbyist", "coin", ("symbol",))
    EXCHANGE_TRANSFERS: Final = _free(
        "exchange/chain/tx/list", history(chain.ExchangeTransfer),
        optional=("symbol", "start_time", "min_usd", *_PAGES))  # fmt: skip
    WHALE_TRANSFERS: Final = _free(
        "chain/v2/whale-transfer", history(chain.WhaleTransfer), plan="Startup", optional=("symbol", *_TIMES))
    UNLOCKS: Final = _free("coin/unlock-list", rows(chain.Unlock), plan="Startup", optional=_PAGES)

    MOVING_AVERAGE: Final = _indicator("ma", history(indicators.Point, strip=("ma_",)), "window")
    EXPONENTIAL_AVERAGE: Final = _indicator("ema", history(indicators.Point, strip=("ema_",)), "window")
    MACD: Final = _indicator(
        "macd", history(indicators.Point, strip=("macd_",)), "fast_window", "slow_window", "signal_window")
    BOLLINGER: Final = _indicator("boll", history(indicators.Bollinger), "window", "mult")
    CDRI: Final = _free("futures/cdri-index/history", history(indicators.Point, strip=("cdri_index_",)))
    CGDI: Final = _free("futures/cgdi-index/history", history(indicators.Point, strip=("cgdi_index_",)))
    PEAK_SIGNS: Final = _free("bull-market-peak-indicator", indicators.read_peak_signs, ttl_s=_HOUR)
    ALTCOIN_SEASON: Final = _free("index/altcoin-season", history(indicators.AltcoinSeason), plan="Startup", ttl_s=300)
    DOMINANCE: Final = _free("index/bitcoin-dominance", history(indicators.Dominance), plan="Startup", ttl_s=_HOUR)
    BASIS: Final = pair_bars("futures/basis/history", history(indicators.Basis))
    BITFINEX_MARGIN: Final = coin_bars(
        "bitfinex-margin-long-short", history(indicators.MarginPositions), exchanges=False)
    BORROW_RATE: Final = Endpoint(
        "/api/borrow-interest-rate/history", history(indicators.BorrowRate), _MINUTE, "Hobbyist", "coin",
        ("exchange", "symbol", "interval"), ("limit", *_TIMES))  # fmt: skip
    VOLUME_RATIO: Final = coin_bars(
        "futures_spot_volume_ratio", history(indicators.VolumeRatio), plan="Startup", floor=False)

    NET_POSITION: Final = pair_bars(
        "futures/net-position/history", history(indicators.NetPosition), plan="Startup", floor=False)
    NET_POSITION_V2: Final = pair_bars(
        "futures/v2/net-position/history", history(indicators.NetPosition), plan="Startup", floor=False)
    FOOTPRINT: Final = pair_bars(
        "futures/volume/footprint-history", indicators.read_footprints, plan="Professional", floor=False)
    STABLECOIN_INTEREST: Final = coin_bars(
        "futures/open-interest/aggregated-stablecoin-history", history(interest.Ohlc))
    COIN_MARGIN_INTEREST: Final = coin_bars(
        "futures/open-interest/aggregated-coin-margin-history", history(interest.Ohlc))
    PAST_WALLS: Final = Endpoint(
        "/api/futures/orderbook/large-limit-order-history", book.read_past_walls, _MINUTE, "Standard", "pair",
        ("exchange", "symbol", *_TIMES, "state"))  # fmt: skip
    SPOT_TAKERS: Final = pair_bars("spot/taker-buy-sell-volume/history", history(flow.TakerBar, strip=("taker_",)))

    ACCOUNT: Final = Endpoint(
        "/api/hyperliquid/user-position", one(wallets.Account), 30, "Startup", required=("user_address",))
    ACCOUNT_RATIO: Final = coin_bars(
        "hyperliquid/global-long-short-account-ratio/history",
        history(wallets.AccountRatio, strip=("global_account_",)), plan="Standard", floor=False, exchanges=False)  # fmt: skip
    SIZE_TIERS: Final = _free(
        "hyperliquid/wallet/position-distribution", rows(wallets.WalletTier), plan="Standard")
    PROFIT_TIERS: Final = _free("hyperliquid/wallet/pnl-distribution", rows(wallets.WalletTier), plan="Standard")

    NEWS: Final = _free(
        "article/list", history(news.Article), plan="Startup", optional=("language", *_TIMES, *_PAGES))
    CALENDAR: Final = _free(
        "calendar/economic-data", news.read_calendar, plan="Startup", ttl_s=600, optional=("language", *_TIMES))


RESEARCH = _Research()
