"""Who may ask. Pure."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["EVERYONE", "Access"]

EVERYONE = "*"
"""The word in ALLOWED_USERS that opens the bot to all."""


class Access:
    """allowed: ids of people and chats, or `EVERYONE`; empty for everyone. The admin may always ask."""

    def __init__(self, allowed: Collection[str], admin: int | None) -> None:
        self._everyone = not allowed or EVERYONE in allowed
        self._ids = {int(each) for each in allowed if each != EVERYONE}
        self._admin = admin

    def permits(self, user_id: int | None, chat_id: int | None) -> bool:
        """Return whether to answer; a chat on the list speaks for all who are in it."""
        if self._everyone:
            return True
        if self._admin is not None and self._admin in (user_id, chat_id):
            return True
        return user_id in self._ids or chat_id in self._ids
