"""How Bybit v5 talks on /v5/public/linear: one bad topic refuses the whole request."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from simulator.bybit.feed import BybitFeed
from simulator.dialogue import Refused, Say

__all__ = ["ARGS_CHARACTERS", "IDLE_MS", "BybitDialogue", "open_bybit"]

ARGS_CHARACTERS = 21_000
"""Of all arguments of a connection (bybit-exchange/docs, v5 connect)."""

IDLE_MS = 600_000
"""A connection without a message of the client is cut after this time."""

_MINUTES = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720")
_TOPICS = ("allLiquidation", "publicTrade", "tickers")


def open_bybit(target: str, feed: BybitFeed, number: int) -> BybitDialogue | Refused:
    """Return the conversation of the connection `number` on a request target."""
    if urlsplit(target).path != "/v5/public/linear":
        return Refused(404, "404 page not found")
    return BybitDialogue(feed, number)


class BybitDialogue:
    """A connection to the linear contracts' public topics."""

    def __init__(self, feed: BybitFeed, number: int) -> None:
        self.channels: set[str] = set()
        self.wrapped = False
        self.idle_ms = IDLE_MS
        self.refusals = 0
        self._feed = feed
        self._connection = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))

    def heard(self, text: str, now_ms: int) -> list[Say]:  # noqa: ARG002 - Bybit counts no messages
        """Answer subscribe, unsubscribe and ping."""
        try:
            request = json.loads(text)
        except ValueError:
            return self._refuse({}, "error:unmarshal failed")
        if not isinstance(request, dict):
            return self._refuse({}, "error:unmarshal failed")
        op = request.get("op")
        if op == "ping":
            return [self._reply(request, "pong", success=True)]
        if op not in {"subscribe", "unsubscribe"}:
            return self._refuse(request, "error:request type invalid")
        topics = request.get("args")
        if not isinstance(topics, list) or not topics or not all(isinstance(topic, str) for topic in topics):
            return self._refuse(request, "error:params error")
        return self._subscribe(request, topics) if op == "subscribe" else self._unsubscribe(request, topics)

    def _subscribe(self, request: dict[str, Any], topics: list[str]) -> list[Say]:
        bad = [topic for topic in topics if not self._exists(topic)]
        if bad:
            return self._refuse(request, f"Invalid topic: {','.join(bad)}")
        if sum(len(topic) for topic in self.channels.union(topics)) > ARGS_CHARACTERS:
            return self._refuse(request, f"error:args size exceeds {ARGS_CHARACTERS} characters")
        self.channels.update(topics)
        snapshots: list[Say] = [self._snapshot(topic) for topic in topics if topic.startswith("tickers.")]
        return [self._reply(request, "", success=True), *snapshots]

    def _unsubscribe(self, request: dict[str, Any], topics: list[str]) -> list[Say]:
        self.channels.difference_update(topics)
        return [self._reply(request, "", success=True)]

    def _exists(self, topic: str) -> bool:
        name, _, symbol = topic.partition(".")
        if name == "kline":
            minutes, _, symbol = symbol.partition(".")
            return minutes in _MINUTES and symbol in self._feed.history.listings
        return name in _TOPICS and symbol in self._feed.history.listings

    def _snapshot(self, topic: str) -> dict[str, Any]:
        data = self._feed.ticker(topic.removeprefix("tickers."))
        return {"topic": topic, "type": "snapshot", "data": data, "cs": 1, "ts": self._feed.clock.at(0)}

    def _refuse(self, request: dict[str, Any], message: str) -> list[Say]:
        self.refusals += 1
        return [self._reply(request, message, success=False)]

    def _reply(self, request: dict[str, Any], message: str, *, success: bool) -> dict[str, Any]:
        return {"success": success, "ret_msg": message, "conn_id": self._connection,
                "req_id": str(request.get("req_id", "")), "op": str(request.get("op", ""))}  # fmt: skip
