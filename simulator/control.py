"""The simulator's own control port: faults now, and what happened so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.faults import FaultScriptError, FaultStep, step_of

__all__ = ["ControlServer"]


class ControlServer:
    """Serve faults and counts over HTTP.

    `POST /__faults` with a step (without at_s) begins a fault, `DELETE` ends all, `GET` tells those
    that are on; `GET /__summary` tells the counts.
    """

    def __init__(self, venues: tuple[str, ...], *, begin: Callable[[FaultStep], None], clear: Callable[[], None],
                 active: Callable[[], dict[str, Any]], summary: Callable[[], dict[str, Any]]) -> None:  # fmt: skip
        self.port = 0
        self._venues = venues
        self._begin, self._clear, self._active, self._summary = begin, clear, active, summary
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; with port 0 the system chooses one."""
        app = web.Application()
        app.add_routes([
            web.post("/__faults", self._add),
            web.delete("/__faults", self._remove),
            web.get("/__faults", self._list),
            web.get("/__summary", self._tell),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _add(self, request: web.Request) -> web.Response:
        try:
            step = step_of(await request.json(), self._venues, at_s=0.0)
        except (FaultScriptError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._begin(step)
        return web.json_response(self._active())

    async def _remove(self, _request: web.Request) -> web.Response:
        self._clear()
        return web.json_response(self._active())

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(self._active())

    async def _tell(self, _request: web.Request) -> web.Response:
        return web.json_response(self._summary())
