"""Time zones by the names that people type: those of the IANA database, or the city alone."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

__all__ = ["find_zone", "near_zones", "zones_ahead"]

_SHORT = {
    "wib": "Asia/Jakarta", "wita": "Asia/Makassar", "wit": "Asia/Jayapura", "sgt": "Asia/Singapore",
    "hkt": "Asia/Hong_Kong", "jst": "Asia/Tokyo", "msk": "Europe/Moscow",
}  # fmt: skip
"""Short names that only one zone has and that the database lacks."""

_AHEAD = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_LARGE = (
    "Asia/Jakarta", "Asia/Singapore", "Asia/Makassar", "Asia/Tokyo", "Asia/Jayapura", "Asia/Shanghai", "Asia/Hong_Kong",
    "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Kolkata", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka", "Asia/Seoul",
    "Asia/Tehran", "Asia/Kathmandu", "Asia/Yangon", "Europe/London", "Europe/Lisbon", "Europe/Berlin", "Europe/Paris",
    "Europe/Istanbul", "Europe/Moscow", "Europe/Kyiv", "Africa/Lagos", "Africa/Cairo", "Africa/Johannesburg",
    "Africa/Nairobi", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires", "America/Bogota", "America/Mexico_City", "America/Halifax", "America/Caracas",
    "America/St_Johns", "America/Anchorage", "Pacific/Honolulu", "Pacific/Auckland", "Australia/Sydney",
    "Australia/Brisbane", "Australia/Perth", "Australia/Adelaide", "Atlantic/Azores",
)  # fmt: skip
"""Zones that are offered for a distance from UTC."""


def find_zone(text: str) -> str | None:
    """Return the zone that is meant, in any case: `asia/jakarta`, `New York`, `utc`; None if there is no such."""
    wanted = "_".join(text.split()).casefold()
    names = _names()
    return names.get(wanted) or _SHORT.get(wanted) or _by_city(wanted, list(names.values()))


def near_zones(text: str, most: int = 4) -> list[str]:
    """Return zones that are spelled alike, nearest first."""
    names = _names()
    return [
        names[each] for each in get_close_matches("_".join(text.split()).casefold(), list(names), most, 0.6)
    ]


def zones_ahead(text: str, at_ms: int, most: int = 4) -> list[str]:
    """Return large zones that are so far ahead of UTC (`+7`, `UTC-03:30`) at a time; none for other texts."""
    found = _AHEAD.fullmatch("".join(text.replace("_", "").split()))
    if found is None:
        return []
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0)) * (1 if found[1] == "+" else -1)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    there = zoneinfo.available_timezones()
    named = [name for name in _LARGE if name in there]
    return [name for name in named if at.astimezone(zoneinfo.ZoneInfo(name)).utcoffset() == ahead][:most]


def _names() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


def _by_city(wanted: str, names: list[str]) -> str | None:
    """Return the only zone whose city is named so."""
    found = [name for name in names if "/" in name and name.rpartition("/")[2].casefold() == wanted]
    return found[0] if len(found) == 1 else None
