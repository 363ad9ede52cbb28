"""The command bot as a process: what is opened, in which order, and closed again."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import httpx
import structlog
import uvloop
from pydantic import SecretStr
from telegram import Bot, Update
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationBuilder, TypeHandler

from bot.access import Access
from bot.answers import COINGLASS
from bot.asking import explain
from bot.commands.desk import CoinLists, Desk, Health
from bot.config import Settings, load_settings
from bot.front import Front
from bot.menus import set_menus
from bot.post import Post
from bot.queries import Queries
from bot.replies import Budget
from bot.sources.coinglass import CoinglassSource
from bot.sources.exchanges import Exchanges, open_exchanges
from bot.sources.public import PublicSource
from bot.sources.tape import TapeSource
from teleglas import __version__, logs
from teleglas.charts.pool import ChartPool
from teleglas.errors import AlreadyRunning, ConfigError, TeleglasError
from teleglas.language import load_words
from teleglas.locks import lock_token
from teleglas.storage import notes
from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from teleglas.systemd import Notifier
from teleglas.telegram.client import TelegramClient
from teleglas.telegram.hearing import hear, introduce
from teleglas.telegram.pace import Pace
from teleglas.venues.coinglass.api.client import CoinglassApi
from teleglas.venues.coinglass.budget import SharedBudget
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.rest_client import new_http_client

__all__ = ["main", "run"]

DOMAIN = "bot"
"""The gettext domain of our words."""

_SETTING = "TELEGRAM_BOT_TOKEN"
_HEARD = ("message", "edited_message", "channel_post", "callback_query", "my_chat_member")
_AT_ONCE = 256
_CONNECTIONS, _POOLS = 32, 4
_BURST = 8
_BEAT_S = 10.0
_DEAF_MS = 120_000
_STOP_S = 3.0
_DRAW_S, _DRAWINGS = 8.0, 24

log = structlog.get_logger("bot")


def main() -> int:
    """Run until SIGTERM or Ctrl-C; return the exit code (78 wrong setting, 75 already running, 1 failed)."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="The command bot: answers /raw, /liq, /whale and all that a trader asks in Telegram, until SIGTERM or Ctrl-C.",
        epilog="It takes no arguments. Its settings, among them TELEGRAM_BOT_TOKEN, come from the environment and .env; "
        ".env.example lists them, docs/COMMANDS.md the commands.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"TELEGLAS {__version__}")
    parser.parse_args()
    try:
        settings, warnings = load_settings()
        _configure_logs(settings)
        for warning in warnings:
            log.warning("settings", note=warning)
        with (
            lock_token(_reveal(settings.telegram_bot_token), setting=_SETTING),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(_serve(settings))
    except TeleglasError as error:
        print(" ".join(str(error).split()), file=sys.stderr)  # noqa: T201 - logs may not be configured yet
        if isinstance(error, ConfigError):
            return os.EX_CONFIG
        return os.EX_TEMPFAIL if isinstance(error, AlreadyRunning) else 1
    return 0


def _configure_logs(settings: Settings) -> None:
    try:
        logs.configure(
            level=settings.log_level, form=settings.log_format, file=settings.log_file,
            rotation=settings.log_rotation, secrets=settings.secrets(),
        )  # fmt: skip
    except OSError as error:
        raise ConfigError("LOG_FILE", f"it cannot be written ({error.strerror})", "Choose a file that this user may write") from None  # fmt: skip


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop, Notifier.from_environment())


