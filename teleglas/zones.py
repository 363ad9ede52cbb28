"""Time zones by the names that people type: those of the IANA database, or the city alone."""

from __future__ import annotations

import zoneinfo
from difflib import get_close_matches

__all__ = ["find_zone", "near_zones"]


def find_zone(text: str) -> str | None:
    """Return the zone that is meant, in any case: `asia/jakarta`, `New York`, `utc`; None if there is no such."""
    wanted = "_".join(text.split()).casefold()
    names = _names()
    return names.get(wanted) or _by_city(wanted, list(names.values()))


def near_zones(text: str, most: int = 4) -> list[str]:
    """Return zones that are spelled alike, nearest first."""
    names = _names()
    return [
        names[each] for each in get_close_matches("_".join(text.split()).casefold(), list(names), most, 0.6)
    ]


def _names() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


def _by_city(wanted: str, names: list[str]) -> str | None:
    """Return the only zone whose city is named so."""
    found = [name for name in names if "/" in name and name.rpartition("/")[2].casefold() == wanted]
    return found[0] if len(found) == 1 else None
