"""CoinGlass's taker flow, cumulative delta and long/short ratios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.coinglass.ledger import EXCHANGES, Contract
from simulator.coinglass.request import RANGES, Request, Route
from simulator.rest import whole

__all__ = ["ROUTES"]

_MINUTE_MS = 60_000
_FLOW_WINDOWS = ("5m", "15m", "30m", "1h", "4h", "8h", "12h", "24h", "3d")
_PAGE = 100


def _ratio(prefix: str, seed: str) -> Callable[[Request], list[dict[str, Any]]]:
    def make(request: Request) -> list[dict[str, Any]]:
        contract = request.pair()
        rows = []
        for begin, _ in request.bars():
            long = round(52 + 18 * request.ledger.state(f"{seed} {contract.name}", begin), 2)
            rows.append({"time": begin, f"{prefix}_long_percent": long, f"{prefix}_short_percent": round(100 - long, 2),
                         f"{prefix}_long_short_ratio": round(long / (100 - long), 2)})  # fmt: skip
        return rows

    return make


def _totals(request: Request, contracts: list[Contract]) -> dict[str, Any]:
    bought, sold = request.ledger.flow(contracts, request.now - request.span(), request.now)
    share = round(bought / (bought + sold) * 100, 2)
    return {"buy_ratio": share, "sell_ratio": round(100 - share, 2), "buy_vol_usd": bought, "sell_vol_usd": sold}


def _by_exchange(request: Request) -> dict[str, Any]:
    contracts = request.coin()
    return {
        "symbol": request.query["symbol"],
        **_totals(request, contracts),
        "exchange_list": [
            {"exchange": exchange, **_totals(request, own)}
            for exchange in EXCHANGES.values()
            if (own := [contract for contract in contracts if contract.exchange == exchange])
        ],
    }


def _history(request: Request) -> list[dict[str, Any]]:
    contract = request.pair()
    rows = []
    for begin, end in request.bars():
        bought, sold = request.ledger.flow([contract], begin, end)
        rows.append({"time": begin, "taker_buy_volume_usd": f"{bought:.4f}", "taker_sell_volume_usd": f"{sold:.4f}"})
    return rows


def _coin_history(request: Request) -> list[dict[str, Any]]:
    request.query["exchange_list"]
    contracts = request.coin()
    rows = []
    for begin, end in request.bars():
        bought, sold = request.ledger.flow(contracts, begin, end)
        rows.append({"time": begin, "aggregated_buy_volume_usd": bought, "aggregated_sell_volume_usd": sold})
    return rows


def _delta(prefix: str, market: str) -> Callable[[Request], list[dict[str, Any]]]:
    """Return a view whose running difference begins at zero with each answer's first row."""

    def make(request: Request) -> list[dict[str, Any]]:
        if prefix:
            request.query["exchange_list"]
        contracts = request.coin() if prefix else [request.pair()]
        rows, running = [], 0.0
        for begin, end in request.bars():
            bought, sold = request.ledger.flow(contracts, begin, end, market)
            running += bought - sold
            rows.append({"time": begin, f"{prefix}taker_buy_vol": round(bought, 4),
                         f"{prefix}taker_sell_vol": round(sold, 4), "cum_vol_delta": round(running, 4)})  # fmt: skip
        return rows

    return make


def _net(request: Request, contracts: list[Contract], number: Callable[[float], Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"symbol": contracts[0].asset.name}
    for window in _FLOW_WINDOWS:
        span = RANGES[window] * _MINUTE_MS
        bought, sold = request.ledger.flow(contracts, request.now - span, request.now)
        earlier = request.ledger.flow(contracts, request.now - 2 * span, request.now - span)
        before = earlier[0] - earlier[1]
        row[f"taker_buy_volume_usd_{window}"], row[f"taker_sell_volume_usd_{window}"] = number(bought), number(sold)
        row[f"net_flow_usd_{window}"] = number(bought - sold)
        row[f"net_flow_usd_change_percent_{window}"] = round((bought - sold - before) / abs(before) * 100, 2)
    return row


def _net_flow(request: Request) -> dict[str, Any]:
    request.query["exchange_list"]
    return _net(request, request.coin(), lambda value: f"{value:.0f}")


def _net_flows(request: Request) -> list[dict[str, Any]]:
    size, page = min(whole(request.query, "per_page", _PAGE), _PAGE), whole(request.query, "page", 1)
    assets = list(request.ledger.assets)[(page - 1) * size : page * size]
    return [_net(request, request.ledger.of(asset), lambda value: value) for asset in assets]


ROUTES = {
    "futures/global-long-short-account-ratio/history": Route(_ratio("global_account", "accounts"), floor=True),
    "futures/top-long-short-account-ratio/history": Route(_ratio("top_account", "top accounts"), floor=True),
    "futures/top-long-short-position-ratio/history": Route(_ratio("top_position", "top positions"), floor=True),
    "futures/taker-buy-sell-volume/exchange-list": Route(_by_exchange),
    "futures/v2/taker-buy-sell-volume/history": Route(_history, floor=True),
    "futures/aggregated-taker-buy-sell-volume/history": Route(_coin_history, floor=True),
    "futures/coin/netflow": Route(_net_flow, least=1),
    "futures/netflow-list": Route(_net_flows, least=1),
    "futures/cvd/history": Route(_delta("", ""), least=1),
    "futures/aggregated-cvd/history": Route(_delta("agg_", ""), least=1),
    "spot/cvd/history": Route(_delta("", "spot"), least=1),
    "spot/aggregated-cvd/history": Route(_delta("agg_", "spot"), least=1),
}
