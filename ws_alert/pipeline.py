"""The order of the alert process, and its only loop that decides.

    sources -> inbox -> [ stamp -> journal -> engine ] -> commit -> dispatcher -> channel

What stands in brackets is done without waiting; commits run in the store thread and
merge while one is under way; the dispatcher sends only what is committed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec
import structlog

from teleglas import __version__
from teleglas.baselines import merged
from teleglas.instrument_table import decode as decode_instruments
from teleglas.storage.store import Store, StoreUnavailable
from teleglas.storage.thread import StoreThread
from ws_alert.alert_engine import AlertEngine
from ws_alert.detectors.candle_confluence_detector import CandleScanner
from ws_alert.messages import (
    Alert,
    Decisions,
    FeedNotice,
    FeedState,
    Frame,
    Kind,
    RecordKind,
    RefusedNote,
    Verdict,
)
from ws_alert.outbox.dispatcher import Dispatcher
from ws_alert.outbox.outbox import commit_of, content_of
from ws_alert.recovery import Tables, is_readable, recover, stopped_feeds
from ws_alert.report import Report, Tally
from ws_alert.rules import Rules
from ws_alert.sources.inbox import Inbox
from ws_alert.sources.journal import JournalUnwritable, JournalWriter
from ws_alert.sources.journal_header import Context
from ws_alert.state_notice import StateNotice

__all__ = ["Pipeline", "Wall"]

_COMMIT_EVERY_S = 5.0
"""Without a decision the position is committed this often: what is decided on again after a crash."""

_LOOK_EVERY_S = 1.0
_NEVER = -1
_COMMIT_HANGS_S = 20.0
"""A transaction that takes longer is stuck: the process no longer says that it is alive."""
_SAMPLES_EVERY_S = 30.0

_ORIGIN = attrgetter("kind", "source")

log = structlog.get_logger(__name__)


class Wall:
    """Unix milliseconds that never go back while the process lives, whatever is done to the clock."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> int:
        """Return the time now."""
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last


