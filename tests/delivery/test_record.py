"""Each alert shows how earlier ones of its kind came out, beside chance, and never more than was measured."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.telegram.text import utf16_length
from teleglas.track_record import NOTHING, TrackRecord, track_record
from tests.outbox.alerts import alert
from ws_alert.delivery import record as words
from ws_alert.delivery.render import render
from ws_alert.delivery.rendered import MAX_CAPTION, MAX_HTML
from ws_alert.messages import Kind, SpikeFacts, Tier
from ws_alert.records import AlertRecord, ScoreV2

SPEC = TrackRecord(41, 26, 26 / 41, 0.4811, 0.7643, 0.4, 0.9, 0.51)


def told(known, **values):
    """Return the lines of an alert with this record."""
    return words.lines(alert("a", record=known, **values))


def test_the_record_as_the_product_defines_it():
    """The line of SPEC 5, and under it how often the kind was right."""
    right = TrackRecord(80, 47, 47 / 80, 0.478, 0.689, 0.1, 0.8, 0.487)
    known = AlertRecord(SPEC, right, ScoreV2(0.583, 21, 36, 0.42, 0.729))
    assert told(known) == [
        "Record, liquidation storm (long): n=41: median +0.40 % after 15 min, 63 % [48–76] up; any-time baseline 51 %",
        "Calls of every liquidation storm after 15 min: 59 % [48–69] of 80 right; any-time baseline 49 %; this one calls down",
        "Score v2, calibrated: 0.58 right expected, 21 of 36 of like strength were [42–73]; it does not set the tier",
    ]


@pytest.mark.parametrize("n", [0, 3, 9])
def test_too_few_are_no_record(n):
    """No share is made of a handful."""
    few = track_record([(1.0, 0.5)] * n)
    assert told(AlertRecord(few, few)) == [f"Record, liquidation storm (long): no record yet (n={n})"]
    assert "%" in told(AlertRecord(track_record([(1.0, 0.5)] * 10), few))[0]


def test_chance_that_is_not_known_is_said():
    """Not left out, and no 50 %."""
    (line,) = told(AlertRecord(msgspec.structs.replace(SPEC, baseline=None), NOTHING))
    assert line.endswith("63 % [48–76] up; any-time baseline not known yet")


def test_a_kind_that_calls_nothing_tells_the_size_of_the_move():
    """A spike of volume is never right or wrong."""
    facts = SpikeFacts(1, 1, 1, 2.0, 500)
    (line,) = told(AlertRecord(SPEC, SPEC), kind=Kind.VOLUME_SPIKE, direction="neutral", facts=facts)
    assert line == (
        "Record, volume spike: n=41: median +0.40 % (size 0.90 %) after 15 min, 63 % [48–76] up; any-time baseline 51 %"
    )


def test_an_alert_of_an_older_version_says_nothing():
    """It was stored before records were kept."""
    assert told(None) == []


def test_the_record_is_told_in_the_message_and_in_its_caption():
    """Before the rest of the evidence, so that it is never what has no room."""
    html = render(alert("a", record=AlertRecord(SPEC, NOTHING), tier=Tier.WATCH))
    for text in (html.html, html.caption):
        assert "<blockquote expandable>Record, liquidation storm (long): n=41: median" in text


@given(
    st.lists(st.tuples(st.floats(-99, 1e6), st.none() | st.floats(0, 1)), max_size=40).map(track_record),
    st.none()
    | st.builds(
        ScoreV2,
        st.floats(0, 1),
        st.integers(0, 10**6),
        st.integers(1, 10**6),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
)
def test_every_record_fits(record, score):
    """Whatever was measured."""
    message = render(alert("a", record=AlertRecord(record, record, score), tier=Tier.URGENT))
    assert utf16_length(message.html) <= MAX_HTML
    assert utf16_length(message.caption) <= MAX_CAPTION
    told_text = " ".join(told(AlertRecord(record, record, score)))
    assert "nan" not in told_text
    assert "None" not in told_text
