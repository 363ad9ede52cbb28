"""One table of commands: help, menus and the manual tell the same, and every command works from its button."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.commands.manual import manual
from bot.commands.samples import NOW_MS, samples
from bot.commands.table import COMMANDS, GROUPS, find, help_card, near
from bot.menus import menus
from bot.views.card import keyboard, text
from bot.views.origin import Context
from teleglas.language import LANGUAGES, load_words
from teleglas.telegram.text import plain

ROOT = Path(__file__).resolve().parents[2]
WORDS = load_words("bot")
PROMISED = {"raw", "liq", "whale", "sentiment", "orderbook", "raw_orderbook", "oi", "funding", "rsi", "heat", "alerts",
            "record", "status", "start", "help", "about", "lang", "tz"}  # fmt: skip


def test_every_promised_command_has_a_handler():
    """Each command of the product is in the table, by name or alias, and no name is taken twice."""
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert set(names) >= PROMISED
    assert len(names) == len(set(names))
    assert all(find(name) is not None for name in names)
    assert all(callable(command.run) and command.group in GROUPS for command in COMMANDS)


def test_the_manual_is_fresh():
    """docs/COMMANDS.md is what `make docs` writes."""
    assert (ROOT / "docs" / "COMMANDS.md").read_text(encoding="utf-8") == manual()


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_help_names_every_command(language):
    """Help lists the whole table in every language, and explains each command."""
    context = Context(WORDS[language], NOW_MS)
    shown = plain(text(help_card(None, context)))
    for command in COMMANDS:
        assert f"/{command.name}" in shown
        assert command.name in plain(text(help_card(command, context)))


def test_menus_per_language_and_scope():
    """Telegram gets a menu for private chats and for groups in each language; English is everybody else's."""
    made = {
        (scope.type, code): [command.command for command in commands]
        for scope, code, commands in menus(WORDS)
    }
    codes = {"", *LANGUAGES} - {"en"}
    assert set(made) == {
        (scope, code) for scope in ("all_private_chats", "all_group_chats") for code in codes
    }
    assert made["all_private_chats", "id"] == [command.name for command in COMMANDS]
    assert "start" not in made["all_group_chats", ""]
    for _, _, commands in menus(WORDS):
        assert all(
            re.fullmatch(r"[a-z0-9_]{1,32}", each.command) and 0 < len(each.description) <= 256
            for each in commands
        )


def test_every_button_leads_to_a_command():
    """No button of any card is dead."""
    for card in samples(Context(WORDS["en"], NOW_MS)).values():
        for row in keyboard(card, whole=False):
            for button in row:
                assert find(button.data.lstrip("+").split()[0]) is not None, button


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("rwa", "raw"),
        ("liquidations", "liq"),
        ("order", "orderbook"),
        ("fundng", "funding"),
        ("hlep", "help"),
        ("whales", "whale"),
    ],
)
def test_near_commands(typed, first):
    """A slip is answered with the command that was meant, first."""
    assert near(typed)[0] == first


def test_nothing_near():
    """What resembles nothing is not answered with anything."""
    assert near("xyzzyplugh") == []
