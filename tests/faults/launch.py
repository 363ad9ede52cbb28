"""Starts the alert process again and again, forked from an interpreter that has loaded it.

Reads one line for each life, `aim number`: the process kills itself with SIGKILL when it
passes the stage `aim` for the `number`-th time (`- 0`: it does not). Writes `born pid`,
`ready pid`, and `dead pid status`. A life is `ws_alert.process.run` with the settings of the
environment, as `alert_runner run` starts it; only loading the libraries is done once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import uvloop

from ws_alert import compiled

if __name__ == "__main__":
    # as `ws_alert.alert_runner` does
    compiled.use()

from teleglas import logs
from teleglas.storage.opening import lock_store
from teleglas.systemd import Notifier
from tests.faults.marks import Marks
from ws_alert import process
from ws_alert.config import load_settings
from ws_alert.service import serve


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _live(marks: Marks, aim: str, number: int) -> NoReturn:
    pid = os.getpid()

    def checkpoint(mark: str) -> None:
        if marks.add(mark) == number and mark == aim:
            os.kill(pid, signal.SIGKILL)

    settings, _ = load_settings(env_file=None)
    logs.configure(level=settings.log_level, file=settings.log_file, secrets=settings.secrets())
    lock = lock_store(settings.database_url)

    async def work(stop: asyncio.Event, ready: Callable[[], None], alive: Callable[[], None]) -> None:
        def tell() -> None:
            ready()
            _say(f"ready {pid}")

        await process.run(settings, stop, tell, alive, checkpoint=checkpoint)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(work, Notifier.from_environment()))
    lock.release()
    os._exit(0)


def main() -> None:
    """Start one process for each line until the input ends."""
    marks = Marks(Path(sys.argv[1]))
    for line in sys.stdin:
        aim, number = line.split()
        pid = os.fork()
        if not pid:
            try:
                _live(marks, aim, int(number))
            except BaseException:  # noqa: BLE001 - a fork must not go on as the launcher
                traceback.print_exc()
                os._exit(1)
        _say(f"born {pid}")
        _say(f"dead {pid} {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


if __name__ == "__main__":
    main()