class Pipeline:
    """Decides on what the inbox holds and commits what was decided.

    The journal, the engine, and the store are its own from here on: nobody else writes
    or feeds them. checkpoint is called with `before_commit` and `committed` around each transaction.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        engine: AlertEngine,
        store: StoreThread,
        tables: Tables,
        clock: Callable[[], int],
        tell_admin: Callable[[str], Awaitable[None]],
        checkpoint: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.tally = Tally()
        self.dispatcher: Dispatcher | None = None
        self._inbox, self._engine, self._store = inbox, engine, store
        self._tables = tables
        self._clock, self._tell_admin, self._checkpoint = clock, tell_admin, checkpoint
        self._journal: JournalWriter | None = None
        self._memory: bytes | None = None
        self._decided: list[Verdict] = []
        self._position = 0
        self._committed = 0
        self._work = asyncio.Event()
        self._commits_since: float | None = None
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: dict[str, FeedState] = {}
        self._journal_notice, self._store_notice = StateNotice(), StateNotice()
        self._look_at_samples = 0.0

    @property
    def scanner(self) -> CandleScanner:
        """The candle series, to be looked at."""
        return self._engine.scanner

    @property
    def storms(self) -> tuple[tuple[str, str], ...]:
        """(asset, liquidated side) of the storms that go on."""
        open_now = self._engine.episodes.open
        return tuple(
            sorted((asset, side) for kind, asset, side in open_now if kind is Kind.LIQUIDATION_STORM)
        )

    # -- start ------------------------------------------------------------------------

    def header(self, rules: Rules, *, simulated: bool) -> bytes:
        """Return what a journal segment that starts now says of how it is to be decided on."""
        known = Context(__version__, msgspec.Raw(rules.model_dump_json().encode()), self._tables, simulated)
        return msgspec.json.encode(known)

    async def load(self) -> int:
        """Read the committed memory; return the number of the last record that was decided on."""
        self._memory, committed = await self._store.run(Store.load_memory)
        if self._memory is not None and not is_readable(self._memory):
            log.error("memory_unreadable", why="another version wrote it; episodes and cooldowns begin anew")
            self._memory = None
        unreadable = self._engine.remember(await self._store.run(Store.load_baselines))
        if unreadable:
            log.error(
                "baselines_unreadable", rows=unreadable, why="another version wrote them; they begin anew"
            )
        # At the first start even an empty memory is committed before anything is decided on:
        # without one, what is journalled before the first decision would count as old news.
        self._committed = _NEVER if self._memory is None else committed
        return committed

    async def recover(self, journal: JournalWriter, folder: Path) -> None:
        """Go on where the last process stopped, and commit what it had not."""
        self._journal = journal
        recovered = recover(self._engine, folder, self._memory, self._committed)
        self._position = journal.last_sequence
        self._keep(self._engine.drain())
        if recovered.warmed or recovered.decided:
            log.info("recovered", records=recovered.warmed, decided_again=recovered.decided)
        for sequence, error in recovered.broken.items():
            log.error("record_left_out", record=sequence, left_out=recovered.left_out, exc_info=error)
        if recovered.unknown:
            log.error("records_of_another_version", records=recovered.unknown, why="left out")
        if journal.damage or journal.gap:
            log.warning("journal_damaged", cut=str(journal.damage or "nothing"), missing_records=journal.gap)
        away = stopped_feeds(self._engine, journal.last_received_ms)
        if away:
            self._decide(away, told=False)
        await self._commit()

    # -- the loop ---------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, alive: Callable[[], None]) -> None:
        """Decide until `stop`; `alive` is called after every turn, at least once a second.

        Not while a transaction is stuck: what is decided meanwhile reaches nobody. Raises what
        committing raised, since deciding on without it would tell nobody either.
        """
        committer = asyncio.create_task(self._commit_loop())
        waker = asyncio.create_task(self._wake_at(stop))
        try:
            while not (stop.is_set() or committer.done()):
                await self._turn()
                if not self._is_stuck():
                    alive()
        except Exception:
            # It broke within an input: memory and position do not fit. The next start decides it again.
            committer.cancel()
            raise
        finally:
            waker.cancel()
            self._stopping = True
            self._work.set()
            await asyncio.wait({committer})
            if not committer.cancelled():
                committer.result()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=1.0)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._inbox.wake()

    def _is_stuck(self) -> bool:
        since = self._commits_since
        return since is not None and time.monotonic() - since > _COMMIT_HANGS_S

    async def _turn(self) -> None:
        now = self._clock()
        due = self._engine.next_deadline()
        wait_s = _LOOK_EVERY_S if due is None else min(_LOOK_EVERY_S, max(0, due - now) / 1000)
        frames = await self._inbox.take(wait_s)
        if frames:
            self._decide(frames)
            self.tally.decided(len(frames), time.monotonic() - self._inbox.waited_since)
            # A full inbox never waits: let the sockets and the dispatcher have their turn.
            await asyncio.sleep(0)
        elif due is not None and due <= self._clock():
            # The time itself is an input: journalled, so that a replay decides it too.
            self._decide([Frame(RecordKind.TICK, "", b"")])
        if self._decided:
            self._work.set()
        self._look()

    def _decide(self, frames: list[Frame], *, told: bool = True) -> None:
        """Stamp, journal, decide: nothing is decided on that a restart could not decide again."""
        journal, engine = self._journal, self._engine
        assert journal is not None  # noqa: S101 - recover() came first
        stamp = max(journal.last_received_ms, engine.now_ms, self._clock())
        runs = [(*key, [frame.payload for frame in run]) for key, run in groupby(frames, key=_ORIGIN)]
        for kind, source, payloads in runs:
            if kind is RecordKind.INSTRUMENTS:
                self._tables[source] = tuple(decode_instruments(payloads[-1]).values())
        self._position = journal.extend(frames, stamp)
        self._write(journal, stamp)
        for kind, source, payloads in runs:
            if kind is RecordKind.FRAME:
                engine.receive_frames(source, payloads, stamp)
                continue
            for payload in payloads:
                engine.receive(kind, source, payload, stamp)
                if told and kind is RecordKind.NOTICE:
                    self._noticed(payload)
        self._keep(engine.drain())

    def _write(self, journal: JournalWriter, now_ms: int) -> None:
        why = None
        try:
            journal.write()
        except JournalUnwritable as error:
            # Telling the trader matters more than the record of it.
            why = str(error)
        if not self._journal_notice.is_due(broken=why is not None, now_ms=now_ms):
            return
        if why is None:
            log.warning("journal_writable_again", lost_records=journal.lost)
            self._say(f"the journal can be written again; records lost so far: {journal.lost}")
        else:
            log.error("journal_unwritable", why=why)
            self._say(f"the journal cannot be written, alerts go on without it: {why}")

    def _keep(self, verdicts: list[Verdict]) -> None:
        if verdicts:
            self._decided += verdicts
            self.tally.judged(verdicts)
        self._engine.phases.clear()

    # -- commit -----------------------------------------------------------------------

    async def _commit_loop(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_COMMIT_EVERY_S):
                    await self._work.wait()
            except TimeoutError:
                pass
            self._work.clear()
            await self._commit()
            if self._stopping and not self._decided:
                return

    async def _commit(self) -> None:
        """Commit everything decided so far, in one transaction; then let it be sent."""
        if not self._decided and self._position == self._committed:
            return
        verdicts, self._decided = self._decided, []
        baselines = self._engine.baselines
        change, baselines.kept = baselines.kept, None
        decisions = Decisions(tuple(verdicts), self._engine.memory(), self._position, change)
        self._checkpoint("before_commit")
        self._commits_since = time.monotonic()
        try:
            if verdicts and self.dispatcher is not None:
                await self.dispatcher.commit(commit_of(decisions))
            else:
                await self._store.run(Store.commit, commit_of(decisions))
        except StoreUnavailable as error:
            self._decided = verdicts + self._decided
            baselines.kept = merged(change, baselines.kept)
            if self._store_notice.is_due(broken=True, now_ms=self._clock()):
                log.error("decisions_not_stored", why=str(error))  # noqa: TRY400 - the database says enough
                self._say(f"decisions cannot be stored now: {error}")
            await asyncio.sleep(_LOOK_EVERY_S)
            return
        finally:
            self._commits_since = None
        self._checkpoint("committed")
        self._committed = decisions.position
        if self._journal is not None:
            self._journal.committed(decisions.position)
        if self._store_notice.is_due(broken=False, now_ms=self._clock()):
            self._say("decisions can be stored again")

    # -- what else the world tells ------------------------------------------------------

    def refused(self, alert_id: str) -> None:
        """Hear that a message was refused for good: an input, since it clears a cooldown."""
        self._spawn(self._hear_refusal(alert_id))

    async def _hear_refusal(self, alert_id: str) -> None:
        row = await self._store.run(Store.alert, alert_id)
        content = content_of(row) if row is not None else None
        if isinstance(content, Alert):
            note = RefusedNote(
                content.target,
                content.kind,
                content.asset,
                content.direction,
                content.episode_ms,
                content.step,
            )
            await self._inbox.put(Frame(RecordKind.REFUSED, "", msgspec.json.encode(note)))

    def _noticed(self, payload: bytes) -> None:
        """Tell the admin that a feed is polled, gone, or back; not that it connects for the first time."""
        notice = msgspec.json.decode(payload, type=FeedNotice)
        name = f"{notice.venue} {notice.family}"
        before = self._said.get(name)
        if notice.state is FeedState.CONNECTING or notice.state is before:
            return
        self._said[name] = notice.state
        if before is None and notice.state is FeedState.LIVE:
            return
        self._say(f"{name}: {notice.state.value}" + (f" ({notice.why})" if notice.why else ""))

    def _say(self, text: str) -> None:
        self._spawn(self._tell_admin(text))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned_ended)

    def _spawned_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("not_told", why=f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        """Log a sample of what was skipped, now and then."""
        now = time.monotonic()
        if now < self._look_at_samples:
            return
        self._look_at_samples = now + _SAMPLES_EVERY_S
        intake = self._engine.intake
        for reason, detail in intake.samples:
            log.info("skipped", reason=reason.value, detail=detail[:200], so_far=intake.refused[reason])
        intake.samples.clear()

    # -- figures ----------------------------------------------------------------------

    async def report(self) -> Report:
        """Return the counts since the start."""
        assert self.dispatcher is not None  # noqa: S101 - the runner sets it before it asks
        stats = await self._store.run(Store.stats)
        return self.tally.report(
            self.dispatcher.deliveries(),
            {reason.value: count for reason, count in self._engine.intake.refused.items()},
            waiting=stats.waiting,
            undeliverable=stats.by_state.get("buried", 0),
            lost=self._journal.lost if self._journal else 0,
            most=self._inbox.most,
        )
