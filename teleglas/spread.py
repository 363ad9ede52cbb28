"""HTTP connections in several small pools, where many requests go to one server at once.

For each step of each request httpcore looks at every pair of a pool's connections, which of a pool
of thirty-two is four tenths of the command bot's time when a hundred people ask together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import httpx

__all__ = ["SpreadTransport", "spread"]


class SpreadTransport(httpx.AsyncBaseTransport):
    """Sends each request through the first pool that has a connection free, else through the least busy.

    room: connections of each pool. So what is idle stays together and is used again.
    """

    def __init__(self, pools: Sequence[httpx.AsyncBaseTransport], room: int) -> None:
        self._pools = pools
        self._room = room
        self._busy = [0] * len(pools)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises what its pool raises."""
        at = next((at for at, busy in enumerate(self._busy) if busy < self._room), None)
        if at is None:
            at = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[at] += 1
        try:
            response = await self._pools[at].handle_async_request(request)
        except BaseException:
            self._busy[at] -= 1
            raise
        response.stream = _Counted(cast("httpx.AsyncByteStream", response.stream), lambda: self._free(at))
        return response

    async def aclose(self) -> None:
        """Close every pool."""
        for pool in self._pools:
            await pool.aclose()

    def _free(self, at: int) -> None:
        self._busy[at] -= 1


def spread(
    make: Callable[[int], httpx.AsyncBaseTransport], connections: int, pools: int
) -> httpx.AsyncBaseTransport:
    """Return one transport of so many connections; make: returns a pool of a number of them."""
    if pools <= 1:
        return make(connections)
    room = -(-connections // pools)
    return SpreadTransport([make(room) for _ in range(pools)], room)


class _Counted(httpx.AsyncByteStream):
    """A body whose end, however it comes, is told once."""

    def __init__(self, inner: httpx.AsyncByteStream, ended: Callable[[], None]) -> None:
        self._inner = inner
        self._ended: Callable[[], None] | None = ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            ended, self._ended = self._ended, None
            if ended is not None:
                ended()
