"""The alert engine through its four verbs: raw frames in, verdicts out."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.instrument_table import encode
from teleglas.market import Instrument
from tests.frames import (
    OKX,
    START_MS,
    Feed,
    agg_trade,
    agg_trades_body,
    bybit_order,
    engine,
    force_order,
    notice,
    okx_trade,
    refused,
    restarted,
)
from ws_alert.messages import Action, FeedState, Kind, RecordKind, Tier
from ws_alert.rules import Rules

STORM, LARGE, CLUSTER, WHALE, RADAR = (
    Kind.LIQUIDATION_STORM, Kind.LARGE_LIQUIDATION, Kind.WHALE_CLUSTER, Kind.WHALE_TRADE, Kind.GLOBAL_RADAR,
)  # fmt: skip


def order(feed: Feed, at: int, usd: float, **more):
    """Feed one liquidation of Binance at its own time."""
    return feed.binance(at, force_order(START_MS + at, usd, **more))


def trade(feed: Feed, at: int, usd: float, **more):
    """Feed one taker order of Binance at its own time."""
    return feed.binance(at, agg_trade(START_MS + at, 1000 + len(feed.records), usd, **more))


def said(verdicts) -> list[tuple[str, str, str]]:
    """Return (action, reason, kind) of each verdict."""
    return [(v.action.value, v.reason, v.kind.value) for v in verdicts]


def test_a_storm_waits_two_seconds_and_tells_its_largest_window() -> None:
    """Held at the second liquidation, released with the sum by then, edited at its end with the total."""
    feed = Feed()
    order(feed, 0, 250_000, symbol="SOLUSDT")
    assert said(feed.take()) == []
    held = order(feed, 1000, 850_000, symbol="SOLUSDT")
    assert said(held) == [("hold", "group_wait", STORM), ("drop", "inhibited:liquidation_storm", LARGE)]
    order(feed, 2000, 100_000, symbol="SOLUSDT")
    sent, ended = (v for v in feed.rest() if v.alert)
    assert (sent.reason, sent.usd, sent.told_usd, sent.told_count) == ("first", 110_000_000, 120_000_000, 3)
    assert sent.release_ms == sent.decided_ms == START_MS + 3000
    assert (ended.reason, ended.alert.final, ended.alert.total_usd) == ("ended", True, 120_000_000)
    assert ended.decided_ms == START_MS + 32_000
    assert [row.usd for row in sent.alert.top] == [85_000_000, 25_000_000, 10_000_000]


def test_urgent_is_not_held_and_takes_its_waiting_entry_along() -> None:
    """Four times the threshold goes at once, named by the finding that was held; the group is gone."""
    feed = Feed()
    order(feed, 0, 1_100_000)
    order(feed, 100, 1_000_000)
    urgent = order(feed, 200, 6_000_000)
    assert said(urgent)[0] == ("send", "urgent", STORM)
    assert (urgent[0].usd, urgent[0].told_usd, urgent[0].tier) == (210_000_000, 810_000_000, Tier.URGENT)
    assert not [v for v in feed.rest() if v.reason == "first" and v.kind is STORM]


def test_growth_is_a_reply_with_the_next_step() -> None:
    """Twice what was told answers the first message; less only edits it."""
    feed = Feed()
    for at, usd in ((0, 1_500_000), (100, 700_000), (2200, 1_000_000), (4000, 1_100_000), (6000, 50_000)):
        order(feed, at, usd)
    assert not [v for v in feed.take() if v.reason == "grew"]
    order(feed, 9000, 300_000)
    first, *_, grown = (v for v in feed.verdicts if v.action is Action.SEND and v.kind is STORM)
    assert (grown.reason, grown.step, grown.alert.reply_to) == ("grew", 1, first.alert.alert_id)
    assert grown.alert.prior_usd == first.told_usd
    assert [v.told_usd for v in feed.verdicts if v.reason == "going_on"] == [435_000_000]


def test_cooldown_is_free_again_at_its_duration() -> None:
    """One millisecond earlier drops; exactly at the duration sends."""
    for extra, reason in ((-1, "cooldown"), (0, "first")):
        feed = Feed()
        order(feed, 0, 600_000)
        order(feed, 298_000 + extra, 600_000)
        assert feed.rest()[-1].reason == reason


def test_a_refused_delivery_clears_the_cooldown() -> None:
    """A message that nobody got silences nothing; a note about another message does not."""
    for step, reason in ((0, "first"), (7, "cooldown")):
        feed = Feed()
        order(feed, 0, 600_000)
        sent = feed.rest()[-1]
        note = refused(msgspec.structs.replace(sent, step=step))
        feed.note(5000, RecordKind.REFUSED, note)
        order(feed, 60_000, 600_000)
        assert feed.rest()[-1].reason == reason
    feed.note(70_000, RecordKind.REFUSED, refused(msgspec.structs.replace(sent, target="another")))


def test_radar_silences_the_parts_it_is_made_of() -> None:
    """Storm and cluster at one moment are one message with one story."""
    feed = Feed()
    for at in (0, 100, 200):
        trade(feed, at, 1_100_000, buy=False)
    order(feed, 300, 1_000_000)
    found = order(feed, 400, 1_100_000)
    assert said(found) == [
        ("hold", "group_wait", RADAR),
        ("drop", "inhibited:global_radar", STORM),
        ("drop", "inhibited:liquidation_storm", LARGE),
    ]
    sent = [v for v in feed.rest() if v.action is Action.SEND]
    assert [(v.kind, v.direction) for v in sent] == [(RADAR, "bearish")]
    assert sent[0].score is not None
    assert sent[0].alert.facts.volatility == "low"


def test_radar_switched_off_leaves_its_parts() -> None:
    """RADAR__ENABLED=false: storm and cluster in one message, the storm leading."""
    off = {"order_flow": False, "whale_accumulation_window": False}
    feed = Feed(engine(Rules.model_validate({"radar": {"enabled": False}, "detectors": off})))
    for at in (0, 100, 200):
        trade(feed, at, 1_100_000, buy=False)
    order(feed, 300, 1_000_000)
    order(feed, 400, 1_100_000)
    ends = [v for v in feed.rest() if v.decided_ms == START_MS + 2000]
    assert ("send", "first", STORM) in said(ends)
    assert ("fold", "grouped:liquidation_storm", CLUSTER) in said(ends)
    lead = next(v for v in ends if v.action is Action.SEND)
    assert [(line.kind, line.usd) for line in lead.alert.folded] == [(CLUSTER, 330_000_000)]


def test_what_was_folded_counts_as_told_but_starts_no_cooldown() -> None:
    """A folded cluster is told again only when it doubled, as an answer to the message it was a line of."""
    feed = Feed(engine(Rules.model_validate({"radar": {"enabled": False}})))
    order(feed, 0, 1_000_000)
    order(feed, 0, 1_100_000)
    for at in (0, 100, 200):
        trade(feed, at, 1_010_000)
    feed.note(3000, RecordKind.TICK, b"")
    lead = next(v for v in feed.verdicts if v.kind is STORM and v.action is Action.SEND)
    for at in (4000, 4100, 4200):
        trade(feed, at, 1_020_000)
    grown = next(v for v in feed.verdicts if v.kind is CLUSTER and v.action is Action.SEND)
    assert (grown.reason, grown.step, grown.alert.reply_to) == ("grew", 1, lead.alert.alert_id)


def test_a_second_single_event_within_the_wait_is_a_line() -> None:
    """Two large liquidations of one side in two seconds are one message that counts both."""
    feed = Feed()
    order(feed, 0, 600_000)
    order(feed, 500, 700_000)
    feed.rest()
    assert said(feed.verdicts) == [
        ("hold", "group_wait", LARGE), ("fold", "grouped:large_liquidation", LARGE), ("send", "first", LARGE),
    ]  # fmt: skip
    assert (feed.verdicts[-1].told_usd, feed.verdicts[-1].told_count) == (70_000_000, 2)


def test_a_hold_after_a_drop_ends_in_a_line_of_its_own() -> None:
    """A storm that a radar silenced, was held, and is silenced again is dropped again (SEMANTICS 25)."""
    feed = Feed()
    for at in (0, 100, 200):
        trade(feed, at, 1_100_000)
    for at in (300, 400):
        order(feed, at, 1_050_000)
    for at in range(14_000, 56_000, 14_000):
        order(feed, at, 1_050_000)
    order(feed, 56_050, 1_050_000)
    for at in (56_500, 56_600, 56_700):
        trade(feed, at, 1_100_000)
    feed.rest()
    storms = [(v.action.value, v.reason) for v in feed.verdicts if v.kind is STORM]
    for place, (action, _) in enumerate(storms):
        if action == "hold":
            assert storms[place + 1][0] in {"send", "drop", "fold"}


def test_a_day_of_singles_over_the_budget_becomes_digests() -> None:
    """The hour's messages are bounded; the rest is one digest, in order, when there is room again."""
    feed = Feed(engine(Rules.model_validate({"hourly_budget": 2, "cooldown": {"large_liquidation_s": 0}})))
    for at in range(0, 50_000, 10_000):
        order(feed, at, 600_000)
    feed.rest()
    sends = [v for v in feed.verdicts if v.action is Action.SEND]
    digest = sends[-1].digest
    assert [v.reason for v in sends] == ["first", "first", "digest"]
    assert [line.event_ms - START_MS for line in digest.lines] == [20_000, 30_000, 40_000]
    assert (sends[-1].usd, sends[-1].count) == (180_000_000, 3)
    assert sends[-1].release_ms == sends[0].release_ms + 3_600_000
    assert [v.reason for v in feed.verdicts if v.action is Action.FOLD] == ["budget"] * 3


