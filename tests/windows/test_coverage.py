"""Which share of a window was seen, as messages state it."""

from __future__ import annotations

import pytest

from ws_alert.messages import Coverage, FeedNotice, FeedState
from ws_alert.windows.coverage import FeedHealth


def noted(*changes: tuple[int, FeedState, bool]) -> FeedHealth:
    """Return what is known after these states of Binance's liquidations."""
    health = FeedHealth()
    for at_ms, state, complete in changes:
        health.note(FeedNotice("binance", "liquidations", state, at_ms, complete=complete), at_ms)
    return health


@pytest.mark.parametrize(
    ("changes", "share", "state"),
    [
        ([(0, FeedState.LIVE, True)], 1.0, "live"),
        ([(0, FeedState.LIVE, True), (20_000, FeedState.DOWN, True)], 0.5, "down"),
        (
            [(0, FeedState.LIVE, True), (10_000, FeedState.DOWN, True), (25_000, FeedState.LIVE, True)],
            0.25,
            "live",
        ),
        ([(0, FeedState.LIVE, True), (15_000, FeedState.POLLING, True)], 1.0, "polling"),
        ([(0, FeedState.LIVE, True), (15_000, FeedState.POLLING, False)], 0.25, "polling"),
        ([(0, FeedState.CONNECTING, True), (25_000, FeedState.LIVE, True)], 0.25, "live"),
    ],
)
def test_share_of_healthy_time(changes, share, state) -> None:
    """Live time and complete polling count; the rest is missing."""
    found = noted(*changes).coverage("liquidations", 10_000, 30_000)
    assert found == (Coverage("binance", share, state),)


def test_feeds_that_never_were_are_not_missing() -> None:
    """A venue that is still connecting, another family, and the replay of files say nothing."""
    health = noted((0, FeedState.CONNECTING, True))
    assert health.coverage("liquidations", 0, 30_000) == ()
    assert noted((0, FeedState.LIVE, True)).coverage("trades", 0, 30_000) == ()
    assert FeedHealth().coverage("trades", 0, 1) == ()


def test_a_change_known_late_never_goes_back_before_the_last() -> None:
    """Notices of a restart may carry an older time; the spans stay in order, and never lie ahead."""
    health = noted((10_000, FeedState.LIVE, True))
    health.note(FeedNotice("binance", "liquidations", FeedState.DOWN, 5_000), 12_000)
    health.note(FeedNotice("binance", "liquidations", FeedState.LIVE, 99_000), 13_000)
    assert [span.from_ms for span in health.spans["binance/liquidations"]] == [10_000, 10_000, 13_000]


def test_polled_names_venues_once_and_only_while_they_are_polled() -> None:
    """Alerts decided meanwhile are marked with these venues."""
    health = noted((0, FeedState.POLLING, False))
    health.note(FeedNotice("binance", "trades", FeedState.POLLING, 1), 1)
    assert health.polled() == ("binance",)
    for family in ("trades", "liquidations"):
        health.note(FeedNotice("binance", family, FeedState.LIVE, 2), 2)
    assert health.polled() == ()


def test_spans_are_bounded() -> None:
    """Ten minutes of states are kept, however often a feed changes."""
    health = noted(*[(n * 1000, FeedState.LIVE if n % 2 else FeedState.DOWN, True) for n in range(5000)])
    assert len(health.spans["binance/liquidations"]) <= 602
