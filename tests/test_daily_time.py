"""Times of day in time zones: what is read, when they come, and which day lies before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.daily_time import DailyTime, parse
from teleglas.zones import find_zone, near_zones, zones_ahead

_ZONES = ["UTC", "Asia/Jakarta", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati",
          "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"]  # fmt: skip


def _ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("08:00", "08:00 UTC"),
        ("8:05", "08:05 UTC"),
        ("23.59 utc", "23:59 UTC"),
        (" 00:00  asia/jakarta ", "00:00 Asia/Jakarta"),
        ("7:30 jakarta", "07:30 Asia/Jakarta"),
        ("7:30 New York", "07:30 America/New_York"),
    ],
)
def test_what_people_type(text, read):
    """Times and zones are understood as people write them, and what is written back is read again."""
    assert str(parse(text)) == read
    assert parse(read) == parse(text)


def test_a_zone_that_is_not_named_is_the_one_given():
    """Whoever chose a zone before need not name it again."""
    assert parse("9:00", "Asia/Jakarta") == DailyTime(9, 0, "Asia/Jakarta")


@pytest.mark.parametrize(
    "text", ["", "8", "24:00", "08:60", "8:5", "tomorrow", "-1:00", "08:00:00", "８:００x"]
)
def test_what_is_no_time(text):
    """Anything else is refused with a sentence that says how to write it."""
    with pytest.raises(ValueError, match=r"is no time of day\. Write it as 08:00"):
        parse(text)


def test_what_is_no_zone():
    """A slip in the zone is answered with those that are spelled alike."""
    with pytest.raises(ValueError, match=r"'Asia/Jakata' is no time zone. Near are Asia/Jakarta"):
        parse("08:00 Asia/Jakata")
    with pytest.raises(ValueError, match=r"is no time zone. Write it as"):
        parse("08:00 qqqqqqqqqq")


def test_cities():
    """A city stands for its zone where only one has it; a country's name does not pass for one."""
    assert find_zone("jakarta") == "Asia/Jakarta"
    assert find_zone("nowhere") is None
    assert near_zones("Asia/Jakata")[0] == "Asia/Jakarta"
    assert find_zone("WIB") == "Asia/Jakarta"


def test_a_distance_from_utc_is_answered_with_zones_that_have_it_then():
    """In winter New York is five hours behind and in summer four."""
    winter, summer = (
        int(datetime(2026, month, 1, tzinfo=ZoneInfo("UTC")).timestamp() * 1000) for month in (1, 7)
    )
    for text in ("+7", "utc+7", "GMT+07:00", "UTC_+7"):
        assert zones_ahead(text, winter)[0] == "Asia/Jakarta"
    assert "America/New_York" in zones_ahead("-5", winter)
    assert "America/New_York" in zones_ahead("-4", summer)
    assert zones_ahead("+5:45", winter) == ["Asia/Kathmandu"]
    assert zones_ahead("7", winter) == zones_ahead("+99", winter) == zones_ahead("Jakarta", winter) == []


def test_the_day_of_the_zone():
    """At 08:00 in Jakarta the day before is that of Jakarta: from 17:00 to 17:00 UTC."""
    eight = parse("08:00 Asia/Jakarta")
    assert eight.latest(_ms(2026, 11, 21, 1)) == (date(2026, 11, 21), _ms(2026, 11, 21, 1))
    assert eight.latest(_ms(2026, 11, 21, 0, 59, 59)) == (date(2026, 11, 20), _ms(2026, 11, 20, 1))
    assert eight.yesterday(date(2026, 11, 21)) == (_ms(2026, 11, 19, 17), _ms(2026, 11, 20, 17))


def test_midnight_waits_for_the_record():
    """Just after midnight the day before is not recorded to its end; a minute and a half later it is."""
    midnight = parse("00:00")
    assert midnight.due_ms(date(2026, 11, 21)) == _ms(2026, 11, 21, 0, 1, 30)
    assert parse("00:02").due_ms(date(2026, 11, 21)) == _ms(2026, 11, 21, 0, 2)


def test_changed_clocks():
    """A skipped time comes an hour later, a doubled one once; the days have 23 and 25 hours."""
    berlin = parse("02:30 Europe/Berlin")
    assert berlin.due_ms(date(2026, 3, 29)) == _ms(2026, 3, 29, 1, 30)
    assert berlin.due_ms(date(2026, 10, 25)) == _ms(2026, 10, 25, 0, 30)
    for day, hours in ((date(2026, 3, 30), 23), (date(2026, 10, 26), 25), (date(2026, 7, 1), 24)):
        from_ms, to_ms = berlin.yesterday(day)
        assert (to_ms - from_ms) / 3_600_000 == hours


@given(
    st.integers(_ms(2026, 1, 1), _ms(2027, 12, 31)),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(_ZONES),
)
def test_each_day_has_its_time_once(now_ms, hour, minute, zone):
    """The latest time is past, the next day's is not, days follow each other, and each begins on a minute."""
    when = DailyTime(hour, minute, zone)
    day, due_ms = when.latest(now_ms)
    after = day + timedelta(days=1)
    assert due_ms <= now_ms < when.due_ms(after)
    assert when.yesterday(day)[1] == when.yesterday(after)[0] < due_ms
    assert when.yesterday(day)[0] % 60_000 == 0
    local = datetime.fromtimestamp(when.yesterday(day)[0] / 1000, ZoneInfo(zone))
    assert local.date() == day - timedelta(days=1)
