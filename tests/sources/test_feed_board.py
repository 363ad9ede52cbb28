"""One notice per change of a family, the worst of its connections."""

from __future__ import annotations

from teleglas.venues.dialogue import Plan
from ws_alert.messages import FeedNotice, FeedState
from ws_alert.sources.feed_board import FeedBoard

CONNECTING, LIVE, DOWN = FeedState.CONNECTING, FeedState.LIVE, FeedState.DOWN
ONE = Plan("okx", "trades", "okx trades 1/2", "wss://x", ("a",))
TWO = Plan("okx", "trades", "okx trades 2/2", "wss://x", ("b",))


class Told:
    """A board at a fixed time, and what it told."""

    def __init__(self):
        self.notices: list[FeedNotice] = []
        self.board = FeedBoard(self.notices.append, lambda: 5)

    def last(self):
        """Return the last notice, and how many there were."""
        return (self.notices[-1].state, self.notices[-1].why, len(self.notices))


def test_live_only_when_all_are():
    """Half of the trades is not the trades."""
    told = Told()
    told.board.report(ONE, CONNECTING)
    told.board.report(TWO, CONNECTING)
    told.board.report(ONE, LIVE)
    assert told.last() == (CONNECTING, "", 1)
    told.board.report(TWO, LIVE)
    assert told.notices == [
        FeedNotice("okx", "trades", CONNECTING, 5, "", complete=False),
        FeedNotice("okx", "trades", LIVE, 5, "", complete=True),
    ]


def test_repeated_failures_are_told_once():
    """A second failure for another reason, or of another connection, is no change."""
    told = Told()
    told.board.report(ONE, DOWN, "cut")
    told.board.report(ONE, DOWN, "HTTP 503")
    told.board.report(TWO, DOWN, "cut")
    told.board.report(TWO, LIVE)
    assert told.last() == (DOWN, "cut", 1)
    told.board.report(ONE, LIVE)
    assert told.last() == (LIVE, "", 2)


def test_a_refusal_is_told_even_while_down():
    """What needs a person is said when it becomes known, once."""
    told = Told()
    told.board.report(ONE, DOWN, "cut")
    for _ in range(3):
        told.board.report(TWO, DOWN, "plan: 401 Upgrade plan", refused=True)
    assert told.last() == (DOWN, "plan: 401 Upgrade plan", 2)


def test_families_are_apart():
    """Another family's failure is its own."""
    told = Told()
    told.board.report(ONE, LIVE)
    told.board.report(Plan("okx", "liquidations", "okx liquidations", "wss://x", ("c",)), DOWN, "cut")
    assert [(status.family, status.state) for status in told.board.snapshot()] == [
        ("trades", LIVE),
        ("liquidations", DOWN),
    ]


def test_a_connection_that_leaves_no_longer_counts():
    """After its last connection a family is forgotten; before, the others decide."""
    told = Told()
    told.board.report(ONE, LIVE)
    told.board.report(TWO, DOWN, "cut")
    told.board.leave(TWO)
    assert told.last() == (LIVE, "", 3)
    told.board.leave(ONE)
    told.board.leave(ONE)
    assert told.board.snapshot() == ()
