"""One request: its parameters in every encoding that the Bot API accepts."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.bot_api.errors import bad_request
from simulator.bot_api.ledger import Entry, Ledger
from simulator.bot_api.world import Bot, Chat, Message, World

__all__ = ["Call", "read_parameters"]


@dataclass
class Call:
    """A request for one method by one bot.

    parameters: as sent, strings or JSON values; files: uploaded parts by name. lost: the
    answer to this request will be spoiled by a scripted fault.
    """

    method: str
    bot: Bot
    world: World
    ledger: Ledger
    parameters: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    lost: bool = False

    def text(self, name: str, default: str = "") -> str:
        """Return a string parameter."""
        value = self.parameters.get(name)
        return default if value is None else str(value)

    def integer(self, name: str) -> int | None:
        """Return a whole number, None if absent; raises ApiError 400 otherwise."""
        value = self.parameters.get(name)
        if value is None or value == "":
            return None
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'parameter "{name}" must be an integer') from None

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, False if absent."""
        return str(self.parameters.get(name, "")).lower() in {"true", "1", "yes"}

    def json(self, name: str, kind: type) -> Any:
        """Return a JSON-serialized parameter of `kind`, None if absent; raises ApiError 400."""
        value = self.parameters.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise bad_request(f"can't parse {name} JSON object") from None
        if not isinstance(value, kind):
            raise bad_request(f"object expected as {name}")
        return value

    async def accept(
        self, chat: Chat, message: Message, *, reply: bool = False, silent: bool = False
    ) -> None:
        """Write the accepted message to the ledger."""
        entry = Entry(
            at_ms=time.time_ns() // 1_000_000,
            bot=self.bot.bot_id,
            method=self.method,
            chat=chat.chat_id,
            message_id=message.message_id,
            text=message.text,
            source=message.source,
            photo=message.picture.sha256 if message.picture else "",
            thread=message.thread,
            reply_to=message.reply_to if reply else None,
            silent=silent,
            lost=self.lost,
        )
        await self.ledger.add(entry)


async def read_parameters(request: web.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return parameters and files from the query, a form, JSON or multipart."""
    parameters: dict[str, Any] = dict(request.query)
    files: dict[str, bytes] = {}
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise bad_request("can't parse JSON request body") from None
        if not isinstance(body, dict):
            raise bad_request("JSON object expected as request body")
        parameters.update(body)
    elif request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = value.file.read()
            else:
                parameters[name] = value
    return parameters, files
