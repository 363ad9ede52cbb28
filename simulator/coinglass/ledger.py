"""What CoinGlass knows of every contract at every time; each endpoint is a view of these numbers.

Prices before the start are of `simulator.past`, afterwards the market's. Sums over venues are sums
of the same numbers, so every total agrees with its parts. Times are Unix ms.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.feeds import History, Printed, VenueClock
from simulator.listings import Asset, Listing
from simulator.market import Event, Mark, Trade
from simulator.past import HOUR_MS, SLOW, forced_orders, past_price, wave
from simulator.scenarios import Move

__all__ = ["EXCHANGES", "Contract", "Ledger"]

EXCHANGES = {"binance": "Binance", "bybit": "Bybit", "okx": "OKX"}
"""CoinGlass's names of the venues."""

_MINUTE_MS = 60_000
_MINUTES_KEPT = 3 * 24 * 60
_DAY_MS = 24 * HOUR_MS
_PAST_HOURS = 30 * 24
_SAMPLES = 9
_INTEREST_TO_TURNOVER = 0.6
_FOUR_HOURS_BELOW = 1e9
"""Turnover below which Bybit settles funding each 4 h."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract: its coin, listing, and share of the coin's turnover."""

    asset: Asset
    listing: Listing
    share: float

    @property
    def exchange(self) -> str:
        """CoinGlass's name of the venue."""
        return EXCHANGES[self.listing.venue]

    @property
    def name(self) -> str:
        """A name for its waves."""
        return f"{self.listing.venue} {self.listing.symbol}"

    @property
    def funding_hours(self) -> int:
        """Hours between settlements."""
        return 4 if self.listing.venue == "bybit" and self.asset.turnover < _FOUR_HOURS_BELOW else 8


