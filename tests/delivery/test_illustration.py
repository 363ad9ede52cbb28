"""Which words and rows the chart of an alert shows."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.charts.picture import RowsPicture
from tests.delivery.analysis_samples import AnalysisSamples
from ws_alert.delivery.illustration import illustration


@pytest.mark.parametrize(
    ("kind", "title", "subtitle", "callout", "sides", "above"),
    [
        ("storm", "BTC  liquidations", "30 s · longs · 212 liquidations", "storm at least $18.3M", ("shorts", "longs"), False),
        ("large", "BTC  liquidations", "one long · 12:03:10 · Binance", "$1.25M", ("shorts", "longs"), False),
        ("whale", "BTC  taker orders", "one order bought · 12:03:10 · OKX", "$2.10M bought", ("buys", "sells"), True),
        ("cluster", "BTC  taker orders", "30 s · bought $8.10M · sold $1.20M", "bought $8.10M", ("buys", "sells"), True),
        ("radar", "BTC  liquidations", "radar extreme 0.86 · 30 s · pressure bearish", "storm at least $18.3M", ("shorts", "longs"), False),
    ],
)  # fmt: skip
def test_each_kind_has_its_words(samples, kind, title, subtitle, callout, sides, above):
    """Title, subtitle and call-out tell the same news as the message, on the right side of zero."""
    picture = illustration(getattr(samples, kind)())
    assert (picture.title, picture.subtitle, picture.callout) == (title, subtitle, callout)
    assert (picture.up, picture.down) == sides
    assert picture.callout_up is above


def test_the_rows_are_the_very_data_that_fired(samples):
    """Nothing is resampled or left out between the alert and its picture."""
    alert = samples.storm()
    picture = illustration(alert)
    assert (picture.price, picture.bars) == (alert.chart.price, alert.chart.bars)
    assert (picture.sampled, illustration(samples.cluster()).sampled) == (True, False)
    assert picture.footer == "5 s bars · 10 min · UTC · 2026-11-21 12:03:10"


def test_the_window_is_shaded(samples):
    """A storm's window, a single event's bar, an ended episode's whole length."""
    now = samples.now_ms
    storm = illustration(samples.storm())
    assert (storm.shade_from_ms, storm.shade_to_ms) == (now - 30_000, now)
    single = illustration(samples.large())
    assert single.shade_from_ms <= now < single.shade_to_ms == single.shade_from_ms + 5_000
    over = illustration(
        samples.storm(final=True, duration_ms=130_000, total_count=412, total_usd=31_200_000_00)
    )
    assert (over.shade_from_ms, over.shade_to_ms) == (now - 30_000, now + 130_000)
    assert over.subtitle == "over after 2 min 10 s · at least $31.2M · 412 liquidations"


def test_sources_are_named_and_samples_are_called_so(samples):
    """A reader of the picture alone knows where it comes from and what it lacks."""
    assert illustration(samples.storm()).sources == "Binance, Bybit, OKX · sampled: lower bounds"
    assert illustration(samples.large()).sources == "all venues watched"
    assert illustration(samples.cluster(venues=())).sources == "all venues watched"
    many = tuple((f"v{index}", 1) for index in range(7))
    assert illustration(samples.cluster(venues=many)).sources == "v0, v1, v2, v3 and 3 more"


def test_whole_buckets_are_drawn(samples):
    """The newest bucket, which is what fired, never lies beyond the edge of the picture."""
    chart = msgspec.structs.replace(
        samples.chart(), from_ms=samples.now_ms - 593_000, to_ms=samples.now_ms + 1
    )
    picture = illustration(samples.storm(chart=chart))
    assert picture.from_ms == samples.chart().from_ms
    assert picture.to_ms == samples.now_ms + 5_000 == chart.bars[-1][0] + chart.bucket_ms


def test_a_simulated_alert_has_a_marked_picture(samples):
    """The mark goes with the picture, which people forward without its caption."""
    assert illustration(msgspec.structs.replace(samples.storm(), simulated=True)).simulated
    assert not illustration(samples.storm()).simulated


