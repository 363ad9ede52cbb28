"""The commands about the conversation itself."""

from __future__ import annotations

import zoneinfo
from difflib import get_close_matches

import msgspec

from bot.commands.desk import Ask
from bot.views import talk
from bot.views.card import Card
from teleglas.language import LANGUAGES

__all__ = ["about", "lang", "start", "tz"]


async def start(ask: Ask) -> Card:
    """Greet."""
    return talk.welcome(ask.context)


async def about(ask: Ask) -> Card:
    """Say what this is."""
    return talk.about(ask.desk.version, ask.desk.username, ask.context)


async def lang(ask: Ask) -> Card:
    """Choose the language."""
    wanted = ask.argument(0).lower()
    named = {name.casefold(): code for code, name in LANGUAGES.items()}
    code = wanted if wanted in LANGUAGES else named.get(" ".join(ask.arguments).casefold(), "")
    if not code or ask.person.user_id is None:
        return talk.languages(ask.context)
    await ask.desk.choose(ask.person.user_id, language=code)
    return talk.language_chosen(msgspec.structs.replace(ask.context, words=ask.desk.words[code]))


async def tz(ask: Ask) -> Card:
    """Choose the time zone."""
    wanted = "_".join(ask.arguments)
    if not wanted or ask.person.user_id is None:
        return talk.zones(ask.context)
    names = {name.casefold(): name for name in zoneinfo.available_timezones()}
    name = names.get(wanted.casefold()) or _by_city(wanted, list(names.values()))
    if name is None:
        near = get_close_matches(wanted.casefold(), list(names), 4, 0.6)
        return talk.unknown_zone(wanted, [names[each] for each in near], ask.context)
    await ask.desk.choose(ask.person.user_id, time_zone=name)
    return talk.zone_chosen(name, zoneinfo.ZoneInfo(name), ask.context)


def _by_city(wanted: str, names: list[str]) -> str | None:
    """Return the only zone whose city is named so."""
    found = sorted(
        name for name in names if name.rpartition("/")[2].casefold() == wanted.casefold() and "/" in name
    )
    return found[0] if len(found) == 1 else None
