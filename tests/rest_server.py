"""A venue's REST as a real server on loopback, scripted by the test."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ["Answer", "RestServer", "running_rest_server"]


@dataclass(frozen=True)
class Answer:
    """What to send: text is sent as it is; `hang` sends nothing until the server stops."""

    text: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False


@dataclass
class RestServer:
    """Answers each path by its rule, or with the queued answers first; remembers the requests.

    rules take the parameters, posts the JSON that is sent.
    """

    rules: dict[str, Callable[[dict[str, str]], Answer | str]] = field(default_factory=dict)
    posts: dict[str, Callable[[Any], Answer | str]] = field(default_factory=dict)
    queued: dict[str, deque[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    url: str = ""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [path for path, _, _ in self.asked]

    def queries(self, path: str) -> list[dict[str, str]]:
        """Return the parameters of every request for a path."""
        return [query for asked, query, _ in self.asked if asked == path]

    def next(self, path: str, *answers: Answer) -> None:
        """Give these answers to the next requests for a path."""
        self.queued.setdefault(path, deque()).extend(answers)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        query = dict(request.query)
        self.asked.append((request.path, query, {k.lower(): v for k, v in request.headers.items()}))
        waiting = self.queued.get(request.path)
        if waiting:
            answer: Answer | str = waiting.popleft()
        elif request.path in self.posts:
            answer = self.posts[request.path](await request.json())
        elif request.path in self.rules:
            answer = self.rules[request.path](query)
        else:
            answer = Answer("not here", 404)
        if isinstance(answer, str):
            answer = Answer(answer)
        if answer.hang:
            await self.stopping.wait()
        return web.Response(text=answer.text, status=answer.status, headers=answer.headers)


@asynccontextmanager
async def running_rest_server() -> AsyncIterator[RestServer]:
    """Serve on a free port of loopback."""
    server = RestServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.stopping.set()
        await runner.cleanup()
