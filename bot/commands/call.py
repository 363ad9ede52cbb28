"""What a person typed or pressed, as a command with arguments. Pure."""

from __future__ import annotations

import re
import unicodedata

import msgspec

from bot.views.card import NEW_MESSAGE

__all__ = ["Call", "ForAnother", "parse_press", "parse_text"]

_MOST_ARGUMENTS = 6
_LONGEST = 64
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,32}))?(?=\s|$)")
_MISTYPED = re.compile(r"/(\S{1,40})")


class Call(msgspec.Struct, frozen=True):
    """A command. name: lower case. in_place: the answer replaces the message whose button was pressed."""

    name: str
    arguments: tuple[str, ...] = ()
    in_place: bool = False


class ForAnother(msgspec.Struct, frozen=True):
    """A command that names another bot."""


def parse_text(text: str, username: str) -> Call | ForAnother | None:
    """Read a message; None if it is no command. username: this bot's, without @, any case."""
    found = _COMMAND.match(text)
    if found is None:
        other = _MISTYPED.match(text)
        return None if other is None else Call(other[1].partition("@")[0].lower())
    addressed = found[2]
    if addressed is not None and addressed.lower() != username.lower():
        return ForAnother()
    return Call(found[1].lower(), _arguments(text[found.end() :]))


def parse_press(data: str) -> Call | None:
    """Read a button's data, which is a command line; None for what no version of ours wrote."""
    in_place = not data.startswith(NEW_MESSAGE)
    words = data.removeprefix(NEW_MESSAGE).split()
    if not words or not re.fullmatch(r"[a-z0-9_]{1,32}", words[0]):
        return None
    return Call(words[0], _arguments(" ".join(words[1:])), in_place)


def _arguments(text: str) -> tuple[str, ...]:
    """Return the words; without control characters, and none longer than any coin's name."""
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return tuple(word[:_LONGEST] for word in clean.split()[:_MOST_ARGUMENTS])
