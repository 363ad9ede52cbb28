"""The terminal as a channel: the default when no token is set.

The same words as in Telegram, drawn with rich; plain text where stdout is not a terminal.
"""

from __future__ import annotations

import asyncio
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, TextIO

import structlog
from rich.console import Console
from rich.text import Text

from ws_alert.delivery.rendered import Rendered
from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["TerminalChannel", "lines_of"]

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
_NAME: Final = "alert-{:04d}.png"
_NUMBERED: Final = re.compile(r"alert-(\d{4,9})\.png")

log = structlog.get_logger(__name__)


class TerminalChannel:
    """Prints each message under a number of its own; an edit names the number and shows its first line.

    stream: where to print (stdout by default). charts: a folder that receives the pictures, under
    the number of their message; without one they are not kept. Numbers go on behind those of the
    pictures there, and behind what `resume` is told. When the reader of a pipe has gone away
    (`| head`), deliveries go on without being shown, because nobody can see them.
    """

    def __init__(self, *, stream: TextIO | None = None, charts: Path | None = None) -> None:
        self._console = _PatientConsole(file=stream, highlight=False)
        self._charts = charts
        self._number = _last_kept(charts)
        self._turn = asyncio.Lock()

    def resume(self, last: int) -> None:
        """Go on behind the last number of an earlier run, which replies and edits still name."""
        self._number = max(self._number, last)

    async def send(
        self, message: Rendered, *, target: str, reply_to: int | None = None, silent: bool = False
    ) -> Outcome:
        """Print a message. The outcome is SENT with its number; `photo` says whether a chart was kept."""
        del target  # there is one reader here
        async with self._turn:
            self._number += 1
            number = self._number
            return await asyncio.to_thread(
                self._show, message, number, _title(number, reply_to, silent=silent)
            )

    async def edit(
        self, message: Rendered, *, target: str, message_id: int, has_photo: bool = False
    ) -> Outcome:
        """Print the new first line of message number `message_id`: it is the whole news. Keep its picture."""
        del target
        async with self._turn:
            return await asyncio.to_thread(self._show_edit, message, message_id, has_photo)

    def _show_edit(self, message: Rendered, number: int, has_photo: bool) -> Outcome:
        _, first = next(iter(lines_of(message.html)), (False, Text()))
        kept = self._keep(message.photo, number)
        if kept:
            self._line(Text.assemble((f"chart of #{number} · ", "dim"), first.plain, (f" · {kept}", "dim")))
        else:
            self._line(Text.assemble((f"edit of #{number} · ", "dim"), first.plain))
        self._line(Text())
        return Outcome(kind=OutcomeKind.SENT, message_id=number, photo=has_photo or bool(kept))

    def _show(self, message: Rendered, number: int, title: str) -> Outcome:
        kept = self._keep(message.photo, number)
        self._line(Text(title, "dim"))
        for quoted, line in lines_of(message.html):
            self._line(line, _QUOTE if quoted else "")
        if kept:
            self._line(Text(f"chart: {kept}", "dim"))
        self._line(Text())
        return Outcome(kind=OutcomeKind.SENT, message_id=number, photo=bool(kept))

    def _line(self, line: Text, prefix: str = "") -> None:
        # A file or a pipe gets whole lines, for grep; a terminal gets them wrapped at words.
        fits = self._console.width - len(prefix) if self._console.is_terminal else max(1, line.cell_len)
        for part in line.wrap(self._console, max(20, fits)):
            self._console.print(Text.assemble((prefix, "dim"), part), soft_wrap=True)

    def _keep(self, photo: bytes | None, number: int) -> Path | None:
        if photo is None or self._charts is None:
            return None
        path = self._charts / _NAME.format(number)
        try:
            self._charts.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photo)
        except OSError as error:
            # The words matter more than their picture.
            log.warning("chart not kept", path=str(path), why=error.strerror)
            return None
        return path


def _last_kept(charts: Path | None) -> int:
    """Return the highest number of the pictures in a folder, 0 without any."""
    if charts is None or not charts.is_dir():
        return 0
    found = (_NUMBERED.fullmatch(path.name) for path in charts.iterdir())
    return max((int(each[1]) for each in found if each), default=0)


class _PatientConsole(Console):
    def on_broken_pipe(self) -> None:
        """Go on without printing; rich's own would end the program."""
        self.quiet = True
        try:
            descriptor = self.file.fileno()
        except (OSError, ValueError):
            return
        # Python flushes stdout once more at exit; into a closed pipe that would be a traceback.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _title(number: int, reply_to: int | None, *, silent: bool) -> str:
    parts = [f"#{number}"]
    if reply_to is not None:
        parts.append(f"reply to #{reply_to}")
    if silent:
        parts.append("silent")
    return " · ".join(parts)


def lines_of(html: str) -> list[tuple[bool, Text]]:
    """Turn Telegram's HTML subset into styled lines, each with whether it stands in a quote."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.lines


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[tuple[bool, Text]] = []
        self._open: list[str] = []
        self._fresh = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        style = " ".join(_STYLES[tag] for tag in self._open if tag in _STYLES)
        for index, piece in enumerate(data.split("\n")):
            if index or self._fresh:
                self.lines.append(("blockquote" in self._open, Text()))
                self._fresh = False
            if piece:
                quoted = "blockquote" in self._open
                line = self.lines[-1][1]
                self.lines[-1] = (quoted, line.append(piece, style or None))
