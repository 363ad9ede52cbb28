"""The words and the picture of the daily digest: true of every day, and fit for a phone."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.bot_api.formatting import parse_html
from teleglas.charts.picture import AnyPicture
from teleglas.daily_time import parse
from teleglas.market_view import Found, MarketRows, view
from teleglas.tape import LIQUIDATION, MINUTE_MS, Bar, Event, FeedMinute
from teleglas.telegram.text import plain, utf16_length
from ws_alert.delivery.daily import render_daily
from ws_alert.delivery.rendered import MAX_CAPTION, MAX_HTML
from ws_alert.messages import Daily

HOUR_MS = 60 * MINUTE_MS
MIDNIGHT = 1_795_219_200_000
"""2026-11-21 00:00 UTC."""

ZONES = ["UTC", "Asia/Jakarta", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"]


def _daily(rows: MarketRows | None = None, at: str = "08:00 UTC", **given) -> Daily:
    seen_day = view(_rows() if rows is None else rows)
    return Daily("id", "42", "2026-11-20", at, MIDNIGHT + 8 * HOUR_MS, seen_day, **given)


def _rows(*bars: Bar, venues=("bybit",), first=0, found=(), live_ms=MINUTE_MS) -> MarketRows:
    begin = MIDNIGHT - 24 * HOUR_MS
    minutes = tuple(
        FeedMinute(at, venue, "liquidations", live_ms)
        for venue in venues
        for at in range(begin + first * HOUR_MS, MIDNIGHT, MINUTE_MS)
    )
    return MarketRows(begin, MIDNIGHT, HOUR_MS, MIDNIGHT, bars, found=found, minutes=minutes)


def _bar(usd: int, *, hour: int = 14, side: str = "long", venue: str = "bybit", asset: str = "BTC") -> Bar:
    return Bar(MIDNIGHT - 24 * HOUR_MS + hour * HOUR_MS, asset, venue, LIQUIDATION, side, usd, 1)


def _told(daily: Daily, **how) -> list[str]:
    return plain(render_daily(daily, **how).html).split("\n")


_names = st.one_of(
    st.sampled_from(["BTC", "<b>&amp;", "币安人生", "A" * 40]),
    # a coin may be called None; what is looked for below is a None of ours
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=40).filter(
        lambda name: not re.search("None|nan|inf", name)
    ),
)
_hours = st.integers(0, 23)
_days = st.builds(
    lambda bars, found, largest, minutes: MarketRows(
        MIDNIGHT - 24 * HOUR_MS, MIDNIGHT, HOUR_MS, MIDNIGHT, tuple(bars), largest, tuple(found), tuple(minutes)
    ),
    st.lists(
        st.builds(
            lambda usd, hour, side, venue, asset: _bar(usd, hour=hour, side=side, venue=venue, asset=asset),
            st.integers(1, 10**16), _hours, st.sampled_from(["long", "short"]), _names, _names,
        ),
        max_size=12,
    ),
    st.lists(
        st.builds(
            lambda kind, asset, side, hour, usd, ended: Found(
                kind, asset, side, MIDNIGHT - (24 - hour) * HOUR_MS, usd, ended
            ),
            st.sampled_from(["liquidation_storm", "whale_cluster", "order_flow", "oi_divergence"]), _names,
            st.sampled_from(["long", "short", "neutral"]), _hours, st.integers(0, 10**16), st.booleans(),
        ),
        max_size=6,
    ),
    st.none()
    | st.builds(
        Event, st.integers(MIDNIGHT - 24 * HOUR_MS, MIDNIGHT - 1), _names, _names, _names, st.just(LIQUIDATION),
        st.sampled_from(["long", "short"]), st.integers(1, 10**16), st.sampled_from([0.0, 1e-12, 97_525.5, 1e11]),
    ),
    st.lists(
        st.builds(
            lambda hour, venue, live_ms: FeedMinute(MIDNIGHT - (24 - hour) * HOUR_MS, venue, "liquidations", live_ms),
            _hours, _names, st.sampled_from([0, 1, MINUTE_MS]),
        ),
        max_size=8,
    ),
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(_days, st.sampled_from(ZONES), st.booleans(), st.booleans())
def test_every_day_is_a_message(rows, zone, simulated, maybe_sent):
    """Whatever was recorded: sizes, tags and the picture's form hold, and nothing unknown is printed as a figure."""
    day = view(rows)
    daily = Daily("id", "42", "2026-11-20", f"08:00 {zone}", MIDNIGHT, day, simulated)
    message = render_daily(daily, maybe_sent=maybe_sent, before=("<&>",))
    for html, limit in ((message.html, MAX_HTML), (message.caption, MAX_CAPTION)):
        assert utf16_length(html) <= limit
        shown = parse_html(html).text
        assert not re.search(r"(?<!\w)(None|nan|inf)(?!\w)", shown)
        assert ("may repeat" in shown) == maybe_sent
    if message.picture is not None:
        assert msgspec.json.decode(msgspec.json.encode(message.picture), type=AnyPicture) == message.picture


