"""Telegram's command menus, made from the table: per language, private chats and groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from bot.commands.table import COMMANDS
from teleglas.language import DEFAULT, Words
from teleglas.telegram.text import plain

__all__ = ["menus", "set_menus"]

_MOST_CHARS = 256


def menus(words: Mapping[str, Words]) -> Iterator[tuple[BotCommandScope, str, list[BotCommand]]]:
    """Yield scope, language code (empty for every other language) and commands."""
    for code, each in words.items():
        for scope in (BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()):
            in_groups = isinstance(scope, BotCommandScopeAllGroupChats)
            commands = [
                BotCommand(command.name, plain(each.say(command.summary))[:_MOST_CHARS])
                for command in COMMANDS
                if command.in_groups or not in_groups
            ]
            yield scope, "" if code == DEFAULT else code, commands


async def set_menus(bot: Bot, words: Mapping[str, Words]) -> None:
    """Set every menu. Raises TelegramError."""
    for scope, code, commands in menus(words):
        await bot.set_my_commands(commands, scope=scope, language_code=code or None)