def test_a_group_without_room_is_a_line_of_the_digest_each() -> None:
    """When even the leading message overflows, none of its lines is lost with it."""
    feed = Feed(engine(Rules.model_validate({"hourly_budget": 1, "radar": {"enabled": False}})))
    order(feed, 0, 600_000, symbol="ETHUSDT")
    feed.note(3000, RecordKind.TICK, b"")
    order(feed, 4000, 600_000)
    trade(feed, 4100, 1_100_000)
    feed.rest()
    digest = feed.verdicts[-1].digest
    assert {line.kind for line in digest.lines} == {LARGE, WHALE}


def test_a_digest_waits_on_when_a_restart_lowers_the_budget() -> None:
    """With less room than was spent the digest comes later, not never."""
    feed = Feed(engine(Rules.model_validate({"hourly_budget": 3, "cooldown": {"large_liquidation_s": 0}})))
    for at in range(0, 50_000, 10_000):
        order(feed, at, 600_000)
    feed.note(60_000, RecordKind.TICK, b"")
    lower = engine(Rules.model_validate({"hourly_budget": 1, "cooldown": {"large_liquidation_s": 0}}))
    feed.engine = restarted(feed, len(feed.records), lower)
    assert [v.reason for v in feed.rest()] == ["digest"]


def test_coverage_and_polling_are_stated_with_the_alert() -> None:
    """An alert says which share of its window each feed saw, and who was being polled."""
    feed = Feed()
    live = notice("binance", "liquidations", FeedState.LIVE, START_MS)
    feed.note(0, RecordKind.NOTICE, live, "binance")
    polled = notice("binance", "liquidations", FeedState.POLLING, START_MS + 16_000, complete=False)
    feed.note(16_000, RecordKind.NOTICE, polled, "binance")
    for at in (29_000, 30_000):
        feed.frame(at, "bybit", bybit_order(START_MS + at, 1_100_000))
    sent = next(v for v in feed.rest() if v.action is Action.SEND)
    assert sent.alert.degraded == ("binance",)
    assert [(c.venue, c.share, c.state) for c in sent.alert.coverage] == [("binance", 0.5, "polling")]
    assert sent.alert.sampled is False


