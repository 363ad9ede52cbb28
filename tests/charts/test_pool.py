"""The drawing process: real, started, stopped, killed and frozen by the tests."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from teleglas.charts.pool import ChartPool
from teleglas.charts.worker import PNG_START


@pytest.fixture
async def pool():
    """Yield a pool with time enough for a busy machine."""
    made = ChartPool(timeout_s=40)
    yield made
    await made.close()


def worker_of(pool: ChartPool) -> asyncio.subprocess.Process:
    """Return the running worker."""
    return pool._starting.result()


async def test_draws_several_at_once_in_order(pool, picture):
    """Pictures asked for together each come back as a PNG of their own."""
    titled = [msgspec.structs.replace(picture, title=title) for title in ("BTC", "ETH", "SOL")]
    drawn = await asyncio.gather(*(pool.draw(each) for each in titled))
    assert all(each.startswith(PNG_START) for each in drawn)
    assert len(set(drawn)) == 3


async def test_the_event_loop_goes_on_while_a_picture_is_drawn(pool, picture):
    """Drawing never stops the loop: another task keeps running until the picture is there."""
    await pool.draw(picture)
    turns = 0
    drawing = asyncio.create_task(pool.draw(picture))
    while not drawing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 20
    assert drawing.result()


async def test_what_cannot_be_drawn_is_left_out_and_the_worker_lives(pool, picture):
    """A picture that breaks the drawing costs only itself."""
    assert await pool.draw(msgspec.structs.replace(picture, from_ms=-(2**62), to_ms=2**62)) is None
    first = worker_of(pool).pid
    assert await pool.draw(picture)
    assert worker_of(pool).pid == first


async def test_a_dead_worker_is_replaced(pool, picture):
    """After the system killed the worker the next picture comes from a new one."""
    await pool.draw(picture)
    worker = worker_of(pool)
    worker.kill()
    await worker.wait()
    assert await pool.draw(picture)
    assert worker_of(pool).pid != worker.pid


async def test_a_frozen_worker_costs_one_picture(picture):
    """A worker that does not answer in time is killed, the alert goes without, the next picture is drawn."""
    pool = ChartPool(timeout_s=40)
    try:
        await pool.draw(picture)
        frozen = worker_of(pool)
        os.kill(frozen.pid, signal.SIGSTOP)
        pool._timeout_s = pool._frozen_s = 0.2
        assert await pool.draw(picture) is None
        await asyncio.wait_for(frozen.wait(), 10)
        pool._timeout_s = pool._frozen_s = 40
        assert await pool.draw(picture)
    finally:
        await pool.close()


async def test_a_late_picture_does_not_cost_the_worker(picture):
    """On a busy machine an alert goes without its picture, but the worker lives: a new one would be slower still."""
    pool = ChartPool(timeout_s=40, frozen_s=40)
    try:
        await pool.draw(picture)
        worker = worker_of(pool)
        pool._timeout_s = 0.0
        assert await pool.draw(picture) is None
        pool._timeout_s = 40
        assert await pool.draw(picture)
        assert worker_of(pool).pid == worker.pid
    finally:
        await pool.close()


async def test_a_slow_start_does_not_hold_an_alert(picture):
    """While libraries still load a picture is given up in time, but the start goes on for the next one."""
    pool = ChartPool(timeout_s=0.01)
    try:
        assert await pool.draw(picture) is None
        pool._timeout_s = 40
        assert await pool.draw(picture)
    finally:
        await pool.close()


async def test_a_start_that_never_ends_is_given_up(picture):
    """A worker that does not get ready is killed, and the alert goes without."""
    pool = ChartPool(timeout_s=40, start_s=0.01)
    try:
        assert await pool.draw(picture) is None
    finally:
        await pool.close()


async def test_more_than_may_wait_go_without(picture):
    """The line is bounded: one too many is refused at once."""
    pool = ChartPool(timeout_s=40, waiting=1)
    try:
        drawn = await asyncio.gather(pool.draw(picture), pool.draw(picture))
        assert [bool(each) for each in drawn] == [True, False]
    finally:
        await pool.close()


@pytest.mark.parametrize("ready", [False, True])
async def test_close_is_quick_and_leaves_no_process(picture, ready):
    """Shutdown takes no two seconds, also in the middle of a start, and nothing is drawn after it."""
    pool = ChartPool(timeout_s=40)
    pool.warm_up()
    if ready:
        await pool.draw(picture)
    starting = pool._starting
    began = time.monotonic()
    await pool.close()
    assert time.monotonic() - began < 2
    assert starting.done()
    if ready:
        assert starting.result().returncode is not None
    assert await pool.draw(picture) is None
    await pool.close()


def test_the_worker_ends_with_its_parent(tmp_path):
    """A parent killed by SIGKILL leaves no drawing process behind."""
    script = (
        "import asyncio, os\n"
        "from teleglas.charts.pool import ChartPool\n"
        "async def main():\n"
        "    pool = ChartPool()\n"
        "    pool.warm_up()\n"
        "    process = await pool._starting\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603
        worker = int(parent.stdout.readline())
        descriptor = os.pidfd_open(worker)
        parent.kill()
    try:
        import select  # noqa: PLC0415 - only here

        ended, _, _ = select.select([descriptor], [], [], 20)
        assert ended, "the worker is still there"
    finally:
        os.close(descriptor)


def test_the_main_process_never_loads_matplotlib():
    """Memory of the process that watches the market: rendering and the pool come without matplotlib."""
    script = (
        "import sys, ws_alert.delivery.render, ws_alert.delivery.terminal, teleglas.charts.pool\n"
        "sys.exit(any(name.split('.')[0] in ('matplotlib', 'numpy', 'PIL') for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603


async def test_the_worker_knows_no_secret(pool, picture, monkeypatch):
    """Tokens of the environment stay in the process that needs them."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:canary")
    await pool.draw(picture)
    with open(f"/proc/{worker_of(pool).pid}/environ", "rb") as environ:  # noqa: PTH123, ASYNC230
        assert b"canary" not in environ.read()
