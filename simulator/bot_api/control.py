"""The same levers for another process: POST /control/<verb> with a JSON object.

Verbs: `fault` (the fields of `Fault`), `clear`, and what people do (`say`, `press`, `promote`, `block`, `unblock`,
`migrate`, `close_topic`, `delete_topic`, `delete`) with the parameters of `People`.
GET /control/ledger returns what was accepted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from simulator.bot_api.faults import Fault, Faults
from simulator.bot_api.ledger import Ledger
from simulator.bot_api.people import People
from simulator.bot_api.world import World

__all__ = ["control_routes"]


def control_routes(world: World, people: People, faults: Faults, ledger: Ledger) -> list[web.RouteDef]:
    """Return the routes of the levers."""
    verbs: dict[str, Callable[..., Any]] = {
        "say": people.say,
        "press": people.press,
        "promote": people.promote,
        "block": people.block,
        "unblock": people.unblock,
        "migrate": people.migrate,
        "close_topic": people.close_topic,
        "delete_topic": people.delete_topic,
        "delete": people.delete,
        "fault": lambda **fields: faults.plan(Fault(**fields)),
        "clear": faults.clear,
    }

    async def read(_: web.Request) -> web.Response:
        chats = [chat.brief() for chat in world.chats.values()]
        return web.json_response({"chats": chats, "entries": [asdict(entry) for entry in ledger.entries]})

    return [web.get("/control/ledger", read), web.post("/control/{verb}", _lever(verbs))]


def _lever(verbs: dict[str, Callable[..., Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def pull(request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        if verb not in verbs:
            return web.json_response({"error": f"unknown verb {verb}"}, status=404)
        try:
            result = verbs[verb](**(await request.json()))
        except (TypeError, ValueError, LookupError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"result": result})

    return pull
