"""One venue's REST door: pace, time-outs, size, status; what its bodies mean is each `rest.py`'s.

A subclass names the base URL, its quotas, and judges answers. A venue that asked for
quiet (429, 418, ...) is not asked again before its time: the same error is raised
without a request, so that no caller can turn a warning into a ban.
"""

from __future__ import annotations

import asyncio
import functools
import math
import ssl
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import anyio
import httpx
import msgspec

from teleglas.errors import FeedError, FeedInterrupted, FeedRefused
from teleglas.spread import spread
from teleglas.venues.rows import DECODE_ERRORS

__all__ = ["MAX_BODY", "Banned", "Limit", "Quota", "RestClient", "Throttled", "check_json", "check_status",
           "new_http_client", "retry_after_s"]  # fmt: skip

MAX_BODY = 32 * 1024 * 1024
"""Bytes; the largest body we ask for (Binance's exchangeInfo) is under 3 MB."""

_PATIENCE_S = 10.0
_CONNECTIONS, _KEPT_S = 32, 30.0
_QUIET_AFTER_429_S = 30.0
_QUIET_AFTER_BAN_S = 600.0
_LONGEST_QUIET_S = 3 * 24 * 3600.0


class Throttled(FeedInterrupted):
    """The venue asks for quiet; `wait_s` seconds from the answer."""

    def __init__(self, wait_s: float, detail: str) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Banned(FeedRefused):
    """The venue shut us out for `wait_s` seconds (Binance 418, Bybit 403)."""

    def __init__(self, wait_s: float, detail: str) -> None:
        super().__init__("banned", detail)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Limit:
    """What we allow ourselves: `units` per `window_s`, of which `burst` may be spent at once.

    In any window at most `units + burst` are spent, so a limit names less than the venue's.
    Equal limits are one budget; `of` tells apart the endpoints that have one each.
    """

    units: float
    window_s: float
    burst: float
    of: str = ""


