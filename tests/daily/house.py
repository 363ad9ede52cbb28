"""The digest's part of the alert process over real sockets: scheduler, listener, outbox, Telegram; only the clock is ours."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from simulator.bot_api import BotApi
from simulator.bot_api.ledger import Entry
from simulator.bot_api.world import Message
from teleglas.charts.pool import ChartPool
from teleglas.daily_time import DailyTime
from teleglas.storage import tape
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from teleglas.tape import LIQUIDATION, MINUTE_MS, Bar, Batch, Event, FeedMinute
from tests.storage.rows import commit, verdict
from ws_alert.chat.commands import Desk
from ws_alert.chat.listener import Listener
from ws_alert.daily.scheduler import DailyDigests
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.outbox.dispatcher import Dispatcher

__all__ = ["HOUR_MS", "TOKEN", "House", "at", "opened", "record_day"]

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
HOUR_MS = 3_600_000
_VENUES = ("binance", "bybit", "okx")


def at(text: str) -> int:
    """Return Unix ms of `2026-11-21 01:00`, UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def record_day(path: Path, from_ms: int, *, hours: int = 24, usd: int = 10**9) -> None:
    """Put into the database what the alert process records in so many hours: longs twice the shorts, one storm."""
    store = open_store(f"sqlite:///{path}")
    bars = tuple(
        Bar(from_ms + hour * HOUR_MS, asset, venue, LIQUIDATION, side, usd * part, 3)
        for hour in range(hours)
        for asset, size in (("BTC", 3), ("ETH", 1))
        for venue in _VENUES
        for side, part in (("long", 2 * size), ("short", size))
    )
    minutes = tuple(
        FeedMinute(at_ms, venue, "liquidations", MINUTE_MS)
        for venue in _VENUES
        for at_ms in range(from_ms, from_ms + hours * HOUR_MS, MINUTE_MS)
    )
    single = Event(from_ms + HOUR_MS, "BTC", "bybit", "BTCUSDT", LIQUIDATION, "long", 215_000_000, 96_480.0)
    tape.record(store, Batch(bars, (single,), minutes))
    began = from_ms + 2 * HOUR_MS
    given = {
        "asset": "BTC",
        "direction": "long",
        "kind": "liquidation_storm",
        "episode_ms": began,
        "told_usd": None,
    }
    store.commit(commit(verdicts=[verdict(decided_ms=began + 1_000, usd=9 * usd, **given)]))
    store.close()


class House:
    """One life of the process. `now_ms` moves on by itself, and `jump` moves it further."""

    def __init__(
        self, path: Path, api: BotApi, targets: tuple[str, ...], start_ms: int, **options: object
    ) -> None:
        self.path, self.api, self.targets = path, api, targets
        self._base_ms, self._began = start_ms, time.monotonic()
        self._default: DailyTime | None = options.get("default")
        self._admin: int | None = options.get("admin")
        self._charts: bool = options.get("charts", False)
        self._simulated: bool = options.get("simulated", False)
        self.delivers = bool(options.get("delivers", True))

    def clock(self) -> int:
        """Return the time, Unix ms."""
        return self._base_ms + round((time.monotonic() - self._began) * 1000)

    def jump(self, to_ms: int) -> None:
        """Let it be this time."""
        self._base_ms, self._began = to_ms, time.monotonic()

    async def look(self, to_ms: int | None = None) -> None:
        """Let it be this time, and let the scheduler look."""
        if to_ms is not None:
            self.jump(to_ms)
        await self.digests.look(self.clock())

    async def say(self, chat: int, text: str, **how: object) -> Entry:
        """Type a text; return the first message that follows in that chat."""
        before = len(self.told(chat))
        self.api.people.say(chat, text, **how)
        await self.api.ledger.until(lambda _: len(self.told(chat)) > before, timeout=10)
        return self.told(chat)[before]

    def told(self, chat: int) -> list[Entry]:
        """Return what was sent to a chat, without edits."""
        return [
            entry
            for entry in self.api.ledger.entries
            if entry.chat == chat and entry.method.startswith("send")
        ]

    def messages(self, chat: int) -> list[Message]:
        """Return the bot's messages of a chat as they stand there now."""
        return [
            message for message in self.api.world.chats[chat].messages.values() if message.bot is not None
        ]

    async def quiet(self) -> None:
        """Wait until nothing more is to be delivered now."""
        async with asyncio.timeout(20):
            while self.dispatcher.deliveries().in_flight or await self._waiting():  # noqa: ASYNC110 - the outbox has no event for it
                await asyncio.sleep(0.02)

    async def _waiting(self) -> bool:
        now_ms = self.clock()
        rows = await self.store.run(Store.recent_alerts, 100)
        return any(
            row.state in {"pending", "leased"} and row.not_before_ms <= now_ms + 5_000 and not row.maybe_sent
            for row in rows
        )

    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        """Open what the process opens, in its order."""
        self.store = StoreThread(open_store(f"sqlite:///{self.path}"))
        stack.push_async_callback(self.store.close)
        channel = await stack.enter_async_context(
            TelegramChannel(TOKEN, base_url=self.api.base_url, read_s=5.0)
        )
        charts = ChartPool(timeout_s=30) if self._charts else None
        if charts is not None:
            stack.push_async_callback(charts.close)
        draw = charts.draw if charts is not None else None
        self.dispatcher = Dispatcher(
            self.store, channel, clock=self.clock, tell_admin=_nobody, on_refused=lambda _: None, draw=draw,
            sleep=lambda seconds: asyncio.sleep(min(seconds, 0.05)),
        )  # fmt: skip
        defaults: dict[str, DailyTime | None] = {} if self._admin is None else {str(self._admin): None}
        defaults |= dict.fromkeys(self.targets, self._default)
        self.digests = DailyDigests(
            self.store, defaults, clock=self.clock, wake=self.dispatcher.wake, simulated=self._simulated
        )
        listener = Listener(
            TOKEN, base_url=self.api.base_url, targets=self.targets, admin=self._admin, channel=channel,
            store=self.store, desk=Desk(self.digests, self.clock, draw), wall_ms=lambda: time.time_ns() // 1_000_000,
            seconds=time.monotonic,
        )  # fmt: skip
        listening = asyncio.create_task(listener.run())
        stack.push_async_callback(_ended, listening)
        if self.delivers:
            delivering = asyncio.create_task(self.dispatcher.run())
            stack.push_async_callback(asyncio.wait, {delivering})
            stack.callback(self.dispatcher.stop)
        async with asyncio.timeout(10):
            while not (listening.done() or any(method == "getUpdates" for method, _ in self.api.requests)):  # noqa: ASYNC110 - the server keeps no event for it
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def opened(
    path: Path, api: BotApi, targets: tuple[str, ...], start_ms: int, **options: object
) -> AsyncIterator[House]:
    """Live one life of the process."""
    api.requests.clear()
    house = House(path, api, targets, start_ms, **options)
    async with contextlib.AsyncExitStack() as stack:
        await house.open(stack)
        yield house


async def _nobody(_text: str) -> None:
    return


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
