"""How OKX v5 talks on /ws/v5/public and /business: an answer per argument, and a cut after 30 s of silence."""

from __future__ import annotations

import json
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from simulator.dialogue import Refused, Say
from simulator.okx.feed import OkxFeed

__all__ = ["IDLE_MS", "REQUESTS_PER_HOUR", "OkxDialogue", "open_okx", "upgrade_notice"]

IDLE_MS = 30_000
"""A connection without a message of the client is cut after this time; protocol pings do not count."""

REQUESTS_PER_HOUR = 480
"""Subscribe and unsubscribe requests of a connection."""

_ARGS_BYTES = 64 * 1024
_CONNECTION = "a4d3ae55"
_PUBLIC, _BUSINESS = "/ws/v5/public", "/ws/v5/business"
_CANDLES = tuple(f"candle{bar}" for bar in ("1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H"))
_TYPES = ("SWAP", "FUTURES", "MARGIN", "OPTION")


def open_okx(target: str, feed: OkxFeed) -> OkxDialogue | Refused:
    """Return the conversation on a request target."""
    path = urlsplit(target).path
    if path not in {_PUBLIC, _BUSINESS}:
        return Refused(404, "Not Found")
    return OkxDialogue(feed, business=path == _BUSINESS)


def upgrade_notice() -> dict[str, Any]:
    """Return the announcement that this connection closes soon for an upgrade."""
    message = "The connection will soon be closed for a service upgrade. Please reconnect."
    return {"event": "notice", "code": "64008", "msg": message, "connId": _CONNECTION}


class OkxDialogue:
    """A connection to the public channels, or to those of the business path: candles."""

    def __init__(self, feed: OkxFeed, *, business: bool = False) -> None:
        self._business = business
        self.channels: set[str] = set()
        self.wrapped = False
        self.idle_ms = IDLE_MS
        self.refusals = 0
        self._feed = feed
        self._requests: deque[int] = deque(maxlen=REQUESTS_PER_HOUR)

    def heard(self, text: str, now_ms: int) -> list[Say]:
        """Answer `ping` with `pong`, and each argument of a request on its own."""
        if text == "ping":
            return ["pong"]
        try:
            request = json.loads(text)
        except ValueError:
            return [self._error("60012", f"Invalid request: {text[:200]}")]
        if not isinstance(request, dict) or request.get("op") not in {"subscribe", "unsubscribe"}:
            return [self._error("60012", f"Invalid request: {text[:200]}")]
        args = request.get("args")
        if not isinstance(args, list) or not args or len(text.encode()) > _ARGS_BYTES:
            return [self._error("60012", f"Invalid request: {text[:200]}")]
        if len(self._requests) == REQUESTS_PER_HOUR and now_ms - self._requests[0] < 3_600_000:
            return [self._error("60014", "Requests too frequent")]
        self._requests.append(now_ms)
        return [say for arg in args for say in self._argument(request["op"], arg)]

    def _argument(self, op: str, arg: object) -> list[Say]:
        if not isinstance(arg, dict) or not isinstance(arg.get("channel"), str):
            return [self._error("60012", f"Invalid request: {json.dumps(arg)[:200]}")]
        told, key = self._channel(arg)
        if told is None:
            named = ",".join(f"{name}:{value}" for name, value in arg.items())
            return [self._error("60018", f"{named} doesn't exist")]
        answer: dict[str, Any] = {"event": op, "arg": told, "connId": _CONNECTION}
        if op == "unsubscribe":
            self.channels.discard(key)
            return [answer]
        new = key not in self.channels
        self.channels.add(key)
        # The first message after subscribing repeats an order from before the connection.
        return [answer, self._feed.first_frame()] if new and key == "liquidation-orders:SWAP" else [answer]

    def _channel(self, arg: dict[str, Any]) -> tuple[dict[str, str] | None, str]:
        """Return (the argument as acknowledged, the stream's key); None for what does not exist."""
        channel = arg["channel"]
        if self._business or channel.startswith("candle"):
            swap = str(arg.get("instId"))
            known = self._business and channel in _CANDLES and swap in self._feed.history.listings
            return ({"channel": channel, "instId": swap} if known else None), f"{channel}:{swap}"
        if channel == "liquidation-orders":
            kind = arg.get("instType")
            # A narrowing to one instrument is dropped without a word: the acknowledgement shows it.
            return ({"channel": channel, "instType": kind} if kind in _TYPES else None), f"{channel}:{kind}"
        name = arg.get("instId")
        if channel not in {"trades", "mark-price"} or name not in self._feed.history.listings:
            return None, ""
        return {"channel": channel, "instId": name}, f"{channel}:{name}"

    def _error(self, code: str, message: str) -> dict[str, Any]:
        self.refusals += 1
        return {"event": "error", "code": code, "msg": message, "connId": _CONNECTION}
