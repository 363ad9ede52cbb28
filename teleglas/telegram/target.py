"""Where a message goes, as settings write it: `-100123`, `@channel`, each with an optional `:topic`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["GENERAL_TOPIC", "Target"]

GENERAL_TOPIC = 1
"""The General topic of a forum: written by leaving the id out; 1 itself is refused (tdlib/telegram-bot-api#447)."""

_FORM = re.compile(r"(?P<chat>-?\d{1,16}|@[A-Za-z][A-Za-z0-9_]{3,31})(?::(?P<topic>\d{1,10}))?")


@dataclass(frozen=True)
class Target:
    """A chat, and a topic in it; topic None is General or a chat without topics."""

    chat: int | str
    topic: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a target; raises ValueError for anything else."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no chat id, @name, or either with :topic")
        chat, topic = match["chat"], match["topic"]
        number = int(topic) if topic else GENERAL_TOPIC
        return cls(chat if chat.startswith("@") else int(chat), None if number == GENERAL_TOPIC else number)

    @property
    def is_private(self) -> bool:
        """Whether it is one person; groups and channels have negative ids."""
        return isinstance(self.chat, int) and self.chat > 0

    def __str__(self) -> str:
        return f"{self.chat}" if self.topic is None else f"{self.chat}:{self.topic}"
