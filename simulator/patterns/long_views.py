"""What the demo's market adds for the kinds that look back further than the demo lasts, and its past.

A volume spike is many times a coin's own median minute after six hours of them; a divergence of open interest is
one of fifteen minutes. So two coins of the demo's market have a past, which whoever watches it must have seen: the
hours before the start belong to the pattern as negative times.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from simulator.coinglass.ledger import Contract, Ledger
from simulator.feeds import History, VenueClock
from simulator.listings import Asset, assets
from simulator.past import past_price
from simulator.patterns.script import Case, Pattern
from simulator.scenarios import QUIET_USD, Move, Order, Scenario

__all__ = ["TRADES_MS", "long_views", "with_long_views"]

TRADES_MS = 390 * 60_000
"""So long before the start the trades of one coin begin."""

_INTEREST_MS = 30 * 60_000
"""So long before the start the open interest of another coin is told."""

_COINS = ("OP", "TIA", "INJ", "ATOM", "TON", "ETC", "WIF", "ORDI", "JUP", "LDO", "FET")
"""Coins to which nothing else of the demo happens."""

_MINUTE_MS = 60_000
_SPIKE_USD, _SPIKE_MS = 2.9e6, (14_000, 58_000)
_BOUGHT, _RISE, _NOISE = 0.58, 0.006, 7e-5
"""Share of the orders that buy; how far the price rises; how far each order moves it at random, as fractions."""

_SHIFT_S = (-50.0, -5.0)
"""Between the last open interest of the past, a minute before the start, and the first poll."""

_GAIN, _LOSS = 1.045, 0.97
_FUNDING_8H = -0.31
_HELD_S = 86_400.0
_LENGTH_MS = 75_000


def with_long_views(scenario: Scenario, seed: int) -> Scenario:
    """Return a scenario in which these three things happen as well."""
    pattern = long_views(seed)
    orders = tuple(order for order in pattern.orders if order.at_ms >= 0)
    return replace(scenario, orders=orders, moves=pattern.moves)


def long_views(seed: int) -> Pattern:
    """Return a spike of volume, one extreme rate of funding, one divergence of open interest, and what came before."""
    draw = random.Random(f"long views {seed}")
    listed = {asset.name: asset for asset in assets()}
    spiky, costly, split = (listed[name] for name in draw.sample(_COINS, 3))
    orders = sorted([*_calm(draw, spiky), *_burst(draw, spiky)], key=lambda order: order.at_ms)
    payer, gainer = draw.choice(("binance", "bybit", "okx")), draw.choice(("binance", "bybit", "okx"))
    moves = [Move(payer, costly.name, 0.0, _HELD_S, funding_8h=_FUNDING_8H)]
    moves += [
        Move(venue, split.name, *_SHIFT_S, interest=_GAIN if venue == gainer else _LOSS)
        for venue in ("binance", "bybit", "okx")
    ]
    cases = (
        Case(True, "volume_spike", spiky.name, "neutral", *_SPIKE_MS, "ordinary orders, many times the usual minute"),
        Case(True, "funding_extreme", costly.name, "short", 0, _LENGTH_MS, f"shorts pay 0.31 % per 8 h on {payer}"),
        Case(True, "oi_divergence", split.name, "neutral", -_MINUTE_MS, _LENGTH_MS,
             f"4.5 % more on {gainer}, 3 % less on the others"),
    )  # fmt: skip
    return Pattern("demo", seed, tuple(orders), tuple(moves), cases, _LENGTH_MS, -_INTEREST_MS)


def _calm(draw: random.Random, asset: Asset) -> Iterator[Order]:
    """Yield taker orders of the hours before the start that sum up to the flow that the venues' candles tell."""
    ledger = Ledger((asset,), VenueClock(0), History({}, {}))
    for begin in range(-TRADES_MS, 0, _MINUTE_MS):
        for contract in ledger.contracts:
            bought, sold = ledger.flow([contract], begin, begin + _MINUTE_MS)
            for side, usd in (("buy", bought), ("sell", sold)):
                yield from _spread(draw, contract, side, usd, begin)


def _spread(draw: random.Random, contract: Contract, side: str, usd: float, begin: int) -> Iterator[Order]:
    parts = [draw.uniform(0.2, 1.0) for _ in range(int(usd / (0.5 * QUIET_USD)) + 1)]
    for part in parts:
        at_ms = begin + draw.randrange(_MINUTE_MS)
        amount = min(usd * part / sum(parts), QUIET_USD)
        price = past_price(contract.asset, at_ms)
        yield Order(at_ms, contract.asset.name, contract.listing.venue, side, round(amount, 2), price)


def _burst(draw: random.Random, asset: Asset) -> Iterator[Order]:
    """Yield small orders of both sides, more of them bought, that lift the price a little on its random way."""
    begin, end = _SPIKE_MS
    venues = [listing.venue for listing in asset.listings]
    price, told = asset.price, 0.0
    while told < _SPIKE_USD:
        usd = draw.uniform(0.15, 1.0) * QUIET_USD
        price *= 1 + _RISE * usd / _SPIKE_USD + draw.gauss(0.0, _NOISE)
        at_ms = begin + round((end - begin) * told / _SPIKE_USD)
        side = "buy" if draw.random() < _BOUGHT else "sell"
        venue = draw.choices(venues, asset.shares)[0]
        yield Order(at_ms, asset.name, venue, side, round(usd, 2), price)
        told += usd
