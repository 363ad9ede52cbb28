"""`.env.example` tells the truth, and no setting is declared that nothing reads."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from pydantic import AliasChoices

from bot.config import Settings as BotSettings
from teleglas.setting_names import SETTING_NAMES
from teleglas.settings import names
from ws_alert.config import Settings
from ws_alert.rules import Rules

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
ALIASES = {
    alias.upper()
    for fields in (Settings.model_fields, BotSettings.model_fields)
    for field in fields.values()
    if isinstance(field.validation_alias, AliasChoices)
    for alias in field.validation_alias.choices[1:]
    if isinstance(alias, str)
}


def _listed() -> dict[str, str]:
    return dict(re.findall(r"^# ([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def test_the_example_lists_every_setting_with_its_default():
    """No setting is missing, none is invented, and each shows the value that holds without it."""
    both = names(BotSettings) | names(Settings)
    declared = {name: _written(value) for name, value in both.items() if name not in ALIASES}
    assert _listed() == declared


def test_the_example_explains_every_setting():
    """Each block begins with a sentence; aliases are mentioned."""
    for block in re.split(r"\n\s*\n", EXAMPLE):
        if re.search(r"^# [A-Z0-9_]+=", block, re.MULTILINE):
            assert re.match(r"# [A-Z].*[ ].*[.]\n# [A-Z0-9_]+=", block) or "\n# ---" in block, block
    for alias in ALIASES:
        assert f"alias {alias}" in EXAMPLE


@cache
def _attributes_read() -> set[str]:
    found: set[str] = set()
    for package in ("teleglas", "ws_alert", "bot"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and not (
                    isinstance(node.value, ast.Name) and node.value.id == "self" and path.name == "rules.py"
                )
            }
    return found


@pytest.mark.parametrize(
    "name", sorted({*Settings.model_fields, *Rules.model_fields, *BotSettings.model_fields})
)
def test_every_setting_is_read(name):
    """A declared setting without effect is a defect (SPEC 9)."""
    assert name in _attributes_read()


def test_both_bots_know_all_names():
    """One `.env` serves both bots: neither takes the other's settings for slips of the pen."""
    assert names(Settings).keys() | names(BotSettings).keys() == SETTING_NAMES
    for name, default in names(BotSettings).items():
        assert names(Settings).get(name, default) == default, f"{name} has two defaults"
