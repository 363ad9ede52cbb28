"""What people type and press, as commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.call import Call, ForAnother, parse_press, parse_text


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("/liq btc", Call("liq", ("btc",))),
        ("/LIQ@Our_Bot  btc   4h", Call("liq", ("btc", "4h"))),
        ("/raw\nbtc", Call("raw", ("btc",))),
        ("/liq@other_bot btc", ForAnother()),
        ("/ликв btc", Call("ликв")),
        ("/raw-btc", Call("raw-btc")),
        ("btc", None),
        ("/", None),
        ("", None),
        ("/raw b\u0000t\u202ec", Call("raw", ("b", "t", "c"))),
        ("/raw " + "x" * 500, Call("raw", ("x" * 64,))),
        ("/raw 1 2 3 4 5 6 7 8", Call("raw", ("1", "2", "3", "4", "5", "6"))),
    ],
)
def test_typed(text, call):
    """A command is known in any case, with or without this bot's name; another bot's is not ours."""
    assert parse_text(text, "our_bot") == call


@pytest.mark.parametrize(
    ("data", "call"),
    [
        ("liq BTC 4h", Call("liq", ("BTC", "4h"), in_place=True)),
        ("+raw BTC", Call("raw", ("BTC",))),
        ("", None),
        ("+", None),
        ("<script>", None),
    ],
)
def test_pressed(data, call):
    """A button's data is a command line; what no version of ours wrote is refused."""
    assert parse_press(data) == call


@given(st.text(max_size=300))
def test_nothing_breaks_the_parsers(text):
    """Whatever is typed or pressed is a call of bounded size, another bot's, or nothing."""
    for found in (parse_text(text, "our_bot"), parse_text("/" + text, "our_bot"), parse_press(text)):
        if isinstance(found, Call):
            assert len(found.name) <= 40
            assert len(found.arguments) <= 6
            assert all(0 < len(word) <= 64 and not word.isspace() for word in found.arguments)
