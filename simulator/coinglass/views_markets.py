"""CoinGlass's coins, pairs, prices and volumes."""

from __future__ import annotations

from typing import Any

from simulator.coinglass.ledger import EXCHANGES, Contract
from simulator.coinglass.request import RANGES, Request, Route
from simulator.listings import Asset
from simulator.rest import whole

__all__ = ["ROUTES"]

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_WINDOWS = ("5m", "15m", "30m", "1h", "4h", "12h", "24h")
_INTEREST_WINDOWS = ("5m", "15m", "30m", "1h", "4h", "24h")
_SPOT_WINDOWS = ("5m", "15m", "30m", "1h", "4h", "12h", "24h", "1w")
_PAGE = 100
_QUOTES = ("USDT", "USDC", "USD")


def _span(window: str) -> int:
    return RANGES[window] * _MINUTE_MS


def _page(request: Request) -> list[Asset]:
    size, page = min(whole(request.query, "per_page", _PAGE), _PAGE), whole(request.query, "page", 1)
    return list(request.ledger.assets.values())[(page - 1) * size : page * size]


def _names(contract: Contract) -> tuple[str, str]:
    """Return the base without and the quote of a contract's symbol."""
    symbol = contract.listing.symbol
    if "-" in symbol:
        base, quote, _ = symbol.split("-")
        return base, quote
    quote = next(quote for quote in _QUOTES if symbol.endswith(quote))
    return contract.asset.name, quote


def _coins(request: Request) -> list[str]:
    return request.ledger.names


def _pairs(request: Request) -> dict[str, list[dict[str, str]]]:
    wanted = request.query.get("exchange", "").lower()
    return {
        exchange: [
            {"instrument_id": each.listing.symbol, "base_asset": _names(each)[0], "quote_asset": _names(each)[1]}
            for each in request.ledger.of("", [exchange])
        ] + [{"instrument_id": "BTCUSDT_261225", "base_asset": "BTC", "quote_asset": "USDT"}]
        for exchange in EXCHANGES.values()
        if wanted in {"", exchange.lower()}
    }  # fmt: skip


def _rank(request: Request) -> list[dict[str, Any]]:
    ledger, now = request.ledger, request.now
    rows = []
    for exchange in EXCHANGES.values():
        contracts = ledger.of("", [exchange])
        forced = sum(row.usd for row in ledger.forced(contracts, now - _DAY_MS, now))
        rows.append({"exchange": exchange, "open_interest_usd": ledger.interest_of(contracts, now, now)[0],
                     "volume_usd": sum(ledger.flow(contracts, now - _DAY_MS, now)), "liquidation_usd_24h": forced})  # fmt: skip
    return rows


def _coins_markets(request: Request) -> list[dict[str, Any]]:
    return [_coin_market(request, asset) for asset in _page(request)]


def _coin_market(request: Request, asset: Asset) -> dict[str, Any]:
    ledger, now = request.ledger, request.now
    contracts = ledger.of(asset.name)
    usd, coins = ledger.interest_of(contracts, now, now)
    day = sum(ledger.flow(contracts, now - _DAY_MS, now))
    rate = round(ledger.weighted_funding(contracts, now, now), 6)
    row: dict[str, Any] = {
        "symbol": asset.name, "current_price": ledger.price(asset, now, now), "avg_funding_rate_by_oi": rate,
        "avg_funding_rate_by_vol": rate, "open_interest_usd": usd, "open_interest_quantity": round(coins, 4),
        "open_interest_volume_ratio": round(usd / day, 4),
    }  # fmt: skip
    for window in _WINDOWS:
        bought, sold = ledger.flow(contracts, now - _span(window), now)
        row[f"price_change_percent_{window}"] = round(ledger.change_percent(asset, _span(window), now), 2)
        row[f"long_short_ratio_{window}"] = round(bought / sold, 4)
    for window in _INTEREST_WINDOWS:
        before = ledger.interest_of(contracts, now - _span(window), now)[0]
        earlier = sum(ledger.flow(contracts, now - 2 * _span(window), now - _span(window)))
        latest = sum(ledger.flow(contracts, now - _span(window), now))
        row[f"open_interest_change_percent_{window}"] = round((usd / before - 1) * 100, 2)
        row[f"volume_change_percent_{window}"] = round((latest / earlier - 1) * 100, 2)
    forced = ledger.forced(contracts, now - _DAY_MS, now)
    for window in ("1h", "4h", "12h", "24h"):
        recent = [each for each in forced if each.event_ms >= now - _span(window)]
        row[f"liquidation_usd_{window}"] = sum(each.usd for each in recent)
        row[f"long_liquidation_usd_{window}"] = sum(each.usd for each in recent if each.long)
        row[f"short_liquidation_usd_{window}"] = sum(each.usd for each in recent if not each.long)
    return row


def _pairs_markets(request: Request) -> list[dict[str, Any]]:
    return [_pair_market(request, contract) for contract in request.coin()]


