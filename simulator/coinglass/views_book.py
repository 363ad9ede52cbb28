"""CoinGlass's order books: depth, snapshots and large resting orders."""

from __future__ import annotations

from typing import Any

from simulator.coinglass.ledger import Contract
from simulator.coinglass.request import Request, Route
from simulator.rest import whole

__all__ = ["ROUTES"]

_DEPTH_OF_TURNOVER = 4e-4
_SNAPSHOTS_AT_MOST = 100
_LEVELS = 40
_STEP = 0.0005
_LIFE_MS = 1_800_000
_WALLS = {"BTC": 1e6, "ETH": 5e5}
_SMALLEST_WALL = 5e4
_SPOT_SHARE = 0.3


def _depth(request: Request, contract: Contract, at: int, percent: float) -> tuple[float, float]:
    """Return the USD bid and asked within `percent` of the price."""
    turnover = contract.asset.turnover * contract.share * _DEPTH_OF_TURNOVER * percent
    bids = turnover * (1 + 0.6 * request.ledger.state(f"bids {contract.name}", at))
    return bids, turnover * (1 + 0.6 * request.ledger.state(f"asks {contract.name}", at))


def _percent(request: Request) -> float:
    name = request.query.get("range", "1")
    if name not in {"0.25", "0.5", "0.75", "1", "2", "3", "5", "10"}:
        raise ValueError(name)
    return float(name)


def _rows(request: Request, contracts: list[Contract], prefix: str) -> list[dict[str, Any]]:
    percent = _percent(request)
    rows = []
    for begin, end in request.bars():
        both = [_depth(request, contract, end, percent) for contract in contracts]
        price = request.ledger.price(contracts[0].asset, end, request.now)
        row: dict[str, Any] = {"time": begin}
        for name, usd in (("bids", sum(bids for bids, _ in both)), ("asks", sum(asks for _, asks in both))):
            row[f"{prefix}{name}_usd"], row[f"{prefix}{name}_quantity"] = round(usd, 4), round(usd / price, 4)
        rows.append(row)
    return rows


def _depth_history(request: Request) -> list[dict[str, Any]]:
    return _rows(request, [request.pair()], "")


def _coin_depth_history(request: Request) -> list[dict[str, Any]]:
    request.query["exchange_list"]
    return _rows(request, request.coin(), "aggregated_")


def _snapshots(request: Request) -> list[list[Any]]:
    if not 0 < whole(request.query, "limit", 0) <= _SNAPSHOTS_AT_MOST:
        raise ValueError("limit")
    contract, scale = request.pair(), request.pair().listing.scale
    rows = []
    for begin, end in request.bars():
        price = request.ledger.price(contract.asset, end, request.now) * scale
        usd = [side / _LEVELS for side in _depth(request, contract, end, _LEVELS * _STEP * 100)]
        # The price falls with the index in both lists, as in the documentation's sample.
        asks = [[at := price * (1 + _STEP * step), usd[1] / at] for step in range(_LEVELS, 0, -1)]
        bids = [[at := price * (1 - _STEP * step), usd[0] / at] for step in range(1, _LEVELS + 1)]
        rows.append([begin // 1000, bids, asks])
    return rows


def _walls(request: Request, share: float) -> list[dict[str, Any]]:
    contract = request.pair()
    asset, scale = contract.asset, contract.listing.scale
    price = request.ledger.price(asset, request.now, request.now) * scale
    least = _WALLS.get(asset.name, _SMALLEST_WALL) * share
    born = request.now // _LIFE_MS * _LIFE_MS
    rows = []
    for number in range(8):
        step = (number + 1) * 0.004 * (1 + 0.5 * request.ledger.state(f"wall {contract.name} {number}", born))
        buy = number % 2 == 0
        at = float(f"{price * (1 - step if buy else 1 + step):.4g}")
        start = least * (1.2 + number * 0.5)
        left = start * (1 - 0.1 * abs(request.ledger.state(f"left {contract.name} {number}", request.now)))
        rows.append({
            "id": born // 1000 + number, "exchange_name": contract.exchange, "symbol": contract.listing.symbol,
            "base_asset": asset.name, "quote_asset": "USDT", "price": at, "start_time": born,
            "start_quantity": start / at, "start_usd_value": start, "current_quantity": left / at,
            "current_usd_value": left, "current_time": request.now, "executed_volume": (start - left) / at,
            "executed_usd_value": start - left, "trade_count": number, "order_side": 2 if buy else 1, "order_state": 1,
        })  # fmt: skip
    return rows


ROUTES = {
    "futures/orderbook/ask-bids-history": Route(_depth_history, floor=True),
    "futures/orderbook/aggregated-ask-bids-history": Route(_coin_depth_history, floor=True),
    "futures/orderbook/history": Route(_snapshots, least=2),
    "futures/orderbook/large-limit-order": Route(lambda request: _walls(request, 1.0), least=2),
    "spot/orderbook/large-limit-order": Route(lambda request: _walls(request, _SPOT_SHARE), least=2),
}
