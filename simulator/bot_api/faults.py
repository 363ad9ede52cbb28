"""Faults by script: what goes wrong at the next matching requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fault", "Faults"]


@dataclass
class Fault:
    """One planned trouble.

    kind: `error` (a JSON refusal), `page` (an HTML page of a gateway), `garbage` (200 with
    a body that is no JSON), `stall` (no answer for `seconds`), `reset` (the connection is
    cut). method, chat: which requests it meets, None for all; chat is the number or
    @name as the client writes it. times: how many requests,
    after letting `after` of them pass. accepted: the request is carried out
    first, so only the answer is spoiled or lost.
    """

    kind: str
    method: str | None = None
    chat: int | str | None = None
    times: int = 1
    after: int = 0
    accepted: bool = False
    code: int = 500
    description: str = "Internal Server Error"
    parameters: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in {"error", "page", "garbage", "stall", "reset"}:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    @classmethod
    def flood(cls, retry_after: int, **match: Any) -> Fault:
        """429 with `retry_after` in seconds."""
        text = f"Too Many Requests: retry after {retry_after}"
        return cls("error", code=429, description=text, parameters={"retry_after": retry_after}, **match)

    @classmethod
    def forbidden(cls, what: str = "bot was blocked by the user", **match: Any) -> Fault:
        """403."""
        return cls("error", code=403, description=f"Forbidden: {what}", **match)

    @classmethod
    def bad_request(cls, what: str, **match: Any) -> Fault:
        """400 with any text."""
        return cls("error", code=400, description=f"Bad Request: {what}", **match)

    @classmethod
    def migrated(cls, new_chat: int, **match: Any) -> Fault:
        """400 with `migrate_to_chat_id`."""
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        return cls("error", code=400, description=text, parameters={"migrate_to_chat_id": new_chat}, **match)

    @classmethod
    def conflict(cls, **match: Any) -> Fault:
        """409, as for two readers of one token."""
        text = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
        return cls("error", code=409, description=text, **match)

    @classmethod
    def unauthorized(cls, **match: Any) -> Fault:
        """401, as after the token was revoked."""
        return cls("error", code=401, description="Unauthorized", **match)

    @classmethod
    def server_error(cls, code: int = 500, text: str = "Internal Server Error", **match: Any) -> Fault:
        """5xx as JSON."""
        return cls("error", code=code, description=text, **match)

    @classmethod
    def bad_gateway(cls, **match: Any) -> Fault:
        """502 with an HTML page."""
        return cls("page", code=502, description="Bad Gateway", **match)

    @classmethod
    def stall(cls, seconds: float, **match: Any) -> Fault:
        """No answer for `seconds`, then the connection is cut."""
        return cls("stall", seconds=seconds, **match)

    @classmethod
    def reset(cls, **match: Any) -> Fault:
        """Cut the connection (TCP RST)."""
        return cls("reset", **match)

    @classmethod
    def garbage(cls, **match: Any) -> Fault:
        """200 with a body that is not JSON, after the request was carried out."""
        return cls("garbage", code=200, accepted=True, **match)


class Faults:
    """The script: first planned, first met."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Add a fault behind those that wait."""
        self._planned.append(fault)

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._planned.clear()

    def take(self, method: str, chats: set[str]) -> Fault | None:
        """Return the fault that meets this request (its chat under any of its names), if any."""
        for fault in self._planned:
            if fault.method not in {None, method} or (
                fault.chat is not None and str(fault.chat) not in chats
            ):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._planned.remove(fault)
            return fault
        return None
