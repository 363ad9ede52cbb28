"""CoinGlass's open interest and funding."""

from __future__ import annotations

from typing import Any

from simulator.coinglass.ledger import EXCHANGES, Contract
from simulator.coinglass.request import INTERVALS, RANGES, Request, Route

__all__ = ["ROUTES"]

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_WINDOWS = ("5m", "15m", "30m", "1h", "4h", "24h")
_CHART_POINTS = 96


def _by_exchange(request: Request) -> list[dict[str, Any]]:
    contracts = request.coin()
    rows = [_interest_row(request, "All", contracts)]
    for exchange in EXCHANGES.values():
        own = [contract for contract in contracts if contract.exchange == exchange]
        if own:
            rows.append(_interest_row(request, exchange, own))
    return rows


def _interest_row(request: Request, name: str, contracts: list[Contract]) -> dict[str, Any]:
    ledger, now = request.ledger, request.now
    usd, coins = ledger.interest_of(contracts, now, now)
    inverse = [contract for contract in contracts if contract.listing.inverse]
    by_coin, coins_by_coin = ledger.interest_of(inverse, now, now)
    row = {
        "exchange": name, "symbol": contracts[0].asset.name, "open_interest_usd": usd, "open_interest_quantity": coins,
        "open_interest_by_coin_margin": by_coin, "open_interest_by_stable_coin_margin": usd - by_coin,
        "open_interest_quantity_by_coin_margin": coins_by_coin,
        "open_interest_quantity_by_stable_coin_margin": coins - coins_by_coin,
    }  # fmt: skip
    for window in _WINDOWS:
        before = ledger.interest_of(contracts, now - RANGES[window] * _MINUTE_MS, now)[0]
        row[f"open_interest_change_percent_{window}"] = round((usd / before - 1) * 100, 2)
    return row


def _interest_history(request: Request) -> list[dict[str, Any]]:
    return _interest_bars(request, request.coin())


def _pair_history(request: Request) -> list[dict[str, Any]]:
    return _interest_bars(request, [request.pair()])


