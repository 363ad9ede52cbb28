"""Kill the alert process many times under load, then ask the receiving side what arrived.

    python -m tests.faults.kill --kills 500

A market with numbered storms, the Bot API and the alert process are real processes. Kills are
SIGKILL: at uniform random times after the start or after the process was ready, and aimed at the
stages in which a mistake would lose or repeat an alert. With `--charts` each message of WATCH and
above must have its picture in the end. Prints a table, exits 1 on a violation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from tests.faults.marks import AIMS, Marks, stages_open
from tests.faults.oracle import Found, drained, examine, pictured

__all__ = ["Kills", "run"]

TOKEN = "123456789:AAkillTestTokenabcdefghijklmnopqrs"
CHATS = (101, 102, 103)
ROOT = Path(__file__).resolve().parent.parent.parent

_AFTER_READY_S = 1.2
_FROM_BIRTH_S = 1.5
_AIMED_SHARE = 0.4
_AIM_PATIENCE_S = 8.0
_START_PATIENCE_S = 60.0
_DRAIN_PATIENCE_S = 300.0


class Kills(NamedTuple):
    """What was done. stages: kills by where they fell; in_gap: deliveries under way at kills."""

    seed: int
    kills: int
    stages: Counter[str]
    in_gap: int
    ready_s: list[float]
    found: Found


class _Life:
    """One alert process, from fork to death."""

    def __init__(self, template: asyncio.subprocess.Process, marks: Marks) -> None:
        self._template, self._marks = template, marks
        self.pid = 0

    async def begin(self, aim: str = "-", number: int = 0) -> None:
        """Start it; with an aim it kills itself there."""
        self._marks.clear()
        assert self._template.stdin is not None
        self._template.stdin.write(f"{aim} {number}\n".encode())
        word, pid = await self._heard()
        assert word == "born"
        self.pid = pid

    async def until(self, wanted: str, patience_s: float) -> int | None:
        """Wait for `ready` or `dead` and return the exit status, 0 for ready, None if it takes too long.

        A death instead of `ready` is returned as its status.
        """
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    word, status = await self._heard()
                    if word in (wanted, "dead"):
                        return status if word == "dead" else 0
        except TimeoutError:
            return None

    async def _heard(self) -> tuple[str, int]:
        assert self._template.stdout is not None
        line = (await self._template.stdout.readline()).split()
        if not line:
            raise RuntimeError("the launcher ended")
        return line[0].decode(), int(line[-1])


@contextlib.asynccontextmanager
async def _process(
    *arguments: str, log: Path, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(_START_PATIENCE_S):
        return (await process.stdout.readline()).decode().strip()


async def run(
    kills: int, seed: int, folder: Path, *, charts: bool = False, pictures: int = 0, told: bool = False
) -> Kills:
    """Do the kills, let one more process finish what waits, and judge. pictures: how many must be there to judge."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    stages: Counter[str] = Counter()
    in_gap, ready_s = 0, []
    marks = Marks(folder / "marks")
    truth, ledger = folder / "truth.jsonl", folder / "ledger.jsonl"
    chats = [part for chat in CHATS for part in ("--chat", f"private:{chat}")]
    async with contextlib.AsyncExitStack() as opened:
        api = await opened.enter_async_context(
            _process("-m", "simulator.bot_api", "--token", TOKEN, *chats, "--ledger", str(ledger), "--flood",
                     log=folder / "bot_api.log")
        )  # fmt: skip
        market = await opened.enter_async_context(
            _process("-m", "tests.faults.market", str(truth), str(seed), log=folder / "market.log")
        )
        base_url, urls = await _first_line(api), json.loads(await _first_line(market))
        template = await opened.enter_async_context(
            _process("-m", "tests.faults.launch", str(folder / "marks"), log=folder / "alert.err",
                     **_settings(folder, base_url, urls), CHARTS="true" if charts else "false")
        )  # fmt: skip
        for number in range(1, kills + 1):
            life = _Life(template, marks)
            took = await _one(life, rng)
            if took is not None:
                ready_s.append(took)
            fell = {stage: count for stage, count in stages_open(marks.read()).items() if count}
            stages.update(fell.keys() or {"elsewhere"})
            in_gap += fell.get("before_http", 0) + fell.get("before_confirm", 0)
            if told and number % 25 == 0:
                typer.echo(f"{number} kills: {dict(stages)}", err=True)
        await _finish(_Life(template, marks), market, folder / "alert.db", ledger, pictures)
    found = await asyncio.to_thread(
        examine, journal=folder / "journal", database=folder / "alert.db", ledger=ledger, truth=truth, chats=CHATS,
        in_gap=in_gap, scratch=folder, charts=charts,
    )  # fmt: skip
    return Kills(seed, kills, stages, in_gap, ready_s, found)


