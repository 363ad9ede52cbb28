"""The alert process as a person starts it, beside simulated venues and a simulated Telegram."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

__all__ = ["ROOT", "Service", "started"]

ROOT = Path(__file__).resolve().parent.parent.parent
_READY_WITHIN_S = 60.0


class Service:
    """A running `alert_runner run`, or another of its commands."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def command_line(self) -> bytes:
        """Return what every user of the machine can see of it."""
        return Path(f"/proc/{self.process.pid}/cmdline").read_bytes()

    async def end(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            code = await self.process.wait()
        return code, time.monotonic() - began


@contextlib.asynccontextmanager
async def started(folder: Path, settings: Mapping[str, str], command: str = "run") -> AsyncIterator[Service]:
    """Start the process in `folder`, wait until it says READY, and leave nothing running.

    What it prints is appended to `stdout` and `stderr` in the folder.
    """
    manager = _clean(folder)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
        "NOTIFY_SOCKET": str(manager), "RUNTIME_DIRECTORY": str(folder / "run"), "SIMULATED": "true", **settings,
    }  # fmt: skip
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel,
        (folder / "stdout").open("ab") as out,
        (folder / "stderr").open("ab") as errors,
    ):
        channel.bind(str(manager))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ws_alert.alert_runner", command,
            cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=errors,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                while await asyncio.get_running_loop().sock_recv(channel, 256) != b"READY=1":
                    pass
            yield Service(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _clean(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    manager = folder / "notify"
    manager.unlink(missing_ok=True)
    return manager