def _interest_bars(request: Request, contracts: list[Contract]) -> list[dict[str, Any]]:
    which = 1 if request.query.get("unit") == "coin" else 0
    rows = []
    for begin, end in request.bars():
        path = [
            request.ledger.interest_of(contracts, begin + (end - begin) * step // 4, request.now)[which]
            for step in range(5)
        ]
        rows.append(_ohlc(begin, path, 4))
    return rows


def _ohlc(begin: int, path: list[float], decimals: int) -> dict[str, Any]:
    values = {"open": path[0], "high": max(path), "low": min(path), "close": path[-1]}
    return {"time": begin, **{name: f"{value:.{decimals}f}" for name, value in values.items()}}


def _chart(request: Request) -> dict[str, Any]:
    name = request.query["range"]
    if name not in {"all", "1m", "15m", "1h", "4h", "12h"}:
        raise ValueError(name)
    step = INTERVALS.get(name, 1440) * _MINUTE_MS
    last = request.now // step * step
    times = [last - step * back for back in reversed(range(_CHART_POINTS))]
    contracts = request.coin()
    return {
        "time_list": times,
        "price_list": [request.ledger.price(contracts[0].asset, at, request.now) for at in times],
        "data_map": {
            exchange: [request.ledger.interest_of(own, at, request.now)[0] for at in times]
            for exchange in EXCHANGES.values()
            if (own := [contract for contract in contracts if contract.exchange == exchange])
        },
    }


def _funding(request: Request) -> list[dict[str, Any]]:
    rows = []
    for asset in request.ledger.assets:
        row: dict[str, Any] = {"symbol": asset, "stablecoin_margin_list": []}
        for contract in request.ledger.of(asset):
            hours = contract.funding_hours * _HOUR_MS
            rate = {
                "exchange": contract.exchange, "funding_rate_interval": contract.funding_hours,
                "funding_rate": round(request.ledger.funding(contract, request.now), 6),
                "next_funding_time": (request.now // hours + 1) * hours,
            }  # fmt: skip
            row.setdefault("token_margin_list" if contract.listing.inverse else "stablecoin_margin_list", []).append(rate)
        rows.append(row)
    return rows


def _funding_history(request: Request) -> list[dict[str, Any]]:
    contract = request.pair()
    return [
        _ohlc(begin, [request.ledger.funding(contract, begin + (end - begin) * step // 4) for step in range(5)], 6)
        for begin, end in request.bars()
    ]


def _weighted_history(request: Request) -> list[dict[str, Any]]:
    contracts, ledger = request.coin(), request.ledger
    return [
        _ohlc(begin, [ledger.weighted_funding(contracts, begin + (end - begin) * step // 4, request.now) for step in range(5)], 6)
        for begin, end in request.bars()
    ]  # fmt: skip


def _accumulated(request: Request) -> list[dict[str, Any]]:
    days = {"1d": 1, "7d": 7, "30d": 30, "365d": 365}[request.query["range"]]
    rows = []
    for asset in request.ledger.assets:
        row: dict[str, Any] = {"symbol": asset, "stablecoin_margin_list": [], "token_margin_list": []}
        for contract in request.ledger.of(asset):
            settled = min(days * 24 // contract.funding_hours, 90)
            span = days * 24 * _HOUR_MS // settled
            total = sum(request.ledger.funding(contract, request.now - span * back) for back in range(settled))
            rate = {"exchange": contract.exchange.upper(), "funding_rate": round(total, 6)}
            row["token_margin_list" if contract.listing.inverse else "stablecoin_margin_list"].append(rate)
        rows.append(row)
    return rows


def _arbitrage(request: Request) -> list[dict[str, Any]]:
    float(request.query["usd"])
    rows = []
    for asset in request.ledger.assets:
        legs = sorted(
            (contract for contract in request.ledger.of(asset) if not contract.listing.inverse),
            key=lambda each: request.ledger.funding(each, request.now) / each.funding_hours,
        )
        if len(legs) > 1:
            rows.append(_opportunity(request, legs[0], legs[-1]))
    return sorted(rows, key=lambda row: -float(row["apr"]))


def _opportunity(request: Request, buy: Contract, sell: Contract) -> dict[str, Any]:
    ledger, now = request.ledger, request.now
    sides = {
        name: {"exchange": leg.exchange, "open_interest_usd": ledger.interest(leg, now, now)[0],
               "funding_rate_interval": leg.funding_hours, "funding_rate": round(ledger.funding(leg, now), 6)}
        for name, leg in (("buy", buy), ("sell", sell))
    }  # fmt: skip
    gap = ledger.funding(sell, now) * 8 / sell.funding_hours - ledger.funding(buy, now) * 8 / buy.funding_hours
    return {"symbol": buy.asset.name, **sides, "apr": round(gap * 3 * 365, 2), "funding": round(gap, 6), "fee": 0.03,
            "spread": 0.0, "next_funding_time": (now // (8 * _HOUR_MS) + 1) * 8 * _HOUR_MS}  # fmt: skip


ROUTES = {
    "futures/open-interest/exchange-list": Route(_by_exchange),
    "futures/open-interest/aggregated-history": Route(_interest_history, floor=True),
    "futures/open-interest/history": Route(_pair_history, floor=True),
    "futures/open-interest/exchange-history-chart": Route(_chart),
    "futures/funding-rate/exchange-list": Route(_funding),
    "futures/funding-rate/history": Route(_funding_history, floor=True),
    "futures/funding-rate/oi-weight-history": Route(_weighted_history, floor=True),
    "futures/funding-rate/vol-weight-history": Route(_weighted_history, floor=True),
    "futures/funding-rate/accumulated-exchange-list": Route(_accumulated),
    "futures/funding-rate/arbitrage": Route(_arbitrage, least=1),
}
