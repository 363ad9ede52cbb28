"""Which words and rows the chart of an alert shows."""

from __future__ import annotations

import msgspec
import pytest

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