def test_single_events_need_no_coverage() -> None:
    """One event is whole by itself, whatever else was missed."""
    feed = Feed()
    feed.note(0, RecordKind.NOTICE, notice("binance", "liquidations", FeedState.LIVE, START_MS), "binance")
    order(feed, 1000, 600_000)
    assert feed.rest()[-1].alert.coverage == ()


def test_a_refreshed_table_decodes_from_then_on() -> None:
    """A contract's size from the journal's table is used at once; equal contracts keep their ids."""
    feed = Feed()
    feed.frame(0, "okx", okx_trade(START_MS, 1, 2_000_000))
    table = {"BTC-USDT-SWAP": Instrument("okx", "BTC-USDT-SWAP", "BTC", multiplier=OKX.multiplier * 2)}
    feed.note(10, RecordKind.INSTRUMENTS, encode(table), "okx")
    feed.frame(20, "okx", okx_trade(START_MS, 2, 2_000_000))
    amounts = [v.usd for v in feed.verdicts if v.kind is WHALE]
    assert amounts == [200_000_000, 400_000_000]


def test_inputs_of_unknown_venues_change_nothing() -> None:
    """A body or a table of a venue that this version does not know is skipped."""
    feed = Feed()
    for kind in (RecordKind.FRAME, RecordKind.BODY, RecordKind.INSTRUMENTS):
        assert not feed.note(0, kind, b"{}", "elsewhere:trades:BTC")
    assert feed.engine.next_deadline() is None


