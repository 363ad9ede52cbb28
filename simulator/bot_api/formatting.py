"""Telegram's HTML: text and entities, or the refusal that Telegram would give.

The order of the checks and the wording follow TDLib's `parse_html` (MessageEntity.cpp).
Stricter than the real server in three documented rules that it bends silently: a bare `&`
is refused, formatting inside `code` and `pre` is refused, and so is a `blockquote` in a
`blockquote` (https://core.telegram.org/bots/api#html-style); more than 100 entities are
refused where Telegram drops what is beyond.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from simulator.bot_api.errors import bad_request

__all__ = ["ENTITIES", "Formatted", "parse_html", "units"]

ENTITIES = 100

_TYPES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "a": "text_link",
    "code": "code", "pre": "pre", "span": "spoiler", "tg-spoiler": "spoiler", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));")
_ATTRIBUTE = re.compile(r"""\s*([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9.\-]+)(?=[\s>])))?""")
_NO_CHILDREN = {"code", "pre"}


@dataclass(frozen=True)
class Formatted:
    """What a reader sees: text, and entities with offsets in UTF-16 units."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()


@dataclass
class _Open:
    tag: str
    argument: str
    offset: int
    language: str = ""


def units(text: str) -> int:
    """Return the length of `text` in UTF-16 units, as Telegram counts."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def parse_html(source: str) -> Formatted:
    """Return text and entities of `source`.

    Raises ApiError 400 `can't parse entities: ...` as Telegram does, or ENTITIES_TOO_LONG.
    """
    parser = _Parser(source)
    parser.run()
    if len(parser.entities) > ENTITIES:
        raise bad_request("ENTITIES_TOO_LONG")
    return Formatted(
        "".join(parser.out), tuple(sorted(parser.entities, key=lambda e: (e["offset"], -e["length"])))
    )


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.out: list[str] = []
        self.offset = 0
        self.open: list[_Open] = []
        self.entities: list[dict[str, Any]] = []

    def run(self) -> None:
        at = 0
        while at < len(self.source):
            char = self.source[at]
            if char == "<":
                closing = self.source.startswith("/", at + 1)
                at = self._end(at) if closing else self._start(at)
            elif char == "&":
                at = self._reference(at)
            else:
                self._emit(char)
                at += 1
        if self.open:
            raise self._refuse(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')

    def _refuse(self, what: str, at: int | None = None) -> Exception:
        where = "" if at is None else f" at byte offset {len(self.source[:at].encode())}"
        return bad_request(f"can't parse entities: {what}{where}")

    def _emit(self, text: str) -> None:
        self.out.append(text)
        self.offset += units(text)

    def _reference(self, at: int) -> int:
        match = _REFERENCE.match(self.source, at)
        if match is None:
            raise self._refuse('Unescaped "&"', at)
        named, decimal, hexadecimal = match.groups()
        code = int(decimal) if decimal else int(hexadecimal or "0", 16)
        if not named and (code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF):
            raise self._refuse("Invalid character reference", at)
        self._emit(_NAMED[named] if named else chr(code))
        return match.end()

    def _start(self, begin: int) -> int:
        match = re.compile(r"[^\s>]*").match(self.source, begin + 1)
        tag = match.group().lower() if match else ""
        at = match.end() if match else begin
        if at >= len(self.source):
            raise self._refuse("Unclosed start tag", begin)
        if tag not in _TYPES:
            raise self._refuse(f'Unsupported start tag "{tag}"', begin)
        self._check_nesting(tag, begin)
        opened = _Open(tag, "", self.offset)
        while self.source[at : at + 1] != ">":
            at = self._attribute(opened, at, begin)
        if tag == "span" and opened.argument != "spoiler":
            raise self._refuse('Tag "span" must have class "tg-spoiler"', begin)
        self.open.append(opened)
        return at + 1

    def _check_nesting(self, tag: str, begin: int) -> None:
        around = [parent.tag for parent in self.open]
        inner_code = tag == "code" and around[-1:] == ["pre"] and self.open[-1].offset == self.offset
        if not inner_code and (set(around) & _NO_CHILDREN or (tag == "blockquote" and tag in around)):
            raise self._refuse(f'Tag "{tag}" can\'t be nested in "{around[-1]}"', begin)

    def _attribute(self, opened: _Open, at: int, begin: int) -> int:
        match = _ATTRIBUTE.match(self.source, at)
        if match is None:
            rest = self.source[at:]
            if rest.isspace() or ">" not in rest:
                raise self._refuse("Unclosed start tag", begin)
            stripped = at + len(rest) - len(rest.lstrip())
            if self.source[stripped] == ">":
                return stripped
            raise self._refuse(f'Empty attribute name in the tag "{opened.tag}"', begin)
        name, double, single, token = match.groups()
        value = _REFERENCE.sub(_decode, next((v for v in (double, single, token) if v is not None), ""))
        if opened.tag == "a" and name == "href":
            opened.argument = value
        elif opened.tag == "code" and name == "class" and value.startswith("language-"):
            opened.language = value.removeprefix("language-")
        elif opened.tag == "span" and name == "class" and value.startswith("tg-"):
            opened.argument = value.removeprefix("tg-")
        elif name in {"emoji-id", "expandable"}:
            opened.argument = value or name
        if match.end() >= len(self.source):
            raise self._refuse("Unclosed start tag", begin)
        return match.end()

    def _end(self, begin: int) -> int:
        if not self.open:
            raise self._refuse("Unexpected end tag", begin)
        match = re.compile(r"</([^\s>]*)\s*>").match(self.source, begin)
        if match is None:
            raise self._refuse("Unclosed end tag", begin)
        opened = self.open.pop()
        found = match.group(1)
        if found and found != opened.tag:
            wanted = f'expected "</{opened.tag}>", found "</{found}>"'
            raise self._refuse(
                f"Unmatched end tag at byte offset {len(self.source[:begin].encode())}, {wanted}"
            )
        self._close(opened)
        return match.end()

    def _close(self, opened: _Open) -> None:
        if opened.tag == "code" and self.open and self.open[-1].tag == "pre":
            self.open[-1].language = opened.language
            return
        kind = _TYPES[opened.tag]
        if kind == "blockquote" and opened.argument:
            kind = "expandable_blockquote"
        entity: dict[str, Any] = {
            "type": kind,
            "offset": opened.offset,
            "length": self.offset - opened.offset,
        }
        if kind == "text_link":
            if not opened.argument:
                return
            entity["url"] = opened.argument
        if opened.language:
            entity["language"] = opened.language
        if kind == "custom_emoji":
            entity["custom_emoji_id"] = opened.argument
        if entity["length"]:
            self.entities.append(entity)


def _decode(match: re.Match[str]) -> str:
    named, decimal, hexadecimal = match.groups()
    return _NAMED[named] if named else chr(int(decimal) if decimal else int(hexadecimal, 16))
