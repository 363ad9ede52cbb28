"""What one venue publishes about its contracts: the ledger's numbers in the venue's own units.

CoinGlass's simulated answers are views of the same ledger, so the two agree. Times are Unix ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulator.coinglass.ledger import Contract, Ledger

__all__ = ["MINUTE_MS", "Bar", "Figures"]

MINUTE_MS = 60_000
_DAY_MS = 1_440 * MINUTE_MS
_DEPTH_OF_TURNOVER = 4e-4
_DEPTH_LEVELS = 100
"""Levels within 1 % of the price."""

_WALL_EVERY, _WALL_TIMES = 37, 9.0
_SPACING = 0.0001
_BARS_KEPT = 100_000
_SHORT_MS = 5 * MINUTE_MS
_STEPS, _STEPS_OF_SHORT = 6, 2
"""At how many places between its ends the price of a candle is looked up."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle in the venue's price unit. bought, sold: by takers, USD."""

    begin: int
    end: int
    open: float
    high: float
    low: float
    close: float
    bought: float
    sold: float

    @property
    def usd(self) -> float:
        """The turnover."""
        return self.bought + self.sold


class Figures:
    """Questions about one venue's contracts by symbol; an unknown symbol raises KeyError. now: Unix ms."""

    def __init__(self, contracts: Iterable[Contract], ledger: Ledger, now: Callable[[], int]) -> None:
        self.contracts = {contract.listing.symbol: contract for contract in contracts}
        self.ledger = ledger
        self.now = now
        self._closed: dict[tuple[str, int, int], Bar] = {}

    def bars(self, symbol: str, minutes: int, limit: int, until: int | None = None) -> list[Bar]:
        """Return the newest candles that opened by `until` (now), oldest first; one that has not ended is open."""
        length, now = minutes * MINUTE_MS, self.now()
        newest = (now if until is None else min(now, until)) // length * length
        return [self._bar(symbol, newest - back * length, length, now) for back in range(limit - 1, -1, -1)]

    def day(self, symbol: str) -> Bar:
        """Return the last 24 h as one candle, with the range that its hours have."""
        now = self.now()
        whole = self._made(symbol, now - _DAY_MS, _DAY_MS, now)
        hours = self.bars(symbol, 60, 24)
        high, low = max(bar.high for bar in hours), min(bar.low for bar in hours)
        return Bar(whole.begin, now, whole.open, max(high, whole.open), min(low, whole.open), whole.close,
                   whole.bought, whole.sold)  # fmt: skip

    def price(self, symbol: str) -> float:
        """Return the last price as the venue quotes it."""
        contract = self.contracts[symbol]
        return self.ledger.price(contract.asset, self.now(), self.now()) * contract.listing.scale

    def spot_usd(self, asset: str) -> float:
        """Return the spot turnover of 24 h. Raises KeyError for a coin without contract here."""
        own = [contract for contract in self.contracts.values() if contract.asset.name == asset]
        if not own:
            raise KeyError(asset)
        return sum(self.ledger.flow(own, self.now() - _DAY_MS, self.now(), "spot"))

    def interest(self, symbol: str, at: int | None = None) -> tuple[float, float]:
        """Return the single-sided open interest in base units (of `1000PEPE`: thousands) and in USD."""
        contract = self.contracts[symbol]
        usd, coins = self.ledger.interest(contract, self.now() if at is None else at, self.now())
        return coins / contract.listing.scale, usd

    def funding(self, symbol: str, at: int | None = None) -> float:
        """Return the rate per interval as a fraction."""
        return self.ledger.funding(self.contracts[symbol], self.now() if at is None else at) / 100.0

    def settlements(self, symbol: str, limit: int) -> list[int]:
        """Return the times of the newest settlements, oldest first."""
        length = self.contracts[symbol].funding_hours * 60 * MINUTE_MS
        newest = self.now() // length * length
        return [newest - back * length for back in range(limit - 1, -1, -1)]

    def next_settlement(self, symbol: str) -> int:
        """Return the time of the next settlement."""
        length = self.contracts[symbol].funding_hours * 60 * MINUTE_MS
        return (self.now() // length + 1) * length

    def long_share(self, kind: str, symbol: str, at: int) -> float:
        """Return the share of longs (0..1). kind: `accounts`, `top accounts` or `top positions`."""
        contract = self.contracts[symbol]
        return round(52 + 18 * self.ledger.state(f"{kind} {contract.name}", at), 2) / 100.0

    def ends(self, minutes: int, limit: int) -> list[int]:
        """Return the newest ends of periods, oldest first."""
        length = minutes * MINUTE_MS
        newest = self.now() // length * length
        return [newest - back * length for back in range(limit - 1, -1, -1)]

    def levels(self, symbol: str, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return (bids, asks), best first, as (price, USD): even levels with a wall here and there."""
        contract, price = self.contracts[symbol], self.price(symbol)
        even = contract.asset.turnover * contract.share * _DEPTH_OF_TURNOVER / _DEPTH_LEVELS
        sides = []
        for name, sign in (("bids", -1.0), ("asks", 1.0)):
            usd = even * (1 + 0.6 * self.ledger.state(f"{name} {contract.name}", self.now()))
            sides.append([
                (price * (1 + sign * _SPACING * (step + 0.5)), usd * (_WALL_TIMES if step % _WALL_EVERY == 20 else 1.0))
                for step in range(count)
            ])  # fmt: skip
        return sides[0], sides[1]

    def _bar(self, symbol: str, begin: int, length: int, now: int) -> Bar:
        """Return one candle; those that ended are kept, since they never change."""
        key = (symbol, begin, length)
        kept = self._closed.get(key)
        if kept is None:
            kept = self._made(symbol, begin, length, now)
            if kept.end <= now:
                self._closed[key] = kept
                if len(self._closed) > _BARS_KEPT:
                    del self._closed[next(iter(self._closed))]
        return kept

    def _made(self, symbol: str, begin: int, length: int, now: int) -> Bar:
        contract = self.contracts[symbol]
        scale, end = contract.listing.scale, min(begin + length, now)
        steps = _STEPS if length > _SHORT_MS else _STEPS_OF_SHORT
        path = [self.ledger.price(contract.asset, begin + (end - begin) * step // steps, now) for step in range(steps + 1)]
        opened, high, low, close = path[0], max(path), min(path), path[-1]
        bought, sold = self.ledger.flow([contract], begin, end)
        return Bar(begin, begin + length, opened * scale, high * scale, low * scale, close * scale, bought, sold)
