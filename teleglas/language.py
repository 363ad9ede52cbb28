"""Words in the reader's language: gettext catalogues under `teleglas/locale`, one domain for each bot.

The English text is the key. Numbers are not translated: traders compare them with the
screens of their exchanges (see `teleglas.numbers`).
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from teleglas.telegram.text import escape

__all__ = ["DEFAULT", "LANGUAGES", "LOCALE", "Html", "Words", "load_words", "nearest"]

LOCALE: Final = Path(__file__).parent / "locale"
DEFAULT: Final = "en"
LANGUAGES: Final = {"en": "English", "id": "Bahasa Indonesia", "ru": "Русский", "zh": "中文"}
"""Code -> what its speakers call it."""

_OTHER_CODES = {"in": "id"}
_NOT_IN_THE_FONT = frozenset({"zh"})


class Html(str):
    """Text that is Telegram's HTML already, so that it is not escaped again."""

    __slots__ = ()


class Words:
    """One language. Make them with `load_words`.

    for_charts: the words on pictures, whose font has no Chinese letters.
    """

    def __init__(
        self, language: str, catalogue: gettext.NullTranslations, for_charts: Words | None = None
    ) -> None:
        self.language = language
        self.for_charts = self if for_charts is None else for_charts
        self._catalogue = catalogue

    def say(self, text: str, /, **values: object) -> Html:
        """Return the translation with `{names}` filled in; values are escaped unless they are Html."""
        return _filled(self._catalogue.gettext(text), values)

    def count(self, one: str, many: str, n: int, /, **values: object) -> Html:
        """Return the form that the language uses for n; `{n}` is written with separators."""
        text = self._catalogue.ngettext(one, many, n)
        # What is not translated is English, whatever forms the language itself has.
        return _filled(many if text == one and n != 1 else text, {"n": f"{n:,}", **values})


def load_words(domain: str, folder: Path = LOCALE) -> dict[str, Words]:
    """Read the catalogues of every language; a missing one would be a broken installation, so it raises OSError."""
    plain = Words(DEFAULT, gettext.translation(domain, folder, [DEFAULT]))
    return {
        code: Words(
            code, gettext.translation(domain, folder, [code]), plain if code in _NOT_IN_THE_FONT else None
        )
        for code in LANGUAGES
    }


def nearest(code: str | None) -> str:
    """Return the language for a code as Telegram gives it (`id`, `zh-hans`, `pt-br`, None)."""
    head = (code or "").replace("_", "-").partition("-")[0].lower()
    head = _OTHER_CODES.get(head, head)
    return head if head in LANGUAGES else DEFAULT


def _filled(text: str, values: Mapping[str, object]) -> Html:
    if not values:
        return Html(text)
    safe = {name: value if isinstance(value, Html) else escape(value) for name, value in values.items()}
    return Html(text.format(**safe))
