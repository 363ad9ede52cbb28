"""The market view: every figure against its plain definition, and what was not seen beside it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from teleglas.market_view import Bucket, FeedPart, Found, MarketRows, view
from teleglas.tape import LIQUIDATION, MINUTE_MS, Bar, Event, FeedMinute
from teleglas.venues.binance import codec as binance
from teleglas.venues.bybit import codec as bybit
from teleglas.venues.okx import codec as okx

HOUR_MS = 60 * MINUTE_MS
FROM = 1_795_262_400_000
STORM, CLUSTER = "liquidation_storm", "whale_cluster"


def _bar(minute: int, usd: int, *, asset: str = "BTC", venue: str = "bybit", side: str = "long") -> Bar:
    return Bar(FROM + minute * MINUTE_MS, asset, venue, LIQUIDATION, side, usd, 1)


def _minutes(first: int, last: int, venue: str = "bybit", live_ms: int = MINUTE_MS) -> tuple[FeedMinute, ...]:
    return tuple(
        FeedMinute(FROM + minute * MINUTE_MS, venue, "liquidations", live_ms) for minute in range(first, last)
    )


def _rows(hours: int = 2, **given: object) -> MarketRows:
    rows = MarketRows(FROM, FROM + hours * HOUR_MS, HOUR_MS, FROM + hours * HOUR_MS)
    return msgspec.structs.replace(rows, **given)


_BARS = st.lists(
    st.builds(
        _bar,
        st.integers(0, 119),
        st.integers(1, 10**14),
        asset=st.sampled_from(["BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "PEPE"]),
        venue=st.sampled_from(["bybit", "okx", "binance"]),
        side=st.sampled_from(["long", "short"]),
    ),
    max_size=40,
)


@given(_BARS)
def test_sums_are_exact(bars):
    """Sides, assets, venues and hours each add up to the last cent, and the rankings are by amount."""
    seen = view(_rows(bars=tuple(bars)))
    longs = sum(bar.usd for bar in bars if bar.side == "long")
    shorts = sum(bar.usd for bar in bars if bar.side == "short")
    assert (seen.long_usd, seen.short_usd, seen.usd, seen.count) == (longs, shorts, longs + shorts, len(bars))
    assert (
        sum(part.long_usd for part in seen.venues) == sum(bucket.long_usd for bucket in seen.buckets) == longs
    )
    assert seen.assets == len({bar.asset for bar in bars})
    totals = {
        asset: sum(bar.usd for bar in bars if bar.asset == asset) for asset in {bar.asset for bar in bars}
    }
    ranked = sorted(totals, key=lambda asset: (-totals[asset], asset))[:5]
    assert [(part.asset, part.usd) for part in seen.top] == [(asset, totals[asset]) for asset in ranked]
    hours = [sum(bar.usd for bar in bars if (bar.minute_ms - FROM) // HOUR_MS == hour) for hour in (0, 1)]
    assert [bucket.usd for bucket in seen.buckets] == hours
    assert seen.busiest == (seen.buckets[hours.index(max(hours))] if bars else None)
    assert seen.long_share == (longs / (longs + shorts) if bars else None)
    assert seen.ratio == (longs / shorts if shorts else None)
    assert seen.sampled == any(bar.venue != "bybit" for bar in bars)


@given(st.lists(st.tuples(st.integers(0, 119), st.integers(0, MINUTE_MS)), unique_by=lambda row: row[0]))
def test_what_was_not_recorded_is_told(recorded):
    """Live time and gaps are those of the minutes, and together they say when a zero says nothing."""
    minutes = tuple(FeedMinute(FROM + at * MINUTE_MS, "okx", "liquidations", live) for at, live in recorded)
    seen = view(_rows(minutes=minutes))
    live_ms = sum(live for _, live in recorded)
    assert seen.feeds == ((FeedPart("okx", live_ms),) if recorded else ())
    assert seen.coverage_percent == (live_ms * 100 // (2 * HOUR_MS) if recorded else 0)
    assert seen.is_short == (not recorded or live_ms * 100 < 95 * 2 * HOUR_MS)
    assert seen.is_blind == (live_ms == 0)
    missing = {minute for start, end in seen.gaps for minute in range(start, end, MINUTE_MS)}
    assert missing == {FROM + at * MINUTE_MS for at in range(120)} - {row.minute_ms for row in minutes}
    assert all(one[1] < other[0] for one, other in zip(seen.gaps, seen.gaps[1:], strict=False))


def test_coverage_is_over_all_feeds_and_not_of_minutes_that_may_still_come():
    """Half of one of two feeds missing is three quarters; the minute that goes on counts for nobody."""
    minutes = (*_minutes(0, 60), *_minutes(0, 30, "okx"), *_minutes(60, 61, live_ms=10))
    half = _rows(1, to_ms=FROM + HOUR_MS + 20_000, settled_ms=FROM + HOUR_MS + 5_000, minutes=minutes)
    seen = view(half)
    assert (seen.coverage_percent, seen.span_ms, seen.gaps) == (75, HOUR_MS, ())
    assert not view(msgspec.structs.replace(half, minutes=_minutes(0, 60))).is_short


def test_ninety_five_percent_are_enough():
    """57 of 60 minutes are not short, a millisecond less is."""
    whole = (*_minutes(0, 57), *_minutes(57, 60, live_ms=0))
    assert not view(_rows(1, minutes=whole)).is_short
    assert view(_rows(1, minutes=(*whole[1:], *_minutes(0, 1, live_ms=MINUTE_MS - 1)))).is_short


def test_only_a_venue_that_publishes_everything_gives_exact_sums():
    """Bybit alone, wholly seen, is exact; a sampled venue, a relay or missing time make it a lower bound."""
    whole = _rows(bars=(_bar(1, 100),), minutes=_minutes(0, 120))
    assert not view(whole).at_least
    for other in (
        {"bars": (_bar(1, 100), _bar(2, 1, venue="okx"))},
        {"minutes": (*whole.minutes, *_minutes(0, 120, "coinglass"))},
        {"minutes": whole.minutes[:100]},
    ):
        assert view(msgspec.structs.replace(whole, **other)).at_least


def test_the_venues_that_publish_everything_are_those_whose_decoder_says_so():
    """A venue's sums are exact here exactly where its own decoder calls its liquidations complete."""
    for module in (binance, bybit, okx):
        venue = module.__name__.split(".")[2]
        complete = "Completeness.ALL" in Path(module.__file__).read_text(encoding="utf-8")
        exact = not view(_rows(bars=(_bar(1, 1, venue=venue),), minutes=_minutes(0, 120, venue))).at_least
        assert exact == complete, venue


