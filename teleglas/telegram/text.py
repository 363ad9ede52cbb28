"""Text for Telegram: escaping, its plain form, its length, and splitting what is too long. Pure.

HTML here is Telegram's (https://core.telegram.org/bots/api#html-style): a few tags, and the
references `&lt; &gt; &amp; &quot;` and numeric ones. Anything else is text.
"""

from __future__ import annotations

import html as _html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["CAPTION_LIMIT", "ENTITY_LIMIT", "TEXT_LIMIT", "escape", "plain", "split", "utf16_length"]

TEXT_LIMIT = 4096
"""UTF-16 units of a text after parsing (https://core.telegram.org/bots/api#sendmessage)."""

CAPTION_LIMIT = 1024
"""UTF-16 units of a caption after parsing (https://core.telegram.org/bots/api#sendphoto)."""

ENTITY_LIMIT = 100
"""Formatted spans of one message; more lose their format (`telegram.constants.MessageLimit`, undocumented)."""

_SMALLEST_LIMIT = 32
_TOKEN = re.compile(
    r"(?P<tag><(?P<slash>/?)(?P<name>tg-spoiler|tg-emoji|blockquote|strike|strong|span|code|pre|ins|del|em|a|b|i|u|s)"
    r"(?:\s[^<>]*)?>)"
    r"|(?P<reference>&(?:lt|gt|amp|quot|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)"
    r"|(?P<newline>\n)|(?P<space>[^\S\n]+)|(?P<word>[^<&\s]+|[<&])",
    re.IGNORECASE,
)


