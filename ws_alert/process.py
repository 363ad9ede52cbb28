"""One alert process, built from its settings: what is opened, in which order, and closed again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

import structlog

from teleglas.charts.pool import ChartPool
from teleglas.daily_time import DailyTime
from teleglas.errors import ConfigError
from teleglas.storage.store import StoreUnavailable, open_store
from teleglas.storage.thread import StoreThread
from ws_alert import compiled
from ws_alert.alert_engine import AlertEngine
from ws_alert.chat.commands import Desk
from ws_alert.chat.listener import Listener
from ws_alert.config import Settings
from ws_alert.daily.scheduler import DailyDigests
from ws_alert.error_watch import errors_heard
from ws_alert.health import HealthMonitor
from ws_alert.health_server import HealthServer
from ws_alert.outbox.dispatcher import Dispatcher, Draw
from ws_alert.outcomes.follower import Follower
from ws_alert.pipeline import Pipeline, Wall
from ws_alert.recorder import Recorder
from ws_alert.recovery import Tables, known_tables
from ws_alert.report import Report
from ws_alert.sources.decoders import decoders
from ws_alert.sources.feeds import FeedOptions, Feeds
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalWriter
from ws_alert.vitals import Vitals
from ws_alert.ways import Ways, check_ways, open_ways

__all__ = ["feed_options", "run"]

_VENUES = ("binance", "bybit", "okx", "hyperliquid", "coinglass")
_INTEREST = ("binance", "bybit", "okx", "hyperliquid")
"""Venues whose funding and open interest are polled."""

log = structlog.get_logger(__name__)


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
    `settled`, for kill tests. Nothing is sent at the start.
    """
    clock, inbox = Wall(), Inbox()
    tables = _tables(settings)
    monitor, recorder = HealthMonitor(clock()), Recorder()
    async with contextlib.AsyncExitStack() as opened:
        server = _health_server(settings, opened)
        ways = open_ways(settings, monitor.delivered)
        opened.push_async_callback(ways.close)
        engine = AlertEngine(
            settings.rules(), decoders(tables), ways.targets, simulated=settings.simulated, observer=recorder
        )
        store = StoreThread(await asyncio.to_thread(open_store, settings.database_url))
        opened.push_async_callback(store.close)
        await ways.resume(store)
        await opened.enter_async_context(errors_heard(settings, ways.mail, store, monitor, clock))
        pipeline = Pipeline(
            inbox=inbox, engine=engine, store=store, tables=tables, clock=clock,
            tell_admin=ways.tell_admin, checkpoint=checkpoint,
        )  # fmt: skip
        journal = _journal(settings, pipeline, await pipeline.load())
        opened.push_async_callback(asyncio.to_thread, journal.close)
        draw = _drawer(settings, ways, opened)
        dispatcher = Dispatcher(
            store, ways.channel, clock=clock, tell_admin=ways.tell_admin, on_refused=pipeline.refused,
            draw=draw, beside=ways.beside, checkpoint=checkpoint,
        )  # fmt: skip
        pipeline.dispatcher = dispatcher
        options = feed_options(settings, scanner_alone=scanner_alone)
        feeds = Feeds(options, inbox, store=store)
        await feeds.start()
        opened.push_async_callback(feeds.stop)
        await pipeline.recover(journal, settings.journal_dir)
        follower = Follower(
            store,
            engine.intake.assets,
            inbox.put,
            engine.scanner.minutes,
            clock=clock,
            simulated=settings.simulated,
        )
        follower.begin(clock())
        ready()
        _say_running(options, ways, simulated=settings.simulated)
        vitals = Vitals(
            monitor, pipeline, feeds, store, recorder,
            server=server, clock=clock, simulated=settings.simulated,
        )  # fmt: skip
        works = _talks(settings, ways, store, dispatcher, draw, clock) | {
            "check": check_ways(ways, settings, store, stop), "warm": ways.keep_warm(), "vitals": vitals.run(),
            "outcomes": follower.run(),
        }  # fmt: skip
        async with _beside(works):
            await _work(pipeline, dispatcher, feeds, stop, alive)
        report = await pipeline.report()
        await _last_words(vitals, ways, report, clock)
        return report


def _drawer(settings: Settings, ways: Ways, opened: contextlib.AsyncExitStack) -> Draw | None:
    if not (settings.charts and ways.shows_pictures):
        return None
    charts = ChartPool()
    opened.push_async_callback(charts.close)
    charts.warm_up()
    return charts.draw


