"""The Bot API over HTTP on loopback: routes, faults, flood limits, answers."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from simulator.bot_api.call import Call, read_parameters
from simulator.bot_api.control import control_routes
from simulator.bot_api.errors import ApiError
from simulator.bot_api.faults import Fault, Faults
from simulator.bot_api.flood import FloodLimits
from simulator.bot_api.ledger import Ledger
from simulator.bot_api.methods import EDITS, MESSAGES, METHODS
from simulator.bot_api.people import People
from simulator.bot_api.world import Bot, Chat, World

__all__ = ["BotApi", "serve"]

_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{1,100}")
_LARGEST_REQUEST = 60 * 1024 * 1024
_GATEWAY_PAGE = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"


class BotApi:
    """A strict Bot API.

    tokens: the bots that exist. chats: the chats that the bots may write to. ledger: file
    for what was accepted, one JSON line each, flushed before the answer. photos: folder
    for uploaded pictures. flood: whether the flood limits are enforced.
    """

    def __init__(
        self,
        tokens: Iterable[str],
        chats: Iterable[Chat] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ledger: Path | None = None,
        photos: Path | None = None,
        flood: bool = False,
    ) -> None:
        self.world = World(photos)
        self.ledger = Ledger(ledger)
        self.people = People(self.world)
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        """(method, chat) of each request that reached a bot, refused ones too."""
        self.connections: set[object] = set()
        """Address and port of each connection that brought one."""
        self._limits = FloodLimits() if flood else None
        self._host, self._port = host, port
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        for number, token in enumerate(tokens, 1):
            self.world.bots[token] = Bot(token, f"simulated{number}_bot", f"Simulated {number}")
        for chat in chats:
            self.world.chats[chat.chat_id] = chat

    @property
    def base_url(self) -> str:
        """`http://host:port`; methods are at `/bot<token>/<method>`, files at `/file/bot<token>/<path>`."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> Self:
        """Bind and serve; with port 0 the system chooses one."""
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.add_routes(
            [
                *control_routes(self.world, self.people, self.faults, self.ledger),
                web.get("/file/bot{token}/{path:.+}", self._download),
                web.route("*", "/bot{token}/{method}", self._method),
            ]
        )
        self.ledger.open()
        self._stopping.clear()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """End every stall and long poll, close the port and the ledger."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.ledger.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def fault(self, fault: Fault) -> None:
        """Plan a fault."""
        self.faults.plan(fault)

    async def _download(self, request: web.Request) -> web.Response:
        try:
            picture = self.world.by_path(request.match_info["token"], request.match_info["path"])
        except ApiError as error:
            return web.json_response(error.body(), status=error.code)
        return web.Response(body=picture.content, content_type=f"image/{picture.suffix}")

    async def _method(self, request: web.Request) -> web.StreamResponse:
        fault: Fault | None = None
        try:
            call = await self._call(request)
            names = self.world.names_of(call.parameters.get("chat_id", ""))
            self.requests.append((call.method, call.text("chat_id")))
            self.connections.add(request.transport and request.transport.get_extra_info("peername"))
            fault = self.faults.take(call.method, names)
            if fault is not None and not fault.accepted:
                return await self._play(fault, request)
            call.lost = fault is not None
            self._admit(call)
            result = await self._carry_out(call)
        except ApiError as error:
            return web.json_response(error.body(), status=error.code)
        if fault is not None:
            return await self._play(fault, request)
        return web.json_response({"ok": True, "result": result})

    async def _call(self, request: web.Request) -> Call:
        token, method = request.match_info["token"], request.match_info["method"]
        if not _TOKEN.fullmatch(token):
            raise ApiError(404, "Not Found")
        if token not in self.world.bots:
            raise ApiError(401, "Unauthorized")
        if method.lower() not in METHODS:
            raise ApiError(404, "Not Found: method not found")
        parameters, files = await read_parameters(request)
        return Call(method, self.world.bots[token], self.world, self.ledger, parameters, files)

    def _admit(self, call: Call) -> None:
        method = call.method.lower()
        if self._limits is None or method not in EDITS | MESSAGES:
            return
        chat = self.world.known(call.parameters.get("chat_id"))
        self._limits.admit(
            call.bot.bot_id,
            chat.chat_id,
            private=chat.kind == "private",
            edit=method in EDITS,
            now=time.monotonic(),
        )

    async def _carry_out(self, call: Call) -> Any:
        """Run the method; a stopping server ends a long poll with an empty answer."""
        work = asyncio.ensure_future(METHODS[call.method.lower()](call))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else []
        finally:
            stopping.cancel()
            work.cancel()

    async def _play(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.kind == "error":
            error = ApiError(fault.code, fault.description, **fault.parameters)
            return web.json_response(error.body(), status=error.code)
        if fault.kind == "page":
            return web.Response(text=_GATEWAY_PAGE, status=fault.code, content_type="text/html")
        if fault.kind == "garbage":
            return web.Response(text='{"ok":true,"result":{"mess', content_type="application/json")
        if fault.kind == "stall":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), fault.seconds)
        _cut(request)
        return web.Response()


def _cut(request: web.Request) -> None:
    """Close the connection by RST, so that the client cannot take it for an orderly end."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def serve(
    host: str,
    port: int,
    *,
    tokens: Iterable[str],
    chats: Iterable[Chat] = (),
    ledger: Path | None = None,
    photos: Path | None = None,
    flood: bool = False,
) -> BotApi:
    """Return a Bot API that is serving; the caller stops it."""
    api = BotApi(tokens, chats, host=host, port=port, ledger=ledger, photos=photos, flood=flood)
    return await api.start()