def _pair_market(request: Request, contract: Contract) -> dict[str, Any]:
    ledger, now = request.ledger, request.now
    bought, sold = ledger.flow([contract], now - _DAY_MS, now)
    earlier = sum(ledger.flow([contract], now - 2 * _DAY_MS, now - _DAY_MS))
    usd, coins = ledger.interest(contract, now, now)
    before = ledger.interest(contract, now - _DAY_MS, now)[0]
    forced = ledger.forced([contract], now - _DAY_MS, now)
    base, quote = _names(contract)
    price = ledger.price(contract.asset, now, now) * contract.listing.scale
    row = {
        "instrument_id": contract.listing.symbol, "exchange_name": contract.exchange, "symbol": f"{base}/{quote}",
        "current_price": price, "index_price": price * 1.0002,
        "price_change_percent_24h": round(ledger.change_percent(contract.asset, _DAY_MS, now), 2),
        "volume_usd": bought + sold, "volume_usd_change_percent_24h": round(((bought + sold) / earlier - 1) * 100, 2),
        "long_volume_usd": bought, "short_volume_usd": sold, "open_interest_quantity": round(coins, 4),
        "open_interest_usd": usd, "open_interest_change_percent_24h": round((usd / before - 1) * 100, 2),
        "long_liquidation_usd_24h": sum(each.usd for each in forced if each.long),
        "short_liquidation_usd_24h": sum(each.usd for each in forced if not each.long),
        "funding_rate": round(ledger.funding(contract, now), 6),
        "open_interest_volume_radio": round(usd / (bought + sold), 4),
    }  # fmt: skip
    if contract.listing.venue != "okx":  # the key is missing on some rows of the real service too
        hours = contract.funding_hours * _HOUR_MS
        row["next_funding_time"] = (now // hours + 1) * hours
    return row


def _price_changes(request: Request) -> list[dict[str, Any]]:
    ledger, now = request.ledger, request.now
    rows = []
    for asset in ledger.assets.values():
        row: dict[str, Any] = {"symbol": asset.name, "current_price": ledger.price(asset, now, now)}
        for window in _WINDOWS:
            _, high, low, _ = ledger.candle(asset, now - _span(window), now, now)
            row[f"price_change_percent_{window}"] = round(ledger.change_percent(asset, _span(window), now), 2)
            row[f"price_amplitude_percent_{window}"] = round((high / low - 1) * 100, 2)
        rows.append(row)
    return rows


def _candles(request: Request) -> list[dict[str, Any]]:
    contract, scale = request.pair(), request.pair().listing.scale
    rows = []
    for begin, end in request.bars():
        prices = request.ledger.candle(contract.asset, begin, end, request.now)
        row: dict[str, Any] = {"time": begin}
        for name, price in zip(("open", "high", "low", "close"), prices, strict=True):
            row[name] = f"{price * scale:.{contract.listing.price_decimals}f}"
        row["volume_usd"] = f"{sum(request.ledger.flow([contract], begin, end)):.4f}"
        rows.append(row)
    return rows


def _spot_candles(request: Request) -> list[dict[str, Any]]:
    contract = request.pair()
    rows = []
    for begin, end in request.bars():
        prices = request.ledger.candle(contract.asset, begin, end, request.now)
        volume = sum(request.ledger.flow([contract], begin, end, "spot"))
        rows.append({"time": begin, **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
                     "volume_usd": volume})  # fmt: skip
    return rows


def _spot_pairs(request: Request) -> list[dict[str, Any]]:
    ledger, now = request.ledger, request.now
    rows = []
    for contract in request.coin():
        if contract.listing.inverse:
            continue
        row: dict[str, Any] = {
            "symbol": f"{contract.asset.name}/USDT", "exchange_name": contract.exchange,
            "current_price": ledger.price(contract.asset, now, now),
        }  # fmt: skip
        for window in ("1h", "4h", "12h", "24h", "1w"):
            bought, sold = ledger.flow([contract], now - _span(window), now, "spot")
            row[f"volume_usd_{window}"] = bought + sold
            row[f"buy_volume_usd_{window}"], row[f"sell_volume_usd_{window}"] = bought, sold
            row[f"net_flows_usd_{window}"] = bought - sold
            row[f"price_change_percent_{window}"] = round(ledger.change_percent(contract.asset, _span(window), now), 2)
        rows.append(row)
    return rows


def _spot_coins(request: Request) -> list[dict[str, Any]]:
    ledger, now = request.ledger, request.now
    rows = []
    for asset in _page(request):
        contracts = [each for each in ledger.of(asset.name) if not each.listing.inverse]
        row: dict[str, Any] = {"symbol": asset.name, "current_price": ledger.price(asset, now, now)}
        for window in _SPOT_WINDOWS:
            bought, sold = ledger.flow(contracts, now - _span(window), now, "spot")
            row[f"price_change_percent_{window}"] = round(ledger.change_percent(asset, _span(window), now), 2)
            row[f"volume_usd_{window}"], row[f"volume_flow_usd_{window}"] = bought + sold, bought - sold
            row[f"buy_volume_usd_{window}"], row[f"sell_volume_usd_{window}"] = bought, sold
        rows.append(row)
    return rows


ROUTES = {
    "futures/supported-coins": Route(_coins),
    "futures/supported-exchanges": Route(lambda _: list(EXCHANGES.values())),
    "futures/supported-exchange-pairs": Route(_pairs),
    "futures/exchange-rank": Route(_rank),
    "futures/coins-markets": Route(_coins_markets, least=2),
    "futures/pairs-markets": Route(_pairs_markets),
    "futures/coins-price-change": Route(_price_changes, least=2),
    "futures/price/history": Route(_candles, floor=True),
    "spot/price/history": Route(_spot_candles, floor=True),
    "spot/pairs-markets": Route(_spot_pairs),
    "spot/coins-markets": Route(_spot_coins, least=2),
}
