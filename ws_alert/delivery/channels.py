"""Which channel carries a message: Telegram or the terminal, e-mail, or one of ALERT_URLS.

Each address is a target of its own, with its own policy, its own row in the outbox and its own
pace, so one that is broken delays no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.targets import is_beside
from ws_alert.messages import Outcome

__all__ = ["Channel", "ChannelSwitch", "way_of"]


class Channel(Protocol):
    """Where messages go. Answers with an Outcome; what it raises counts as an unknown outcome."""

    async def send(self, message: Rendered, *, target: str, reply_to: int | None, silent: bool) -> Outcome:
        """Send a new message, as a reply to the target's message `reply_to` if that is given."""

    async def edit(self, message: Rendered, *, target: str, message_id: int, has_photo: bool) -> Outcome:
        """Change a message; has_photo: it has one by now, so its caption changes.

        A photo in `message` is added where there is none. The outcome's `photo` tells whether the
        message has one now.
        """


class ChannelSwitch:
    """Passes each message to the channel of its target.

    main: for chats and the terminal. beside: channel by the word before the colon (`mail`,
    `url`). heard: is told of each outcome, with the way it came by (`chat`, `mail`, `url`).
    """

    def __init__(
        self, main: Channel, beside: Mapping[str, Channel], *, heard: Callable[[str, Outcome], None]
    ) -> None:
        self._main, self._beside, self._heard = main, dict(beside), heard

    async def send(self, message: Rendered, *, target: str, reply_to: int | None, silent: bool) -> Outcome:
        """Send by the target's channel."""
        way = way_of(target)
        channel = self._beside.get(way, self._main)
        outcome = await channel.send(message, target=target, reply_to=reply_to, silent=silent)
        self._heard(way, outcome)
        return outcome

    async def edit(self, message: Rendered, *, target: str, message_id: int, has_photo: bool) -> Outcome:
        """Edit by the target's channel."""
        channel = self._beside.get(way_of(target), self._main)
        return await channel.edit(message, target=target, message_id=message_id, has_photo=has_photo)


def way_of(target: str) -> str:
    """Return `mail` or `url` for a target beside Telegram, else `chat`."""
    return target.partition(":")[0] if is_beside(target) else "chat"
