"""The command bot, the market and the Bot API as three processes, for `answers.py`.

The market answers REST after a latency; the Bot API is this process, so that a message's way
is timed from being typed to being accepted. The tape of a day is in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from simulator.bot_api.ledger import Entry
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from teleglas.storage import tape
from teleglas.storage.store import open_store
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute

__all__ = ["PEOPLE", "Chatting", "bot", "market", "spent"]

_TOKEN = f"{10_000_000 + os.getpid()}:benchmark-token-of-the-command-bot-00"
PEOPLE = tuple(range(1001, 1101))
_ROOT = Path(__file__).resolve().parents[1]
_OWN = ("TELEGRAM_", "COINGLASS_", "TELEGLAS_CONFIG", "ALLOWED_USERS", "WHITELISTED_USERS")
_DAY = 24 * 60
_PATIENCE_S = 60.0


class Chatting:
    """People who type."""

    def __init__(self, api: BotApi, pid: int) -> None:
        self._api = api
        self._pid = pid

    def cpu_s(self) -> float:
        """Return the processor time that the bot's own process has used (Linux)."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def ask(self, text: str, who: int = PEOPLE[0]) -> tuple[float, Entry]:
        """Return the seconds from typing to the bot's answer, and the answer."""
        begun = time.monotonic()
        self._api.people.say(who, text, user=who)
        entries = await self._answers({who: self._count(who)})
        return time.monotonic() - begun, entries[who]

    async def ask_together(self, questions: Mapping[int, str]) -> dict[int, float]:
        """Let everyone type at the same time; return the seconds that each waited for the answer."""
        before = {who: self._count(who) for who in questions}
        begun = time.monotonic()
        took: dict[int, float] = {}
        for who, text in questions.items():
            self._api.people.say(who, text, user=who)

        def done(_: list[Entry]) -> bool:
            for who in questions:
                if who not in took and self._count(who) > before[who]:
                    took[who] = time.monotonic() - begun
            return len(took) == len(questions)

        with contextlib.suppress(TimeoutError):
            await self._api.ledger.until(done, timeout=_PATIENCE_S)
        return took

    async def _answers(self, before: Mapping[int, int]) -> dict[int, Entry]:
        await self._api.ledger.until(
            lambda _: all(self._count(who) > count for who, count in before.items()), timeout=_PATIENCE_S
        )
        return {who: self._of(who)[count] for who, count in before.items()}

    def _of(self, who: int) -> list[Entry]:
        """Return the answers; a picture that comes to a text afterwards is an edit, and none."""
        return [
            entry
            for entry in self._api.ledger.entries
            if entry.chat == who and entry.method.startswith("send")
        ]

    def _count(self, who: int) -> int:
        return len(self._of(who))


@contextlib.asynccontextmanager
async def market(folder: Path, keys: Mapping[str, str], latency_ms: int) -> AsyncIterator[dict[str, str]]:
    """Run the simulated market with these CoinGlass keys (key -> plan); its addresses."""
    ports = folder / "ports.json"
    arguments = ["-m", "simulator", "--scenario", "demo", "--seed", "1", "--ports-file", str(ports)]
    for key, plan in keys.items():
        arguments += ["--coinglass-key", f"{key}={plan}"]
    async with _program(arguments, {}, folder / "market.log") as process:
        await _until(ports.is_file, process, folder / "market.log")
        urls: dict[str, str] = json.loads(ports.read_text(encoding="utf-8"))
        await asyncio.to_thread(_delay, urls, latency_ms)
        yield urls


def spent(urls: Mapping[str, str]) -> int:
    """Return how many requests CoinGlass has had."""
    with urllib.request.urlopen(urls["SIMULATOR_CONTROL_URL"] + "/__summary", timeout=10) as answer:  # noqa: S310 - ours
        return int(json.load(answer)["venues"]["coinglass"]["rest_requests"])


@contextlib.asynccontextmanager
async def bot(folder: Path, urls: Mapping[str, str], key: str | None) -> AsyncIterator[Chatting]:
    """Run the real command bot on an empty cache; it listens when the block begins."""
    database = _record_a_day(folder)
    async with BotApi(
        [_TOKEN], [Chat(person, "private") for person in PEOPLE], photos=folder / "photos"
    ) as api:
        settings = {name: url for name, url in urls.items() if name.endswith("_REST_URL")} | {
            "TELEGRAM_BOT_TOKEN": _TOKEN, "TELEGRAM_API_BASE_URL": api.base_url, "DATABASE_URL": database,
            "BINANCE_SPOT_REST_URL": urls["BINANCE_REST_URL"], "COMMANDS_PER_MINUTE": "6000", "SIMULATED": "true",
        }  # fmt: skip
        if key is not None:
            settings["COINGLASS_API_KEY"] = key
        async with _program([str(_ROOT / "main.py")], settings, folder / "bot.log") as program:
            await _until(
                lambda: any(method == "getUpdates" for method, _ in api.requests), program, folder / "bot.log"
            )
            yield Chatting(api, program.pid)


async def _until(
    true: Callable[[], bool], program: asyncio.subprocess.Process, log: Path, patience_s: float = _PATIENCE_S
) -> None:
    """Wait for a program to have done something. Raises RuntimeError with the end of its log if it has not."""
    until = time.monotonic() + patience_s
    while not true():
        if program.returncode is not None or time.monotonic() > until:
            said = await asyncio.to_thread(log.read_text, encoding="utf-8")
            raise RuntimeError(f"it did not start: {said[-2000:]}")
        await asyncio.sleep(0.02)


def _delay(urls: Mapping[str, str], latency_ms: int) -> None:
    body = json.dumps({"venue": "all", "fault": "latency", "value": latency_ms}).encode()
    request = urllib.request.Request(  # noqa: S310 - ours
        urls["SIMULATOR_CONTROL_URL"] + "/__faults", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - ours


@contextlib.asynccontextmanager
async def _program(
    arguments: Iterable[str], settings: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    kept: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    environment = kept | {"PYTHONPATH": str(_ROOT)} | dict(settings)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=environment, cwd=log.parent, stdout=out, stderr=out,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


def _record_a_day(folder: Path) -> str:
    """Write what the alert bot would have, a day of three venues and some coins; return the database's URL."""
    folder.mkdir(parents=True)
    database = f"sqlite:///{folder / 'bot.db'}"
    newest = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    minutes = [newest - back * MINUTE_MS for back in range(_DAY)]
    feeds = tuple(
        FeedMinute(minute, venue, family, 60_000)
        for minute in minutes[1:] for venue in ("binance", "bybit", "okx") for family in ("liquidations", "trades")
    )  # fmt: skip
    bars, events = [], []
    for number, minute in enumerate(minutes[1::3]):
        for coin, price in (("BTC", 97_500.0), ("ETH", 3_420.0), ("SOL", 142.3), ("PEPE", 0.00001)):
            side = ("long", "short")[number % 2]
            bars.append(Bar(minute, coin, "bybit", LIQUIDATION, side, 90_000_00, 3))
            events.append(Event(minute, coin, "bybit", f"{coin}USDT", LIQUIDATION, side, 60_000_00, price))
            events.append(
                Event(
                    minute,
                    coin,
                    "okx",
                    f"{coin}-USDT-SWAP",
                    ORDER,
                    ("buy", "sell")[number % 2],
                    400_000_00,
                    price,
                )
            )
    store = open_store(database)
    tape.record(store, Batch(tuple(bars), tuple(events), feeds))
    store.close()
    return database
