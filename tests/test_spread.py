"""Requests over several pools: the first with room, and no place lost however an answer ends."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from teleglas.spread import SpreadTransport, spread
from teleglas.venues.rest_client import new_http_client
from tests.rest_server import Answer, running_rest_server


class Pool(httpx.AsyncBaseTransport):
    """Answers when it is let; `held` is how many requests it has."""

    def __init__(self) -> None:
        self.held = 0
        self.let = asyncio.Event()
        self.fails = False

    async def handle_async_request(self, request):
        """Wait, then answer or fail."""
        self.held += 1
        try:
            await self.let.wait()
            if self.fails:
                raise httpx.ConnectError("refused", request=request)
            return httpx.Response(200, content=body())
        finally:
            self.held -= 1


async def body():
    """Return what comes over a socket: not read yet."""
    yield b"fine"


@pytest.fixture
def pools():
    """Return two pools."""
    return [Pool(), Pool()]


async def begun(pools, wanted):
    """Wait until the pools hold so many requests each."""
    async with asyncio.timeout(5):
        while [pool.held for pool in pools] != wanted:  # noqa: ASYNC110 - the pools keep no event for it
            await asyncio.sleep(0)


async def test_the_first_pool_with_room_is_taken_and_the_least_busy_when_all_are_full(pools):
    """Two and two, then one more to each; afterwards every place is free again."""
    async with httpx.AsyncClient(transport=SpreadTransport(pools, 2)) as client:
        asking = []
        for wanted in ([1, 0], [2, 0], [2, 1], [2, 2], [3, 2], [3, 3]):
            asking.append(asyncio.create_task(client.get("http://here/")))
            await begun(pools, wanted)
        for pool in pools:
            pool.let.set()
        assert [answer.text for answer in await asyncio.gather(*asking)] == ["fine"] * 6
        assert client._transport._busy == [0, 0]


async def test_a_failure_and_a_cancelled_request_free_their_place(pools):
    """As an answer whose body is never read does when it is closed."""
    async with httpx.AsyncClient(transport=SpreadTransport(pools, 1)) as client:
        asking = asyncio.create_task(client.get("http://here/"))
        await begun(pools, [1, 0])
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert client._transport._busy == [0, 0]
        pools[0].fails = True
        pools[0].let.set()
        with pytest.raises(httpx.ConnectError):
            await client.get("http://here/")
        pools[0].fails = False
        async with client.stream("GET", "http://here/"):
            assert client._transport._busy == [1, 0]
        assert client._transport._busy == [0, 0]


async def test_over_real_sockets():
    """Forty at once through four pools, all answered; one pool is no spread at all."""
    async with running_rest_server() as server, new_http_client(pools=4) as client:
        server.rules["/here"] = lambda _: Answer("{}")
        answers = await asyncio.gather(*(client.get(server.url + "/here") for _ in range(40)))
        assert [answer.text for answer in answers] == ["{}"] * 40
        assert isinstance(client._transport, SpreadTransport)
        assert client._transport._busy == [0, 0, 0, 0]
    assert not isinstance(spread(lambda _: Pool(), 32, 1), SpreadTransport)


async def test_behind_a_proxy_the_library_s_own_pool_stays(monkeypatch):
    """It asks the environment for the proxy only where it is given no transport."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with new_http_client(pools=4) as client:
        assert not isinstance(client._transport, SpreadTransport)
