"""Without a token: the terminal prints the digest at DIGEST_AT."""

from __future__ import annotations

import asyncio
import io

from teleglas.daily_time import parse
from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from tests.daily.house import at, record_day
from ws_alert.daily.scheduler import DailyDigests
from ws_alert.delivery.terminal import TerminalChannel
from ws_alert.outbox.dispatcher import Dispatcher

NOW = at("2026-11-21 08:00")


async def test_the_terminal_prints_it_once(tmp_path):
    """The run of the scheduler itself, with a clock that stands at eight: one digest, however often it looks."""
    path = tmp_path / "alert.db"
    record_day(path, at("2026-11-20 00:00"))
    store, stream, looks = StoreThread(open_store(f"sqlite:///{path}")), io.StringIO(), []

    async def nobody(_text: str) -> None:
        return

    async def sleep(seconds: float) -> None:
        looks.append(seconds)
        await asyncio.sleep(0)

    dispatcher = Dispatcher(
        store, TerminalChannel(stream=stream), clock=lambda: NOW, tell_admin=nobody, on_refused=lambda _: None
    )
    digests = DailyDigests(
        store, {"terminal": parse("08:00")}, clock=lambda: NOW, wake=dispatcher.wake, sleep=sleep
    )
    tasks = [asyncio.create_task(dispatcher.run()), asyncio.create_task(digests.run())]
    async with asyncio.timeout(10):
        while "#daily" not in stream.getvalue() or len(looks) < 5:  # noqa: ASYNC110 - a stream has no event
            await asyncio.sleep(0.01)
    tasks[1].cancel()
    dispatcher.stop()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.close()
    assert stream.getvalue().count("Yesterday: at least $8.64B liquidated, 1 storm") == 1
    assert "Fri 20 Nov 2026, 00:00 to 24:00 UTC" in stream.getvalue()
