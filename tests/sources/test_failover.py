"""Polling stands in for a stream without a hole that nobody was told of, and hands back without one."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ws_alert.messages import FeedNotice, FeedState
from ws_alert.sources.failover import (
    GRACE_MS,
    OVERLAP_MS,
    PATIENCE_MS,
    Failover,
    PollReport,
    clock_text,
)

T0 = 43_390_000  # 12:03:10
LIVE, DOWN, POLLING, CONNECTING = FeedState.LIVE, FeedState.DOWN, FeedState.POLLING, FeedState.CONNECTING


def _stream(state: FeedState, at_ms: int, why: str = "") -> FeedNotice:
    return FeedNotice("okx", "trades", state, at_ms, why, complete=state is LIVE)


def _started(no_rest: str = "") -> Failover:
    failover = Failover("okx", "trades", T0, no_rest=no_rest)
    failover.on_stream(_stream(CONNECTING, T0))
    return failover


def _live(no_rest: str = "") -> Failover:
    failover = _started(no_rest)
    failover.on_stream(_stream(LIVE, T0))
    return failover


def test_lost_stream_is_polled_at_once():
    """The hole begins with the loss, so polling does not wait."""
    step = _live().on_stream(_stream(DOWN, T0 + 1, "silent: no market data for 11 s"))
    assert step.polling
    (told,) = step.publish
    assert (told.state, told.complete) == (POLLING, True)
    assert "silent" in told.why
    assert step.gap_ms <= T0 - 15_000  # a silent stream died before it was found out


def test_first_connection_has_a_moment():
    """Starting up is not a failure; a start that takes too long is."""
    failover = _started()
    assert not failover.advance(T0 + GRACE_MS - 1).polling
    assert failover.next_deadline() == T0 + GRACE_MS
    assert failover.advance(T0 + GRACE_MS).polling


def test_refused_at_once_is_polled_at_once():
    """A refusal at the first try does not wait for the moment of grace."""
    assert _started().on_stream(_stream(DOWN, T0 + 5, "plan")).polling


def test_takeover_needs_a_poll_that_began_after_the_stream():
    """One poll that started after the stream was back closes the seam; then polling ends."""
    failover = _live()
    failover.on_stream(_stream(DOWN, T0 + 10))
    step = failover.on_stream(_stream(LIVE, T0 + 8_000))
    assert step.polling
    assert failover.on_poll(PollReport(T0 + 8_100, covered_ms=T0 + 7_999)).polling
    assert failover.published.state is POLLING
    step = failover.on_poll(PollReport(T0 + 9_500, covered_ms=T0 + 8_001))
    assert not step.polling
    assert [told.state for told in step.publish] == [LIVE]


def test_takeover_without_rest_answers_ends():
    """If REST fails, polling ends when what it could bring is too old anyway."""
    failover = _live()
    failover.on_stream(_stream(DOWN, T0))
    failover.on_stream(_stream(LIVE, T0 + 1_000))
    failover.on_poll(PollReport(T0 + 2_000, error="HTTP 500"))
    assert failover.advance(T0 + 1_000 + OVERLAP_MS - 1).polling
    assert failover.next_deadline() == T0 + 1_000 + OVERLAP_MS
    assert not failover.advance(T0 + 1_000 + OVERLAP_MS).polling
    assert failover.published.state is LIVE


def test_refused_rest_is_down_and_hands_back_at_once():
    """When REST refuses too there is nothing to wait for."""
    failover = _live()
    failover.on_stream(_stream(DOWN, T0, "HTTP 451"))
    (told,) = failover.on_poll(PollReport(T0 + 100, error="region_block: HTTP 451", refused=True)).publish
    assert (told.state, told.complete) == (DOWN, False)
    assert "region_block" in told.why
    step = failover.on_stream(_stream(LIVE, T0 + 60_000))
    assert not step.polling
    assert step.publish[0].state is LIVE


def test_a_hole_that_no_poll_closed_is_told_before_the_stream_counts_again():
    """A short loss, then REST refuses its backfill: the loss is said though the stream is back."""
    failover = _live()
    failover.on_stream(_stream(DOWN, T0))
    failover.on_stream(_stream(LIVE, T0 + 2_000))
    hole, back = failover.on_poll(PollReport(T0 + 2_500, error="HTTP 451", refused=True)).publish
    assert (hole.state, hole.complete) == (DOWN, False)
    assert hole.why == "HTTP 451; missing from 12:03:10 UTC to 12:03:12 UTC"
    assert back.state is LIVE


def test_failing_polls_are_declared():
    """Five seconds without an answer, and the hole is told with its beginning."""
    failover = _live()
    failover.on_stream(_stream(DOWN, T0))
    failover.on_poll(PollReport(T0 + 1_000, error="HTTP 503"))
    assert failover.published.complete
    assert failover.next_deadline() == T0 + PATIENCE_MS + 1
    (told,) = failover.advance(T0 + PATIENCE_MS + 1).publish
    assert (told.state, told.complete) == (POLLING, False)
    assert "HTTP 503" in told.why
    assert "missing from 12:03:10" in told.why
    assert failover.on_poll(PollReport(T0 + 9_000, covered_ms=T0 + 8_000)).publish[0].complete


def test_what_polls_cannot_give_is_declared():
    """A poll that covers only a part says so."""
    failover = _live()
    failover.on_stream(_stream(DOWN, T0))
    (told,) = failover.on_poll(PollReport(T0 + 900, covered_ms=T0 + 100, missing="60 of 250 symbols")).publish
    assert (told.state, told.complete) == (POLLING, False)
    assert "60 of 250" in told.why
    assert not failover.on_poll(PollReport(T0 + 1_900, covered_ms=T0 + 1_100, missing="60 of 250 symbols")).publish


def test_a_poll_that_never_gives_all_says_so_from_its_start():
    """Where REST can only ever give a part, no moment of polling is called complete."""
    failover = Failover("coinglass", "liquidations", T0, partial="the most traded coins only")
    (told,) = failover.on_stream(_stream(DOWN, T0, "plan")).publish
    assert (told.state, told.complete) == (POLLING, False)
    assert not failover.on_poll(PollReport(T0 + 5, covered_ms=T0 + 1)).publish


def test_without_rest_the_hole_is_told():
    """Binance's liquidations cannot be had by REST, and that is what is said."""
    failover = _live("Binance publishes no liquidations by REST")
    step = failover.on_stream(_stream(DOWN, T0, "silent"))
    assert not step.polling
    (told,) = step.publish
    assert (told.state, told.complete) == (DOWN, False)
    assert told.why == "silent; Binance publishes no liquidations by REST; missing from 12:03:10 UTC"
    assert failover.on_stream(_stream(LIVE, T0 + 99)).publish[0].state is LIVE
    assert failover.next_deadline() is None