@pytest.mark.parametrize(
    ("kind", "fields", "title", "subtitle", "callout", "above"),
    [
        ("stop_hunt", {}, "BTC  stop hunt", "30 s · 87 % longs · $450K absorbed · score 99 of 99", "flush at least $3.21M", False),
        ("stop_hunt", {"direction": "short"}, "BTC  stop hunt", "30 s · 87 % shorts · $450K absorbed · score 99 of 99", "flush at least $3.21M", True),
        ("flow", {}, "BTC  order flow", "5 min · 71 % buys · score 80 of 99", "bought $34.2M", True),
        ("accumulation", {"direction": "sell"}, "BTC  large orders, flat price", "3 min · range 0.08 % · 7 large sells", "large sells $2.40M", False),
        ("spike", {}, "BTC  volume spike", "1 min · 12.2x its median minute", "$18.4M in 1 min", True),
        ("spike", {"final": True, "duration_ms": 130_000}, "BTC  volume spike", "over after 2 min 10 s", "$18.4M in 1 min", True),
    ],
)  # fmt: skip
def test_the_analysis_kinds_have_their_words(samples, kind, fields, title, subtitle, callout, above):
    """What they say over the asset's own tape; the call-out is on the side that fired."""
    picture = illustration(getattr(AnalysisSamples(samples), kind)(**fields))
    assert (picture.title, picture.subtitle, picture.callout) == (title, subtitle, callout)
    assert picture.callout_up is above


def test_a_stop_hunt_has_its_zone_and_levels(samples):
    """The very prices of the message are marked; an impossible one marks nothing."""
    alert = AnalysisSamples(samples).stop_hunt()
    picture = illustration(alert)
    assert picture.zone == (96_410.0, 96_905.5)
    assert {level.name: level.price for level in picture.levels} == {
        "zone low": 96_410.0, "zone high": 96_905.5, "invalidation": 96_265.4,
    }  # fmt: skip
    one = msgspec.structs.replace(alert.facts, zone_high=96_410.0)
    assert [level.name for level in illustration(msgspec.structs.replace(alert, facts=one)).levels] == [
        "zone low", "invalidation",
    ]  # fmt: skip
    none = msgspec.structs.replace(alert.facts, zone_low=0.0)
    bare = illustration(msgspec.structs.replace(alert, facts=none))
    assert (bare.zone, bare.levels) == (None, ())
    assert illustration(samples.storm()).levels == ()


def test_a_cascade_shows_its_storms(samples):
    """One bar for each storm, largest first, in the colour of its side."""
    picture = illustration(AnalysisSamples(samples).cascade())
    assert isinstance(picture, RowsPicture)
    assert picture.subtitle == "7 assets within 1 min · at least $26.9M, 95 % longs"
    assert [(row.label, row.note, row.tone) for row in picture.rows[:4]] == [
        ("BTC longs", "$12.1M", -1), ("ETH longs", "$8.14M", -1), ("SOL longs", "$3.31M", -1), ("XRP shorts", "$1.25M", 1),
    ]  # fmt: skip
    assert "lower bounds" in picture.sources


@pytest.mark.parametrize(("sign", "mark"), [(1, (0.1, "threshold 0.1 %")), (-1, (-0.1, "threshold -0.1 %"))])
def test_funding_shows_each_venue_and_the_threshold(samples, sign, mark):
    """The mean first, then the venues; the threshold's line is on the side of who pays."""
    alert = AnalysisSamples(samples).funding()
    rates = tuple(
        msgspec.structs.replace(each, percent_8h=sign * each.percent_8h) for each in alert.facts.rates
    )
    facts = msgspec.structs.replace(alert.facts, rates=rates, extreme_8h=sign * 0.152)
    picture = illustration(msgspec.structs.replace(alert, facts=facts))
    assert picture.rows[0].label == "weighted by open interest"
    assert picture.rows[1].label == "Bybit BTCUSDT, every 8 h"
    assert [row.value for row in picture.rows[1:]] == [sign * each for each in (0.152, 0.101, 0.0412, 0.0301)]
    assert {row.tone for row in picture.rows[1:]} == {-sign}
    assert picture.marks == (mark,)


def test_open_interest_shows_both_changes(samples):
    """Up on one venue, down on the others, with both thresholds."""
    picture = illustration(AnalysisSamples(samples).divergence())
    assert [(row.value, row.note) for row in picture.rows] == [(2.1, "+2.10 %"), (-0.9, "-0.90 %")]
    assert picture.marks == ((1.5, "+1.5 %"), (-0.5, "-0.5 %"))
    assert picture.sources == "others: Bybit, OKX, Gate · single-sided USD"


def test_simulated_bars_are_marked_too(samples):
    """Also a picture of rows goes round without its caption."""
    made = AnalysisSamples(samples)
    for alert in (made.cascade(), made.funding(), made.divergence()):
        assert illustration(msgspec.structs.replace(alert, simulated=True)).simulated
        assert not illustration(alert).simulated
