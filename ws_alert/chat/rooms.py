"""Which of our targets a message was typed in, and who may change what that target gets. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import msgspec

from teleglas.telegram.target import GENERAL_TOPIC, Target

__all__ = ["Typed", "is_own_voice", "parse_command", "targets_of"]

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,32}))?(?=\s|$)")
_LONGEST = 80


class Typed(msgspec.Struct, frozen=True):
    """A command. name: lower case. argument: the rest of the line. named: it names this bot (`/digest@bot`)."""

    name: str
    argument: str = ""
    named: bool = False


def parse_command(text: str, username: str) -> Typed | None:
    """Read a message; None if it is no command, or another bot's. username: this bot's, without @."""
    found = _COMMAND.match(text)
    if found is None or (found[2] or username).lower() != username.lower():
        return None
    words = "".join(c if c.isprintable() else " " for c in text[found.end() :]).split()
    return Typed(found[1].lower(), " ".join(words)[:_LONGEST], named=found[2] is not None)


def targets_of(
    chat_id: int, name: str | None, topic: int | None, targets: Sequence[str], before: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the targets that are meant: that of the topic, else all of the chat.

    name: the chat's @name without @, if it has one. topic: the message's, None outside of topics.
    before: older ids of the chat, which the settings may still hold.
    """
    ids = {str(chat_id), *before}
    names = {f"@{name}".casefold()} if name else set()
    here = [each for each in targets if _chat(each) in ids or _chat(each).casefold() in names]
    wanted = None if topic == GENERAL_TOPIC else topic
    exact = tuple(each for each in here if Target.parse(each).topic == wanted)
    return exact or tuple(here)


def is_own_voice(chat_id: int, sender_chat_id: int | None) -> bool:
    """Tell whether a message speaks for the chat itself, which only its administrators can do."""
    return sender_chat_id == chat_id


def _chat(target: str) -> str:
    return target.partition(":")[0]
