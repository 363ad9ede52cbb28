"""What followed the alerts, as a person reads it in /alerts and /record; and that nothing is made up."""

from __future__ import annotations

import pytest

from bot.commands.samples import NOW_MS
from bot.replies import AlertLine, Alerts, MeasuredKind, Record
from bot.views import log, track
from bot.views.card import text
from bot.views.origin import Context
from teleglas.language import load_words
from teleglas.telegram.text import plain
from teleglas.track_record import NOTHING, track_record

ENGLISH = Context(load_words("bot")["en"], NOW_MS)


def measured(hits, n, chance, move=0.4):
    """Return so many moves the counted way of so many."""
    return track_record([(move, chance)] * hits + [(-move, chance)] * (n - hits))


def lines(card):
    """Return what is read, line by line, without the spaces of columns."""
    return [" ".join(line.split()) for line in plain(text(card)).split("\n")]


def test_a_kinds_record_stands_beside_chance():
    """Median, share up and share right, each with its interval and with any minute's share."""
    storms = MeasuredKind(measured(26, 41, 0.51), measured(30, 41, 0.49))
    shown = lines(
        track.record(
            Record({"liquidation_storm": 50, "stop_hunt": 3}, NOW_MS, None, {"liquidation_storm": storms}),
            ENGLISH,
        )
    )
    assert shown[0] == "53 alerts sent, 41 outcomes measured"
    at = shown.index("liquidation storm n=41")
    assert shown[at : at + 5] == [
        "liquidation storm n=41",
        "· median +0.40%",
        "· up 63% [48–76] any 51%",
        "· right 73% [58–84] any 49%",
        "whale cluster n=0",
    ]  # fmt: skip
    assert (
        "In short: More often right than chance, the whole interval above it: liquidation storm."
        in " ".join(shown)
    )


@pytest.mark.parametrize(
    ("right", "told"),
    [
        (NOTHING, "There is no record yet: that takes 10 measured outcomes of a kind."),
        (measured(9, 9, 0.5), "There is no record yet: that takes 10 measured outcomes of a kind."),
        (measured(6, 10, 0.5), "No kind was right more often than chance beyond doubt."),
        (measured(10, 10, 0.75), "No kind was right more often than chance beyond doubt."),
        (measured(10, 10, None), "No kind was right more often than chance beyond doubt."),
        (measured(10, 10, 0.7), "More often right than chance, the whole interval above it: stop hunt."),
    ],
)
def test_what_is_no_better_than_chance_is_not_called_better(right, told):
    """The whole interval has to lie above chance, and too few are no record."""
    known = {"stop_hunt": MeasuredKind(measured(3, min(right.n, 9), 0.5), right)}
    assert told in " ".join(lines(track.record(Record({"stop_hunt": 9}, None, None, known), ENGLISH)))


def test_a_record_of_the_newest_says_so_and_counts_all():
    """The headline counts every outcome of every kind; where the figures leave old ones out, they say it."""
    storms = MeasuredKind(measured(600, 1000, 0.5), measured(600, 1000, 0.5), outcomes=3412)
    hunts = MeasuredKind(measured(7, 12, 0.5), measured(7, 12, 0.5), outcomes=12)
    sent = {"liquidation_storm": 3500, "stop_hunt": 12}
    shown = lines(
        track.record(Record(sent, NOW_MS, None, {"liquidation_storm": storms, "stop_hunt": hunts}), ENGLISH)
    )
    assert shown[0] == "3,512 alerts sent, 3,424 outcomes measured"
    assert "liquidation storm n=1000" in shown
    limit = "The figures are of the newest 1,000 of a kind, as in the alerts."
    assert limit in shown
    alone = lines(track.record(Record(sent, NOW_MS, "stop_hunt", {"stop_hunt": hunts}), ENGLISH))
    assert alone[0] == "12 alerts sent, 12 outcomes measured"
    assert limit not in alone


def test_few_outcomes_are_counted_and_no_more():
    """Nine of nine is no share."""
    known = {"stop_hunt": MeasuredKind(measured(9, 9, 0.5), measured(9, 9, 0.5))}
    shown = "\n".join(lines(track.record(Record({"stop_hunt": 9}, None, "stop_hunt", known), ENGLISH)))
    assert "stop hunt n=9" in shown
    assert "[" not in shown.partition("After")[0]


def test_chance_that_is_not_known_is_a_dash():
    """It is not fifty."""
    known = {"oi_divergence": MeasuredKind(measured(20, 40, None), NOTHING)}
    shown = lines(track.record(Record({"oi_divergence": 40}, None, "oi_divergence", known), ENGLISH))
    assert "· up 50% [35–65] any –" in shown
    assert "No kind that calls a direction has a record yet." in " ".join(shown)


def test_one_kind_is_told_by_direction_and_horizon():
    """Directions lead to different moves."""
    ways = (("long", 5, measured(12, 20, 0.5)), ("long", 60, measured(2, 3, 0.5)))
    known = {"stop_hunt": MeasuredKind(measured(20, 30, 0.5), NOTHING, ways)}
    shown = lines(track.record(Record({"stop_hunt": 30}, None, "stop_hunt", known), ENGLISH))
    at = shown.index("long, 5 min n=20")
    assert shown[at : at + 4] == [
        "long, 5 min n=20",
        "· median +0.40%",
        "· up 60% [39–78] any 50%",
        "long, 60 min n=3",
    ]


def test_each_alert_shows_what_followed_or_why_that_is_not_known():
    """Six different answers, none of them a zero."""
    rows = tuple(
        AlertLine("stop_hunt", "BTC", "long", 5_000_000_00, NOW_MS, "WATCH", "sent", outcome, move)
        for outcome, move in (("measured", -0.31), ("open", None), ("unseen", None), ("unpriced", None), ("again", None), ("unknown", None))
    )  # fmt: skip
    shown = lines(log.alerts(Alerts(rows), ENGLISH))
    assert [line for line in shown if line.startswith("↳")] == [
        "↳ -0.31% after 15 min",
        "↳ 15 min are not over yet",
        "↳ not measured: no price was seen after 15 min",
        "↳ not measured: no price was seen at the alert",
        "↳ told again: its first alert has the outcome",
        "↳ not measured: older than outcomes are kept",
    ]
    assert "After 15 min the price was higher behind 0 of 1 measured ones." in " ".join(shown)
    assert "No outcome of these is measured yet." in " ".join(lines(log.alerts(Alerts(rows[1:]), ENGLISH)))
