"""Commits each target's daily digest to the outbox when its time has come.

Not a decision of the engine: it reads the clock, the tape, and what the chats chose. What is
committed is delivered as everything else is; its id is a hash of target and day, so that
neither a restart nor a second look makes another one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta

import msgspec
import structlog

from teleglas.daily_time import DailyTime, parse
from teleglas.market_view import MarketView, view
from teleglas.storage import tape
from teleglas.storage.digests import Choice, choose_digest, digest_choices
from teleglas.storage.market import FAMILY, market_rows
from teleglas.storage.store import Store, StoreUnavailable
from teleglas.storage.thread import StoreThread
from ws_alert.messages import Daily
from ws_alert.outbox.outbox import daily_message

__all__ = ["LATEST_MS", "DailyDigests", "digest_id"]

LATEST_MS = 12 * 3_600_000
"""A digest that could not be made for so long is left out."""

_HOUR_MS = 3_600_000
_LOOK_S = 5.0
_UTC = DailyTime(0, 0)

log = structlog.get_logger(__name__)


class DailyDigests:
    """Make it, and await `run()` as a task.

    defaults: who may get a digest, and when as long as nothing was chosen there, None for never.
    clock: Unix ms. wake: is called after each commit. simulated: the market is not real.
    """

    def __init__(
        self,
        store: StoreThread,
        defaults: Mapping[str, DailyTime | None],
        *,
        clock: Callable[[], int],
        wake: Callable[[], None],
        simulated: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._defaults = store, dict(defaults)
        self._clock, self._wake, self._sleep = clock, wake, sleep
        self._simulated = simulated
        self._settled: dict[str, tuple[str, int]] = {}

    async def run(self) -> None:
        """Look every few seconds until cancelled; what is wrong is logged once, until it is something else."""
        said = ""
        while True:
            wrong: Exception | None = None
            try:
                await self.look(self._clock())
            except Exception as error:  # noqa: BLE001 - logged below; tomorrow's digest must not be lost with today's
                wrong = error
            what = "" if wrong is None else repr(wrong)
            if wrong is not None and what != said:
                defect = None if isinstance(wrong, StoreUnavailable) else wrong
                log.warning("digests_not_made", why=str(wrong), exc_info=defect)
            said = what
            await self._sleep(_LOOK_S)

    async def look(self, now_ms: int) -> None:
        """Commit every digest that is due and not committed yet. Raises StoreUnavailable."""
        choices = await self._store.run_at_home(digest_choices)
        days: dict[tuple[int, int], MarketView] = {}
        for target, default in self._defaults.items():
            choice = choices.get(target)
            when = _when(choice, default)
            if when is None:
                continue
            day, due_ms = when.latest(now_ms)
            name = digest_id(target, day - timedelta(days=1))
            if self._settled.get(target) == (name, due_ms):
                continue
            if await self._is_open(name, target, choice, due_ms, now_ms):
                span = when.yesterday(day)
                if span not in days:
                    days[span] = await self._view(*span, now_ms)
                await self._commit(self._daily(target, when, day, days[span]), now_ms)
            self._settled[target] = (name, due_ms)

    async def choose(self, target: str, when: DailyTime | None, now_ms: int) -> None:
        """Remember what a target wants, None for no digest. Raises StoreUnavailable: then nothing was stored."""
        choice = Choice(target, "" if when is None else str(when), now_ms)
        await self._store.run_at_home(choose_digest, choice)

    async def chosen(self, target: str) -> tuple[DailyTime | None, bool]:
        """Return when a target gets its digest, None for never, and whether that was chosen there.

        Raises StoreUnavailable.
        """
        choice = (await self._store.run_at_home(digest_choices)).get(target)
        return _when(choice, self._defaults.get(target)), choice is not None

    async def preview(self, target: str, now_ms: int) -> Daily:
        """Return yesterday's digest as it would be told now, committing nothing. Raises StoreUnavailable."""
        when, _ = await self.chosen(target)
        zone = when or self._defaults.get(target) or _UTC
        day, _ = msgspec.structs.replace(zone, hour=0, minute=0).latest(now_ms)
        return self._daily(target, zone, day, await self._view(*zone.yesterday(day), now_ms))

    async def _is_open(self, name: str, target: str, choice: Choice | None, due_ms: int, now_ms: int) -> bool:
        """Return whether a digest that was due is still to be made; what is left out is logged."""
        if await self._store.run_at_home(Store.alert, name) is not None:
            return False
        if choice is not None and due_ms <= choice.chosen_ms:
            return False  # its time had come before it was asked for
        why = ""
        first_ms = await self._store.run_at_home(tape.first_minute, FAMILY)
        if first_ms is None or first_ms >= due_ms:
            why = "nothing had been recorded by then"
        elif now_ms - due_ms > LATEST_MS:
            why = "it is too late"
        if why:
            log.info("digest_left_out", target=target, due_ms=due_ms, why=why)
        return not why

    async def _view(self, from_ms: int, to_ms: int, now_ms: int) -> MarketView:
        rows = await market_rows(self._store, from_ms, to_ms, _HOUR_MS, now_ms=now_ms)
        # A day of a wild market is 50,000 sums; decisions are made meanwhile.
        return await asyncio.to_thread(view, rows)

    def _daily(self, target: str, when: DailyTime, day: date, seen: MarketView) -> Daily:
        told = day - timedelta(days=1)
        return Daily(
            digest_id=digest_id(target, told),
            target=target,
            day=told.isoformat(),
            at=str(when),
            due_ms=when.due_ms(day),
            view=seen,
            simulated=self._simulated,
        )

    async def _commit(self, daily: Daily, now_ms: int) -> None:
        await self._store.run(Store.digest, daily_message(daily, now_ms), ())
        log.info("digest_committed", target=daily.target, day=daily.day, late_ms=now_ms - daily.due_ms)
        self._wake()


def digest_id(target: str, told: date) -> str:
    """Return the id that the digest of a day has for a target, so that making it twice makes one message."""
    return hashlib.sha256(f"daily\n{target}\n{told.isoformat()}".encode()).hexdigest()


def _when(choice: Choice | None, default: DailyTime | None) -> DailyTime | None:
    if choice is None:
        return default
    return parse(choice.at) if choice.at else None
