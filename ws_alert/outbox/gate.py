"""When Telegram may be asked again: per chat, per kind of chat, and overall. Pure.

Limits: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
(1 message a second to a chat, 20 a minute to a group, 30 a second overall; checked
2026-11). Edits count like messages in a group's minute and overall, and keep a second's
distance themselves; but a message need not keep it from an edit: no alert waits because a
picture has just been added. We stay a little below each limit, because requests that leave a
second apart may arrive closer together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from teleglas.storage.records import ALL_CHATS
from ws_alert.delivery.targets import is_beside

__all__ = [
    "BETWEEN_ANY_MS",
    "BETWEEN_MS",
    "MINUTE_MS",
    "PER_MINUTE",
    "PER_MINUTE_EDITS",
    "Gate",
    "chat_of",
    "edit_every_ms",
]

BETWEEN_MS = 1_050
"""Least time between two messages to one chat, and before an edit after any request to it."""

PER_MINUTE = 20
"""Most requests to one group or channel in MINUTE_MS."""

PER_MINUTE_EDITS = 15
"""Most requests of a minute after which edits still go out: the rest is kept for alerts."""

MINUTE_MS = 61_000
"""A minute, and a second for the network."""

BETWEEN_ANY_MS = 40
"""Least time between any two requests: 25 a second, without bursts."""


def chat_of(target: str) -> str:
    """Return the chat of a target `chat` or `chat:topic`; limits concern the chat.

    An e-mail address or a webhook is a chat of its own.
    """
    if is_beside(target):
        return target
    return target.partition(":")[0]


def edit_every_ms(chat: str) -> int:
    """Return the least time between two edits of one message (SEMANTICS 19)."""
    if _is_shared(chat):
        return 15_000
    return 3_000


class Gate:
    """Knows the last minute's requests and the waits that Telegram imposed.

    Times are Unix ms of a clock that does not go back. Targets beside Telegram get one
    message a second each, whatever Telegram imposes; the `terminal` never waits. Memory: at most 20 times for each chat that was
    asked within the last minute, one more, and one for each wait.
    """

    def __init__(self) -> None:
        self._requests: dict[str, deque[int]] = {}
        self._messages: dict[str, int] = {}
        self._holds: dict[str, int] = {}
        self._last_ms = -BETWEEN_ANY_MS

    def restore(self, requests: Iterable[tuple[str, int]], holds: dict[str, int], now_ms: int) -> None:
        """Take over what an earlier process did and was told: (chat, time) in order, chat -> until."""
        for chat, at_ms in requests:
            self.sent(chat, min(at_ms, now_ms))
        for chat, until_ms in holds.items():
            self.hold(chat, until_ms)

    def sent(self, chat: str, now_ms: int, *, is_edit: bool = False) -> None:
        """Count a request to this chat, whatever its outcome; by default a message."""
        beside = is_beside(chat)
        if not (beside or _is_shared(chat) or _is_private(chat)):
            return
        self._requests.setdefault(chat, deque(maxlen=PER_MINUTE)).append(now_ms)
        if not is_edit:
            self._messages[chat] = now_ms
        if not beside:
            self._last_ms = now_ms

    def hold(self, chat: str, until_ms: int) -> None:
        """Ask nothing of this chat (ALL_CHATS: of any) before this time; a longer wait stands."""
        self._holds[chat] = max(until_ms, self._holds.get(chat, 0))

    def forget(self, chat: str) -> None:
        """Drop a chat that has moved: its successor has waits of its own."""
        self._requests.pop(chat, None)
        self._messages.pop(chat, None)
        self._holds.pop(chat, None)

    def ready_at(self, chat: str, *, is_edit: bool, now_ms: int) -> int:
        """Return the earliest time, from now on, at which this chat may be asked."""
        return max(self._chat_ready_at(chat, is_edit=is_edit), self.any_ready_at(now_ms))

    def any_ready_at(self, now_ms: int) -> int:
        """Return the earliest time, from now on, at which any chat of Telegram may be asked."""
        return max(now_ms, self._last_ms + BETWEEN_ANY_MS, self._holds.get(ALL_CHATS, 0))

    def shut(self, now_ms: int, *, is_edit: bool) -> set[str]:
        """Return the chats that may not be asked now, the overall limit aside."""
        self._drop_idle(now_ms)
        return {chat for chat in self._known() if self._chat_ready_at(chat, is_edit=is_edit) > now_ms}

    def shut_for(self, ms: int, now_ms: int) -> set[str]:
        """Return the chats that no edit may go to within so many ms, the overall limit aside."""
        return {chat for chat in self._known() if self._chat_ready_at(chat, is_edit=True) > now_ms + ms}

    def next_opening(self, now_ms: int) -> int | None:
        """Return when the next chat that is shut now opens, for sends or for edits."""
        times = [self.any_ready_at(now_ms)]
        times += [self._chat_ready_at(chat, is_edit=edit) for chat in self._known() for edit in (False, True)]
        return min((time for time in times if time > now_ms), default=None)

    def _known(self) -> set[str]:
        return (self._requests.keys() | self._holds.keys()) - {ALL_CHATS}

    def _chat_ready_at(self, chat: str, *, is_edit: bool) -> int:
        ready = self._holds.get(chat, 0)
        times = self._requests.get(chat)
        if times:
            last_ms = times[-1] if is_edit else self._messages.get(chat)
            if last_ms is not None:
                ready = max(ready, last_ms + BETWEEN_MS)
            most = PER_MINUTE_EDITS if is_edit else PER_MINUTE
            if _is_shared(chat) and len(times) >= most:
                ready = max(ready, times[-most] + MINUTE_MS)
        return ready

    def _drop_idle(self, now_ms: int) -> None:
        for chat in [chat for chat, times in self._requests.items() if times[-1] + MINUTE_MS <= now_ms]:
            del self._requests[chat]
            self._messages.pop(chat, None)
        for chat in [chat for chat, until_ms in self._holds.items() if until_ms <= now_ms]:
            del self._holds[chat]


def _is_shared(chat: str) -> bool:
    return chat.startswith(("-", "@"))


def _is_private(chat: str) -> bool:
    return chat.isdecimal()
