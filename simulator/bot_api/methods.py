"""The methods that are served, by their names in lower case, and those that are not messages."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from simulator.bot_api.call import Call
from simulator.bot_api.editing import delete_message, edit_caption, edit_media, edit_text
from simulator.bot_api.errors import bad_request
from simulator.bot_api.sending import send_message, send_photo
from simulator.bot_api.world import Chat

__all__ = ["EDITS", "MESSAGES", "METHODS"]

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SCOPES = {
    "default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat",
    "chat_administrators", "chat_member",
}  # fmt: skip
_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories",
)  # fmt: skip


async def _get_me(call: Call) -> dict[str, Any]:
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }
    return call.bot.user() | abilities


async def _get_chat(call: Call) -> dict[str, Any]:
    chat = call.world.known(call.parameters.get("chat_id"))
    if not (chat.refusal and chat.username):  # a public chat can be looked at from outside
        chat = call.world.chat(chat.chat_id)
    gifts = (
        "unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels",
    )  # fmt: skip
    full = {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    return chat.brief() | full


async def _get_chat_member(call: Call) -> dict[str, Any]:
    chat = call.world.known(call.parameters.get("chat_id"))
    user_id = call.integer("user_id")
    if user_id != call.bot.bot_id:
        return _member(chat, user_id)
    user = call.bot.user()
    if chat.refusal:
        return {"status": "left", "user": user}
    if chat.kind != "channel":
        return {"status": "member", "user": user}
    rights = dict.fromkeys(_RIGHTS, False) | {
        "can_post_messages": chat.can_post,
        "can_edit_messages": chat.can_post,
    }
    return {"status": "administrator", "user": user} | rights


def _member(chat: Chat, user_id: int | None) -> dict[str, Any]:
    """Return what a person is in a chat: whoever has written there is a member."""
    people = {
        message.sender["id"]: message.sender for message in chat.messages.values() if message.bot is None
    }
    if user_id not in people:
        raise bad_request("member not found")
    if user_id in chat.administrators:
        return {"status": "administrator", "user": people[user_id]} | dict.fromkeys(_RIGHTS, False)
    return {"status": "member", "user": people[user_id]}


async def _get_updates(call: Call) -> list[dict[str, Any]]:
    limit = call.integer("limit") or 100
    if not 1 <= limit <= 100:
        raise bad_request("limit must be between 1 and 100")
    return await call.bot.updates.get(
        offset=call.integer("offset") or 0,
        limit=limit,
        seconds=float(call.integer("timeout") or 0),
        allowed=call.json("allowed_updates", list),
    )


async def _delete_webhook(call: Call) -> bool:
    if call.flag("drop_pending_updates"):
        call.bot.updates.clear()
    return True


def _command_key(call: Call) -> tuple[str, str]:
    scope = call.json("scope", dict) or {"type": "default"}
    if scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    if "chat_id" in scope:
        call.world.chat(scope["chat_id"])
    return json.dumps(scope, sort_keys=True), call.text("language_code")


async def _set_my_commands(call: Call) -> bool:
    commands = call.json("commands", list)
    if commands is None or len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH" if commands else "commands list is empty")
    for command in commands:
        if not isinstance(command, dict) or not _COMMAND.fullmatch(str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    call.bot.commands[_command_key(call)] = commands
    return True


async def _get_my_commands(call: Call) -> list[dict[str, str]]:
    return call.bot.commands.get(_command_key(call), [])


async def _answer_callback_query(call: Call) -> bool:
    query = call.text("callback_query_id")
    if query not in call.bot.callbacks:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(call.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    call.bot.callbacks.discard(query)
    call.bot.toasts.append(call.text("text"))
    return True


async def _get_file(call: Call) -> dict[str, Any]:
    picture = call.world.picture(call.text("file_id"))
    return picture.size() | {"file_path": picture.path}


Method = Callable[[Call], Awaitable[Any]]

EDITS: dict[str, Method] = {
    "editmessagetext": edit_text,
    "editmessagecaption": edit_caption,
    "editmessagemedia": edit_media,
}
"""Methods that change a message."""

MESSAGES: dict[str, Method] = {"sendmessage": send_message, "sendphoto": send_photo}
"""Methods that make a message."""

METHODS: dict[str, Method] = {
    **EDITS,
    **MESSAGES,
    "getme": _get_me,
    "getchat": _get_chat,
    "getchatmember": _get_chat_member,
    "getupdates": _get_updates,
    "deletewebhook": _delete_webhook,
    "setmycommands": _set_my_commands,
    "getmycommands": _get_my_commands,
    "answercallbackquery": _answer_callback_query,
    "deletemessage": delete_message,
    "getfile": _get_file,
}
"""Every method served; names are matched without regard to case, as by the real server."""
