"""The terminal as a channel: the default when no token is set.

The same words as in Telegram, drawn with rich; plain text where stdout is not a terminal.
"""

from __future__ import annotations

import asyncio
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.style import Style
from rich.text import Text

from ws_alert.delivery.rendered import Rendered
from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["TerminalChannel", "text_of"]

_STYLES: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "s": "strike",
    "code": "cyan",
    "pre": "cyan",
    "blockquote": "dim",
    "a": "underline",
}
_QUOTE: Final = "│ "


class TerminalChannel:
    """Prints each message under a number of its own; an edit names the number that it replaces.

    console: where to print (stdout by default). charts: a folder that receives the
    pictures; without one they are not kept. When the reader of the pipe has gone away
    (`| head`), deliveries go on without being shown, because nobody can see them.
    """

    def __init__(self, *, console: Console | None = None, charts: Path | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._charts = charts
        self._number = 0
        self._turn = asyncio.Lock()
        self.closed = False

    async def send(
        self, message: Rendered, *, target: str, reply_to: int | None = None, silent: bool = False
    ) -> Outcome:
        """Print a message. The outcome is SENT with its number; `photo` says whether a chart was kept."""
        async with self._turn:
            self._number += 1
            number = self._number
            return await asyncio.to_thread(
                self._show, message, number, _title(number, target, reply_to, silent=silent)
            )

    async def edit(self, message: Rendered, *, target: str, message_id: int, photo: bool = False) -> Outcome:
        """Print the new words of message number `message_id`."""
        del photo  # an edit's words are the same with and without a picture here
        async with self._turn:
            return await asyncio.to_thread(
                self._show, message, message_id, f"edit of #{message_id} · {target}"
            )

    def _show(self, message: Rendered, number: int, title: str) -> Outcome:
        kept = self._keep(message.photo, number)
        text = text_of(message.html)
        if kept:
            text.append(f"\nchart: {kept}", Style.parse("dim"))
        self._print(Text(title, "dim"), text)
        return Outcome(kind=OutcomeKind.SENT, message_id=number, photo=bool(kept))

    def _keep(self, photo: bytes | None, number: int) -> Path | None:
        if photo is None or self._charts is None:
            return None
        path = self._charts / f"alert-{number:04d}.png"
        self._charts.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo)
        return path

    def _print(self, *parts: Text) -> None:
        if self.closed:
            return
        try:
            for part in parts:
                self._console.print(part)
            self._console.print()
            self._console.file.flush()
        except BrokenPipeError:
            self.closed = True
            _forget(self._console)


def _forget(console: Console) -> None:
    # Python flushes stdout once more at exit; into a closed pipe that would be a traceback.
    try:
        descriptor = console.file.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _title(number: int, target: str, reply_to: int | None, *, silent: bool) -> str:
    parts = [f"#{number}", target]
    if reply_to is not None:
        parts.append(f"reply to #{reply_to}")
    if silent:
        parts.append("silent")
    return " · ".join(parts)


def text_of(html: str) -> Text:
    """Turn Telegram's HTML subset into rich text; a quote's lines are set off by a bar."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = Text()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._open.append(tag)
        if tag == "blockquote":
            self.text.append(_QUOTE, Style.parse("dim"))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        styles = " ".join(_STYLES[tag] for tag in self._open if tag in _STYLES)
        shown = data.replace("\n", f"\n{_QUOTE}") if "blockquote" in self._open else data
        self.text.append(shown, Style.parse(styles) if styles else None)
