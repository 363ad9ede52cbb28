"""Patterns whose truth is known: exact orders and levels, and for each case whether its rule is satisfied.

The amounts are the product's published defaults (USD), written down here a second time on
purpose: the simulator shares no code with the program that it tries.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from simulator.listings import VENUES, assets
from simulator.scenarios import QUIET_USD, Intensity, Move, Order, Scenario

__all__ = ["MARKET", "SCALES", "Case", "Pattern", "Scale", "Script"]

MARKET = "MARKET"
"""The asset of a finding that is about all of them."""


class Scale(NamedTuple):
    """What a group of coins needs.

    forced: of a storm or flush, 30 s. cluster: large orders, 30 s; orders: how many of them at least.
    whale: one taker order. absorbed: orders against a flush. flow: taker volume of five minutes.
    """

    forced: float
    cluster: float
    orders: int
    whale: float
    absorbed: float
    flow: float


_SMALL = Scale(5e5, 5e5, 2, 2e5, 25e3, 5e5)

SCALES = {
    "majors": Scale(2e6, 3e6, 3, 1e6, 100e3, 2e6),
    "large_cap": Scale(1e6, 1.5e6, 3, 5e5, 50e3, 1e6),
    "mid_cap": _SMALL,
    "others": _SMALL,
}

_GROUPS = {
    # BTC is left alone: its trades are how a client knows that a venue lives
    "majors": ("ETH", "BNB"),
    "large_cap": ("SOL", "ADA", "XRP"),
    "mid_cap": ("AVAX", "DOT", "POL"),
    "others": (
        "DOGE", "LINK", "LTC", "BCH", "UNI", "AAVE", "ARB", "OP", "SUI", "APT", "NEAR", "TIA", "INJ", "SEI", "FIL",
        "ATOM", "TRX", "TON", "ETC", "HBAR", "ICP", "WIF", "ORDI", "JUP", "ENA", "WLD", "LDO", "FET", "ZEC",
    ),
}  # fmt: skip

_LEAST_GAP_MS = 700
"""Binance and OKX let one forced order per contract and second through; each third one is of the same venue."""

_JITTER = 2e-5
_EVEN = 0.03
_AFTER_MS = 70_000


@dataclass(frozen=True, slots=True)
class Case:
    """What is true of one coin (of `MARKET`: of all) within a time, in ms since the start.

    fires: whether the kind's rule is satisfied, first within the time; False for what only looks
    similar. direction: as the finding's; of what does not fire, the one that it resembles.
    """

    fires: bool
    kind: str
    asset: str
    direction: str
    from_ms: int
    to_ms: int
    what: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind's scenario of one seed. orders: in order of time. length_ms: after it nothing happens.

    begin_ms: when its open interest begins to be told, 0 or before.
    """

    name: str
    seed: int
    orders: tuple[Order, ...]
    moves: tuple[Move, ...]
    cases: tuple[Case, ...]
    length_ms: int
    begin_ms: int = 0

    def scenario(self) -> Scenario:
        """Return the pattern in a market that is quiet otherwise."""
        scripted = frozenset(each.asset for each in self.orders) | {move.asset for move in self.moves}
        return Scenario(self.name, Intensity(), largest_trade_usd=QUIET_USD, largest_liquidation_usd=QUIET_USD,
                        orders=self.orders, moves=self.moves, scripted=scripted)  # fmt: skip

    def truth(self, start_ms: int) -> dict[str, Any]:
        """Return the ground truth with Unix times. start_ms: Unix ms of the start."""
        cases = [
            {"fires": case.fires, "kind": case.kind, "asset": case.asset, "direction": case.direction,
             "from_ms": start_ms + case.from_ms, "to_ms": start_ms + case.to_ms, "what": case.what}
            for case in self.cases
        ]  # fmt: skip
        return {"simulated": True, "scenario": self.name, "seed": self.seed, "start_ms": start_ms,
                "seconds": self.length_ms / 1000, "cases": cases}  # fmt: skip


