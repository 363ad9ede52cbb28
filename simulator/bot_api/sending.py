"""sendMessage and sendPhoto."""

from __future__ import annotations

import time
from typing import Any

from simulator.bot_api import content
from simulator.bot_api.call import Call
from simulator.bot_api.errors import bad_request
from simulator.bot_api.formatting import Formatted
from simulator.bot_api.world import GENERAL_TOPIC, Chat, Message, Picture

__all__ = ["send_message", "send_photo", "view"]


def view(chat: Chat, message: Message) -> dict[str, Any]:
    """Return the `Message` object as bots receive it."""
    out: dict[str, Any] = {"message_id": message.message_id, "date": message.date, "chat": chat.brief()}
    out["sender_chat" if chat.kind == "channel" else "from"] = (
        chat.brief() if chat.kind == "channel" else message.sender
    )
    words, marks = ("caption", "caption_entities") if message.picture else ("text", "entities")
    optional = {
        "photo": [message.picture.size()] if message.picture else None,
        words: message.text,
        marks: list(message.entities),
        "reply_markup": message.markup,
        "edit_date": message.edit_date,
        "sender_chat": message.sender_chat,
        "message_thread_id": message.thread,
        "is_topic_message": message.thread is not None,
    }
    out.update({name: value for name, value in optional.items() if value})
    answered = chat.messages.get(message.reply_to or 0)
    if answered is not None:
        out["reply_to_message"] = {
            "message_id": answered.message_id,
            "date": answered.date,
            "chat": chat.brief(),
        }
    return out


async def send_message(call: Call) -> dict[str, Any]:
    """Accept a text."""
    chat = call.world.chat(call.parameters.get("chat_id"))
    source, formatted = content.text(call)
    return await _post(call, chat, source, formatted, None)


async def send_photo(call: Call) -> dict[str, Any]:
    """Accept a photo with or without caption."""
    chat = call.world.chat(call.parameters.get("chat_id"))
    source = call.text("caption")
    formatted = content.caption(source, call.text("parse_mode"), call.json("caption_entities", list))
    if not chat.can_send_photos:
        raise bad_request("not enough rights to send photos to the chat")
    picture = content.picture_of(call, call.text("photo") or None, "photo")
    return await _post(call, chat, source, formatted, picture)


async def _post(
    call: Call, chat: Chat, source: str, formatted: Formatted, picture: Picture | None
) -> dict[str, Any]:
    if not chat.can_post:
        channel = chat.kind == "channel"
        raise bad_request(
            "need administrator rights in the channel chat"
            if channel
            else "not enough rights to send text messages to the chat"
        )
    markup = content.keyboard(call)
    thread = _thread(call, chat)
    reply_to = _reply(call, chat, thread)
    message = Message(
        message_id=chat.next_id(),
        date=int(time.time()),
        bot=call.bot,
        sender=call.bot.user(),
        text=formatted.text,
        source=source,
        entities=formatted.entities,
        picture=picture,
        thread=thread,
        reply_to=reply_to,
        markup=markup,
    )
    chat.messages[message.message_id] = message
    await call.accept(chat, message, reply=True, silent=call.flag("disable_notification"))
    return view(chat, message)


def _thread(call: Call, chat: Chat) -> int | None:
    """Return the topic; General is written by leaving the id out, number 1 is refused."""
    thread = call.integer("message_thread_id")
    if thread is None:
        return None
    if thread == GENERAL_TOPIC or thread not in chat.topics:
        raise bad_request("message thread not found")
    if not chat.topics[thread]:
        raise bad_request("TOPIC_CLOSED")
    return thread


def _reply(call: Call, chat: Chat, thread: int | None) -> int | None:
    wanted = call.json("reply_parameters", dict) or {}
    try:
        message_id = int(wanted.get("message_id", call.integer("reply_to_message_id") or 0))
    except (TypeError, ValueError):
        raise bad_request("can't parse reply parameters") from None
    if not message_id:
        return None
    lenient = bool(wanted.get("allow_sending_without_reply")) or call.flag("allow_sending_without_reply")
    answered = chat.messages.get(message_id)
    if answered is not None and answered.thread == thread:
        return message_id
    if lenient and answered is None:
        return None
    raise bad_request("message to be replied not found")