def test_at_least_where_and_only_where_something_may_be_missing():
    """A venue that publishes everything, wholly seen, is told exactly; a sampled or half-seen one as a lower bound."""
    assert _told(_daily(_rows(_bar(1_299_000_00))))[0] == "Yesterday: $1.30M liquidated, no storm"
    sampled = _rows(_bar(1_299_000_00, venue="okx"), venues=("okx",))
    assert _told(_daily(sampled))[0] == "Yesterday: at least $1.29M liquidated, no storm"
    half = _told(_daily(_rows(_bar(1_299_000_00), first=12)))
    assert half[0] == "Yesterday: at least $1.29M liquidated, no storm"
    assert "Only 50 % of the day was seen; the sums are of that" in half


def test_storms_are_counted_and_the_largest_is_named():
    """The first line is the whole news; a total is exact only of a storm whose end was decided."""
    storms = (
        Found("liquidation_storm", "ETH", "short", MIDNIGHT - 2 * HOUR_MS, 3_000_000_00, ended=True),
        Found("liquidation_storm", "BTC", "long", MIDNIGHT - 3 * HOUR_MS, 2_000_000_00),
        Found("market_cascade", "MARKET", "long", MIDNIGHT - 3 * HOUR_MS, 5_000_000_00),
    )
    bars = (_bar(2_000_000_00), _bar(3_000_000_00, asset="ETH", side="short"), _bar(1_00, asset="SOL"))
    lines = _told(_daily(_rows(*bars, found=storms)))
    assert lines[0] == "Yesterday: $5.00M liquidated, 2 storms, the largest ETH shorts $3.00M"
    assert "In storm: 2 of 3 coins with liquidations (66.7 %)" in lines
    assert "Also found: 1 market cascade" in lines
    assert "The largest storm began at 22:00" in lines
    alone = _told(_daily(_rows(*bars, found=storms[1:])))
    assert alone[0] == "Yesterday: $5.00M liquidated, 1 storm, BTC longs at least $2.00M"


def test_a_quiet_day_is_no_unseen_one():
    """Every feed complete and nothing liquidated is news; no feed complete is not a zero."""
    assert _told(_daily())[0] == "Yesterday: no liquidation was recorded"
    unseen = _told(_daily(_rows(live_ms=0)))
    assert unseen[0] == "Yesterday: nothing is known, because no feed was complete at any time"
    assert "Never complete: Bybit" in unseen


@pytest.mark.parametrize(
    ("at", "busiest", "ticks"),
    [
        ("08:00 UTC", "14:00 to 15:00", ["00:00", "06:00", "12:00", "18:00", "24:00"]),
        ("08:00 Asia/Kolkata", "19:30 to 20:30", ["06:00", "12:00", "18:00", "00:00"]),
    ],
)
def test_times_are_those_of_the_chosen_zone(at, busiest, ticks):
    """Hours in the text and below the picture are the chat's, and the zone is named on both."""
    message = render_daily(_daily(_rows(_bar(5_00)), at))
    assert f"Busiest hour: {busiest}, $5" in plain(message.html)
    assert message.picture is not None
    assert [label for _, label in message.picture.ticks] == ticks
    assert message.picture.footer == f"1 h bars · {parse(at).zone}"
    assert parse(at).zone in plain(message.html)


def test_the_picture_tells_the_same_as_the_words():
    """Sums, the busiest hour and the coins of the picture stand in the text."""
    message = render_daily(_daily(_rows(_bar(300_00), _bar(100_00, side="short", asset="ETH", hour=3))))
    picture = message.picture
    assert picture is not None
    assert (picture.title, picture.subtitle) == ("$400 liquidated", "Fri 20 Nov 2026 · 75 % longs · 0 storms")
    assert (picture.up, picture.down, picture.callout) == ("shorts $100", "longs $300", "most 14:00 $300")
    assert picture.shade_ms == MIDNIGHT - 10 * HOUR_MS
    assert [(row.label, row.up_cents, row.down_cents) for row in picture.rows] == [
        ("BTC", 0, 300_00),
        ("ETH", 100_00, 0),
    ]
    assert len(picture.bars) == 24


def test_late_only_when_it_is():
    """Minutes are no delay worth a word, hours are."""
    daily = _daily(_rows(_bar(1)))
    assert "late" not in "\n".join(_told(daily, now_ms=daily.due_ms + 240_000))
    assert any(
        line.endswith("due 08:00, 3 h late") for line in _told(daily, now_ms=daily.due_ms + 3 * HOUR_MS)
    )