@pytest.mark.parametrize("kind", [RecordKind.NOTICE, RecordKind.REFUSED, RecordKind.INSTRUMENTS])
@pytest.mark.parametrize("payload", [b"", b"{}", b'{"state":"dozing"}', b"\xff", b"[" * 99_999])
def test_records_of_another_version_are_counted_and_skipped(kind: RecordKind, payload: bytes) -> None:
    """What this version cannot read in a journal stops neither the replay nor the start."""
    feed = Feed()
    feed.note(0, kind, payload, "okx")
    order(feed, 10, 700_000)
    assert said(feed.verdicts) == [("hold", "group_wait", LARGE)]


def test_a_poll_counts_like_the_stream() -> None:
    """A REST body goes the same way, and its rows are known again on the stream."""
    feed = Feed()
    feed.body(100, "binance:aggTrades:BTCUSDT", agg_trades_body([(START_MS, 5, 1_200_000)]))
    feed.binance(200, agg_trade(START_MS, 5, 1_200_000))
    assert said(feed.verdicts) == [("hold", "group_wait", WHALE)]


def test_time_passes_only_forward_and_deadlines_run_at_their_own_time() -> None:
    """A record far ahead first runs what was due before it, each at its due time."""
    feed = Feed()
    order(feed, 0, 1_100_000)
    order(feed, 100, 1_000_000)
    assert feed.engine.next_deadline() == START_MS + 2000
    feed.note(500_000, RecordKind.TICK, b"")
    assert [v.decided_ms - START_MS for v in feed.verdicts if v.alert] == [2000, 30_100]
    feed.engine.advance(START_MS)
    assert feed.engine.now_ms == START_MS + 500_000
    assert feed.engine.next_deadline() is None


def test_each_target_is_decided_for_by_itself() -> None:
    """Two chats get the same news; a refusal by one clears only its own cooldown."""
    feed = Feed(engine(targets=("a", "b")))
    order(feed, 0, 600_000)
    sent = [v for v in feed.rest() if v.action is Action.SEND]
    assert [v.target for v in sent] == ["a", "b"]
    feed.note(5000, RecordKind.REFUSED, refused(sent[0]))
    order(feed, 60_000, 600_000)
    assert [(v.target, v.reason) for v in feed.rest()] == [("a", "first"), ("b", "cooldown")]