class Ledger:
    """Questions about contracts and coins. history: of forced orders since the start.

    Coins without turnover (`idle`) have forced orders only. moves: how a scenario shifts
    open interest and funding.
    """

    def __init__(
        self, assets: tuple[Asset, ...], clock: VenueClock, history: History, moves: tuple[Move, ...] = ()
    ) -> None:
        self._moves: dict[tuple[str, str], list[Move]] = defaultdict(list)
        for move in moves:
            self._moves[move.venue, move.asset].append(move)
        self.names = [asset.name for asset in assets]
        self.assets = {asset.name: asset for asset in assets if asset.turnover}
        every = [
            Contract(asset, listing, share)
            for asset in assets
            for listing, share in zip(asset.listings, asset.shares, strict=True)
        ]
        self.contracts = [contract for contract in every if contract.asset.turnover]
        self.idle = [contract for contract in every if not contract.asset.turnover]
        self._clock = clock
        self._history = history
        self._prices = {asset.name: asset.price for asset in assets}
        self._closes: dict[str, dict[int, float]] = defaultdict(dict)

    def take(self, event: Event) -> None:
        """Take the market's prices."""
        if isinstance(event, Mark):
            closes, minute = self._closes[event.asset.name], event.at_ms // _MINUTE_MS
            closes[minute] = self._prices[event.asset.name] = event.price
            if len(closes) > _MINUTES_KEPT:
                del closes[next(iter(closes))]
        elif isinstance(event, Trade):
            self._prices[event.listing.asset] = float(event.price) / event.listing.scale

    def of(self, asset: str = "", exchanges: Iterable[str] = ()) -> list[Contract]:
        """Return a coin's contracts (all coins' if none is named) on some exchanges, or on all."""
        wanted = {name.lower() for name in exchanges}
        return [
            contract
            for contract in self.contracts
            if (not asset or contract.asset.name == asset) and (not wanted or contract.exchange.lower() in wanted)
        ]

    # -- prices ----------------------------------------------------------------------------

    def price(self, asset: Asset, at: int, now: int) -> float:
        """Return a coin's price in USD."""
        if at >= now:
            return self._prices[asset.name]
        since = at - self._clock.start_ms
        if since < 0:
            return past_price(asset, since)
        closes = self._closes[asset.name]
        minute = since // _MINUTE_MS
        while minute >= 0 and minute not in closes:
            minute -= 1
        return closes[minute] if minute >= 0 else asset.price

    def candle(self, asset: Asset, begin: int, end: int, now: int) -> tuple[float, float, float, float]:
        """Return open, high, low and close of a span."""
        end = min(end, now)
        path = [
            self.price(asset, begin + (end - begin) * step // (_SAMPLES - 1), now) for step in range(_SAMPLES)
        ]
        return path[0], max(path), min(path), path[-1]

    def change_percent(self, asset: Asset, span: int, now: int) -> float:
        """Return the price's change over the last `span` ms."""
        return round((self.price(asset, now, now) / self.price(asset, now - span, now) - 1) * 100, 4)

    # -- flows -----------------------------------------------------------------------------

    def flow(self, contracts: Iterable[Contract], begin: int, end: int, market: str = "") -> tuple[float, float]:
        """Return what takers bought and sold in a span, USD. market: "" or `spot`."""
        bought = sold = 0.0
        begin, end = begin - self._clock.start_ms, end - self._clock.start_ms
        for contract in contracts:
            per_ms = contract.asset.turnover * contract.share / 2 / _DAY_MS * (0.18 if market else 1.0)
            bought += per_ms * (end - begin + wave(f"buy {market}{contract.name}").over(begin, end))
            sold += per_ms * (end - begin + wave(f"sell {market}{contract.name}").over(begin, end))
        return bought, sold

    # -- states ----------------------------------------------------------------------------

    def interest(self, contract: Contract, at: int, now: int) -> tuple[float, float]:
        """Return the open interest in USD and in coins."""
        asset = contract.asset
        level = 1 + wave(f"interest {contract.name}", SLOW).at(at - self._clock.start_ms)
        coins = asset.turnover * contract.share * _INTEREST_TO_TURNOVER / asset.price * level
        for move in self._moves.get((contract.listing.venue, asset.name), ()):
            coins *= move.factor(at - self._clock.start_ms)
        return coins * self.price(asset, at, now), coins

    def interest_of(self, contracts: Iterable[Contract], at: int, now: int) -> tuple[float, float]:
        """Return the open interest of several contracts."""
        both = [self.interest(contract, at, now) for contract in contracts]
        return sum(usd for usd, _ in both), sum(coins for _, coins in both)

    def funding(self, contract: Contract, at: int) -> float:
        """Return the rate in percent per the contract's interval."""
        per_8h = 0.006 + 0.012 * wave(f"funding {contract.name}").at(at - self._clock.start_ms)
        for move in self._moves.get((contract.listing.venue, contract.asset.name), ()):
            moved = move.funding(at - self._clock.start_ms)
            per_8h = per_8h if moved is None else moved
        return per_8h * contract.funding_hours / 8

    def weighted_funding(self, contracts: Iterable[Contract], at: int, now: int) -> float:
        """Return the rate per 8 h, weighted by open interest."""
        pairs = [(self.interest(each, at, now)[0], self.funding(each, at) * 8 / each.funding_hours) for each in contracts]
        return sum(usd * rate for usd, rate in pairs) / sum(usd for usd, _ in pairs)

    def state(self, name: str, at: int) -> float:
        """Return a value of about -1 to 1 for anything else that has a name."""
        return wave(name).at(at - self._clock.start_ms)

    # -- forced orders ---------------------------------------------------------------------

    def forced(self, contracts: Iterable[Contract], begin: int, end: int) -> list[Printed]:
        """Return the forced orders in [begin, end), newest first; 30 days back at most."""
        start = self._clock.start_ms
        wanted = list(contracts)
        listings = {contract.listing for contract in wanted}
        rows = [row for row in self._history.liquidations if row.listing in listings and begin <= row.event_ms < end]
        first = max(math.floor((begin - start) / HOUR_MS), -_PAST_HOURS)
        for hour in range(first, min(0, math.ceil((end - start) / HOUR_MS))):
            for each in wanted:
                past = forced_orders(each.asset, each.listing, each.share, hour, start)
                rows += [row for row in past if begin <= row.event_ms < end]
        rows.sort(key=lambda row: -row.event_ms)
        return rows
