"""Opens the sources of the chosen mode, keeps their lists fresh, and says how they are.

Each venue runs in its own task: what fails there is told and stays there.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import TypeVar

import httpx
import msgspec

from teleglas.errors import ConfigError, FeedError, FeedRefused
from teleglas.instrument_table import encode
from teleglas.storage.thread import StoreThread
from teleglas.venues.binance.rest import BinanceRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.coinglass.budget import SharedBudget
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.dialogue import Plan
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx.rest import OkxRest
from teleglas.venues.rest_client import RestClient, new_http_client
from ws_alert.messages import FeedNotice, FeedState, Frame, RecordKind
from ws_alert.sources.failover import Failover
from ws_alert.sources.family import Family
from ws_alert.sources.feed_board import FeedBoard
from ws_alert.sources.interest_feed import INTEREST, InterestFeed
from ws_alert.sources.pace import Turnstile, reconnect_delays
from ws_alert.sources.poll_interest import HyperliquidInterestPolls
from ws_alert.sources.poller import Poller, PollSource, Watch
from ws_alert.sources.session import Inbox, Shell
from ws_alert.sources.venue_feeds import (
    BinanceFeed,
    BybitFeed,
    CoinglassFeed,
    FeedOptions,
    OkxFeed,
    VenueFeed,
)
from ws_alert.sources.ws_client import REFUSED_RETRY_S, ConnectionStatus, StreamClient

__all__ = ["FeedLine", "FeedOptions", "Feeds"]

REFRESH_S = 3600.0
_RETRY_S = 30.0
_FIRST_LISTS_S = 2.0
"""So long the first connection waits for the venue's lists; then the built-in ones serve."""
_LOOK_EVERY_S = 0.5
_FIRST_INTEREST_S = 10.0
"""Within so long the first poll of funding and open interest begins, each venue's at its own moment."""

_log = logging.getLogger(__name__)
_Rest = TypeVar("_Rest", bound=RestClient)


@dataclass(frozen=True, slots=True)
class FeedLine:
    """One family of a venue for /status, as the engine was told. event_age_s: None before the first event."""

    venue: str
    family: str
    state: FeedState
    since_ms: int
    why: str
    complete: bool
    event_age_s: float | None
    connections: tuple[ConnectionStatus, ...] = ()


@dataclass(slots=True)
class _Stream:
    plan: Plan
    client: StreamClient
    task: asyncio.Task[object]


@dataclass(slots=True)
class _Venue:
    feed: VenueFeed
    connects: Turnstile
    families: dict[str, Family] = field(default_factory=dict)
    streams: dict[str, list[_Stream]] = field(default_factory=dict)
    table: bytes = b""