class Quota:
    """A token bucket for one `Limit`. Time comes from the caller, in seconds."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._level = limit.burst
        self._at_s: float | None = None

    def resize(self, limit: Limit) -> None:
        """Obey another limit from now on."""
        self._limit = limit

    def reserve(self, cost: float, now_s: float) -> float:
        """Take `cost` units and return the seconds to wait before they may be used."""
        per_s = self._limit.units / self._limit.window_s
        elapsed = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self._level = min(self._limit.burst, self._level + elapsed * per_s) - cost
        return max(0.0, -self._level / per_s)

    def give_back(self, cost: float) -> None:
        """Undo a reservation that was not used."""
        self._level = min(self._limit.burst, self._level + cost)


def new_http_client(*, pools: int = 1) -> httpx.AsyncClient:
    """Return an HTTP client; the caller closes it.

    One for all venues is enough for a few requests a second. Where hundreds come at once each venue
    needs its own, and its connections in several pools (see `teleglas.spread`); behind a proxy there is
    one, since httpx asks the environment for it only then.
    """
    headers = {"Accept": "application/json", "User-Agent": "teleglas"}
    timeout = httpx.Timeout(_PATIENCE_S)
    if pools > 1 and not urllib.request.getproxies():
        transport = spread(_pool, _CONNECTIONS, pools)
        return httpx.AsyncClient(timeout=timeout, headers=headers, transport=transport)
    return httpx.AsyncClient(
        timeout=timeout, headers=headers, limits=_limits(_CONNECTIONS), verify=_trusted()
    )


def _pool(connections: int) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=_trusted(), limits=_limits(connections))


def _limits(connections: int) -> httpx.Limits:
    # httpcore counts busy connections as kept, too: fewer to keep than to have would close them after each answer.
    return httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_KEPT_S
    )


@functools.cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class RestClient:
    """GET and POST with the venue's pace. Subclasses add one method for each endpoint.

    clock: monotonic seconds. sleep: how to wait. patience_s: for one whole answer.
    most_wait_s: who would have to wait longer for their turn is told so at once.
    """

    venue: ClassVar[str]
    default_url: ClassVar[str]

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience_s: float = 2 * _PATIENCE_S,
        most_wait_s: float = math.inf,
    ) -> None:
        self._http = http
        self._base = (base_url or self.default_url).rstrip("/")
        self._clock = clock
        self._sleep = sleep
        self._patience_s = patience_s
        self._most_wait_s = most_wait_s
        # httpcore looks through its queue and its connections at every step of every request: whoever
        # finds no connection free waits here, where waiting costs nothing.
        self._free = asyncio.Semaphore(_CONNECTIONS)
        self._quotas: dict[Limit, Quota] = {}
        self._quiet: Throttled | Banned | None = None
        self._quiet_until_s = 0.0

    def quiet_for_s(self) -> float:
        """Return for how many seconds the venue wants no request, 0 if it takes them."""
        return max(0.0, self._quiet_until_s - self._clock()) if self._quiet else 0.0

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Raise FeedRefused or FeedInterrupted unless this answer is a success."""
        check_status(status, headers, body)
        check_json(body)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers, e.g. how much of the budget is used."""

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int],
        limit: Limit | None,
        *,
        cost: float = 1.0,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the body of a successful answer, as it came.

        Waits its turn within `limit`; None if the caller paces. Raises FeedRefused when asking again is useless, and
        FeedInterrupted (Throttled with the time to wait) when it may help.
        """
        return await self._ask(path, params, headers or {}, None, limit, cost)

    async def post(self, path: str, body: bytes, limit: Limit, *, cost: float = 1.0) -> bytes:
        """Return the body of the answer to a question that is sent as JSON; else as `get`."""
        return await self._ask(path, {}, {"Content-Type": "application/json"}, body, limit, cost)

    async def _ask(
        self,
        path: str,
        params: Mapping[str, str | int],
        headers: Mapping[str, str],
        question: bytes | None,
        limit: Limit | None,
        cost: float,
    ) -> bytes:
        self.raise_if_quiet()
        if limit is not None:
            await self._turn(self.quota(limit), cost)
            self.raise_if_quiet()
        try:
            status, answered, body = await self._fetch(path, params, headers, question)
            self.observe(answered)
            self.judge(status, answered, body)
        except (Throttled, Banned) as error:
            self.stay_quiet(error)
            raise
        return body

    def quota(self, limit: Limit) -> Quota:
        """Return the one bucket of this limit."""
        return self._quotas.setdefault(limit, Quota(limit))

    def stay_quiet(self, error: Throttled | Banned) -> None:
        """Send nothing for `error.wait_s` seconds, raising `error` instead."""
        self._quiet = error
        self._quiet_until_s = self._clock() + min(error.wait_s, _LONGEST_QUIET_S)

    def raise_if_quiet(self) -> None:
        """Raise Throttled or Banned with the time left, while the venue wants no request."""
        left = self.quiet_for_s()
        if not left or self._quiet is None:
            self._quiet = None
            return
        raise type(self._quiet)(left, f"{self.venue} asked for quiet, {left:.0f} s left")

    async def _turn(self, quota: Quota, cost: float) -> None:
        wait_s = quota.reserve(cost, self._clock())
        if wait_s > self._most_wait_s:
            quota.give_back(cost)
            raise Throttled(wait_s, f"{self.venue}: our own pace, {wait_s:.1f} s to wait")
        if wait_s > 0:
            await self._sleep(wait_s)

    async def _fetch(
        self, path: str, params: Mapping[str, str | int], headers: Mapping[str, str], question: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        # In a task of its own, ended by a scope of anyio only: httpcore closes the connections that
        # it took from its pool under such a scope's shield, and a plain cancellation of the asker's
        # task would pass that shield and leave them open, known to nobody.
        scope = anyio.CancelScope(deadline=anyio.current_time() + self._patience_s)
        fetching = asyncio.create_task(self._exchange(scope, path, params, headers, question))
        fetching.add_done_callback(_look_away)
        try:
            return await asyncio.shield(fetching)
        except asyncio.CancelledError:
            scope.cancel()
            await asyncio.wait([fetching])
            raise

    async def _exchange(
        self,
        scope: anyio.CancelScope,
        path: str,
        params: Mapping[str, str | int],
        headers: Mapping[str, str],
        question: bytes | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        url, method = self._base + path, "GET" if question is None else "POST"
        asking = self._http.stream(method, url, params=dict(params), headers=dict(headers), content=question)
        try:
            with scope:
                async with self._free, asking as answer:
                    body = bytearray()
                    async for chunk in answer.aiter_bytes():
                        body += chunk
                        if len(body) > MAX_BODY:
                            raise FeedInterrupted(f"{self.venue} {path}: body over {MAX_BODY >> 20} MB")
                    return answer.status_code, answer.headers, bytes(body)
        except FeedError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # The text of transport errors may quote the URL; the class says enough.
            raise FeedInterrupted(f"{self.venue} {path}: {type(error).__name__}") from None
        raise FeedInterrupted(f"{self.venue} {path}: TimeoutError")


def _look_away(done: asyncio.Task[object]) -> None:
    if not done.cancelled():
        done.exception()  # whoever asked has it, or has gone


def check_status(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise what an HTTP status means on every venue; return on 200."""
    said = _excerpt(body)
    if status == httpx.codes.OK:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled(retry_after_s(headers, _QUIET_AFTER_429_S), f"HTTP 429 {said}")
    if status == httpx.codes.IM_A_TEAPOT:
        raise Banned(retry_after_s(headers, _QUIET_AFTER_BAN_S), f"HTTP 418 {said}")
    if status in (httpx.codes.FORBIDDEN, httpx.codes.UNAVAILABLE_FOR_LEGAL_REASONS):
        raise FeedRefused("region_block", f"HTTP {status} {said}")
    if status == httpx.codes.UNAUTHORIZED:
        raise FeedRefused("invalid_key", f"HTTP {status} {said}")
    if status in (400, 404, 405, 410, 414, 422):
        raise FeedRefused("bad_request", f"HTTP {status} {said}")
    raise FeedInterrupted(f"HTTP {status} {said}")


def check_json(body: bytes) -> None:
    """Raise FeedInterrupted for a body that is not JSON, such as a proxy's HTML page."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except DECODE_ERRORS as error:
        raise FeedInterrupted(f"body is not JSON: {_excerpt(body)}") from error


def retry_after_s(headers: Mapping[str, str], otherwise: float) -> float:
    """Return Retry-After in seconds, three days at most; `otherwise` when it is absent or a date."""
    try:
        return min(max(0.0, float(headers.get("retry-after", ""))), _LONGEST_QUIET_S)
    except ValueError:
        return otherwise


def _excerpt(body: bytes) -> str:
    return " ".join(body[:120].decode("utf-8", "replace").split())
