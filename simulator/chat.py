"""A chat in the terminal with the real command bot: `python -m simulator.chat`, or `make demo-bot`.

The market, CoinGlass and the Bot API are simulated on this machine; the command bot, and
the alert bot that records the tape for it, are the programs that anybody runs. Type a
command as on a phone, or the number of a button; an empty line ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from simulator.bot_api.ledger import Entry
from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat

__all__ = ["main"]

_TOKEN = "123456:simulated-token-of-the-command-bot-0"  # noqa: S105 - it opens nothing
_PERSON = 1000
_PATIENCE_S = 30.0
_QUIET_S = 0.4
_WIDTH = 48
_ROOT = Path(__file__).resolve().parent.parent
_OWN = (
    "TELEGRAM_",
    "COINGLASS_",
    "TELEGLAS_CONFIG",
    "ALLOWED_USERS",
    "WHITELISTED_USERS",
    "THRESHOLDS__",
    "WATCH",
)
_PLANS = ("none", "hobbyist", "startup", "standard", "professional")


def main(
    plan: Annotated[str, typer.Option(help=f"CoinGlass plan: {', '.join(_PLANS)}.")] = "none",
    language: Annotated[str, typer.Option(help="Language of the person's Telegram, e.g. id.")] = "en",
    seed: Annotated[int, typer.Option(help="Another seed is another market.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where pictures, database and logs go.")] = Path(
        "demo-output/chat"
    ),
) -> None:
    """Chat with the command bot."""
    if plan not in _PLANS:
        raise typer.BadParameter(f"--plan: one of {', '.join(_PLANS)}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    console = Console(highlight=False)
    asyncio.run(_run(console, plan, language, seed, folder.resolve()))


async def _run(console: Console, plan: str, language: str, seed: int, folder: Path) -> None:
    api = BotApi([_TOKEN], [Chat(_PERSON, "private")], photos=folder / "pictures")
    async with contextlib.AsyncExitStack() as opened:
        await opened.enter_async_context(api)
        urls = await opened.enter_async_context(_market(seed, folder))
        settings = _settings(urls, api.base_url, plan, folder)
        await opened.enter_async_context(
            _program(["-m", "ws_alert.alert_runner"], settings, folder, "alerts.log")
        )
        await opened.enter_async_context(_program([str(_ROOT / "main.py")], settings, folder, "bot.log"))
        await _until_it_listens(api, folder)
        console.print(
            Text.assemble(
                ("A SIMULATED market; the bots are the real ones. ", "bold"),
                f"CoinGlass: {plan}. Pictures: {folder / 'pictures'}\n",
                "Type /start or any command, a button's number, or an empty line to leave.",
            )
        )
        await _talk(_Phone(console, api, language, folder / "pictures"))


class _Phone:
    """Shows what arrives, as a phone would, and remembers the newest buttons."""

    def __init__(self, console: Console, api: BotApi, language: str, pictures: Path) -> None:
        self._console = console
        self._api = api
        self._language = language
        self._pictures = pictures
        self._seen = 0
        self._pressed = 0
        self._buttons: list[tuple[int, str]] = []

    def act(self, line: str) -> bool:
        """Press the numbered button, or send the line; return False if there is no such button."""
        self._pressed = 0
        if not line.isdecimal():
            self._api.people.say(_PERSON, line, language=self._language)
            return True
        number = int(line)
        if not 1 <= number <= len(self._buttons):
            self._console.print(Text("There is no button of that number.", "dim"))
            return False
        message_id, data = self._buttons[number - 1]
        self._pressed = message_id
        self._api.people.press(_PERSON, message_id, data, language=self._language)
        return True

    async def show_answer(self) -> None:
        """Wait for the answer, and show everything that comes with it."""
        try:
            await self._api.ledger.until(self._answered, timeout=_PATIENCE_S)
        except TimeoutError:
            self._console.print(Text("No answer came; see bot.log.", "bold red"))
            return
        while True:
            for entry in self._api.ledger.entries[self._seen :]:
                self._show(entry)
            self._seen = len(self._api.ledger.entries)
            try:
                await self._api.ledger.until(lambda entries: len(entries) > self._seen, timeout=_QUIET_S)
            except TimeoutError:
                return

    def _answered(self, entries: Sequence[Entry]) -> bool:
        """Return whether an answer has come: not only a picture to an earlier one."""
        new = entries[self._seen :]
        return any(entry.method.startswith("send") or entry.message_id == self._pressed for entry in new)

    def _show(self, entry: Entry) -> None:
        message = self._api.world.chats[entry.chat].messages.get(entry.message_id)
        if message is None:
            return
        rows: list[list[dict[str, Any]]] = (message.markup or {}).get("inline_keyboard", [])
        self._buttons = [(entry.message_id, button["callback_data"]) for row in rows for button in row]
        body = Text()
        if entry.photo:
            names = [path.name for path in self._pictures.glob(f"{entry.photo[:16]}.*")]
            body.append(f"[picture {', '.join(names)}]\n", "cyan")
        body.append(entry.text)
        number = 0
        for row in rows:
            body.append("\n")
            for button in row:
                number += 1
                body.append(f" {number} ", "reverse")
                body.append(f" {button['text']}  ")
        title = "edited" if entry.method.lower().startswith("edit") else None
        self._console.print(Panel(body, width=_WIDTH, title=title, title_align="left"))


async def _talk(phone: _Phone) -> None:
    while True:
        try:
            line = (await asyncio.to_thread(input, "you> ")).strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not line:
            return
        if phone.act(line):
            await phone.show_answer()


def _settings(urls: Mapping[str, str], telegram: str, plan: str, folder: Path) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    environment |= {name: url for name, url in urls.items() if name.endswith(("_WS_URL", "_REST_URL"))}
    environment |= {
        "SIMULATED": "true",
        "SOURCE_MODE": "public",
        "TELEGRAM_BOT_TOKEN": _TOKEN,
        "TELEGRAM_ADMIN_CHAT_ID": str(_PERSON),
        "TELEGRAM_API_BASE_URL": telegram,
        "BINANCE_SPOT_REST_URL": urls["BINANCE_REST_URL"],
        "DATABASE_URL": f"sqlite:///{folder / 'teleglas.db'}",
        "JOURNAL_DIR": str(folder / "journal"),
        "PYTHONPATH": str(_ROOT),
    }
    # Lines from a pipe come faster than a person types.
    environment.setdefault("COMMANDS_PER_MINUTE", "240")
    return environment | ({} if plan == "none" else {"COINGLASS_API_KEY": f"simulated-{plan}"})


@contextlib.asynccontextmanager
async def _market(seed: int, folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run the simulated market beside; its addresses."""
    with tempfile.TemporaryDirectory() as aside:
        ports = Path(aside) / "ports.json"
        arguments = ["-m", "simulator", "--scenario", "demo", "--seed", str(seed), "--ports-file", str(ports)]
        async with _program(
            arguments, dict(os.environ) | {"PYTHONPATH": str(_ROOT)}, folder, "market.log"
        ) as market:
            async with asyncio.timeout(_PATIENCE_S):
                while not ports.is_file():
                    if market.returncode is not None:
                        raise typer.BadParameter(f"the simulator did not start: see {folder / 'market.log'}")
                    await asyncio.sleep(0.05)
            yield json.loads(ports.read_text(encoding="utf-8"))


@contextlib.asynccontextmanager
async def _program(
    arguments: list[str], environment: Mapping[str, str], folder: Path, log: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (folder / log).open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=dict(environment), cwd=folder, stdout=out, stderr=out,
            stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 8)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until_it_listens(api: BotApi, folder: Path) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not any(method == "getUpdates" for method, _ in api.requests):  # noqa: ASYNC110 - a program beside us
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise typer.BadParameter(f"the bot did not start: see {folder / 'bot.log'}") from None


if __name__ == "__main__":
    typer.run(main)
