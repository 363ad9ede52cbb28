"""A card: what is sent as one message, before it is known whether as text or below a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from teleglas.charts.picture import AnyPicture
from teleglas.telegram.text import plain, split, utf16_length

__all__ = ["CAPTION_CHARS", "DATA_BYTES", "NEW_MESSAGE", "TEXT_CHARS", "Button", "Card", "Part", "caption", "keyboard",
           "note", "text"]  # fmt: skip

TEXT_CHARS = 3_800
CAPTION_CHARS = 1_000
"""Below Telegram's 4,096 and 1,024: it is not settled how those are counted (reference: telegram 8)."""

DATA_BYTES = 64
"""Most of a button's data (https://core.telegram.org/bots/api#inlinekeyboardbutton)."""

NEW_MESSAGE = "+"
"""Button data is the command to run; with this before it the answer is a message of its own."""

_BUTTON_CHARS = 32


class Button(msgspec.Struct, frozen=True):
    """data: the command that a press runs, with `NEW_MESSAGE` before it or editing the message in place."""

    text: str
    data: str


class Part(msgspec.Struct, frozen=True):
    """A paragraph. rank: 0 is always shown; below a picture the highest ranks go first."""

    html: str
    rank: int = 0


class Card(msgspec.Struct, frozen=True):
    """parts: the first line of the first is the news. picture: drawn if there is time for it.

    details: the command that shows the whole as text, offered where parts had to be left out.
    key: what the picture is of, so that equal ones are drawn once a minute; empty without one.
    """

    parts: tuple[Part, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()
    picture: AnyPicture | None = None
    details: Button | None = None
    key: str = ""


def note(html: str, *rows: Sequence[Button]) -> Card:
    """Return a card of one paragraph."""
    return Card((Part(html),), tuple(tuple(row) for row in rows))


def text(card: Card) -> str:
    """Return all of a card, at most `TEXT_CHARS` after parsing; the least important parts go first."""
    return _fitted(card.parts, TEXT_CHARS)[0]


def caption(card: Card) -> tuple[str, bool]:
    """Return what stands below the picture, and whether that is all of the card."""
    return _fitted(card.parts, CAPTION_CHARS)


def keyboard(card: Card, *, whole: bool = True) -> list[list[Button]]:
    """Return the rows of buttons; what Telegram would refuse is left out."""
    rows = [list(row) for row in card.buttons]
    if not whole and card.details is not None:
        rows.append([card.details])
    return [kept for row in rows if (kept := [_short(button) for button in row if _fits(button)])]


def _fits(button: Button) -> bool:
    return bool(button.text) and 0 < len(button.data.encode()) <= DATA_BYTES


def _short(button: Button) -> Button:
    if len(button.text) <= _BUTTON_CHARS:
        return button
    return Button(button.text[: _BUTTON_CHARS - 1] + "…", button.data)


def _fitted(parts: Iterable[Part], limit: int) -> tuple[str, bool]:
    left = [part for part in parts if part.html]
    whole = True
    while True:
        html = "\n".join(part.html for part in left)
        if utf16_length(plain(html)) <= limit:
            return html, whole
        whole = False
        worst = max(range(len(left)), key=lambda index: (left[index].rank, index))
        if left[worst].rank == 0:
            return split(html, limit)[0], False
        del left[worst]
