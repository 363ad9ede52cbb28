"""Access to the Bot API that cannot print the token.

The library logs request URLs (httpx at INFO, python-telegram-bot at DEBUG), puts the token into
`repr(Bot)` and into the text of InvalidToken. So it never gets it: the bot is made with the
public half ("123456:hidden"), and the transport, the last of our code before the socket,
writes the real one into the request line.
"""

from __future__ import annotations

import os
import urllib.request
from urllib.parse import quote

import httpx
from telegram import Bot
from telegram.request import HTTPXRequest

from teleglas.spread import spread

__all__ = ["TelegramClient"]

# Read by the library at each RetryAfter: without it every flood wait raises a deprecation warning.
os.environ.setdefault("PTB_TIMEDELTA", "true")

_CONNECT_S = 10.0
_POOL_S = 5.0
_CONNECTIONS = 16
_IDLE_S = 60.0
"""How long an unused connection is kept: the library's own 5 s are over before the next alert."""


class TelegramClient:
    """A `telegram.Bot` with its own connections; `close` ends them.

    base_url: the API without `/bot`, e.g. `https://api.telegram.org`. read_s: patience for
    an answer; the library's own 5 s give up on messages that Telegram goes on to deliver. pools: into
    how many the connections are divided (see `teleglas.spread`).
    A proxy is taken from HTTPS_PROXY, ALL_PROXY, NO_PROXY as other programs do.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str,
        read_s: float = 25.0,
        pool_s: float = _POOL_S,
        connections: int = _CONNECTIONS,
        pools: int = 1,
    ) -> None:
        api = base_url.rstrip("/")
        public = f"{token.partition(':')[0]}:hidden"
        proxy = _proxy(api)

        def pool(size: int) -> httpx.AsyncBaseTransport:
            limits = httpx.Limits(max_connections=size, keepalive_expiry=_IDLE_S)
            return httpx.AsyncHTTPTransport(limits=limits, proxy=proxy)

        inner = spread(pool, connections, pools)
        self._requests = HTTPXRequest(
            connection_pool_size=connections,
            connect_timeout=_CONNECT_S,
            read_timeout=read_s,
            write_timeout=read_s,
            media_write_timeout=read_s,
            pool_timeout=pool_s,
            httpx_kwargs={"transport": _TokenTransport(inner, public, token)},
        )
        self.bot = Bot(
            public,
            base_url=f"{api}/bot",
            base_file_url=f"{api}/file/bot",
            request=self._requests,
            get_updates_request=self._requests,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._requests.shutdown()


class _TokenTransport(httpx.AsyncBaseTransport):
    """Replaces the public half of the token by the whole in the request line, and nowhere else."""

    def __init__(self, inner: httpx.AsyncBaseTransport, public: str, token: str) -> None:
        self._inner = inner
        self._public = f"/bot{public}/".encode()
        self._secret = f"/bot{quote(token, safe=':')}/".encode()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # No local variable holds the result: tracebacks with variables must not show it.
        return await self._inner.handle_async_request(self._with_token(request))

    def _with_token(self, request: httpx.Request) -> httpx.Request:
        return httpx.Request(
            request.method,
            request.url.copy_with(raw_path=request.url.raw_path.replace(self._public, self._secret, 1)),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


def _proxy(base_url: str) -> str | None:
    """Return the proxy that the environment names for this address; httpx asks only without a transport."""
    url = httpx.URL(base_url)
    if urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