def test_late_report_is_ignored():
    """A cycle that ends after polling was stopped changes nothing."""
    assert _live().on_poll(PollReport(T0 + 1, error="x", refused=True)).publish == ()


@pytest.mark.parametrize(("at_ms", "text"), [(0, "00:00:00 UTC"), (86_399_999, "23:59:59 UTC"), (T0, "12:03:10 UTC")])
def test_clock_text(at_ms, text):
    """Times are told in UTC."""
    assert clock_text(at_ms) == text


STEP_MS = 500


@dataclass
class _World:
    """A stream, a REST endpoint and a poller around a failover; one numbered event each step."""

    failover: Failover
    now: int = T0
    stream_up: bool = False
    rest: str = "ok"
    cycle_started: int | None = None
    cycle_steps: int = 0
    polling: bool = False
    gap: int = T0
    asked: int | None = None
    got: dict[int, int] = field(default_factory=dict)
    told: list[tuple[int, FeedNotice]] = field(default_factory=list)
    lost_at: int | None = T0

    def take(self, step) -> None:
        if step.polling and not self.polling:
            self.gap, self.asked, self.cycle_started = step.gap_ms, None, None
        self.polling = step.polling
        self.told.extend((self.now, notice) for notice in step.publish)

    def poll(self, length: int) -> None:
        if not self.polling:
            self.cycle_started = None
            return
        if self.cycle_started is None:
            self.cycle_started, self.cycle_steps = self.now, length
            return
        self.cycle_steps -= 1
        if self.cycle_steps > 0:
            return
        start, self.cycle_started = self.cycle_started, None
        if self.rest == "refused":
            self.take(self.failover.on_poll(PollReport(self.now, error="no", refused=True)))
        elif self.rest == "failing":
            self.take(self.failover.on_poll(PollReport(self.now, error="HTTP 500")))
        else:
            since = max(self.gap if self.asked is None else self.asked, start - OVERLAP_MS)
            self.asked = start
            for event in range(since - since % STEP_MS, start + 1, STEP_MS):
                self.got[event] = self.got.get(event, 0) + 1
            self.take(self.failover.on_poll(PollReport(self.now, covered_ms=start)))

    def check(self, no_rest: bool) -> None:
        told = self.failover.published
        if told is None:
            return
        if told.state is LIVE:
            assert self.stream_up
            assert not self.polling
        if no_rest:
            assert not self.polling
        if not self.stream_up and self.lost_at is not None and self.now - self.lost_at > PATIENCE_MS:
            assert self.polling or not told.complete
        if told.state is DOWN:
            assert not told.complete


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["up", "down", "stay", "stay", "stay"]),
            st.sampled_from(["ok", "ok", "ok", "failing", "refused"]),
            st.integers(1, 6),
            st.integers(1, 40),
        ),
        max_size=30,
    ),
    st.booleans(),
)
def test_every_event_is_had_or_its_loss_was_told(script, no_rest):
    """Live, polled, or declared missing: no event is lost in a time that was called complete."""
    world = _World(Failover("okx", "trades", T0, no_rest="none by REST" if no_rest else ""))
    world.take(world.failover.on_stream(_stream(CONNECTING, T0)))
    for move, rest, length, steps in [*script, ("up", "ok", 1, 300)]:
        world.rest = rest
        if move == "up" and not world.stream_up:
            world.stream_up, world.lost_at = True, None
            world.take(world.failover.on_stream(_stream(LIVE, world.now)))
        elif move == "down" and world.stream_up:
            world.stream_up, world.lost_at = False, world.now
            world.take(world.failover.on_stream(_stream(DOWN, world.now, "lost")))
        for _ in range(steps):
            world.now += STEP_MS
            if world.stream_up:
                world.got[world.now] = world.got.get(world.now, 0) + 1
            world.poll(length)
            due = world.failover.next_deadline()
            if due is not None and due <= world.now:
                world.take(world.failover.advance(world.now))
            world.check(no_rest)
    assert not world.polling
    assert world.failover.published.state is LIVE
    spans = [(at, told.complete) for at, told in world.told]
    ends = [at for at, _ in spans[1:]] + [world.now]
    declared = [(at, end) for (at, complete), end in zip(spans, ends, strict=True) if not complete]
    for event in range(T0 + STEP_MS, world.now + 1, STEP_MS):
        if event not in world.got:
            # A hole is told at once or as soon as polling has failed for the time that it may take.
            assert any(at <= event + OVERLAP_MS + PATIENCE_MS and event <= end for at, end in declared), event
