"""The commands about the conversation itself."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from bot.commands.desk import Ask
from bot.views import talk
from bot.views.card import Card
from teleglas.language import LANGUAGES
from teleglas.zones import find_zone, near_zones, zones_ahead

__all__ = ["about", "lang", "start", "tz"]

_IN_ENGLISH = {"english": "en", "indonesian": "id", "indonesia": "id", "russian": "ru", "chinese": "zh"}


async def start(ask: Ask) -> Card:
    """Greet."""
    return talk.welcome(ask.context)


async def about(ask: Ask) -> Card:
    """Say what this is."""
    return talk.about(ask.desk.version, ask.desk.username, ask.context)


async def lang(ask: Ask) -> Card:
    """Choose the language."""
    wanted = " ".join(ask.arguments).casefold()
    named = _IN_ENGLISH | {name.casefold(): code for code, name in LANGUAGES.items()}
    code = wanted if wanted in LANGUAGES else named.get(wanted, "")
    if not code or ask.person.user_id is None:
        return talk.languages(ask.context)
    await ask.desk.choose(ask.person.user_id, language=code)
    return talk.language_chosen(msgspec.structs.replace(ask.context, words=ask.desk.words[code]))


async def tz(ask: Ask) -> Card:
    """Choose the time zone."""
    wanted = "_".join(ask.arguments)
    if not wanted or ask.person.user_id is None:
        return talk.zones(ask.context)
    name = find_zone(wanted)
    if name is None:
        near = zones_ahead(wanted, ask.context.now_ms) or near_zones(wanted)
        return talk.unknown_zone(wanted, near, ask.context)
    await ask.desk.choose(ask.person.user_id, time_zone=name)
    return talk.zone_chosen(name, ZoneInfo(name), ask.context)
