"""The simulated market: a seeded stream of trades, forced orders and prices. Pure: no clock, no sockets.

Forced orders are a Hawkes process drawn through its clusters: "immigrants" arrive at the scenario's rate,
each order sets off a Poisson number of further ones with exponential delays, mostly on the same side.
Taker orders arrive as a Poisson process with persistent sides; large ones also come in clusters. Each
order moves the price by the square root of its size; a scenario's shock moves it too. All of it is scheduled on one heap, so the stream
does not depend on how often `until` is called.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from simulator.listings import Asset, Listing
from simulator.parameters import Parameters
from simulator.scenarios import Intensity, Order, Scenario

__all__ = ["Event", "Liquidation", "Mark", "Market", "Trade"]

_REFERENCE_TURNOVER = 2.3e10
"""USD a day of the tape that trade sizes were fitted on (BTC, Binance)."""

_ALT_TURNOVER = 1.5e8
"""USD a day of the coins that make up most of the tape that forced orders were fitted on."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One taker order. at_ms counts from the start of the simulation; price and quantity as printed."""

    at_ms: int
    listing: Listing
    buy: bool
    price: str
    quantity: str
    usd: float


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One forced order. long: the POSITION was long. price: average fill; limit: bankruptcy price.

    number: of a numbered storm, else 0.
    """

    at_ms: int
    listing: Listing
    long: bool
    price: str
    limit: str
    quantity: str
    usd: float
    number: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """The price of one coin at a full second."""

    at_ms: int
    asset: Asset
    price: float


Event = Trade | Liquidation | Mark


class _Coin:
    """What changes about one asset."""

    __slots__ = ("asset", "home", "log_price", "moved_ms", "side", "size_of_forced", "size_of_trade", "weight")

    def __init__(self, asset: Asset, parameters: Parameters) -> None:
        self.asset = asset
        self.log_price = self.home = math.log(asset.price)
        self.moved_ms = 0.0
        self.side = True
        relative = asset.turnover / _REFERENCE_TURNOVER
        self.weight = relative**parameters.trade_rate_exponent if relative else 0.0
        self.size_of_trade = relative**parameters.trade_size_exponent if relative else 0.0
        self.size_of_forced = (asset.turnover / _ALT_TURNOVER) ** parameters.liquidation_size_exponent


class Market:
    """The stream of events of one scenario and seed.

    The same arguments give the same events. `until` must be called with rising times.
    """

    def __init__(self, assets: tuple[Asset, ...], parameters: Parameters, scenario: Scenario, seed: int) -> None:
        self._random = random.Random(f"market {scenario.name} {seed}")
        self._parameters = parameters
        self._scenario = scenario
        self._coins = {asset.name: _Coin(asset, parameters) for asset in assets}
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._scheduled = 0
        self._out: list[Event] = []
        for coin in self._coins.values():
            if coin.asset.turnover and coin.asset.name not in scenario.scripted:
                self._next_trade(coin, 0.0)
                self._next_forced(coin, 0.0)
                self._next_whale(coin, 0.0)
        self._at(1000.0, self._mark)
        self._next_scripted(0)
        if scenario.numbered is not None:
            self._at(scenario.numbered.first_s * 1000.0, lambda now: self._storm(now, 1))

    def until(self, now_ms: int) -> list[Event]:
        """Return the events after the last call's time up to and including `now_ms`, in order of time."""
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            at, _, act = heapq.heappop(heap)
            act(at)
        out, self._out = self._out, []
        return out

    def price(self, asset: str) -> float:
        """Return the price of one coin in USD, as of the last event."""
        return math.exp(self._coins[asset].log_price)

    def _at(self, at_ms: float, act: Callable[[float], None]) -> None:
        self._scheduled += 1
        heapq.heappush(self._heap, (at_ms, self._scheduled, act))

    def _arrival(self, coin: _Coin, now: float, rate: Callable[[Intensity], float], act: Callable[[float], None],
                 again: Callable[[_Coin, float], None]) -> None:  # fmt: skip
        """Schedule the next arrival of a Poisson process whose rate is constant between phases."""
        intensity, ends_ms = self._scenario.at(coin.asset.name, now)
        per_second = rate(intensity)
        due = now + self._random.expovariate(per_second) * 1000.0 if per_second > 0 else math.inf
        if due < ends_ms:
            self._at(due, act)
        elif ends_ms < math.inf:
            self._at(ends_ms, lambda at: again(coin, at))

    def _next_trade(self, coin: _Coin, now: float) -> None:
        base = self._parameters.trade_rate * coin.weight

        def act(at: float) -> None:
            intensity, _ = self._scenario.at(coin.asset.name, at)
            if self._random.random() > self._parameters.trade_same_side:
                coin.side = self._random.random() < intensity.buy_share
            self._trade(coin, at, self._trade_usd() * coin.size_of_trade * intensity.trade_size, coin.side)
            self._next_trade(coin, at)

        self._arrival(coin, now, lambda intensity: base * intensity.trade_rate, act, self._next_trade)

    def _next_whale(self, coin: _Coin, now: float) -> None:
        def act(at: float) -> None:
            intensity, _ = self._scenario.at(coin.asset.name, at)
            buy = self._random.random() < intensity.buy_share
            self._whale_order(coin, at, buy)
            for _ in range(self._geometric(self._parameters.whale_children)):
                delay = self._random.expovariate(1 / self._parameters.whale_gap) * 1000.0
                same = self._random.random() < self._parameters.whale_same_side
                self._at(at + delay, lambda due, side=buy == same: self._whale_order(coin, due, side))  # type: ignore[misc]
            self._next_whale(coin, at)

        self._arrival(coin, now, lambda intensity: intensity.whale_rate, act, self._next_whale)

    def _whale_order(self, coin: _Coin, at: float, buy: bool) -> None:
        intensity, _ = self._scenario.at(coin.asset.name, at)
        self._trade(coin, at, intensity.whale_usd * self._pareto(self._parameters.trade_tail_index), buy)

    def _next_forced(self, coin: _Coin, now: float) -> None:
        base = self._parameters.liquidation_base_rate * coin.weight

        def act(at: float) -> None:
            intensity, _ = self._scenario.at(coin.asset.name, at)
            self._forced(coin, at, self._random.random() < intensity.long_share)
            self._next_forced(coin, at)

        self._arrival(coin, now, lambda intensity: base * intensity.liquidation_rate, act, self._next_forced)

    def _forced(self, coin: _Coin, at: float, long: bool) -> None:
        """Emit a forced order and schedule those that it sets off."""
        parameters = self._parameters
        intensity, _ = self._scenario.at(coin.asset.name, at)
        usd = self._forced_usd() * coin.size_of_forced * intensity.liquidation_size
        usd = self._capped(usd, parameters.largest_liquidation * coin.size_of_forced)
        usd = min(usd, self._scenario.largest_liquidation_usd)
        listing = self._listing(coin.asset)
        price = self._move(coin, at, usd, buy=not long) * listing.scale
        gap = parameters.bankruptcy_gap * (0.5 + self._random.random())
        limit = price * (1 - gap if long else 1 + gap)
        self._out.append(_liquidation(at, listing, long, price, limit, usd))
        for _ in range(self._poisson(parameters.hawkes_branching)):
            delay = self._random.expovariate(parameters.hawkes_decay) * 1000.0
            same = self._random.random() < parameters.liquidation_same_side
            self._at(at + delay, lambda due, side=long == same: self._forced(coin, due, side))  # type: ignore[misc]

    def _storm(self, now: float, number: int) -> None:
        """Emit one numbered storm: equal forced orders of one side on a coin of its own."""
        plan = self._scenario.numbered
        if plan is None or number > plan.count:
            return
        asset = self._coins[plan.asset(number)].asset
        listing = asset.listings[0]
        cents = plan.usd * 100 + number
        for row in range(plan.rows):
            share = cents // plan.rows + (cents % plan.rows if row == 0 else 0)
            self._at(now + row * plan.gap_s * 1000.0, lambda at, part=share: self._out.append(_exact(at, listing, part, number)))  # type: ignore[misc]
        self._at(now + plan.every_s * 1000.0, lambda at: self._storm(at, number + 1))

    def _next_scripted(self, index: int) -> None:
        if index < len(self._scenario.orders):
            order = self._scenario.orders[index]
            self._at(order.at_ms, lambda at: self._scripted(at, order, index))

    def _scripted(self, at: float, order: Order, index: int) -> None:
        """Emit an order as the scenario has it."""
        coin = self._coins[order.asset]
        coin.log_price = math.log(order.price)
        listing = next(each for each in coin.asset.listings if each.venue == order.venue)
        price = order.price * listing.scale
        if order.forced:
            long, gap = order.side == "long", self._parameters.bankruptcy_gap
            limit = price * (1 - gap if long else 1 + gap)
            self._out.append(_liquidation(at, listing, long, price, limit, order.usd))
        else:
            self._out.append(_taken(at, listing, order.side == "buy", price, order.usd))
        self._next_scripted(index + 1)

    def _trade(self, coin: _Coin, at: float, usd: float, buy: bool) -> None:
        usd = self._capped(usd, self._parameters.largest_order * coin.size_of_trade)
        usd = min(usd, self._scenario.largest_trade(coin.asset.name))
        listing = self._listing(coin.asset)
        price = self._move(coin, at, usd, buy=buy) * listing.scale
        self._out.append(_taken(at, listing, buy, price, usd))

    def _move(self, coin: _Coin, at: float, usd: float, *, buy: bool) -> float:
        """Let time and one order act on the price; return it."""
        parameters = self._parameters
        seconds = max(at - coin.moved_ms, 0.0) / 1000.0
        coin.moved_ms = at
        coin.log_price += self._scenario.at(coin.asset.name, at)[0].drift * seconds
        coin.log_price += self._random.gauss(0.0, 1.0) * parameters.volatility * math.sqrt(seconds)
        coin.log_price += (coin.home - coin.log_price) * min(1.0, seconds * parameters.reversion)
        # A coin with a hundredth of the turnover moves ten times as much for the same order.
        depth = max(coin.asset.turnover / _REFERENCE_TURNOVER, 1e-4)
        step = min(parameters.impact * math.sqrt(usd / depth), 0.004)
        coin.log_price += step if buy else -step
        return math.exp(coin.log_price)

    def _mark(self, now: float) -> None:
        for coin in self._coins.values():
            if coin.asset.turnover:
                still = coin.asset.name in self._scenario.scripted
                price = self.price(coin.asset.name) if still else self._move(coin, now, 0.0, buy=True)
                self._out.append(Mark(int(now), coin.asset, price))
        self._at(now + 1000.0, self._mark)

    def _listing(self, asset: Asset) -> Listing:
        if len(asset.listings) == 1:
            return asset.listings[0]
        return self._random.choices(asset.listings, asset.shares)[0]

    def _trade_usd(self) -> float:
        p = self._parameters
        return self._size(p.trade_log_mean, p.trade_log_sd, p.trade_tail_share, p.trade_tail_from, p.trade_tail_index)

    def _forced_usd(self) -> float:
        p = self._parameters
        return self._size(p.liquidation_log_mean, p.liquidation_log_sd, p.liquidation_tail_share,
                          p.liquidation_tail_from, p.liquidation_tail_index)  # fmt: skip

    def _size(self, mean: float, sd: float, tail_share: float, tail_from: float, index: float) -> float:
        """Draw from a lognormal body below `tail_from` and a Pareto tail above it."""
        if self._random.random() < tail_share:
            return tail_from * self._pareto(index)
        while True:
            size = self._random.lognormvariate(mean, sd)
            if size <= tail_from:
                return size

    def _capped(self, usd: float, largest: float) -> float:
        """Return a size that the book can take: what is too large is split, so its largest part varies."""
        return usd if usd <= largest else largest * (0.5 + 0.5 * self._random.random())

    def _pareto(self, index: float) -> float:
        return math.exp(-math.log(1.0 - self._random.random()) / index)

    def _geometric(self, mean: float) -> int:
        return int(math.log(1.0 - self._random.random()) / math.log(mean / (1.0 + mean)))

    def _poisson(self, mean: float) -> int:
        """Draw from a Poisson law of small mean (Knuth's product of uniforms)."""
        limit, product, count = math.exp(-mean), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count


def _taken(at: float, listing: Listing, buy: bool, price: float, usd: float) -> Trade:
    text = f"{price:.{listing.price_decimals}f}"
    quantity = listing.quantity(usd, price)
    return Trade(int(at), listing, buy, text, quantity, listing.usd(float(text), float(quantity)))


def _liquidation(at: float, listing: Listing, long: bool, price: float, limit: float, usd: float) -> Liquidation:
    decimals = listing.price_decimals
    text, quantity = f"{price:.{decimals}f}", listing.quantity(usd, price)
    value = listing.usd(float(text), float(quantity))
    return Liquidation(int(at), listing, long, text, f"{limit:.{decimals}f}", quantity, value)


def _exact(at: float, listing: Listing, cents: int, number: int) -> Liquidation:
    """Return a forced order worth exactly `cents`: at a price of 10.0000 three decimals of lots do it."""
    quantity = f"{cents // 1000}.{cents % 1000:03d}"
    return Liquidation(int(at), listing, True, "10.0000", "9.8000", quantity, cents / 100, number)