async def run(settings: Settings, stop: asyncio.Event, notifier: Notifier) -> None:
    """Answer until `stop`. Raises ConfigError for a token that Telegram refuses."""
    health = Health(_now_ms(), turned_ms=_now_ms())
    async with contextlib.AsyncExitStack() as opened:
        store = StoreThread(await asyncio.to_thread(open_store, settings.database_url))
        opened.push_async_callback(store.close)
        client = TelegramClient(
            _reveal(settings.telegram_bot_token), base_url=settings.telegram_api_base_url,
            connections=_CONNECTIONS, pools=_POOLS, pool_s=10.0,
        )  # fmt: skip
        opened.push_async_callback(client.close)
        # A picture that comes too late for one person is in time for the next.
        charts = ChartPool(timeout_s=_DRAW_S, waiting=_DRAWINGS) if settings.charts else None
        if charts is not None:
            opened.push_async_callback(charts.close)
            charts.warm_up()
        wait = partial(_stopped_within, stop)
        username = await introduce(client.bot, health, setting=_SETTING, wait=wait)
        if username is None:
            return
        desk = await opened.enter_async_context(_desk(settings, store, health, username))
        # Who asks first shall find the lists of coins and contracts there: without them no exchange can answer in time.
        await desk.coins.every()
        # What is there by now stays: to look it all through for garbage would hold up answers for a tenth of a second.
        gc.collect()
        gc.freeze()
        post = Post(client.bot, charts)
        opened.push_async_callback(post.close)
        front = _front(settings, desk, client.bot, post)
        application = await opened.enter_async_context(_application(client.bot, front))
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(
                hear(
                    client.bot,
                    application.update_queue.put,
                    health,
                    _now_ms,
                    allowed=_HEARD,
                    setting=_SETTING,
                )
            ),
            asyncio.create_task(stop.wait(), name="stop"),
        ]
        beside: list[asyncio.Task[Any]] = [
            asyncio.create_task(_beat(store, health, settings), name="beat"),
            asyncio.create_task(_watch(notifier, health), name="watch"),
            asyncio.create_task(_menus(client.bot, desk), name="menus"),
        ]  # fmt: skip
        notifier.ready()
        log.info("running", name=username, version=__version__, key=settings.coinglass_api_key is not None)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            notifier.stopping()
            for task in [*tasks, *beside]:
                task.cancel()
            await asyncio.gather(*tasks, *beside, return_exceptions=True)
    # By now the answers that were under way are out, too.
    log.info("stopped", answered=sum(front.counts.values()))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _reveal(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


@contextlib.asynccontextmanager
async def _desk(settings: Settings, store: StoreThread, health: Health, username: str) -> AsyncIterator[Desk]:
    """Open the sources, and close them at the end."""
    async with contextlib.AsyncExitStack() as opened:

        def http() -> httpx.AsyncClient:
            client = new_http_client(pools=_POOLS)
            opened.push_async_callback(client.aclose)
            return client

        exchanges = open_exchanges(http, settings.urls(), wall_ms=_now_ms)
        opened.push_async_callback(exchanges.close)
        public, tape = PublicSource(exchanges), TapeSource(store, _now_ms)
        opened.push_async_callback(tape.close)
        coinglass, budget, api = None, None, None
        if settings.coinglass_api_key is not None:
            key = settings.coinglass_api_key.get_secret_value()
            rest = CoinglassRest(http(), settings.coinglass_rest_url or "")
            rest.use_key(key)
            budget = SharedBudget(store, key)
            rest.share(budget)
            api = CoinglassApi(rest)
            opened.push_async_callback(api.close)
            coinglass = CoinglassSource(api)
        lists = CoinLists([*([coinglass] if coinglass else []), public, tape], public.multiplied)
        opened.push_async_callback(lists.close)
        yield Desk(
            queries=Queries(coinglass, public, tape), coins=lists, store=store, words=load_words(DOMAIN),
            health=health, version=__version__, username=username, simulated=settings.simulated, wall_ms=_now_ms,
            budget=lambda: _budget(budget, api), sources=lambda: _sources(exchanges, api),
        )  # fmt: skip


async def _budget(shared: SharedBudget | None, api: CoinglassApi | None) -> Budget | None:
    if shared is None or api is None:
        return None
    turn = await shared.state()
    return Budget(turn.used, turn.per_minute, api.refused_plans())


def _sources(exchanges: Exchanges, api: CoinglassApi | None) -> Mapping[str, tuple[int | None, str]]:
    found: dict[str, tuple[int | None, str]] = {
        door.name: (door.answered_ms, door.trouble or "") for door in exchanges.doors
    }
    if api is not None:
        why = "" if api.trouble is None else explain(api.trouble, COINGLASS).reason
        found[COINGLASS] = (api.answered_ms, why)
    return found


def _front(settings: Settings, desk: Desk, bot: Bot, post: Post) -> Front:
    admin = settings.telegram_admin_chat_id

    async def tell_admin(text: str) -> None:
        if admin is None:
            return
        try:
            await bot.send_message(admin, f"TELEGLAS: {text}")
        except TelegramError as error:
            log.warning("admin_not_told", error=type(error).__name__)

    access = Access(settings.allowed_users, admin)
    pace = Pace(settings.commands_per_minute, _BURST)
    return Front(desk, post, access, pace, tell_admin=tell_admin)


@contextlib.asynccontextmanager
async def _application(bot: Bot, front: Front) -> AsyncIterator[Application]:  # type: ignore[type-arg]
    """Run the library's dispatcher: many updates at once, so that a slow answer holds nobody up."""

    async def receive(update: Update, _: object) -> None:
        await front.receive(update)

    application = ApplicationBuilder().bot(bot).updater(None).concurrent_updates(_AT_ONCE).build()
    application.add_handler(TypeHandler(Update, receive))
    await application.initialize()
    await application.start()
    try:
        yield application
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(application.stop(), _STOP_S)


async def _menus(bot: Bot, desk: Desk) -> None:
    try:
        await set_menus(bot, desk.words)
    except TelegramError as error:
        log.warning("menus_not_set", error=type(error).__name__)


async def _beat(store: StoreThread, health: Health, settings: Settings) -> None:
    """Say in the database how we are."""
    while True:
        said = notes.Heartbeat(
            _now_ms(), health.started_ms, __version__, settings.simulated, note=health.note
        )
        await store.run(notes.beat, notes.BOT_PROCESS, said)
        await asyncio.sleep(_BEAT_S)


async def _watch(notifier: Notifier, health: Health) -> None:
    """Feed systemd's watchdog while the reading of updates goes round; a conflict is no reason to restart."""
    told = ""
    while True:
        if _now_ms() - health.turned_ms < _DEAF_MS:
            notifier.alive()
        if health.note != told:
            told = health.note
            notifier.status(told or "answering")
        await asyncio.sleep((notifier.watchdog_s or 20.0) / 4)
