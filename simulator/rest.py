"""A venue's HTTP server: routes, refusals by fault, and how answers are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from simulator.faults import VenueFaults
from simulator.spoiling import spoiled

__all__ = ["Answer", "Endpoint", "Query", "RestServer", "whole"]

Query = Mapping[str, str]
Answer = tuple[int, Any, Mapping[str, str]]
"""HTTP status, body (made JSON), headers."""

Endpoint = Callable[[Query, Mapping[str, str]], Answer]
"""Takes the query (of a POST: its JSON object) and the request's headers."""

_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>upstream</body></html>"


def whole(query: Query, name: str, default: int) -> int:
    """Return a parameter as a whole number. Raises ValueError for anything else."""
    return int(query.get(name, default))


class RestServer:
    """Endpoints by path, for GET and POST; `missing` answers every other path."""

    def __init__(self, endpoints: Mapping[str, Endpoint], missing: Endpoint, faults: VenueFaults) -> None:
        self.port = 0
        self.requests = 0
        self._endpoints = endpoints
        self._missing = missing
        self._faults = faults
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    async def start(self, host: str, port: int) -> None:
        """Listen; with port 0 the system chooses one."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        app.router.add_post("/{path:.*}", self._answer)
        self._stopping.clear()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        faults = self._faults
        query = request.query if request.method == "GET" else await _object(request)
        if faults.latency:
            await asyncio.sleep(faults.latency / 1000)
        if faults.stall_rest:
            await self._stopping.wait()
        status = faults.refuse or faults.refuse_rest
        if status:
            return web.Response(status=status, text="refused")
        if faults.html_rest:
            return web.Response(text=_PAGE, content_type="text/html")
        endpoint = self._endpoints.get(request.path, self._missing)
        code, body, headers = endpoint(query, request.headers)
        told = msgspec.json.encode(spoiled(body, faults))
        return web.Response(status=code, body=told, content_type="application/json", headers=dict(headers))


async def _object(request: web.Request) -> Mapping[str, Any]:
    """Return the JSON object that was posted, empty for anything else."""
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
