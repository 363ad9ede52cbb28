"""Draws pictures in a process of its own, and never makes an alert wait long for one.

Not `ProcessPoolExecutor`: its workers cannot be stopped in the middle of a picture, and
they outlive a parent that is killed. This worker ends with its stdin.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import msgspec
import structlog

import teleglas
from teleglas.charts.picture import AnyPicture
from teleglas.charts.worker import LENGTH, PNG_START

__all__ = ["ChartPool"]

_ROOT = str(Path(teleglas.__file__).resolve().parent.parent)
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
"""All that the worker may know of our environment, which holds tokens."""


class ChartPool:
    """One drawing process, started at the first picture or by `warm_up`, started again after it died.

    timeout_s: longest time that `draw` takes, waiting included; a picture that comes later
    is thrown away, since on a busy machine a new worker would be slower still. frozen_s:
    a worker silent for so long is replaced. waiting: how many pictures may be in the
    making; one more goes without. start_s: how long loading may take (the first start on
    a machine builds matplotlib's list of fonts). Call `close` at the end.
    """

    def __init__(
        self, *, timeout_s: float = 2.0, frozen_s: float = 15.0, waiting: int = 8, start_s: float = 60.0
    ) -> None:
        self._timeout_s, self._frozen_s = timeout_s, frozen_s
        self._limit, self._start_s = waiting, start_s
        self._drawing: set[asyncio.Task[bytes | None]] = set()
        self._turn = asyncio.Lock()
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._closed = False
        self._log = structlog.get_logger(__name__)

    def warm_up(self) -> None:
        """Begin to start the worker in the background, so that the first picture is quick."""
        if not self._closed and (self._starting is None or _dead(self._starting)):
            self._starting = asyncio.create_task(_start(self._start_s))

    async def draw(self, picture: AnyPicture, *, within_s: float | None = None) -> bytes | None:
        """Return the PNG; None, with the reason in the log, if it failed or would take too long.

        within_s: in place of `timeout_s`, for who can wait longer or less long.
        """
        limit_s = self._timeout_s if within_s is None else within_s
        if self._closed:
            return None
        if len(self._drawing) >= self._limit:
            self._log.warning("chart left out", reason="too many are waiting", waiting=len(self._drawing))
            return None
        drawing = asyncio.create_task(self._in_turn(picture))
        self._drawing.add(drawing)
        drawing.add_done_callback(self._done)
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(drawing)
        except TimeoutError:
            self._log.warning("chart left out", reason="it took too long", limit_s=limit_s)
        except (OSError, EOFError) as error:
            self._log.warning("chart left out", reason="the drawing process failed", error=repr(error))
        return None

    async def close(self) -> None:
        """Stop the worker at once; a picture in the making is given up."""
        self._closed = True
        for drawing in self._drawing:
            drawing.cancel()
        starting, self._starting = self._starting, None
        if starting is None:
            return
        if not starting.done():
            starting.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError, EOFError):
            process = await starting
            _kill(process)
            await process.wait()

    def _done(self, drawing: asyncio.Task[bytes | None]) -> None:
        self._drawing.discard(drawing)
        if not drawing.cancelled():
            drawing.exception()  # whoever still waited for it has logged it

    async def _in_turn(self, picture: AnyPicture) -> bytes | None:
        async with self._turn:
            self.warm_up()
            if self._starting is None:
                return None
            # Shielded: this picture may give up waiting, the start goes on for the next one.
            process = await asyncio.shield(self._starting)
            try:
                async with asyncio.timeout(self._frozen_s):
                    body = await _ask(process, msgspec.msgpack.encode(picture))
            except BaseException:
                # Half a dialogue cannot be continued: the next picture gets a new worker.
                _kill(process)
                raise
        if body.startswith(PNG_START):
            return body
        self._log.warning(
            "chart left out", reason="it could not be drawn", error=body.decode(errors="replace")[:300]
        )
        return None


def _dead(starting: asyncio.Task[asyncio.subprocess.Process]) -> bool:
    if not starting.done():
        return False
    return (
        starting.cancelled() or starting.exception() is not None or starting.result().returncode is not None
    )


async def _start(limit_s: float) -> asyncio.subprocess.Process:
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    environment["PYTHONPATH"] = _ROOT
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "teleglas.charts.worker",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=2**24,
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit_s):
            await _read(process)
    except BaseException:
        _kill(process)
        await process.wait()
        raise
    return process


async def _ask(process: asyncio.subprocess.Process, body: bytes) -> bytes:
    if process.stdin is None:
        raise EOFError("the drawing process has no stdin")
    process.stdin.write(LENGTH.pack(len(body)) + body)
    await process.stdin.drain()
    return await _read(process)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise EOFError("the drawing process has no stdout")
    (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return await process.stdout.readexactly(size)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
