"""Edits and deletion of what a bot has sent."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from simulator.bot_api import content
from simulator.bot_api.call import Call
from simulator.bot_api.errors import bad_request
from simulator.bot_api.formatting import Formatted
from simulator.bot_api.sending import view
from simulator.bot_api.world import Chat, Message, Picture

__all__ = ["delete_message", "edit_caption", "edit_media", "edit_text"]

_SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_OTHER_MEDIA = {"animation", "audio", "document", "video"}


async def edit_text(call: Call) -> dict[str, Any]:
    """Change the text of a text message."""
    chat, message = _target(call)
    source, formatted = content.text(call)
    if message.picture is not None:
        raise bad_request("there is no text in the message to edit")
    changed = replace(message, text=formatted.text, source=source, entities=formatted.entities)
    return await _store(call, chat, message, changed)


async def edit_caption(call: Call) -> dict[str, Any]:
    """Change the caption of a photo."""
    chat, message = _target(call)
    source = call.text("caption")
    formatted = content.caption(source, call.text("parse_mode"), call.json("caption_entities", list))
    if message.picture is None:
        raise bad_request("there is no caption in the message to edit")
    changed = replace(message, text=formatted.text, source=source, entities=formatted.entities)
    return await _store(call, chat, message, changed)


async def edit_media(call: Call) -> dict[str, Any]:
    """Change the photo of a photo, or make a photo of a text; either way with a new caption.

    As the real server does, it reads the whole medium before it looks at the message. A server
    of before that (`World.adds_media`) adds none to a text.
    """
    chat = call.world.chat(call.parameters.get("chat_id"))
    source, formatted, picture = _medium(call)
    chat, message = _target(call)
    if message.picture is None and not call.world.adds_media:
        raise bad_request("there is no media in the message to edit")
    if not chat.can_send_photos:
        raise bad_request("not enough rights to send photos to the chat")
    changed = replace(
        message, text=formatted.text, source=source, entities=formatted.entities, picture=picture
    )
    return await _store(call, chat, message, changed)


def _medium(call: Call) -> tuple[str, Formatted, Picture]:
    media = call.json("media", dict)
    if media is None:
        raise bad_request("can't parse InputMedia: media isn't specified")
    source = str(media.get("caption") or "")
    formatted = content.caption(source, str(media.get("parse_mode") or ""), media.get("caption_entities"))
    kind = media.get("type")
    if kind != "photo":
        what = "are not known here" if kind in _OTHER_MEDIA else "are unsupported"
        raise bad_request(f'can\'t parse InputMedia: media of type "{kind}" {what}')
    named = media.get("media")
    if not isinstance(named, str) or not named:
        raise bad_request("can't parse InputMedia: media not found")
    part = named.removeprefix("attach://")
    if part != named and part not in call.files:
        raise bad_request("can't parse InputMedia: media not found")
    return source, formatted, content.picture_of(call, named, part)


async def delete_message(call: Call) -> bool:
    """Remove a message of this bot."""
    chat = call.world.chat(call.parameters.get("chat_id"))
    message = chat.messages.get(call.integer("message_id") or 0)
    if message is None:
        raise bad_request("message to delete not found")
    if message.bot is not call.bot:
        raise bad_request("message can't be deleted")
    del chat.messages[message.message_id]
    await call.accept(chat, message)
    return True


def _target(call: Call) -> tuple[Chat, Message]:
    chat = call.world.chat(call.parameters.get("chat_id"))
    message = chat.messages.get(call.integer("message_id") or 0)
    if message is None:
        raise bad_request("message to edit not found")
    if message.bot is not call.bot:
        raise bad_request("message can't be edited")
    return chat, message


async def _store(call: Call, chat: Chat, old: Message, changed: Message) -> dict[str, Any]:
    changed = replace(changed, markup=content.keyboard(call))
    same_words = (changed.text, changed.entities, changed.markup) == (old.text, old.entities, old.markup)
    if same_words and changed.picture == old.picture:
        raise bad_request(_SAME)
    changed.edit_date = int(time.time())
    chat.messages[old.message_id] = changed
    await call.accept(chat, changed)
    return view(chat, changed)
