"""Measures what followed each alert once its time has come; what was measured is kept for ever.

Not a part of the engine: it reads the clock and the store. What the engine is to know of it comes back as an input,
which is journalled like any other: at the start, and whenever it has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator

import msgspec
import structlog

from teleglas.outcomes import CHANCE_MS, HORIZONS_MIN, TOLD_MIN, Chance, Move, chance, end_ms, move
from teleglas.storage.outcomes import OpenOutcome, followed, open_outcomes, settle
from teleglas.storage.prices import keep_prices, prices, prune_prices
from teleglas.storage.store import StoreUnavailable
from teleglas.storage.tape import KEPT_MS
from teleglas.storage.thread import StoreThread
from teleglas.tape import MINUTE_MS, PriceMinute
from ws_alert.messages import Frame, Kind, RecordKind
from ws_alert.outcomes.minute_prices import SETTLED_MS, MinutePrices
from ws_alert.records import KindRecord, Records
from ws_alert.signals.track_record import records_of
from ws_alert.windows.event_aggregator import AssetEvents

__all__ = ["GIVE_UP_MS", "Follower"]

GIVE_UP_MS = 5 * MINUTE_MS
"""A price that is not on the tape so long after its minute was not seen."""

_LOOK_S = 5.0
_FORGET_MS = 3_600_000
_CHANCE_KEPT_MS = 3_600_000
_CANDLES_MS = 2 * 3_600_000
_ASSETS_AT_ONCE = 50
"""Some 0.2 ms each: the engine waits meanwhile."""
_OUTCOMES_AT_ONCE = 1_000
_MOST_WAITING = 50_000

log = structlog.get_logger(__name__)


class Follower:
    """Call `begin` once the windows are filled again, then await `run()` as a task.

    assets: what the engine remembers. tell: takes an input of the engine. candles: yields the minutes since
    a time that candles are known of; they stand in where no trades are read. clock: Unix ms, not going back. simulated: the market
    is not real.
    """

    def __init__(
        self,
        store: StoreThread,
        assets: Callable[[], Collection[AssetEvents]],
        tell: Callable[[Frame], Awaitable[None]],
        candles: Callable[[int], Iterable[PriceMinute]],
        *,
        clock: Callable[[], int],
        simulated: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._assets, self._tell, self._candles = store, assets, tell, candles
        self._clock, self._sleep, self._simulated = clock, sleep, simulated
        self._prices = MinutePrices()
        self._waiting: list[PriceMinute] = []
        self._chances: dict[tuple[str, int], tuple[int, Chance | None]] = {}
        self._forget_ms = self._candles_ms = 0
        self._told: Records | None = None
        self._kinds: dict[str, KindRecord] = {}
        self._changed = {kind.value for kind in Kind}

    def begin(self, now_ms: int) -> None:
        """Read every tape as the restart has filled it, before new events push out what it holds."""
        self._waiting += self._prices.read(self._assets(), now_ms, 1 << 30)

    async def run(self) -> None:
        """Look every few seconds until cancelled; what is wrong is logged once, until it is something else."""
        said = ""
        while True:
            wrong: Exception | None = None
            try:
                await self.look(self._clock())
            except Exception as error:  # noqa: BLE001 - logged below; the next look may go well
                wrong = error
            what = "" if wrong is None else repr(wrong)
            if wrong is not None and what != said:
                defect = None if isinstance(wrong, StoreUnavailable) else wrong
                log.warning("outcomes_not_measured", why=str(wrong), exc_info=defect)
            said = what
            await self._sleep(_LOOK_S)

    async def look(self, now_ms: int) -> None:
        """Keep prices, measure what is due by them, and tell the engine what is new. Raises StoreUnavailable."""
        await self._keep(now_ms)
        for outcome in await self._store.run_at_home(open_outcomes, _OUTCOMES_AT_ONCE):
            if await self._follow(outcome, now_ms):
                self._changed.add(outcome.kind)
        if self._changed:
            await self._sum_up()

    async def _keep(self, now_ms: int) -> None:
        # bounded while the database cannot be written: the oldest minutes are lost first
        new = [*self._prices.read(self._assets(), now_ms, _ASSETS_AT_ONCE), *self._closed(now_ms)]
        self._waiting = (self._waiting + new)[-_MOST_WAITING:]
        if self._waiting:
            await self._store.run_at_home(keep_prices, tuple(self._waiting))
            self._waiting = []
        if now_ms >= self._forget_ms:
            await self._store.run_at_home(prune_prices, now_ms - KEPT_MS)
            self._chances = {}
            self._forget_ms = now_ms + _FORGET_MS

    def _closed(self, now_ms: int) -> Iterator[PriceMinute]:
        """Yield the minutes of candles, once a minute; the last hours again, since holes are filled later."""
        if now_ms < self._candles_ms:
            return
        self._candles_ms = now_ms + MINUTE_MS
        traded = {events.asset for events in self._assets() if events.tape.second >= 0}
        yield from (row for row in self._candles(now_ms - _CANDLES_MS) if row.asset not in traded)

    async def _follow(self, outcome: OpenOutcome, now_ms: int) -> bool:
        """Measure or give up the horizons that are due; return whether that may change the record."""
        found = [
            measured
            for horizon in HORIZONS_MIN
            if horizon not in outcome.known and (measured := await self._measure(outcome, horizon, now_ms))
        ]
        if not found:
            return False
        settled = len(found) + len(outcome.known) == len(HORIZONS_MIN)
        await self._store.run_at_home(settle, outcome.outcome_id, tuple(found), settled=settled)
        return any(each.horizon_min == TOLD_MIN and each.move is not None for each in found)

    async def _sum_up(self) -> None:
        for kind in sorted(self._changed):
            rows = await self._store.run_at_home(followed, kind, TOLD_MIN, simulated=self._simulated)
            # a thousand take some hundredths of a second
            self._kinds |= (await asyncio.to_thread(records_of, rows)).kinds
        self._changed.clear()
        records = Records(dict(sorted(self._kinds.items())))
        if records != self._told:
            await self._tell(Frame(RecordKind.TRACK_RECORD, "", msgspec.json.encode(records)))
            self._told = records

    async def _measure(self, outcome: OpenOutcome, horizon: int, now_ms: int) -> Move | None:
        """Return what followed, a move without a figure if that was not seen; None if it is too early to say."""
        if not outcome.prices:
            return Move(horizon)  # what it began at is not known, so nothing ever will be
        ends = end_ms(outcome.event_ms, horizon)
        if now_ms < ends + SETTLED_MS:
            return None
        tapes = {
            asset: {row.minute_ms: row for row in rows}
            for asset, _ in outcome.prices
            if (rows := await self._store.run_at_home(prices, asset, outcome.event_ms, ends))
        }
        patient = now_ms < ends + GIVE_UP_MS
        if patient and any(ends - MINUTE_MS not in tapes.get(asset, {}) for asset, _ in outcome.prices):
            return None
        chances = [await self._chance(asset, horizon, now_ms) for asset, _ in outcome.prices]
        known = [each for each in chances if each is not None]
        return move(outcome.prices, outcome.event_ms, horizon, tapes, known)

    async def _chance(self, asset: str, horizon: int, now_ms: int) -> Chance | None:
        """Return the asset's any-time baseline, at most an hour old."""
        at_ms, known = self._chances.get((asset, horizon), (0, None))
        if known is None or now_ms - at_ms > _CHANCE_KEPT_MS:
            rows = await self._store.run_at_home(prices, asset, now_ms - CHANCE_MS, now_ms)
            # seven days are 10,000 minutes; decisions are made meanwhile
            known = await asyncio.to_thread(chance, rows, horizon)
            self._chances[asset, horizon] = (now_ms, known)
        return known
