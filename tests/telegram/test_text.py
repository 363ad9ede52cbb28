"""Text for Telegram: what is escaped, shown, measured and cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.bot_api.formatting import parse_html
from teleglas.telegram.text import ENTITY_LIMIT, TEXT_LIMIT, escape, plain, split, utf16_length

NUMBER = re.compile(r"\A\(\d+/\d+\)\n|\n\(1/\d+\)\Z")
TAGS = ("b", "i", "u", "s", "code", "blockquote expandable", 'a href="https://example.org/?a=1&amp;b=2"')


def written(pieces):
    """Build balanced HTML out of words and (tag, words) pairs."""
    out = []
    for tag, words in pieces:
        name = tag.split()[0] if tag else ""
        out.append(f"<{tag}>{escape(words)}</{name}>" if tag else escape(words))
    return "".join(out)


words = st.text(st.sampled_from("ab <>&\"'\n\n\u00e9\u4e2d\U0001f6a8"), max_size=60)
long_words = st.text(st.sampled_from("a<&\U0001f6a8"), min_size=40, max_size=150)
documents = st.lists(st.tuples(st.sampled_from(("", *TAGS)), words | long_words), max_size=25).map(written)
nested = st.lists(st.tuples(words, words), max_size=12).map(
    lambda rows: "<b>" + "".join(f"{escape(a)}<i>{escape(b)}</i>\n" for a, b in rows) + "</b>"
)


def squeezed(text):
    """Return `text` without white space."""
    return re.sub(r"\s+", "", text)


def bodies(parts):
    """Return the parts without their numbers."""
    return [NUMBER.sub("", part) for part in parts] if len(parts) > 1 else parts


@given(st.text())
def test_what_is_escaped_is_shown_unchanged(value):
    """Every character of a symbol or a name reaches the reader as it is."""
    assert plain(escape(value)) == value
    assert parse_html(escape(value)).text == value


def test_escape_survives_a_lone_surrogate_and_quotes():
    """A broken character never stops an alert, and a quote cannot end an attribute."""
    assert escape("\ud83d x") == "\ufffd x"
    assert escape('"<&>') == "&quot;&lt;&amp;&gt;"


def test_plain_keeps_what_only_looks_like_markup():
    """A lesser-than sign in broken HTML is text for the plain-text fallback, not a reason to lose words."""
    assert plain("a < b & c <x> <b>d</b> &copy; &lt;&#33;&#x21;") == "a < b & c <x> d &copy; <!!"


def test_plain_never_yields_a_surrogate():
    """A reference to half a character becomes the replacement character."""
    assert plain("&#xD83D;") == "\ufffd"


def test_length_counts_utf16():
    """An emoji outside the basic plane counts twice, as Telegram counts it."""
    assert utf16_length("a\u4e2d\U0001f6a8") == 4


@given(st.one_of(documents, nested), st.integers(32, 200))
def test_each_part_is_valid_within_the_limit_and_nothing_is_lost(html, limit):
    """Parts are what Telegram accepts, and together they say all that the whole said."""
    parts = split(html, limit)
    for part in parts:
        seen = parse_html(part)
        assert utf16_length(seen.text) <= limit
        assert seen.text.strip()
        assert seen.text == plain(part)
    assert squeezed("".join(plain(body) for body in bodies(parts))) == squeezed(plain(html))


@given(st.text(max_size=400), st.integers(32, 80))
def test_any_bytes_are_split_into_balanced_parts(html, limit):
    """Even HTML that Telegram would refuse is cut without loss and within the limit."""
    parts = split(html, limit)
    assert all(utf16_length(plain(part)) <= limit for part in parts)
    assert squeezed("".join(plain(body) for body in bodies(parts))) == squeezed(plain(html))


@given(
    st.lists(
        st.sampled_from(("<b>", "</b>", "<i>", "</i>", "<code>", "</code>", "x", "yy zz", "\n")), max_size=60
    )
)
def test_tags_are_balanced_whatever_came_in(pieces):
    """Unclosed and unmatched tags leave as a proper nest."""
    for part in split("".join(pieces), 40):
        stack = []
        for slash, name in re.findall(r"<(/?)(\w+)>", part):
            if slash:
                assert stack.pop() == name
            else:
                stack.append(name)
        assert not stack


def test_a_short_text_stays_one_message():
    """Nothing is numbered that was not cut."""
    assert split("<b>BTC</b>: $1M\n\n<i>more</i>") == ["<b>BTC</b>: $1M\n\n<i>more</i>"]


def test_nothing_to_read_gives_no_message():
    """Telegram refuses empty text, so none is made."""
    assert split("<b> </b>\n\n") == []


def test_two_hundred_rows_with_format_stay_within_the_entities():
    """A long table is cut before its formats are too many, at line borders, and stays numbered."""
    rows = [f"<b>ROW{number}</b> <code>{number}</code>" for number in range(200)]
    parts = split("\n".join(rows), TEXT_LIMIT)
    assert len(parts) > 2
    assert parts[0].endswith(f"(1/{len(parts)})")
    assert parts[1].startswith(f"(2/{len(parts)})\n")
    assert all(len(parse_html(part).entities) <= ENTITY_LIMIT for part in parts)
    assert "\n".join(bodies(parts)).split("\n") == rows


def test_blocks_are_kept_whole_where_they_fit():
    """A block moves to the next part rather than being cut."""
    block = "\n".join("x" * 10 for _ in range(4))
    assert bodies(split(f"{block}\n\n{block}", 70)) == [block, block]


def test_an_open_quote_is_closed_and_opened_again():
    """A cut inside an expandable quote leaves a quote on both sides."""
    html = "<blockquote expandable>" + "\n".join(f"line {n}" for n in range(20)) + "</blockquote>"
    parts = bodies(split(html, 80))
    assert len(parts) > 1
    assert all(
        part.startswith("<blockquote expandable>") and part.endswith("</blockquote>") for part in parts
    )


def test_more_than_nine_parts_are_numbered_with_two_digits():
    """The room for the number grows with the number."""
    parts = split("word " * 200, 40)
    assert len(parts) > 9
    assert all(utf16_length(part) <= 40 for part in parts)


def test_a_word_without_end_is_cut_between_characters():
    """A word that no message can hold is cut, but neither a reference nor an emoji is."""
    word = "<\U0001f6a8x" * 100
    parts = bodies(split(f"<b>{escape(word)}</b>", 50))
    assert "".join(plain(part) for part in parts) == word
    assert all(re.fullmatch(r"<b>(&lt;|\U0001f6a8|x)+</b>", part) for part in parts)


def test_a_limit_without_room_is_refused():
    """A limit below the numbering's own need is a mistake of the caller."""
    with pytest.raises(ValueError, match="no room"):
        split("x", 31)
