"""What people and administrators do: type, press, block, migrate, close topics."""

from __future__ import annotations

import time
from typing import Any

from simulator.bot_api.sending import view
from simulator.bot_api.world import Bot, Chat, Message, World

__all__ = ["People"]

_REFUSALS = {
    "private": "bot was blocked by the user",
    "group": "bot was kicked from the group chat",
    "supergroup": "bot was kicked from the supergroup chat",
    "channel": "bot is not a member of the channel chat",
}


_ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
"""Who seems to write what is written in a chat's name (https://core.telegram.org/bots/api#message)."""


class People:
    """Acts upon the world as Telegram's users would, and tells the bots by updates."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queries = 0

    def say(
        self,
        chat_id: int,
        text: str,
        *,
        user: int = 0,
        language: str = "en",
        thread: int | None = None,
        speaks_for: int = 0,
    ) -> int:
        """Let a person (in a private chat, its owner) write `text`; return the message's id.

        thread: the topic. speaks_for: the chat in whose name it is written, as anonymous
        administrators (the group's own) and owners of channels do.
        """
        chat = self._world.chats[chat_id]
        sender = _person(user or abs(chat_id), language)
        message = Message(
            chat.next_id(), int(time.time()), None, sender, text=text, entities=_commands(text), thread=thread
        )
        if speaks_for:
            message.sender = _ANONYMOUS
            message.sender_chat = self._world.chats[speaks_for].brief()
        chat.messages[message.message_id] = message
        kind = "channel_post" if chat.kind == "channel" else "message"
        self._tell(kind, view(chat, message))
        return message.message_id

    def promote(self, chat_id: int, user: int) -> None:
        """Make a person an administrator of a group."""
        self._world.chats[chat_id].administrators.add(user)

    def press(self, chat_id: int, message_id: int, data: str, *, user: int = 0, language: str = "en") -> str:
        """Let a person press the button that carries `data`; return the query's id.

        Raises LookupError when the message has no such button.
        """
        chat = self._world.chats[chat_id]
        message = chat.messages[message_id]
        rows = (message.markup or {}).get("inline_keyboard", [])
        if message.bot is None or data not in [b.get("callback_data") for row in rows for b in row]:
            raise LookupError(f"message {message_id} has no button with the data {data!r}")
        self._queries += 1
        query = str(self._queries)
        message.bot.callbacks.add(query)
        content = {
            "id": query,
            "from": _person(user or abs(chat_id), language),
            "chat_instance": str(chat_id),
            "data": data,
            "message": view(chat, message),
        }
        message.bot.updates.put("callback_query", content)
        return query

    def block(self, chat_id: int, reason: str = "") -> None:
        """Block or kick the bots: everything to this chat is answered 403."""
        chat = self._world.chats[chat_id]
        chat.refusal = reason or _REFUSALS[chat.kind]
        self._membership(chat, "member", "kicked")

    def unblock(self, chat_id: int) -> None:
        """Let the bots in again."""
        chat = self._world.chats[chat_id]
        chat.refusal = ""
        self._membership(chat, "kicked", "member")

    def migrate(self, chat_id: int, new_id: int) -> None:
        """Make a supergroup of a group."""
        old = self._world.chats[chat_id]
        if old.kind != "group":
            raise ValueError("only a group becomes a supergroup")
        self._world.chats[new_id] = Chat(new_id, "supergroup", old.title)
        old.migrated_to = new_id

    def close_topic(self, chat_id: int, thread: int) -> None:
        """Close a topic: bots without the right to manage topics cannot write there."""
        self._world.chats[chat_id].topics[thread] = False

    def delete_topic(self, chat_id: int, thread: int) -> None:
        """Delete a topic with its messages."""
        chat = self._world.chats[chat_id]
        del chat.topics[thread]
        for message_id in [m.message_id for m in chat.messages.values() if m.thread == thread]:
            del chat.messages[message_id]

    def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message."""
        del self._world.chats[chat_id].messages[message_id]

    def _tell(self, kind: str, content: dict[str, Any]) -> None:
        for bot in self._world.bots.values():
            bot.updates.put(kind, content)

    def _membership(self, chat: Chat, old: str, new: str) -> None:
        for bot in self._world.bots.values():
            change: dict[str, Any] = {"chat": chat.brief(), "from": _person(abs(chat.chat_id), "en")}
            change |= {"date": int(time.time())}
            change |= {"old_chat_member": _member(bot, old), "new_chat_member": _member(bot, new)}
            bot.updates.put("my_chat_member", change)


def _member(bot: Bot, status: str) -> dict[str, Any]:
    until = {"until_date": 0} if status == "kicked" else {}
    return {"user": bot.user(), "status": status} | until


def _person(user_id: int, language: str) -> dict[str, Any]:
    return {"id": user_id, "is_bot": False, "first_name": f"Person {user_id}", "language_code": language}


def _commands(text: str) -> tuple[dict[str, Any], ...]:
    if not text.startswith("/"):
        return ()
    return ({"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])},)