class Script:
    """Collects one pattern. Each case has coins of its own, drawn by the seed, so that cases cannot meet."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.seed = name, seed
        self.random = random.Random(f"pattern {name} {seed}")
        self.cases: list[Case] = []
        self.moves: list[Move] = []
        self._orders: list[Order] = []
        self._listed = {asset.name: asset for asset in assets()}
        self._free = {group: self.random.sample(coins, len(coins)) for group, coins in _GROUPS.items()}
        self._courses: dict[str, Sequence[tuple[int, float]]] = {}
        self._turns: dict[str, int] = {}

    # -- what is drawn ---------------------------------------------------------------------

    def coin(self, group: str) -> str:
        """Return a coin of a group that no case has."""
        return self._free[group].pop()

    def any_coin(self) -> tuple[str, str]:
        """Return a group and a coin of it that no case has."""
        group = self.random.choice([group for group, coins in self._free.items() for _ in coins])
        return group, self.coin(group)

    def moment(self, first_s: float = 20.0, last_s: float = 40.0) -> int:
        """Return a time in ms."""
        return round(self.random.uniform(first_s, last_s) * 1000)

    def floor(self, asset: str) -> float:
        """Return the USD from which a taker order is large."""
        return 100e3 if asset == "ETH" else 10e3

    # -- what is written -------------------------------------------------------------------

    def case(self, asset: str, direction: str, from_ms: int, to_ms: int, what: str, *, fires: bool) -> None:
        """Add what is true."""
        self.cases.append(Case(fires, self.name, asset, direction, from_ms, to_ms, what))

    def course(self, asset: str, *points: tuple[int, float]) -> None:
        """Lead the price along (ms, percent away from the start), straight in between. Before the coin's orders."""
        self._courses[asset] = points

    def order(self, asset: str, side: str, usd: float, at_ms: int) -> None:
        """Add one order; its venues take turns."""
        turn = self._turns[asset] = self._turns.get(asset, self.random.randrange(len(VENUES))) + 1
        price = self._listed[asset].price * (1 + self._percent(asset, at_ms) / 100)
        price *= 1 + self.random.uniform(-_JITTER, _JITTER)
        self._orders.append(Order(at_ms, asset, VENUES[turn % len(VENUES)], side, round(usd, 2), price))

    def burst(
        self, asset: str, sides: str | Sequence[str], usd: float, count: int, start_ms: int, span_ms: int
    ) -> int:
        """Add `count` nearly equal orders of `usd` together, evenly over a span, sides taking turns; return the end."""
        turns = (sides,) if isinstance(sides, str) else sides
        gap = span_ms / max(count - 1, 1)
        if gap < _LEAST_GAP_MS and set(turns) & {"long", "short"}:
            raise ValueError(f"{asset}: forced orders {gap:.0f} ms apart would not all be printed")
        shares = [1 + self.random.uniform(-_EVEN, _EVEN) for _ in range(count)]
        at_ms = start_ms
        for number, share in enumerate(shares):
            at_ms = start_ms + round(number * gap)
            self.order(asset, turns[number % len(turns)], usd * share / sum(shares), at_ms)
        return at_ms

    def crowd(self, asset: str, sides: str | Sequence[str], usd: float, start_ms: int, span_ms: int) -> None:
        """Add taker orders of `usd` together that are each below what is called large."""
        self.burst(asset, sides, usd, round(usd / (0.7 * self.floor(asset))) + 1, start_ms, span_ms)

    def murmur(self, asset: str, from_ms: int, to_ms: int) -> None:
        """Add the small taker orders that any coin has: some 30 a minute, $800 each, both sides alike."""
        at_ms = from_ms
        while at_ms < to_ms:
            self.order(asset, self.random.choice(("buy", "sell")), self.random.uniform(100, 1500), at_ms)
            at_ms += self.random.randint(500, 3500)

    def pattern(self) -> Pattern:
        """Return what was written."""
        orders = tuple(sorted(self._orders, key=lambda order: order.at_ms))
        last = max([orders[-1].at_ms if orders else 0, *(case.to_ms for case in self.cases)])
        return Pattern(self.name, self.seed, orders, tuple(self.moves), tuple(self.cases), last + _AFTER_MS)

    def _percent(self, asset: str, at_ms: int) -> float:
        points = self._courses.get(asset, ())
        if not points or at_ms <= points[0][0]:
            return points[0][1] if points else 0.0
        for (begin, start), (end, stop) in pairwise(points):
            if at_ms <= end:
                return start + (stop - start) * (at_ms - begin) / max(end - begin, 1)
        return points[-1][1]
