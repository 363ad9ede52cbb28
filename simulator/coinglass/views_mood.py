"""CoinGlass's whales, indicators, mood and account."""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise
from typing import Any

from simulator.coinglass.request import RANGES, Request, Route
from simulator.listings import Asset
from simulator.rest import whole

__all__ = ["ROUTES"]

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_YEAR_MS = 365 * _DAY_MS
_ACTION_EVERY_MS = 4 * _MINUTE_MS
_ACTIONS = 60
_PERIODS = 14
_WARM_UP = 30
_RSI_WINDOWS = ("15m", "1h", "4h", "12h", "24h", "1w")
_WHALES = 40
_PAGE = 20
_FEAR_DAYS = 365


def _subscription(request: Request) -> dict[str, Any]:
    return {"level": request.account.level, "expire_time": request.now // _YEAR_MS * _YEAR_MS + 2 * _YEAR_MS, "expired": False}


def _actions(request: Request) -> list[dict[str, Any]]:
    latest = request.now // _ACTION_EVERY_MS
    return [_action(request, number) for number in range(latest, latest - _ACTIONS, -1)]


def _action(request: Request, number: int) -> dict[str, Any]:
    dice = random.Random(f"whale action {number}")
    asset = _whale_coin(request, dice)
    at = number * _ACTION_EVERY_MS
    price = request.ledger.price(asset, at, request.now)
    usd = 1e6 * dice.paretovariate(1.1)
    size = usd / price * dice.choice((1, -1))
    return {
        "user": _wallet(dice), "symbol": asset.name, "position_size": size, "entry_price": price,
        "liq_price": price * (0.9 if size > 0 else 1.1), "position_value_usd": usd,
        "position_action": dice.choice((1, 1, 2)), "create_time": at,
    }  # fmt: skip


def _whale_coin(request: Request, dice: random.Random) -> Asset:
    assets = list(request.ledger.assets.values())[:8]
    return dice.choices(assets, [asset.turnover for asset in assets])[0]


def _wallet(dice: random.Random) -> str:
    return "0x" + hashlib.sha256(str(dice.randrange(60)).encode()).hexdigest()[:40]


def _positions(request: Request, assets: list[Asset] | None = None) -> list[dict[str, Any]]:
    rows = []
    for number in range(_WHALES):
        dice = random.Random(f"whale {number} {assets[0].name if assets else ''}")
        asset = assets[0] if assets else _whale_coin(request, dice)
        opened = request.now - round(dice.uniform(0.02, 6) * _DAY_MS) // _DAY_MS * _DAY_MS - _DAY_MS // 2
        entry = request.ledger.price(asset, opened, request.now)
        mark = request.ledger.price(asset, request.now, request.now)
        size = 1e6 * dice.paretovariate(1.0) / mark * dice.choice((1, -1))
        leverage = dice.choice((3, 5, 10, 20, 25))
        rows.append({
            "user": _wallet(dice), "symbol": asset.name, "position_size": size, "entry_price": entry,
            "mark_price": mark, "liq_price": entry * (1 - 0.9 / leverage if size > 0 else 1 + 0.9 / leverage),
            "leverage": leverage, "margin_balance": abs(size) * mark / leverage,
            "position_value_usd": abs(size) * mark, "unrealized_pnl": size * (mark - entry),
            "funding_fee": -abs(size) * mark * 0.0003, "margin_mode": dice.choice(("cross", "isolated")),
            "create_time": opened, "update_time": request.now,
        })  # fmt: skip
    return sorted(rows, key=lambda row: -float(row["position_value_usd"]))


def _position_page(request: Request) -> dict[str, Any]:
    rows = _positions(request, [request.coin()[0].asset])
    page = whole(request.query, "current_page", 1)
    return {"total_pages": -(-len(rows) // _PAGE), "current_page": page, "list": rows[(page - 1) * _PAGE : page * _PAGE]}


def _whale_index(request: Request) -> list[dict[str, Any]]:
    contract = request.pair()
    return [
        {"time": begin, "whale_index_value": round(150 * request.ledger.state(f"whales {contract.asset.name}", begin), 3)}
        for begin, _ in request.bars()
    ]


def _rsi(closes: list[float]) -> list[float | None]:
    """Return Wilder's index of each close; the first periods have none."""
    steps = [after - before for before, after in pairwise(closes)]
    values: list[float | None] = [None] * min(len(closes), _PERIODS)
    if len(steps) < _PERIODS:
        return values
    gain = sum(max(step, 0.0) for step in steps[:_PERIODS]) / _PERIODS
    loss = sum(max(-step, 0.0) for step in steps[:_PERIODS]) / _PERIODS
    for step in [0.0, *steps[_PERIODS:]]:
        if len(values) > _PERIODS:
            gain = (gain * (_PERIODS - 1) + max(step, 0.0)) / _PERIODS
            loss = (loss * (_PERIODS - 1) + max(-step, 0.0)) / _PERIODS
        values.append(100 * gain / (gain + loss) if gain + loss else 50.0)
    return values


def _rsi_list(request: Request) -> list[dict[str, Any]]:
    ledger, now = request.ledger, request.now
    rows = []
    for asset in ledger.assets.values():
        row: dict[str, Any] = {"symbol": asset.name, "current_price": ledger.price(asset, now, now)}
        for window in _RSI_WINDOWS:
            span = RANGES[window] * _MINUTE_MS
            last = now // span * span
            closes = [ledger.price(asset, last - span * back, now) for back in range(_PERIODS + _WARM_UP, -1, -1)]
            value = _rsi(closes)[-1]
            row[f"rsi_{window}"] = None if value is None else round(value, 2)
            row[f"price_change_percent_{window}"] = round(ledger.change_percent(asset, span, now), 2)
        rows.append(row)
    return rows


def _rsi_history(request: Request) -> list[dict[str, Any]]:
    contract, periods = request.pair(), request.bars()
    if whole(request.query, "window", _PERIODS) != _PERIODS:
        raise ValueError("window")
    closes = [request.ledger.price(contract.asset, end, request.now) for _, end in periods]
    return [{"time": begin, "rsi_value": value} for (begin, _), value in zip(periods, _rsi(closes), strict=True)]


def _fear_greed(request: Request) -> dict[str, Any]:
    today = request.now // _DAY_MS * _DAY_MS
    times = [today - _DAY_MS * back for back in range(_FEAR_DAYS - 1, -1, -1)]
    bitcoin = request.ledger.assets["BTC"]
    return {
        "data_list": [round(50 + 45 * request.ledger.state("fear", at)) for at in times],
        "price_list": [request.ledger.price(bitcoin, at, request.now) for at in times],
        "time_list": times,
    }


def _premium(request: Request) -> list[dict[str, Any]]:
    return [
        {"time": begin // 1000, "premium": round(40 * request.ledger.state("premium", begin), 2),
         "premium_rate": round(0.04 * request.ledger.state("premium", begin), 4)}
        for begin, _ in request.bars()
    ]  # fmt: skip


ROUTES = {
    "user/account/subscription": Route(_subscription),
    "hyperliquid/whale-alert": Route(_actions, least=1),
    "hyperliquid/whale-position": Route(_positions, least=1),
    "hyperliquid/position": Route(_position_page, least=2),
    "futures/whale-index/history": Route(_whale_index, least=1),
    "futures/rsi/list": Route(_rsi_list, least=2),
    "futures/indicators/rsi": Route(_rsi_history, least=1),
    "index/fear-greed-history": Route(_fear_greed),
    "coinbase-premium-index": Route(_premium, floor=True),
}