def _talks(
    settings: Settings,
    ways: Ways,
    store: StoreThread,
    dispatcher: Dispatcher,
    draw: Draw | None,
    clock: Callable[[], int],
) -> dict[str, Coroutine[None, None, None]]:
    """Return what goes on beside the alerts: daily digests, and answers to what is typed."""
    admin, token = settings.telegram_admin_chat_id, settings.telegram_alert_token
    defaults: dict[str, DailyTime | None] = {} if admin is None else {str(admin): None}
    defaults |= dict.fromkeys(ways.targets, settings.digest_at)
    digests = DailyDigests(store, defaults, clock=clock, wake=dispatcher.wake, simulated=settings.simulated)
    if token is None or ways.telegram is None:
        return {"digests": digests.run()}
    listener = Listener(
        token.get_secret_value(), base_url=settings.telegram_api_base_url, targets=settings.targets, admin=admin,
        channel=ways.telegram, store=store, desk=Desk(digests, clock, draw), wall_ms=clock, seconds=time.monotonic,
    )  # fmt: skip
    return {"digests": digests.run(), "chat": listener.run()}


def _say_running(options: FeedOptions, ways: Ways, *, simulated: bool) -> None:
    candles = [f"{options.candles_venue}:{symbol}:{length}" for symbol, length in options.candles]
    log.info(
        "running", targets=len(ways.targets), venues=" ".join(options.venues),
        candles=" ".join(candles) or "off", simulated=simulated,
        hot_path="compiled" if compiled.in_use() else "interpreted",
    )  # fmt: skip


async def _work(
    pipeline: Pipeline,
    dispatcher: Dispatcher,
    feeds: Feeds,
    stop: asyncio.Event,
    alive: Callable[[], None],
) -> None:
    """Decide and deliver until `stop`. What ends before it ends the process, and raises what it raised."""
    end = asyncio.Event()
    works = (
        asyncio.create_task(pipeline.run(end, alive)),
        asyncio.create_task(dispatcher.run()),
        asyncio.create_task(feeds.watched()),
    )
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*works, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # All at once: each may take a second or two.
        end.set()
        dispatcher.stop()
        ends = await asyncio.gather(*works, feeds.stop(), return_exceptions=True)
        asked.cancel()
    for error in ends:
        if isinstance(error, Exception):
            raise error


async def _last_words(vitals: Vitals, ways: Ways, report: Report, clock: Callable[[], int]) -> None:
    with contextlib.suppress(StoreUnavailable):
        await vitals.beat(clock())
    if ways.telegram is not None and ways.telegram.token_rejected:
        raise ConfigError(
            "TELEGRAM_ALERT_TOKEN",
            "Telegram does not know this token",
            "Copy it whole from @BotFather, or make a new one with /token",
        )
    log.info(
        "stopped", inputs=report.inputs, sent=report.sent, edited=report.edited, pictures=report.pictures,
        waiting=report.waiting,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def _beside(works: dict[str, Coroutine[None, None, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_told(name, work)) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _told(name: str, work: Coroutine[None, None, None]) -> None:
    """Do what alerts can go out without: its defect is logged, and ends nothing."""
    try:
        await work
    except Exception:
        log.exception("stopped by a defect", what=name)


@contextlib.contextmanager
def _journal_dir_usable(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            "JOURNAL_DIR",
            f"{settings.journal_dir} cannot be used ({error.strerror or error})",
            "Name a folder that this user may write, or give it the rights",
        ) from error


def _tables(settings: Settings) -> Tables:
    with _journal_dir_usable(settings):
        settings.journal_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return known_tables(settings.journal_dir)


def _journal(settings: Settings, pipeline: Pipeline, committed: int) -> JournalWriter:
    rules = settings.rules()
    with _journal_dir_usable(settings):
        return JournalWriter(
            settings.journal_dir,
            header=lambda: pipeline.header(rules, simulated=settings.simulated),
            committed=committed,
            max_segment_ms=600_000,
            keep_bytes=round(settings.journal_keep_gb * 1024**3),
            keep_ms=settings.journal_keep_hours * 3_600_000,
        )


def _health_server(settings: Settings, opened: contextlib.AsyncExitStack) -> HealthServer | None:
    if not settings.health_port:
        return None
    server = HealthServer(settings.health_port)
    server.start()
    opened.push_async_callback(asyncio.to_thread, server.stop)
    return server


def feed_options(settings: Settings, *, scanner_alone: bool = False) -> FeedOptions:
    """Return which sources the settings ask for; scanner_alone: candles and nothing else."""
    scanner = settings.scanner
    series = tuple((symbol, length) for symbol in scanner.symbols for length in scanner.timeframes)
    urls = {venue: settings.urls(venue) for venue in _VENUES}
    on = settings.detectors
    polled = (on.funding_extreme or on.oi_divergence) and not scanner_alone
    return FeedOptions(
        mode="public" if scanner_alone else settings.source_mode,
        venues=() if scanner_alone else FeedOptions().venues,
        candles=series if scanner.enabled or scanner_alone else (),
        candles_venue=scanner.venue,
        interest=_INTEREST if polled else (),
        ws_urls={venue: ws for venue, (ws, _) in urls.items() if ws},
        rest_urls={venue: rest for venue, (_, rest) in urls.items() if rest},
        min_daily_volume_usd=settings.min_daily_volume_usd,
        watch=settings.watch,
        coinglass_key=settings.coinglass_api_key,
        coinglass_ws_key=settings.coinglass_api_key_ws,
    )