def test_an_episode_counts_once_with_its_last_size():
    """Several decisions on one storm are one storm, with its total; one of another span is not counted."""
    first = Found(STORM, "BTC", "long", FROM + 5, 200)
    rows = _rows(
        bars=(_bar(0, 900), _bar(1, 50, asset="ETH"), _bar(1, 7, asset="SOL")),
        found=(
            first,
            Found(STORM, "BTC", "long", FROM + 5, 900, ended=True),
            Found(STORM, "BTC", "short", FROM + 5, 300),
            Found(STORM, "ETH", "long", FROM + 9, 50),
            Found(CLUSTER, "SOL", "buy", FROM + 9, 10**9),
            Found(STORM, "XRP", "long", FROM - 1, 10**9),
            Found(STORM, "XRP", "long", FROM + 2 * HOUR_MS, 10**9),
        ),
    )
    seen = view(rows)
    assert seen.kinds == ((STORM, 3), (CLUSTER, 1))
    assert (seen.storms, seen.storm_assets, seen.assets) == (3, 2, 3)
    assert seen.storm == Found(STORM, "BTC", "long", FROM + 5, 900, ended=True)


def test_an_asset_in_storm_is_never_more_than_all():
    """A storm whose liquidations lie just before the span still counts among the assets."""
    seen = view(_rows(found=(Found(STORM, "BTC", "long", FROM, 1),)))
    assert (seen.storm_assets, seen.assets) == (1, 1)


def test_nothing_at_all():
    """Without rows there is no figure that could be taken for a quiet market."""
    seen = view(_rows())
    assert seen.is_blind
    assert seen.gaps == ((FROM, FROM + 2 * HOUR_MS),)
    assert (seen.long_share, seen.ratio, seen.busiest, seen.storm, seen.largest) == (None,) * 5
    assert seen.buckets == (Bucket(FROM, 0, 0), Bucket(FROM + HOUR_MS, 0, 0))


def test_a_short_last_bucket():
    """A day of 23 hours and a half has its last half hour in a bucket of its own."""
    rows = _rows(to_ms=FROM + HOUR_MS + 30 * MINUTE_MS, bars=(_bar(80, 5), _bar(10, 1)))
    assert [bucket.usd for bucket in view(rows).buckets] == [1, 5]


def test_the_largest_single_one_is_handed_through():
    """The largest single liquidation is the tape's event, unchanged."""
    event = Event(FROM + 3, "BTC", "bybit", "BTCUSDT", LIQUIDATION, "long", 215_000_000, 96_480.0)
    assert view(_rows(largest=event)).largest is event
