"""The real command bot between a simulated market in its own process and a simulated Telegram in ours."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bot.app import run
from bot.config import Settings
from simulator.bot_api.ledger import Entry
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from teleglas.systemd import Notifier

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
OWNER = 9000
PEOPLE = tuple(range(1001, 1101))
GROUP, CHANNEL = -2001, -3001


@contextmanager
def market(folder: Path, keys: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Run a simulated market in a process of its own; its addresses. keys: CoinGlass key -> plan."""
    ports = folder / "ports.json"
    command = [
        sys.executable,
        "-m",
        "simulator",
        "--scenario",
        "demo",
        "--seed",
        "1",
        "--ports-file",
        str(ports),
    ]
    for key, plan in (keys or {}).items():
        command += ["--coinglass-key", f"{key}={plan}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        until = time.monotonic() + 60
        while not ports.is_file() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        yield json.loads(ports.read_text(encoding="utf-8"))
    finally:
        process.terminate()
        process.wait(10)


def fault(urls: dict[str, str], venue: str, kind: str, value: float = 1) -> None:
    """Begin a fault of a venue, or of `all`."""
    _control(urls, "POST", {"venue": venue, "fault": kind, "value": value})


def heal(urls: dict[str, str]) -> None:
    """End every fault."""
    _control(urls, "DELETE", None)


def requests_to(urls: dict[str, str], venue: str) -> int:
    """Return how many REST requests a venue has had."""
    with urllib.request.urlopen(urls["SIMULATOR_CONTROL_URL"] + "/__summary", timeout=10) as answer:  # noqa: S310 - our own
        return int(json.load(answer)["venues"][venue]["rest_requests"])


def _control(urls: dict[str, str], method: str, body: Any) -> None:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - our own simulator
        urls["SIMULATOR_CONTROL_URL"] + "/__faults", data, {"Content-Type": "application/json"}, method=method
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - as above


class Chatting:
    """People who talk with the bot. `asked` is how long the last answer took, in seconds."""

    def __init__(self, api: BotApi) -> None:
        self.api = api
        self.asked = 0.0

    async def say(
        self, text: str, *, who: int = PEOPLE[0], chat: int | None = None, language: str = "en"
    ) -> Entry:
        """Type a text; return the bot's answer to it, which is a new message."""
        return await self._answered(
            chat or who, lambda: self.api.people.say(chat or who, text, user=who, language=language)
        )

    async def press(self, entry: Entry, label: str, *, who: int = PEOPLE[0]) -> Entry:
        """Press the button of this label (or whose label contains it); return what follows."""
        data = next(data for text, data in self.buttons(entry) if label in text)
        return await self._answered(
            entry.chat,
            lambda: self.api.people.press(entry.chat, entry.message_id, data, user=who),
            entry.message_id,
        )

    def buttons(self, entry: Entry) -> list[tuple[str, str]]:
        """Return (label, data) of a message's buttons."""
        rows = (self.api.world.chats[entry.chat].messages[entry.message_id].markup or {}).get(
            "inline_keyboard", []
        )
        return [(button["text"], button["callback_data"]) for row in rows for button in row]

    def toasts(self) -> list[str]:
        """Return what the bot said over presses, in order; empty for a press that was only taken note of."""
        return [said for bot in self.api.world.bots.values() for said in bot.toasts]

    async def _answered(self, chat: int, act: Callable[[], object], pressed: int = 0) -> Entry:
        before = len(self._of(chat, pressed))
        begun = time.monotonic()
        act()
        await self.api.ledger.until(lambda _: len(self._of(chat, pressed)) > before, timeout=8.0)
        self.asked = time.monotonic() - begun
        return self._of(chat, pressed)[before]

    def _of(self, chat: int, pressed: int) -> list[Entry]:
        """Return new messages and edits of the pressed one; other edits are pictures that come to their words."""
        return [
            entry
            for entry in self.api.ledger.entries
            if entry.chat == chat and (entry.method.startswith("send") or entry.message_id == pressed)
        ]


@asynccontextmanager
async def chatting(urls: dict[str, str], folder: Path, **settings: Any) -> AsyncIterator[Chatting]:
    """Run the command bot; settings as `bot.config.Settings` has them, `plan` for a CoinGlass key."""
    chats = [
        *(Chat(person, "private") for person in (*PEOPLE, OWNER)),
        Chat(GROUP, "supergroup"),
        Chat(CHANNEL, "channel"),
    ]
    plan = settings.pop("plan", None)
    async with BotApi([TOKEN], chats, photos=folder / "photos") as api:
        rest = {
            f"{name}_rest_url": urls[f"{name.upper()}_REST_URL"]
            for name in ("binance", "bybit", "okx", "hyperliquid", "coinglass")
        }
        given = {
            "telegram_bot_token": TOKEN, "telegram_api_base_url": api.base_url, "telegram_admin_chat_id": OWNER,
            "database_url": f"sqlite:///{folder}/bot.db", "commands_per_minute": 60_000, "charts": False,
            "binance_spot_rest_url": urls["BINANCE_REST_URL"], **rest,
        }  # fmt: skip
        if plan:
            given["coinglass_api_key"] = f"simulated-{plan}"
        with _clean_environment():
            configured = Settings(_env_file=None, **(given | settings))
        stop = asyncio.Event()
        running = asyncio.create_task(run(configured, stop, Notifier()))
        try:
            async with asyncio.timeout(20):
                while not any(method == "getUpdates" for method, _ in api.requests) and not running.done():  # noqa: ASYNC110 - the server keeps no event for it
                    await asyncio.sleep(0.02)
            yield Chatting(api)
        finally:
            stop.set()
            await asyncio.wait_for(running, 10)


@contextmanager
def _clean_environment() -> Iterator[None]:
    kept = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("TELEGRAM_", "COINGLASS_", "TELEGLAS_CONFIG")):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(kept)