def escape(value: object) -> str:
    """Return `str(value)` so that Telegram shows exactly it, in text and in a double-quoted attribute.

    Lone surrogates, which no UTF-8 can carry, become U+FFFD.
    """
    text = str(value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _html.escape(text, quote=False).replace('"', "&quot;")


def plain(html: str) -> str:
    """Return what a reader of `html` sees: tags removed, references decoded. Never fails."""
    return "".join(token.shown for token in _tokens(html))


def utf16_length(text: str) -> int:
    """Return the length of `text` as Telegram counts it."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def split(html: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Return `html` in parts, each with at most `limit` UTF-16 units after parsing and 100 entities.

    Cuts are between blocks (empty lines), else between lines, else between words, and
    inside a word only if that word alone is too long. Tags that are open at a cut are closed
    and opened again. With more than one part the first ends with "(1/3)" (so that its first
    line stays the news) and the others begin with "(2/3)". Only white space at cuts is lost.
    Text without anything to read gives no part.

    Raises ValueError for a limit below 32.
    """
    if limit < _SMALLEST_LIMIT:
        raise ValueError(f"a limit of {limit} leaves no room for text")
    tokens = list(_tokens(html))
    bodies = _fill(tokens, limit)
    digits = 0
    while len(bodies) > 1 and len(bodies) >= 10**digits:
        digits += 1
        bodies = _fill(tokens, limit - len("(/)\n") - 2 * digits)
    if len(bodies) <= 1:
        return bodies
    count = len(bodies)
    later = [f"({number}/{count})\n{body}" for number, body in enumerate(bodies[1:], 2)]
    return [f"{bodies[0]}\n(1/{count})", *later]


@dataclass(frozen=True)
class _Token:
    """A piece of HTML that is never cut, except a word. kind: open, close, newline, space or word."""

    kind: str
    source: str
    shown: str = ""
    name: str = ""

    @property
    def width(self) -> int:
        return utf16_length(self.shown)

    @property
    def blank(self) -> bool:
        return self.kind in {"newline", "space"}

    def letters(self) -> Iterator[_Token]:
        """Yield a word letter by letter; a reference or a tag stays whole."""
        if self.kind == "word" and self.source == self.shown:
            for letter in self.source:
                yield _Token("word", letter, letter)
        else:
            yield self


def _tokens(html: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(html):
        source = match.group()
        if match["tag"]:
            yield _Token("close" if match["slash"] else "open", source, "", match["name"].lower())
        elif match["reference"]:
            yield _Token("word", source, _decode(source))
        else:
            yield _Token(str(match.lastgroup), source, source)


def _decode(reference: str) -> str:
    shown = _html.unescape(reference)
    return shown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Page:
    """One part while it is being filled.

    White space and opening tags wait until something to read follows, so that no part
    begins or ends with them and an element without text leaves no trace.
    """

    def __init__(self, limit: int, opened: Sequence[_Token] = ()) -> None:
        self._limit = limit
        self._written: list[str] = []
        self._width = 0
        self._entities = 0
        self._open: list[_Token] = []
        self._waiting = list(opened)
        self.has_text = False

    def fits(self, tokens: Sequence[_Token]) -> bool:
        last = max((at for at, token in enumerate(tokens) if token.kind == "word"), default=-1)
        more = [*self._waiting, *tokens[: last + 1]]
        width = self._width + sum(token.width for token in more)
        entities = self._entities + sum(token.kind == "open" for token in more)
        return width <= self._limit and entities <= ENTITY_LIMIT

    def add(self, token: _Token) -> None:
        if token.kind == "close":
            self._close(token.name)
        elif token.kind == "word":
            for waiting in self._waiting:
                self._write(waiting)
            self._waiting.clear()
            self._write(token)
            self.has_text = True
        elif token.kind != "newline" or self.has_text:
            self._waiting.append(token)

    def finish(self) -> tuple[str, list[_Token]]:
        """Return the HTML with every tag closed, and the tags to open again on the next page."""
        again = self._open + [token for token in self._waiting if token.kind == "open"]
        while self._open:
            self._end_last()
        return "".join(self._written), again

    def _write(self, token: _Token) -> None:
        self._written.append(token.source)
        self._width += token.width
        if token.kind == "open":
            self._open.append(token)
            self._entities += 1

    def _close(self, name: str) -> None:
        for at in range(len(self._waiting) - 1, -1, -1):
            if self._waiting[at].kind == "open" and self._waiting[at].name == name:
                del self._waiting[at]
                return
        if name in {token.name for token in self._open}:
            while self._end_last() != name:
                pass

    def _end_last(self) -> str:
        name = self._open.pop().name
        self._written.append(f"</{name}>")
        return name


_BLOCK, _LINE, _WORD, _LETTER = range(4)


def _fill(tokens: Sequence[_Token], limit: int) -> list[str]:
    """Return pages of at most `limit` units."""
    pages: list[str] = []
    page = _Page(limit)

    def turn() -> None:
        nonlocal page
        text, again = page.finish()
        pages.append(text)
        page = _Page(limit, again)

    def place(piece: Sequence[_Token], level: int) -> None:
        if not page.fits(piece) and page.has_text and (level == _LETTER or _Page(limit).fits(piece)):
            turn()
        if level == _LETTER or page.fits(piece):
            for token in piece:
                page.add(token)
            return
        for smaller in _pieces(piece, level + 1):
            place(smaller, level + 1)

    for block in _pieces(tokens, _BLOCK):
        place(block, _BLOCK)
    if page.has_text:
        turn()
    return pages


def _pieces(tokens: Sequence[_Token], level: int) -> Iterator[list[_Token]]:
    """Yield `tokens` cut behind each border of `level`."""
    piece: list[_Token] = []
    before = ""
    for token in tokens:
        for part in token.letters() if level == _LETTER else (token,):
            piece.append(part)
            if _is_border(part, before, level):
                yield piece
                piece = []
        if token.shown:
            before = token.kind
    if piece:
        yield piece


def _is_border(token: _Token, before: str, level: int) -> bool:
    if level == _BLOCK:
        return token.kind == before == "newline"
    if level == _LINE:
        return token.kind == "newline"
    return level == _LETTER or token.blank
