"""The simulated world: the market and the servers of its venues, moved in ticks of 20 ms.

With `speed` > 0 the world moves by itself once started; with `speed=0` it stands still and a test moves it
with `advance`. What the venues send depends on seed, scenario and start only, not on how the ticks fall.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator.coinglass.feed import CoinglassFeed
from simulator.coinglass.plans import DEFAULT_KEYS, Account
from simulator.control import ControlServer
from simulator.faults import FAULTS, FaultStep
from simulator.feeds import Printed
from simulator.listings import Asset, assets, numbered_assets
from simulator.market import Market
from simulator.okx.dialogue import upgrade_notice
from simulator.parameters import load
from simulator.patterns import PATTERNS, make
from simulator.patterns.long_views import with_long_views
from simulator.scenarios import SCENARIOS, Scenario
from simulator.truth import Truth
from simulator.venue import Clocks, Venue, binance, bybit, coinglass, hyperliquid, okx

__all__ = ["SERVICES", "TICK_MS", "World", "listed_in"]

TICK_MS = 20
SERVICES = ("binance", "bybit", "okx", "hyperliquid", "coinglass")
_WITHOUT_STREAMS = frozenset({"hyperliquid"})
_WATCH_MS = 200
_TICKS_AT_ONCE = 25


def listed_in(scenario: Scenario) -> tuple[Asset, ...]:
    """Return the coins that exist in a scenario."""
    return assets() if scenario.numbered is None else assets() + numbered_assets(scenario.numbered.coins)


class World:
    """Market and venues.

    scenario: a name of `SCENARIOS` or `PATTERNS`, or a scenario. start_ms: Unix ms of the start (default: now).
    keys: CoinGlass key -> plan. faults: what goes wrong and when. truth: file for the ledger.
    ports: names as in `urls` -> port; those not named get a free one.
    """

    def __init__(self, *, scenario: str | Scenario = "demo", seed: int = 1, host: str = "127.0.0.1", speed: float = 1.0,
                 start_ms: int | None = None, keys: Mapping[str, str] = DEFAULT_KEYS,
                 faults: Iterable[FaultStep] = (), truth: Path | None = None,
                 ports: Mapping[str, int] | None = None) -> None:  # fmt: skip
        self.pattern = make(scenario, seed) if isinstance(scenario, str) and scenario in PATTERNS else None
        if self.pattern is not None:
            scenario = self.pattern.scenario()
        elif scenario == "demo":
            scenario = with_long_views(SCENARIOS["demo"], seed)
        self.scenario = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
        self.host, self.seed, self.speed = host, seed, speed
        self.now_ms = 0
        self.events: Counter[str] = Counter()
        self.start_ms = round(time.time() * 1000) if start_ms is None else start_ms
        listed = listed_in(self.scenario)
        self.market = Market(listed, load(), self.scenario, seed)
        clocks = Clocks(self.start_ms, lambda: self.now_ms, lambda: round(self.now_ms / (speed or 1.0)))
        accounts = {key: Account(level) for key, level in keys.items()}
        service, ledger = coinglass(listed, clocks, accounts, self.scenario.moves)
        exchanges = (make(listed, clocks, ledger) for make in (binance, bybit, okx, hyperliquid))
        self.venues: dict[str, Venue] = {venue.name: venue for venue in (*exchanges, service)}
        self.control = ControlServer(SERVICES, begin=self.begin, clear=self.clear_faults, active=self.active_faults,
                                     summary=self.summary)  # fmt: skip
        self._truth = Truth(truth)
        self._ports = dict(ports or {})
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        for step in faults:
            self._plan(step.at_s * 1000.0, lambda step=step: self.begin(step))  # type: ignore[misc]
        self._pump: asyncio.Task[None] | None = None

    @property
    def urls(self) -> dict[str, str]:
        """Settings that point a client at this world: `BINANCE_WS_URL` and so on. Only after `start`."""
        urls = {}
        for name, venue in self.venues.items():
            if name not in _WITHOUT_STREAMS:
                urls[f"{name.upper()}_WS_URL"] = f"ws://{self.host}:{venue.streams.port}"
            urls[f"{name.upper()}_REST_URL"] = f"http://{self.host}:{venue.rest.port}"
        return {**urls, "SIMULATOR_CONTROL_URL": f"http://{self.host}:{self.control.port}"}

    async def start(self) -> Self:
        """Open every port; with speed > 0 time begins to pass."""
        for name, venue in self.venues.items():
            await venue.streams.start(self.host, self._ports.get(f"{name.upper()}_WS_URL", 0))
            await venue.rest.start(self.host, self._ports.get(f"{name.upper()}_REST_URL", 0))
        await self.control.start(self.host, self._ports.get("SIMULATOR_CONTROL_URL", 0))
        if self.speed > 0:
            self._pump = asyncio.create_task(self._run(), name="simulated time")
        return self

    async def stop(self) -> None:
        """Stop time and close every port."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        await asyncio.gather(
            self.control.stop(),
            *(venue.streams.stop() for venue in self.venues.values()),
            *(venue.rest.stop() for venue in self.venues.values()),
        )
        self._truth.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def advance(self, by_ms: int) -> None:
        """Let time pass at once, in whole ticks, and give the sockets a chance to send."""
        until = self.now_ms + by_ms
        while self.now_ms + TICK_MS <= until:
            self._tick()
            if self.now_ms % 1000 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)

    def begin(self, step: FaultStep) -> None:
        """Begin a fault now; with a length, plan its end."""
        for name in SERVICES if step.venue == "all" else (step.venue,):
            venue = self.venues[name]
            if step.fault == "drop":
                venue.streams.drop()
            elif step.fault == "notice":
                venue.streams.tell(upgrade_notice())
            else:
                self._set(venue, step.fault, step.value)
                if step.for_s is not None:
                    ends = self.now_ms + step.for_s * 1000.0
                    self._plan(ends, lambda venue=venue: self._set(venue, step.fault, 0.0))  # type: ignore[misc]

    def clear_faults(self) -> None:
        """End every fault."""
        for venue in self.venues.values():
            venue.faults.clear()
            venue.feed.clock.jump_ms = 0

    def active_faults(self) -> dict[str, Any]:
        """Return venue -> fault -> value of what is on."""
        return {
            name: {fault: getattr(venue.faults, fault) for fault in FAULTS if getattr(venue.faults, fault)}
            for name, venue in self.venues.items()
        }

    def summary(self) -> dict[str, Any]:
        """Return what happened so far."""
        return {
            "scenario": self.scenario.name, "seed": self.seed, "seconds": self.now_ms / 1000,
            "events": dict(self.events),
            "venues": {
                name: {"connected": venue.streams.connected, **vars(venue.streams.counts),
                       "rest_requests": venue.rest.requests}
                for name, venue in self.venues.items()
            },
        }  # fmt: skip

    def _set(self, venue: Venue, fault: str, value: float) -> None:
        venue.faults.set(fault, value)
        venue.feed.clock.jump_ms = venue.faults.clock_jump

    def _plan(self, at_ms: float, act: Callable[[], None]) -> None:
        self._planned += 1
        heapq.heappush(self._agenda, (at_ms, self._planned, act))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            due = (loop.time() - began) * 1000.0 * self.speed
            for _ in range(_TICKS_AT_ONCE):
                if self.now_ms + TICK_MS > due:
                    break
                self._tick()
            ahead = (self.now_ms + TICK_MS - due) / 1000.0 / self.speed
            await asyncio.sleep(max(ahead, 0.0))

    def _tick(self) -> None:
        self.now_ms = now = self.now_ms + TICK_MS
        while self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()
        for event in self.market.until(now):
            self.events[type(event).__name__] += 1
            for venue in self.venues.values():
                venue.feed.take(event)
        printed: list[Printed] = []
        for venue in self.venues.values():
            if isinstance(venue.feed, CoinglassFeed):
                venue.feed.relay(printed)
            pushes, rows = venue.feed.due(now)
            for row in rows:
                self.events["Printed"] += 1
                self._truth.write(row, venue.streams.readers(venue.channel_of(row)))
            printed.extend(rows)
            if venue.candles is not None:
                pushes = [*pushes, *venue.candles.due(now, venue.streams.channels())]
            venue.streams.publish(pushes)
        if now % _WATCH_MS == 0:
            for venue in self.venues.values():
                venue.streams.watch()
