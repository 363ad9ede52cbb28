"""A clock that a test moves, a channel that keeps what it got, and a dispatcher between them."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque

import pytest

from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from tests.outbox.alerts import START_MS, decisions
from ws_alert.messages import Outcome, OutcomeKind
from ws_alert.outbox.dispatcher import Dispatcher
from ws_alert.outbox.outbox import commit_of


class ManualTime:
    """Time that stands still until a test moves it."""

    def __init__(self):
        self.now_ms = START_MS
        self.sleepers: list[tuple[int, asyncio.Future]] = []

    def clock(self):
        """Return the time, Unix ms."""
        return self.now_ms

    async def sleep(self, seconds):
        """Sleep in this time."""
        sleeper = (self.now_ms + round(seconds * 1000), asyncio.get_running_loop().create_future())
        self.sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self.sleepers.remove(sleeper)


class Phone:
    """A channel: keeps what it is told, and answers by script, per chat; by default it accepts."""

    def __init__(self, time):
        self.time = time
        self.answers: dict[str, deque] = defaultdict(deque)
        self.got: list[tuple[int, str, str, str]] = []
        self.details: list[dict] = []
        self.shorts: list[str] = []
        self.blocked: dict[str, asyncio.Event] = {}
        self.arrived = asyncio.Event()

    async def send(self, message, *, target, reply_to, silent):
        """Receive a message."""
        return await self._answer("send", message, target, reply_to=reply_to, silent=silent)

    async def edit(self, message, *, target, message_id, has_photo):
        """Receive an edit."""
        return await self._answer("edit", message, target, message_id=message_id, has_photo=has_photo)

    async def _answer(self, what, message, target, **details):
        self.got.append((self.time.now_ms - START_MS, what, target, message.html))
        self.details.append(details | {"photo": message.photo})
        self.shorts.append(message.short)
        self.arrived.set()
        chat = target.partition(":")[0]
        if chat in self.blocked:
            await self.blocked[chat].wait()
        if self.answers[chat]:
            answer = self.answers[chat].popleft()
            if isinstance(answer, Exception):
                raise answer
            return answer
        return Outcome(OutcomeKind.SENT, message_id=len(self.got), photo=message.photo is not None)

    def times(self, what="send", target=None):
        """Return when messages came, in ms since the start."""
        return [at for at, kind, to, _ in self.got if kind == what and target in {None, to}]


class Delivery:
    """A dispatcher at work, with everything around it in a test's hands."""

    def __init__(self, store, **options):
        self.time = ManualTime()
        self.phone = Phone(self.time)
        self.store = store
        self.told_admin: list[str] = []
        self.refused: list[str] = []
        self.drawing_hangs = False
        self.options = options

    async def __aenter__(self):
        """Start it."""
        self.dispatcher = Dispatcher(
            self.store, self.phone, clock=self.time.clock, sleep=self.time.sleep,
            tell_admin=self._tell, on_refused=self.refused.append, **self.options,
        )  # fmt: skip
        self.running = asyncio.create_task(self.dispatcher.run())
        return self

    async def __aexit__(self, *_):
        """Stop it."""
        self.dispatcher.stop()
        await asyncio.wait_for(self.running, 5)

    async def _tell(self, text):
        self.told_admin.append(text)

    async def commit(self, *verdicts):
        """Commit decisions through the dispatcher, as the pipeline does."""
        await self.dispatcher.commit(commit_of(decisions(*verdicts)))

    async def idle(self):
        """Wait until nothing is left to do now."""
        async with asyncio.timeout(20):
            while self._busy():
                assert not self.running.done() or self.running.result() is None
                await asyncio.sleep(0)

    def _busy(self):
        one = self.dispatcher
        hanging = sum(not event.is_set() for event in self.phone.blocked.values())
        working = one._notices or (one._pictures.drawing and not self.drawing_hangs)
        return not self.time.sleepers or len(one._flying) > hanging or one._wakeup.is_set() or working

    async def advance(self, ms):
        """Let this much time pass, with everything due in it done at its own time."""
        end = self.time.now_ms + ms
        await self.idle()
        while (due := min(self.time.sleepers)[0]) <= end:
            self.time.now_ms = max(due, self.time.now_ms)
            for at, future in list(self.time.sleepers):
                if at <= self.time.now_ms and not future.done():
                    future.set_result(None)
            await asyncio.sleep(0)
            await self.idle()
        self.time.now_ms = end

    async def alert(self, alert_id):
        """Return a row of the store."""
        return await self.store.run(Store.alert, alert_id)


@pytest.fixture
async def store():
    """Return a store thread over a database in memory."""
    thread = StoreThread(open_store("sqlite://"))
    yield thread
    await thread.close()


@pytest.fixture
async def delivery(store):
    """Return a running dispatcher."""
    async with Delivery(store) as made:
        yield made


@pytest.fixture
def start(store):
    """Return a way to start a dispatcher with options of its own, over the same store."""
    return lambda **options: Delivery(store, **options)
