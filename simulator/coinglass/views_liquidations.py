"""CoinGlass's liquidations: orders, sums and histories of the same orders; maps of invented levels.

The side codes of liquidation/order are those of the WebSocket (1 long, 2 short). The documentation calls
them buy and sell; its own sample fits this coding, and liquidation/history here agrees with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from simulator.coinglass.ledger import EXCHANGES, Contract
from simulator.coinglass.request import INTERVALS, RANGES, RefusalError, Request, Route
from simulator.feeds import Printed
from simulator.listings import Asset
from simulator.rest import whole

__all__ = ["ROUTES"]

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_ROWS_AT_MOST = 200
_KEPT_MS = 7 * _DAY_MS
_MAP_STEPS = 60
_CANDLES = 96
_LEVERAGES = (10, 25, 50, 100)


def _sums(rows: Iterable[Printed]) -> tuple[float, float]:
    long = short = 0.0
    for row in rows:
        if row.long:
            long += row.usd
        else:
            short += row.usd
    return long, short


def _orders(request: Request) -> list[dict[str, Any]]:
    query = request.query
    exchange = request.exchange()
    contracts = [contract for contract in exchange if contract.asset.name == query["symbol"]]
    if not contracts:
        raise RefusalError("pair")
    least, end = float(query["min_liquidation_amount"]), min(whole(query, "end_time", 1 << 62), request.now + 1)
    begin = max(whole(query, "start_time", 0), request.now - _KEPT_MS)
    rows = [row for row in request.ledger.forced(contracts, begin, end) if row.usd >= least]
    return [
        {"exchange_name": EXCHANGES[row.listing.venue].upper(), "symbol": row.listing.symbol,
         "base_asset": row.listing.asset, "price": float(row.price), "usd_value": round(row.usd, 4),
         "side": 1 if row.long else 2, "time": row.event_ms}
        for row in rows[:_ROWS_AT_MOST]
    ]  # fmt: skip


def _by_exchange(request: Request) -> list[dict[str, Any]]:
    every = [*request.ledger.contracts, *request.ledger.idle]
    contracts = request.forced_of() if request.query.get("symbol") else every
    forced = request.ledger.forced(contracts, request.now - request.span(), request.now + 1)
    by_venue: dict[str, list[Printed]] = defaultdict(list)
    for row in forced:
        by_venue[EXCHANGES[row.listing.venue]].append(row)
    rows = [("All", _sums(forced)), *((name, _sums(by_venue[name])) for name in EXCHANGES.values())]
    return [
        {"exchange": name, "liquidation_usd": long + short, "long_liquidation_usd": long,
         "short_liquidation_usd": short}
        for name, (long, short) in rows
    ]  # fmt: skip


def _coins(request: Request) -> list[dict[str, Any]]:
    contracts = request.exchange()
    by_coin: dict[str, list[Printed]] = {contract.asset.name: [] for contract in contracts}
    for printed in request.ledger.forced(contracts, request.now - _DAY_MS, request.now + 1):
        by_coin[printed.listing.asset].append(printed)
    rows = []
    for coin, forced in by_coin.items():
        row: dict[str, Any] = {"symbol": coin}
        for window in ("24h", "12h", "4h", "1h"):
            since = request.now - RANGES[window] * _MINUTE_MS
            long, short = _sums(each for each in forced if each.event_ms >= since)
            row[f"liquidation_usd_{window}"] = long + short
            row[f"long_liquidation_usd_{window}"], row[f"short_liquidation_usd_{window}"] = long, short
        rows.append(row)
    return rows


def _bars(request: Request, contracts: list[Contract]) -> list[tuple[int, float, float]]:
    periods = request.bars()
    if not periods:
        return []
    span = INTERVALS[request.query["interval"]] * _MINUTE_MS
    bars: dict[int, list[Printed]] = defaultdict(list)
    for row in request.ledger.forced(contracts, periods[0][0], request.now + 1):
        bars[row.event_ms // span * span].append(row)
    return [(begin, *_sums(bars[begin])) for begin, _ in periods if begin in bars]


def _history(request: Request) -> list[dict[str, Any]]:
    return [
        {"time": begin, "long_liquidation_usd": f"{long:.5f}", "short_liquidation_usd": f"{short:.5f}"}
        for begin, long, short in _bars(request, [request.pair()])
    ]


def _coin_history(request: Request) -> list[dict[str, Any]]:
    request.query["exchange_list"]
    return [
        {"time": begin, "aggregated_long_liquidation_usd": long, "aggregated_short_liquidation_usd": short}
        for begin, long, short in _bars(request, request.coin())
    ]


def _level(request: Request, asset: Asset, step: int) -> tuple[float, float]:
    """Return the price of a step away from the present one, and an invented level in USD there."""
    price = request.ledger.price(asset, request.now, request.now) * (1 + step * 0.0015)
    height = 1 + request.ledger.state(f"level {asset.name} {step}", request.now)
    return price, asset.turnover * 2e-4 * height / (1 + abs(step) / 20)


def _map(request: Request, asset: Asset, leverages: tuple[int | None, ...]) -> dict[str, Any]:
    request.span()
    levels: dict[str, Any] = {}
    for step in range(-_MAP_STEPS, _MAP_STEPS + 1):
        if step:
            price, usd = _level(request, asset, step)
            levels[f"{price:.10g}"] = [[price, usd, leverages[step % len(leverages)], None]]
    return {"data": levels}


def _heatmap(request: Request, asset: Asset) -> dict[str, Any]:
    ledger, now, step_ms = request.ledger, request.now, request.span() // _CANDLES
    first = now - step_ms * _CANDLES
    candles = []
    for index in range(_CANDLES):
        begin = first + index * step_ms
        prices = ledger.candle(asset, begin, begin + step_ms, now)
        volume = sum(ledger.flow(ledger.of(asset.name), begin, begin + step_ms))
        candles.append([begin // 1000, *(f"{price:.10g}" for price in prices), f"{volume:.4f}"])
    steps = [step for step in range(-_MAP_STEPS, _MAP_STEPS + 1) if step]
    levels = [_level(request, asset, step) for step in steps]
    cells = [
        [x, y, round(usd * (x + 1) / _CANDLES, 2)]
        for y, (_, usd) in enumerate(levels)
        for x in range(y % 7 * 8, _CANDLES, 2)
    ]
    return {"y_axis": [price for price, _ in levels], "liquidation_leverage_data": cells, "price_candlesticks": candles}


def _max_pain(request: Request) -> list[dict[str, Any]]:
    rows = []
    for asset in request.ledger.assets.values():
        (above, up), (below, down) = _level(request, asset, 15), _level(request, asset, -15)
        rows.append({"symbol": asset.name, "price": request.ledger.price(asset, request.now, request.now),
                     "long_max_pain_liq_level": up, "long_max_pain_liq_price": above,
                     "short_max_pain_liq_level": down, "short_max_pain_liq_price": below})  # fmt: skip
    return rows


ROUTES = {
    "futures/liquidation/order": Route(_orders, least=2),
    "futures/liquidation/exchange-list": Route(_by_exchange),
    "futures/liquidation/coin-list": Route(_coins, least=1),
    "futures/liquidation/history": Route(_history, floor=True),
    "futures/liquidation/aggregated-history": Route(_coin_history, floor=True),
    "futures/liquidation/map": Route(lambda request: _map(request, request.pair().asset, _LEVERAGES), least=3),
    "futures/liquidation/aggregated-map": Route(lambda request: _map(request, request.coin()[0].asset, (None,)), least=3),
    "futures/liquidation/heatmap/model1": Route(lambda request: _heatmap(request, request.pair().asset), least=3),
    "futures/liquidation/aggregated-heatmap/model1": Route(
        lambda request: _heatmap(request, request.coin()[0].asset), least=3),
    "futures/liquidation/max-pain": Route(_max_pain, least=3),
}  # fmt: skip
