"""A stream client, a clock that the test turns, and a Binance-like server on loopback."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from http import HTTPStatus

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from teleglas.venues.binance.stream import BinanceDialogue
from ws_alert.messages import FeedState
from ws_alert.sources.feed_board import FeedBoard
from ws_alert.sources.session import Shell
from ws_alert.sources.ws_client import stream_clients

__all__ = [
    "CANARY",
    "CONNECTING",
    "DOWN",
    "LIVE",
    "Bench",
    "ManualTime",
    "Venue",
    "binance",
    "breathe",
    "liquidation",
    "until",
]

CONNECTING, LIVE, DOWN = FeedState.CONNECTING, FeedState.LIVE, FeedState.DOWN
CANARY = '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade"}}'


def liquidation(number: int) -> str:
    """Return a numbered frame of the liquidation stream."""
    return json.dumps({"stream": "!forceOrder@arr", "data": {"n": number}}, separators=(",", ":"))


class ManualTime:
    """A clock that stands still until the test turns it."""

    def __init__(self):
        self.now = 1000.0
        self._sleepers = []
        self._order = itertools.count()

    def clock(self):
        """Return the time in seconds."""
        return self.now

    async def sleep(self, seconds):
        """Wait until the test has turned the clock so far."""
        waiter = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, next(self._order), waiter))
        await waiter

    async def turn(self, seconds):
        """Let seconds pass, waking each sleeper at its own time."""
        end = self.now + seconds
        while True:
            self._sleepers = [one for one in self._sleepers if not one[2].done()]
            due = min((one for one in self._sleepers if one[0] <= end), default=None)
            if due is None:
                break
            self.now = max(self.now, due[0])
            due[2].set_result(None)
            await breathe()
        self.now = end
        await breathe()


async def breathe():
    """Give tasks and loopback sockets a few turns of the loop."""
    for _ in range(12):
        await asyncio.sleep(0)
    await asyncio.sleep(0.002)


async def until(condition, seconds=5.0):
    """Wait for a condition; fail if it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions are of many kinds
            await asyncio.sleep(0.001)


class Venue:
    """A Binance-like server: acknowledges, answers probes, sends what the test says."""

    def __init__(self):
        self.connections = []
        self.connects = 0
        self.subscribed = []
        self.acknowledges = True
        self.errors = False
        self.answers = True
        self.closes = False
        self.status = None
        self.headers = {}
        self.greeting = [CANARY]
        self.closed = 0

    async def __aenter__(self):
        self._server = await serve(
            self._talk, "127.0.0.1", 0, process_request=self._admit, compression=None, ping_interval=None
        )
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection, _request):
        self.connects += 1
        if self.status is None:
            return None
        response = connection.respond(HTTPStatus(self.status), "no\n")
        response.headers.update(self.headers)
        return response

    async def _talk(self, connection):
        if self.closes:
            return
        self.connections.append(connection)
        topics = []
        try:
            async for text in connection:
                await self._answer(connection, text, topics)
        except ConnectionClosed:
            pass
        finally:
            self.closed += 1
            self.connections.remove(connection)

    async def _answer(self, connection, text, topics):
        message = json.loads(text)
        if message["method"] == "LIST_SUBSCRIPTIONS":
            if self.answers:
                await connection.send(json.dumps({"result": topics, "id": message["id"]}))
            return
        topics += message["params"]
        self.subscribed.append(message["params"])
        if self.errors:
            error = {"code": 2, "msg": "Invalid request"}
            await connection.send(json.dumps({"error": error, "id": message["id"]}))
            return
        if self.acknowledges:
            await connection.send(json.dumps({"result": None, "id": message["id"]}))
        for frame in self.greeting:
            await connection.send(frame)

    async def say(self, *frames, to=-1):
        """Send frames on one connection, by default the newest."""
        for frame in frames:
            await self.connections[to].send(frame)


class Bench:
    """A client of one venue with a manual clock, and everything that it said."""

    def __init__(self, plans, dialogue, *, room=1000, seed=1):
        self.time = ManualTime()
        self.inbox = asyncio.Queue(room)
        self.notices = []
        self.board = FeedBoard(self.notices.append, lambda: int(self.time.now * 1000))
        shell = Shell(self.inbox, self.time.clock, self.time.sleep)
        self.clients = stream_clients(plans, dialogue, shell, self.board, random.Random(seed))  # noqa: S311 - a seed
        self.client = self.clients[0]

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(client.run()) for client in self.clients]
        return self

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def states(self):
        """Return the states told so far."""
        return [notice.state for notice in self.notices]

    def frames(self):
        """Take out what was delivered, without canaries."""
        said = [self.inbox.get_nowait().payload.decode() for _ in range(self.inbox.qsize())]
        return [frame for frame in said if frame != CANARY]

    async def live(self):
        """Wait until the first client is live."""
        await until(lambda: self.client.snapshot().state is LIVE)

    async def turn_until(self, condition, seconds):
        """Let time pass in small steps until a condition holds; return how long it took."""
        began = self.time.now
        while not condition():
            assert self.time.now - began < seconds, "it took too long"
            await self.time.turn(0.25)
        return self.time.now - began

    async def turn_with_canary(self, venue, seconds, every=5.0):
        """Let time pass on a healthy connection."""
        end = self.time.now + seconds
        while self.time.now < end:
            for number in range(len(venue.connections)):
                await venue.say(CANARY, to=number)
            await until(lambda: self.client.snapshot().data_age_s == 0)
            await self.time.turn(min(every, end - self.time.now))


def binance(venue, **kinds):
    """Return plans against a server of this machine."""
    return BinanceDialogue.plans(base_url=venue.url, **kinds)