class Feeds:
    """All sources. `start` once, `stop` once.

    inbox: where frames, bodies, notices and instrument tables go. watch: time, sleep and
    jitter; rng: the delays of reconnects. http: None for an own client. store: where the
    CoinGlass key's requests are counted for both bots; None if no other program uses the key.
    """

    def __init__(
        self,
        options: FeedOptions,
        inbox: Inbox,
        *,
        watch: Watch | None = None,
        rng: random.Random | None = None,
        http: httpx.AsyncClient | None = None,
        store: StoreThread | None = None,
    ) -> None:
        self._options = options
        self._store = store
        self._inbox = inbox
        self._watch = watch or Watch()
        self._rng = rng or random.Random()  # noqa: S311  # spreads reconnects, keeps no secret
        self._own_http = http is None
        self._http = http
        self._board = FeedBoard(self._on_stream, self._watch.wall_ms)
        self._venues: dict[str, _Venue] = {}
        self._interest: list[InterestFeed] = []
        self._notices: asyncio.Queue[FeedNotice] = asyncio.Queue()
        self._tasks: set[asyncio.Task[object]] = set()
        self._broken = asyncio.Event()
        self.remarks: dict[str, str] = {}

    async def start(self) -> None:
        """Open the sources; returns before they are connected.

        Raises ConfigError if the mode needs a key that is not there, or for an address that
        no stream may have.
        """
        feeds = self._feeds()
        for feed in feeds:
            feed.plans()
        for feed in feeds:
            self._spawn(f"feed {feed.venue}", self._guarded(feed.venue, self._run_venue(feed)))
        if "hyperliquid" in self._options.interest and self._options.mode != "coinglass":
            self._poll_interest("hyperliquid", self._hyperliquid())
        self._spawn("feed notices", self._tell())
        self._spawn("feed deadlines", self._look())

    async def watched(self) -> None:
        """Wait until `stop`; raises what ended a task that all venues need."""
        await self._broken.wait()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def stop(self) -> None:
        """Close every connection and task, within two seconds; more than once does no harm."""
        pollers = [family.poller for venue in self._venues.values() for family in venue.families.values()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(poller.close() for poller in pollers if poller is not None))
        await asyncio.gather(*(interest.close() for interest in self._interest))
        if self._own_http and self._http is not None:
            await self._http.aclose()
            self._http = None
        self._broken.set()

    def status(self) -> tuple[FeedLine, ...]:
        """Return every family as the engine was told of it."""
        streamed = [
            self._line(venue, name, told)
            for venue in self._venues.values()
            for name, family in venue.families.items()
            if (told := family.failover.published) is not None
        ]
        polled = [
            FeedLine(told.venue, INTEREST, told.state, told.at_ms, told.why, told.complete, None)
            for interest in self._interest
            if (told := interest.published) is not None
        ]
        return (*streamed, *polled)

    def symbols(self) -> dict[str, tuple[str, ...]]:
        """Return, by venue, the symbols whose trades are watched, the most traded first."""
        return {name: venue.feed.symbols for name, venue in self._venues.items()}

    # -- which sources ----------------------------------------------------------------

    def _feeds(self) -> list[VenueFeed]:
        options, mode = self._options, self._options.mode
        key = options.coinglass_key or options.coinglass_ws_key
        if mode in {"coinglass", "both"} and key is None:
            raise ConfigError(
                "COINGLASS_API_KEY", f"SOURCE_MODE={mode} needs it", "Put your key, or choose public"
            )
        http = self._http = self._http or new_http_client()
        direct = () if mode == "coinglass" else options.venues
        wanted = dict.fromkeys(direct, options)
        if options.candles and options.candles_venue not in wanted:
            wanted[options.candles_venue] = replace(options, flow=False)
        put, watch = self._inbox.put, self._watch
        feeds: list[VenueFeed] = []
        if "binance" in wanted:
            feeds.append(BinanceFeed(self._rest(BinanceRest, http), wanted["binance"], put, watch))
        if "bybit" in wanted:
            feeds.append(BybitFeed(self._rest(BybitRest, http), wanted["bybit"], put, watch))
        if "okx" in wanted:
            feeds.append(OkxFeed(self._rest(OkxRest, http), wanted["okx"], put, watch))
        if key is not None and mode != "public":
            rest = self._coinglass(http, key.get_secret_value())
            feeds.append(CoinglassFeed(rest, options, self._inbox.put, self._watch, direct=direct))
        return feeds

    def _coinglass(self, http: httpx.AsyncClient, key: str) -> CoinglassRest:
        rest = self._rest(CoinglassRest, http)
        rest.use_key(key)
        if self._store is not None:
            watch = self._watch
            rest.share(SharedBudget(self._store, key, wall_ms=watch.wall_ms, sleep=watch.sleep), half=True)
        return rest

    def _rest(self, kind: type[_Rest], http: httpx.AsyncClient) -> _Rest:
        url = self._options.rest_urls.get(kind.venue, "")
        return kind(http, url, clock=self._watch.monotonic_s, sleep=self._watch.sleep)

    # -- one venue --------------------------------------------------------------------

    async def _guarded(self, venue: str, work: Coroutine[object, object, object]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001  # one venue's defect must not take the others down
            _log.exception("%s: stopped by a defect", venue)
            self.remarks[venue] = "stopped by a defect, see the log"

    async def _run_venue(self, feed: VenueFeed) -> None:
        if isinstance(feed, CoinglassFeed) and not await self._is_wanted(feed):
            return
        venue = self._venues[feed.venue] = _Venue(feed, Turnstile(feed.dialogue.connects))
        fresh = await self._first_lists(feed)
        await self._tell_table(venue)
        self._open(venue)
        if feed.keeper is not None and feed.candles():
            self._spawn(f"candles {feed.venue}", self._guarded(feed.venue, feed.keeper.run()))
        if self._wants_interest(feed):
            self._poll_interest(feed.venue, feed.interest())
        while True:
            await self._watch.sleep(REFRESH_S if fresh else _RETRY_S)
            fresh = await self._refresh(feed)
            if fresh:
                await self._tell_table(venue)
                self._reopen(venue)

    async def _is_wanted(self, feed: CoinglassFeed) -> bool:
        if self._options.mode != "auto":
            return True
        try:
            if await feed.key_may_stream():
                return True
            why = "the key's plan has no stream (Standard and above have): public sources only"
        except FeedRefused as error:
            why = f"{error}: public sources only"
        except FeedError:
            return True  # not reachable now; the stream's own loop goes on trying
        _log.warning("coinglass: %s", why)
        self.remarks["coinglass"] = why
        return False

    async def _first_lists(self, feed: VenueFeed) -> bool:
        load = asyncio.ensure_future(self._refresh(feed))
        patience = asyncio.ensure_future(self._watch.sleep(_FIRST_LISTS_S))
        try:
            await asyncio.wait((load, patience), return_when=asyncio.FIRST_COMPLETED)
            if load.done() and load.result():
                return True
        finally:
            load.cancel()
            patience.cancel()
            await asyncio.gather(load, patience, return_exceptions=True)
        if not feed.table:
            _log.warning("%s: %s", feed.venue, feed.fall_back())
        return False

    async def _refresh(self, feed: VenueFeed) -> bool:
        try:
            await feed.refresh()
        except FeedError as error:
            self.remarks[feed.venue] = f"lists not refreshed: {error}"
            _log.warning("%s: lists not refreshed: %s", feed.venue, error)
            return False
        except Exception:  # noqa: BLE001  # the streams need no list to go on; it is asked for again
            self.remarks[feed.venue] = "lists not refreshed by a defect, see the log"
            _log.exception("%s: lists not refreshed by a defect", feed.venue)
            return False
        self.remarks.pop(feed.venue, None)
        return True

    async def _tell_table(self, venue: _Venue) -> None:
        table = encode(venue.feed.table)
        if venue.feed.table and table != venue.table:
            venue.table = table
            await self._inbox.put(Frame(RecordKind.INSTRUMENTS, venue.feed.venue, table))

    # -- funding and open interest ----------------------------------------------------

    def _wants_interest(self, feed: VenueFeed) -> bool:
        if feed.venue == "coinglass":
            return bool(self._options.interest) and self._options.mode == "coinglass"
        opened = self._options.mode != "coinglass" and feed.venue in self._options.venues
        return opened and feed.venue in self._options.interest

    def _poll_interest(self, venue: str, source: PollSource) -> None:
        interest = InterestFeed(venue, source, self._publish, self._watch)
        self._interest.append(interest)
        wait_s = _FIRST_INTEREST_S * self._watch.jitter()
        self._spawn(f"interest {venue}", self._guarded(venue, interest.run(wait_s)))

    def _hyperliquid(self) -> PollSource:
        options, http = self._options, self._http
        assert http is not None  # noqa: S101 - `_feeds` opened it
        rest = self._rest(HyperliquidRest, http)
        least, watched = options.min_daily_volume_usd, options.watch
        return HyperliquidInterestPolls(rest, least, watched, self._inbox.put, self._watch)

    # -- streams and polls ------------------------------------------------------------

    def _open(self, venue: _Venue, only: str = "") -> None:
        feed = venue.feed
        plans = [plan for plan in feed.plans() if not only or plan.family == only]
        polls = feed.polls()
        for name in dict.fromkeys(plan.family for plan in plans):
            failover = Failover(
                feed.venue,
                name,
                self._watch.wall_ms(),
                no_rest=feed.no_rest.get(name, ""),
                partial=feed.partial_rest.get(name, ""),
            )
            family = Family(failover, self._publish)
            if name in polls:
                family.poller = Poller(f"poll {feed.venue} {name}", polls[name], family.on_poll, self._watch)
            venue.families[name] = family
        # All of a family's clients must be known to the board before the first one runs.
        for plan, client in [(plan, self._client(venue, plan)) for plan in plans]:
            self._run_client(venue, plan, client)

    def _reopen(self, venue: _Venue) -> None:
        """Change what is subscribed to what is wanted now; connections are replaced without a hole."""
        wanted: dict[str, list[Plan]] = {}
        for plan in venue.feed.plans():
            wanted.setdefault(plan.family, []).append(plan)
        for family, plans in wanted.items():
            running = venue.streams.get(family)
            if running is None:  # a family that has had nothing to subscribe starts like the first ones
                self._open(venue, family)
                continue
            for stream, plan in zip(running, plans, strict=False):
                if stream.plan != plan:
                    stream.plan = plan
                    stream.client.replace(plan)
            for surplus in running[len(plans) :]:
                surplus.task.cancel()
                self._board.leave(surplus.plan)
            del running[len(plans) :]
            for plan in plans[len(running) :]:
                self._run_client(venue, plan, self._client(venue, plan))

    def _client(self, venue: _Venue, plan: Plan) -> StreamClient:
        shell = Shell(self._inbox, self._watch.monotonic_s, self._watch.sleep)
        return StreamClient(
            plan,
            venue.feed.dialogue,
            shell,
            self._board,
            connects=venue.connects,
            delays=lambda: reconnect_delays(self._rng),
        )

    def _run_client(self, venue: _Venue, plan: Plan, client: StreamClient) -> None:
        task = self._spawn(plan.name, self._keep(plan, client))
        venue.streams.setdefault(plan.family, []).append(_Stream(plan, client, task))

    async def _keep(self, plan: Plan, client: StreamClient) -> None:
        while True:
            try:
                await client.run()
            except Exception:  # noqa: BLE001  # told and polled instead; the other streams go on
                _log.exception("%s: broken by a defect", plan.name)
                self._board.report(plan, FeedState.DOWN, "broken by a defect, see the log", refused=True)
                await self._watch.sleep(REFUSED_RETRY_S)

    def _on_stream(self, notice: FeedNotice) -> None:
        self._venues[notice.venue].families[notice.family].on_stream(notice)

    def _publish(self, notice: FeedNotice) -> None:
        if notice.state is not FeedState.CONNECTING:
            how = "" if notice.complete else ", incomplete"
            level = logging.INFO if notice.state is FeedState.LIVE else logging.WARNING
            _log.log(
                level,
                "%s %s: %s%s%s",
                notice.venue,
                notice.family,
                notice.state.value,
                how,
                f" ({notice.why})" if notice.why else "",
            )
        self._notices.put_nowait(notice)

    async def _tell(self) -> None:
        while True:
            notice = await self._notices.get()
            await self._inbox.put(Frame(RecordKind.NOTICE, notice.venue, msgspec.json.encode(notice)))

    async def _look(self) -> None:
        while True:
            await self._watch.sleep(_LOOK_EVERY_S)
            now_ms = self._watch.wall_ms()
            for venue in list(self._venues.values()):
                for family in venue.families.values():
                    family.advance(now_ms)

    def _line(self, venue: _Venue, family: str, told: FeedNotice) -> FeedLine:
        connections = tuple(stream.client.snapshot() for stream in venue.streams.get(family, ()))
        ages = [one.event_age_s for one in connections if one.event_age_s is not None]
        return FeedLine(
            told.venue,
            family,
            told.state,
            told.at_ms,
            told.why,
            told.complete,
            min(ages, default=None),
            connections,
        )

    def _spawn(self, name: str, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        # A venue's task tells its own defect and ends well: what raises here is needed by all.
        if not task.cancelled() and task.exception() is not None:
            self._broken.set()
