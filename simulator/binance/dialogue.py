"""How Binance USD-M talks: three routed paths, acknowledgements that prove nothing, few messages in."""

from __future__ import annotations

import json
from collections import deque
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from simulator.dialogue import Close, Refused, Say

__all__ = ["MESSAGES_PER_SECOND", "STREAMS_AT_MOST", "BinanceDialogue", "open_binance"]

STREAMS_AT_MOST = 1024
MESSAGES_PER_SECOND = 10
"""Both per connection (developers.binance.com, USDS-M WebSocket market streams)."""

_FAMILIES = ("market", "public", "private")
_BOOK = ("@bookTicker", "@depth", "@rpiDepth")


def open_binance(target: str) -> BinanceDialogue | Refused:
    """Return the conversation on a request target such as `/market/stream?streams=btcusdt@aggTrade`."""
    parts = urlsplit(target)
    names = [unquote(part) for part in parts.path.split("/") if part]
    family = names.pop(0) if names and names[0] in _FAMILIES else "legacy"
    if not names or names[0] not in {"ws", "stream"}:
        return Refused(404, "Not Found")
    wrapped = names.pop(0) == "stream"
    asked = parse_qs(parts.query).get("streams", [""])[0].split("/") if wrapped else names
    streams = [stream for stream in asked if stream]
    if len(streams) > STREAMS_AT_MOST:
        return Refused(400, "Too many streams")
    dialogue = BinanceDialogue(family, wrapped=wrapped)
    dialogue.subscribe(streams)
    return dialogue


class BinanceDialogue:
    """A connection on one of the routed paths, or on the retired one that delivers the book family only.

    Every stream is acknowledged, also one that does not exist or belongs to another path; such a
    stream stays silent.
    """

    def __init__(self, family: str, *, wrapped: bool) -> None:
        self.channels: set[str] = set()
        self.wrapped = wrapped
        self.idle_ms = 0
        self.refusals = 0
        self._family = family
        self._subscribed: dict[str, None] = {}
        self._recent: deque[int] = deque(maxlen=MESSAGES_PER_SECOND)

    def subscribe(self, streams: list[str]) -> None:
        """Add streams; only those of this path's family will ever be delivered."""
        self._subscribed.update(dict.fromkeys(streams))
        self.channels.update(stream for stream in streams if self._serves(stream))

    def heard(self, text: str, now_ms: int) -> list[Say]:
        """Answer SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS; cut a client that talks too much."""
        if len(self._recent) == self._recent.maxlen and now_ms - self._recent[0] < 1000:
            self.refusals += 1
            return [Close(1008, "Too many requests")]
        self._recent.append(now_ms)
        try:
            request = json.loads(text)
        except ValueError:
            return self._error(3, "Invalid JSON: expected value", None)
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return self._error(2, "Invalid request: missing field `method`", None)
        return self._answer(request)

    def _answer(self, request: dict[str, Any]) -> list[Say]:
        number, method, params = request.get("id"), request["method"], request.get("params", [])
        if not isinstance(number, int | str) or isinstance(number, bool):
            return self._error(2, "Invalid request: request ID must be an unsigned integer or a string", None)
        if method == "LIST_SUBSCRIPTIONS":
            return [{"result": list(self._subscribed), "id": number}]
        if method not in {"SUBSCRIBE", "UNSUBSCRIBE"}:
            return self._error(2, f"Invalid request: unknown variant `{method}`", number)
        if not isinstance(params, list) or not params or not all(isinstance(name, str) for name in params):
            return self._error(1, "Invalid value type: expected array of strings", number)
        if method == "SUBSCRIBE":
            if len({*self._subscribed, *params}) > STREAMS_AT_MOST:
                return self._error(2, f"Invalid request: more than {STREAMS_AT_MOST} streams", number)
            self.subscribe(params)
        else:
            for name in params:
                self._subscribed.pop(name, None)
            self.channels.difference_update(params)
        return [{"result": None, "id": number}]

    def _serves(self, stream: str) -> bool:
        book = any(mark in stream for mark in _BOOK)
        if self._family == "market":
            return not book
        return book and self._family in {"public", "legacy"}

    def _error(self, code: int, message: str, number: object) -> list[Say]:
        self.refusals += 1
        return [{"error": {"code": code, "msg": message}, "id": number}]