def _settings(folder: Path, base_url: str, urls: dict[str, str]) -> dict[str, str]:
    return {
        **{name: url for name, url in urls.items() if name.endswith(("_WS_URL", "_REST_URL"))},
        "TELEGRAM_API_BASE_URL": base_url,
        "TELEGRAM_ALERT_TOKEN": TOKEN,
        "TELEGRAM_ALERT_CHANNEL_ID": ",".join(map(str, CHATS)),
        "DATABASE_URL": f"sqlite:///{folder / 'alert.db'}",
        "JOURNAL_DIR": str(folder / "journal"),
        "LOG_FILE": str(folder / "alert.log"),
        "HOURLY_BUDGET": "0",
        "SIMULATED": "true",
        "HOME": str(folder),
        "RUNTIME_DIRECTORY": str(folder),
    }


async def _one(life: _Life, rng: random.Random) -> float | None:
    """Live and die once; return after how many seconds it was ready, if it came so far."""
    started = time.monotonic()
    took = None
    aimed = rng.random() < _AIMED_SHARE
    from_birth = not aimed and rng.random() < 0.25
    delay_s = rng.uniform(0, _FROM_BIRTH_S if from_birth else _AFTER_READY_S)
    if aimed:
        await life.begin(rng.choice(AIMS), rng.randint(1, 3))
        delay_s = _AIM_PATIENCE_S
    else:
        await life.begin()
    status: int | None = 0
    if not from_birth:
        status = await life.until("ready", _START_PATIENCE_S)
        took = time.monotonic() - started if status == 0 else None
    if status == 0:
        status = await life.until("dead", delay_s)
    if status is None:
        os.kill(life.pid, signal.SIGKILL)
        status = await life.until("dead", 30)
    if status != -signal.SIGKILL:
        raise RuntimeError(f"a process ended by itself with {status}")
    return took


async def _finish(
    life: _Life, market: asyncio.subprocess.Process, database: Path, ledger: Path, pictures: int
) -> None:
    """Let a last process see so many pictures arrive in all and deliver what waits, then end it as a person would.

    The market stops as soon as there is enough to judge: a busy machine tells little between two kills.
    """
    if not pictures:
        market.terminate()
        await market.wait()
    await life.begin()
    if await life.until("ready", _START_PATIENCE_S) != 0:
        raise RuntimeError("the last process did not start")
    async with asyncio.timeout(_DRAIN_PATIENCE_S):
        while await asyncio.to_thread(pictured, ledger) < pictures:  # noqa: ASYNC110 - as below
            await asyncio.sleep(0.2)
        if market.returncode is None:
            market.terminate()
            await market.wait()
        while not await asyncio.to_thread(drained, database):  # noqa: ASYNC110 - see the line below
            await asyncio.sleep(0.1)  # what is waited for happens in another process's database
    os.kill(life.pid, signal.SIGTERM)
    status = await life.until("dead", 10)
    if status != 0:
        raise RuntimeError(f"the last process ended with {status}")


def table(done: Kills) -> str:
    """Return the result as people read it."""
    found, ready = done.found, sorted(done.ready_s) or [0.0]
    rows = [
        ("seed", done.seed), ("kills (SIGKILL; may fall in several)", done.kills),
        *((f"  fell {stage.replace('_', ' ')}", done.stages[stage]) for stage in (*AIMS, "elsewhere")),
        ("deliveries under way at a kill", done.in_gap),
        ("ready again after, p50 / p99", f"{ready[len(ready) // 2]:.2f} s / {ready[-1 - len(ready) // 100]:.2f} s"),
        ("journal records", found.records), ("verdicts, database = replay", found.verdicts),
        ("alerts demanded", found.alerts), ("  numbered storms among them", found.storms * len(CHATS)),
        ("delivered", found.delivered), ("lost", found.lost), ("repeated", found.repeats),
        ('labelled "may repeat"', found.labelled), ("edits", found.edits), ("pictures added", found.pictures),
        ("violations", len(found.wrong)),
    ]  # fmt: skip
    return "\n".join(f"{name:38}{value!s:>20}" for name, value in rows)


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many processes are killed.")] = 500,
    seed: Annotated[int, typer.Option(help="Repeats the same times and aims.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Kept for a look; a temporary one by default.")] = None,
    *,
    charts: Annotated[bool, typer.Option(help="Draw pictures too; each must arrive.")] = False,
) -> None:
    """Kill the alert process under load and check that nothing was lost."""
    with contextlib.ExitStack() as held:
        place = folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="kill-")))
        place.mkdir(parents=True, exist_ok=True)
        done = asyncio.run(run(kills, seed, place.resolve(), charts=charts, told=True))
    typer.echo(table(done))
    for line in done.found.wrong:
        typer.echo(line, err=True)
    raise typer.Exit(1 if done.found.wrong else 0)


if __name__ == "__main__":
    typer.run(main)
