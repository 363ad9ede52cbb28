"""Whether a bot can do its work: its name, and each chat that it shall write to."""

from __future__ import annotations

import msgspec
from telegram import Bot, ChatFullInfo, ChatMember, ChatMemberAdministrator
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from teleglas.telegram.target import Target
from ws_alert.delivery.refusals import outcome_of

__all__ = ["Check", "check"]


class Check(msgspec.Struct, frozen=True):
    """What was found.

    bot: its @name, empty if Telegram did not tell. chats: for each reachable target its
    numeric form (one chat has one, whatever it is called) and its title. problems: one sentence each,
    with what to do.
    """

    bot: str
    chats: tuple[tuple[str, str, str], ...] = ()
    problems: tuple[str, ...] = ()
    token_rejected: bool = False


async def check(bot: Bot, targets: tuple[str, ...]) -> Check:
    """Ask Telegram about the bot and each target (target, number, title); sends nothing, raises nothing."""
    try:
        me = await bot.get_me()
    except TelegramError as error:
        return Check("", problems=(_sentence(error),), token_rejected=isinstance(error, InvalidToken))
    chats: list[tuple[str, str, str]] = []
    problems: list[str] = []
    for target in targets:
        try:
            where = Target.parse(target)
            chat = await bot.get_chat(where.chat)
            member = None if chat.type == ChatType.PRIVATE else await bot.get_chat_member(chat.id, me.id)
        except ValueError as error:
            problems.append(f"{error}.")
        except TelegramError as error:
            problems.append(f"{target}: {_sentence(error)}")
        else:
            numeric = Target(chat.id, where.topic)
            chats.append((target, str(numeric), chat.title or chat.full_name or str(chat.id)))
            problems += [f"{target}: {problem}" for problem in _rights(where, chat, member)]
    return Check(f"@{me.username}", tuple(chats), tuple(problems))


def _rights(where: Target, chat: ChatFullInfo, member: ChatMember | None) -> list[str]:
    problems = []
    if where.topic is not None and not chat.is_forum:
        problems.append("this chat has no topics. Remove the part behind the colon.")
    if member is not None and member.status in {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}:
        problems.append("the bot is not in this chat. Add it.")
    elif chat.type == ChatType.CHANNEL and not (
        isinstance(member, ChatMemberAdministrator) and member.can_post_messages
    ):
        problems.append("the bot may not post in this channel. Make it an administrator with that right.")
    return problems


def _sentence(error: TelegramError) -> str:
    if isinstance(error, InvalidToken):
        return "Telegram does not know this bot token, or TELEGRAM_API_BASE_URL is wrong. Take the token from @BotFather."
    if isinstance(error, ChatMigrated):
        return f"the group became a supergroup. Write {error.new_chat_id} instead."
    if isinstance(error, Forbidden):
        return f"the bot may not write here ({error.message}). Unblock it or add it again."
    if isinstance(error, BadRequest):
        return f"{error.message}. Write to the bot or add it to the chat first, and check the id."
    return f"{outcome_of(error).why}. Try again."
