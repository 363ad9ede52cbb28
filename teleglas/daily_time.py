"""A time of day in a time zone, and the days that it divides: `08:00 Asia/Jakarta`. Pure.

Times are Unix ms UTC, days those of the zone, also where its clocks are changed: then a day
has 23 or 25 hours, and a time that is skipped comes an hour later.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from teleglas.zones import find_zone, near_zones

__all__ = ["DailyTime", "parse"]

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")
_AFTER_MIDNIGHT = timedelta(seconds=90)
"""A day is told so long after its end at the earliest: its last events come late, and are recorded later."""


class DailyTime(msgspec.Struct, frozen=True):
    """hour, minute: of the day in `zone`, a name of the IANA database. Written as `parse` reads it."""

    hour: int
    minute: int
    zone: str = "UTC"

    def __str__(self) -> str:
        return f"{self.clock} {self.zone}"

    @property
    def clock(self) -> str:
        """The time alone: `08:00`."""
        return f"{self.hour:02}:{self.minute:02}"

    def latest(self, now_ms: int) -> tuple[date, int]:
        """Return the newest day on which this time has come by now, and when it came."""
        day = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(self.zone)).date()
        while (due_ms := self.due_ms(day)) > now_ms:
            day -= timedelta(days=1)
        return day, due_ms

    def due_ms(self, day: date) -> int:
        """Return when this time comes on a day; just after midnight only once the day before is recorded."""
        at = self._moment(day, time(self.hour, self.minute))
        return _ms(max(at, self._moment(day, time()) + _AFTER_MIDNIGHT))

    def yesterday(self, day: date) -> tuple[int, int]:
        """Return from when until when the day before lasted."""
        before = day - timedelta(days=1)
        return _ms(self._moment(before, time())), _ms(self._moment(day, time()))

    def _moment(self, day: date, at: time) -> datetime:
        # In UTC: two moments of one zone would be compared by what their clocks show.
        return datetime.combine(day, at, ZoneInfo(self.zone)).astimezone(UTC)


def parse(text: str, zone: str = "UTC") -> DailyTime:
    """Read `8:00` or `08:00 Asia/Jakarta`; zone: for a text without one. Raises ValueError with a sentence."""
    clock, _, named = text.strip().partition(" ")
    found = _CLOCK.fullmatch(clock)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(f"{clock[:20]!r} is no time of day. Write it as 08:00.")
    named = named.strip()
    known = find_zone(named) if named else zone
    if known is None:
        near = ", ".join(near_zones(named, 3))
        raise ValueError(
            f"{named[:40]!r} is no time zone. "
            + (f"Near are {near}." if near else "Write it as Asia/Jakarta.")
        )
    return DailyTime(int(found[1]), int(found[2]), known)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
