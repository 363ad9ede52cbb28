"""A venue's HTTP server: routes, refusals by fault, and how answers are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from simulator.faults import VenueFaults

__all__ = ["Answer", "Endpoint", "Query", "RestServer", "whole"]

Query = Mapping[str, str]
Answer = tuple[int, Any, Mapping[str, str]]
"""HTTP status, body (made JSON), headers."""

Endpoint = Callable[[Query, Mapping[str, str]], Answer]
"""Takes the query and the request's headers."""


def whole(query: Query, name: str, default: int) -> int:
    """Return a parameter as a whole number. Raises ValueError for anything else."""
    return int(query.get(name, default))


class RestServer:
    """GET endpoints by path; `missing` answers every other path."""

    def __init__(self, endpoints: Mapping[str, Endpoint], missing: Endpoint, faults: VenueFaults) -> None:
        self.port = 0
        self.requests = 0
        self._endpoints = endpoints
        self._missing = missing
        self._faults = faults
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; with port 0 the system chooses one."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        status = self._faults.refuse or self._faults.refuse_rest
        if status:
            return web.Response(status=status, text="refused")
        endpoint = self._endpoints.get(request.path, self._missing)
        code, body, headers = endpoint(request.query, request.headers)
        return web.Response(
            status=code, body=msgspec.json.encode(body), content_type="application/json", headers=dict(headers)
        )


