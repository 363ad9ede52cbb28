"""One alert process, built from its settings: what is opened, in which order, and closed again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from teleglas.charts.pool import ChartPool
from teleglas.errors import ConfigError
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from teleglas.telegram.text import escape
from ws_alert.alert_engine import AlertEngine
from ws_alert.config import Settings
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.delivery.terminal import TerminalChannel
from ws_alert.outbox.dispatcher import Channel, Dispatcher
from ws_alert.outbox.gate import chat_of
from ws_alert.pipeline import Pipeline, Wall
from ws_alert.recovery import known_tables
from ws_alert.report import Report
from ws_alert.sources.decoders import decoders
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalWriter

__all__ = ["TERMINAL", "feed_options", "run"]

TERMINAL = "terminal"
"""The one target without a token."""

_VENUES = ("binance", "bybit", "okx", "coinglass")

_FORGET_EVERY_S = 3600.0
_DECISIONS_KEPT_MS = 7 * 24 * 3_600_000

log = structlog.get_logger(__name__)


class _Way(NamedTuple):
    """How messages leave: the channel, its targets, and how the admin is reached."""

    channel: Channel
    targets: tuple[str, ...]
    tell_admin: Callable[[str], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


async def run(
    settings: Settings,
    stop: asyncio.Event,
    ready: Callable[[], None],
    alive: Callable[[], None],
    *,
    checkpoint: Callable[[str], None] = lambda _: None,
    scanner_alone: bool = False,
) -> Report:
    """Run until `stop`; `ready` is called once sources are being opened and alerts can go out.

    scanner_alone: read candles only, whether or not the scanner is switched on.

    checkpoint is called at `before_commit`, `committed`, `before_http`, `before_confirm` and
    `settled`, for kill tests.
    Nothing is sent at the start.
    """
    rules = settings.rules()
    clock = Wall()
    inbox = Inbox()
    tables = known_tables(settings.journal_dir)
    async with contextlib.AsyncExitStack() as opened:
        way = _way(settings)
        opened.push_async_callback(way.close)
        engine = AlertEngine(rules, decoders(tables), way.targets, simulated=settings.simulated)
        store = StoreThread(await asyncio.to_thread(open_store, settings.database_url))
        opened.push_async_callback(store.close)
        pipeline = Pipeline(
            inbox=inbox, engine=engine, store=store, tables=tables, clock=clock,
            tell_admin=way.tell_admin, checkpoint=checkpoint,
        )  # fmt: skip
        journal = JournalWriter(
            settings.journal_dir,
            header=lambda: pipeline.header(rules, simulated=settings.simulated),
            committed=await pipeline.load(),
            max_segment_ms=600_000,
            keep_bytes=round(settings.journal_keep_gb * 1024**3),
            keep_ms=settings.journal_keep_hours * 3_600_000,
        )
        opened.push_async_callback(asyncio.to_thread, journal.close)
        charts = ChartPool() if settings.charts else None
        if charts is not None:
            opened.push_async_callback(charts.close)
            charts.warm_up()
        dispatcher = Dispatcher(
            store, way.channel, clock=clock, tell_admin=way.tell_admin, on_refused=pipeline.refused,
            draw=charts.draw if charts else None, checkpoint=checkpoint,
        )  # fmt: skip
        pipeline.dispatcher = dispatcher
        options = feed_options(settings, scanner_alone=scanner_alone)
        feeds = Feeds(options, inbox)
        await feeds.start()
        opened.push_async_callback(feeds.stop)
        await pipeline.recover(journal, settings.journal_dir)
        delivery = asyncio.create_task(dispatcher.run())
        ready()
        log.info(
            "running",
            targets=len(way.targets),
            venues=options.venues,
            candles=tuple(f"{options.candles_venue} {symbol} {length}" for symbol, length in options.candles),
            simulated=settings.simulated,
        )
        beside = [
            asyncio.create_task(_check(way, settings, store, stop)),
            asyncio.create_task(_forget(store, clock)),
        ]
        try:
            await pipeline.run(stop, alive)
        finally:
            dispatcher.stop()
            await delivery
            report = await pipeline.report()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        if isinstance(way.channel, TelegramChannel) and way.channel.token_rejected:
            raise ConfigError(
                "TELEGRAM_ALERT_TOKEN",
                "Telegram does not know this token",
                "Copy it whole from @BotFather, or make a new one with /token",
            )
        log.info(
            "stopped", inputs=report.inputs, sent=report.sent, edited=report.edited, waiting=report.waiting
        )
        return report


def feed_options(settings: Settings, *, scanner_alone: bool = False) -> FeedOptions:
    """Return which sources the settings ask for; scanner_alone: candles and nothing else."""
    scanner = settings.scanner
    series = tuple((symbol, length) for symbol in scanner.symbols for length in scanner.timeframes)
    urls = {venue: settings.urls(venue) for venue in _VENUES}
    return FeedOptions(
        mode="public" if scanner_alone else settings.source_mode,
        venues=() if scanner_alone else FeedOptions().venues,
        candles=series if scanner.enabled or scanner_alone else (),
        candles_venue=scanner.venue,
        ws_urls={venue: ws for venue, (ws, _) in urls.items() if ws},
        rest_urls={venue: rest for venue, (_, rest) in urls.items() if rest},
        min_daily_volume_usd=settings.min_daily_volume_usd,
        watch=settings.watch,
        coinglass_key=settings.coinglass_api_key,
        coinglass_ws_key=settings.coinglass_api_key_ws,
    )


def _way(settings: Settings) -> _Way:
    token = settings.telegram_alert_token
    if token is None:
        return _Way(TerminalChannel(charts=settings.charts_dir), (TERMINAL,), _log_only, _nothing)
    channel = TelegramChannel(token.get_secret_value(), base_url=settings.telegram_api_base_url)
    admin = settings.telegram_admin_chat_id

    async def tell_admin(text: str) -> None:
        if admin is None:
            return
        said = Rendered(html=f"<b>TELEGLAS</b>: {escape(text)}", caption="", photo=None, silent=False)
        await channel.send(said, target=str(admin), reply_to=None, silent=False)

    return _Way(channel, settings.targets, tell_admin, channel.close)


async def _check(way: _Way, settings: Settings, store: StoreThread, stop: asyncio.Event) -> None:
    """Ask Telegram about the token and the chats, sending nothing; chats that can be reached again resume.

    Stops the process where the token is refused. A network that is down now is no reason to.
    """
    if not isinstance(way.channel, TelegramChannel):
        return
    found = await way.channel.check(settings.targets)
    if found.token_rejected:
        stop.set()
        return
    for problem in found.problems:
        log.warning("telegram", problem=problem)
    suspended = await store.run(Store.suspended_chats)
    for target, numeric, _ in found.chats:
        for chat in {chat_of(target), chat_of(numeric)} & suspended.keys():
            await store.run(Store.resume_chat, chat)


async def _forget(store: StoreThread, clock: Callable[[], int]) -> None:
    """Once an hour drop old decisions that sent nothing."""
    while True:
        await store.run(Store.prune, clock() - _DECISIONS_KEPT_MS)
        await asyncio.sleep(_FORGET_EVERY_S)


async def _log_only(_text: str) -> None:
    """Do nothing: the log has it already, and it is read in the same terminal."""


async def _nothing() -> None:
    return
