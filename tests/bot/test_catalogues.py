"""The catalogues: nothing is missing, nothing is broken by a translation, and what is installed is what was written."""

from __future__ import annotations

import ast
import gettext
import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from teleglas.language import LANGUAGES, LOCALE, Html, Words, load_words, nearest
from teleglas.telegram.text import plain

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = {"say": (1,), "count": (1, 2), "phrase": (1,)}
PARTS = re.compile(r"\{(\w+)\}|</?[a-z]+[^>]*>")


def _catalogue(language: str):
    content = (LOCALE / language / "LC_MESSAGES" / "bot.po").read_bytes()
    return read_po(io.BytesIO(content), locale=language)


def _messages(language: str):
    return [message for message in _catalogue(language) if message.id]


def _forms(value) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def test_every_text_of_the_program_is_in_every_catalogue():
    """`make locale` was run: no text is unknown to the translators, and none is left over."""
    used = {
        message
        for _, _, message, _, _ in extract_from_dir(
            ROOT / "bot", keywords=KEYWORDS, method_map=[("**.py", "python")]
        )
    }
    used = {tuple(each) if isinstance(each, list | tuple) else each for each in used}
    for language in LANGUAGES:
        assert {message.id for message in _messages(language)} == used, language


@pytest.mark.parametrize("language", ["en", "id"])
def test_complete_languages_are_complete(language):
    """English and Indonesian say everything, in every form."""
    assert [message.id for message in _messages(language) if not all(_forms(message.string))] == []


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_placeholders_and_tags_are_kept(language):
    """A translation names the same values and tags as the English text, so that filling it in cannot fail."""
    for message in _messages(language):
        wanted = [sorted(PARTS.findall(form)) for form in _forms(message.id)]
        tags = [sorted(part.group() for part in PARTS.finditer(form)) for form in _forms(message.id)]
        for form in _forms(message.string):
            if form:
                assert sorted(PARTS.findall(form)) in wanted, (message.id, form)
                assert sorted(part.group() for part in PARTS.finditer(form)) in tags, (message.id, form)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_what_is_installed_is_what_was_written(language):
    """Each .mo is compiled from its .po."""
    compiled = io.BytesIO()
    write_mo(compiled, _catalogue(language))
    assert (LOCALE / language / "LC_MESSAGES" / "bot.mo").read_bytes() == compiled.getvalue()


def test_no_text_hides_from_the_collector():
    """A text inside an f-string is not collected, so there is none."""
    hidden = []
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
                    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                    if name in KEYWORDS and call.args and isinstance(call.args[0], ast.Constant):
                        hidden.append((path.name, call.args[0].value))
    assert hidden == []


def test_values_are_escaped_once():
    """A coin named like a tag is shown as typed; text that is HTML already stays as it is."""
    words = load_words("bot")["en"]
    assert plain(words.say("{coin} {at}", coin="<b>&", at=Html("<i>x</i>"))) == "<b>& x"


def test_plurals_are_the_language_s_own():
    """Russian has three forms for numbers, English two."""
    words = load_words("bot")
    said = [plain(words["ru"].count("{n} exchange", "{n} exchanges", n)) for n in (1, 3, 5, 21)]
    assert said == ["1 биржа", "3 биржи", "5 бирж", "21 биржа"]
    assert words["en"].count("{n} exchange", "{n} exchanges", 1234) == "1,234 exchanges"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("id", "id"),
        ("in", "id"),
        ("zh-hans", "zh"),
        ("ru_RU", "ru"),
        ("EN-us", "en"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_nearest_language(code, language):
    """Telegram's code of a person chooses the language; an unknown one is answered in English."""
    assert nearest(code) == language


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_what_is_not_translated_is_good_english(language):
    """Chinese has one form and Russian says 21 in the singular; an English sentence keeps its own forms."""
    catalogue = Catalog(locale=language)
    catalogue.add(("{n} trade", "{n} trades"))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    words = Words(language, gettext.GNUTranslations(io.BytesIO(compiled.getvalue())))
    assert [words.count("{n} trade", "{n} trades", n) for n in (1, 2, 21)] == [
        "1 trade",
        "2 trades",
        "21 trades",
    ]
