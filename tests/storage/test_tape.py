"""Our own market tape, heartbeats and readers, on both databases."""

from __future__ import annotations

from teleglas.storage import notes, tape
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute

NOW = 1_800_000_000_000 // MINUTE_MS * MINUTE_MS


def _bar(
    minute: int, usd: int, *, asset: str = "BTC", venue: str = "binance", side: str = "long", count: int = 1
):
    return Bar(NOW + minute * MINUTE_MS, asset, venue, LIQUIDATION, side, usd, count)


def test_a_minute_counted_again_is_not_counted_twice(store):
    """After a restart the last minutes come again, perhaps in part: the larger figure stays."""
    tape.record(store, Batch(bars=(_bar(0, 500, count=5),)))
    tape.record(store, Batch(bars=(_bar(0, 300, count=3),)))
    tape.record(store, Batch(bars=(_bar(0, 700, count=6),)))
    assert tape.bars(store, LIQUIDATION, NOW, NOW + 1) == [_bar(0, 700, count=6)]


def test_sums_by_span_and_by_bucket(store):
    """Bars add up by venue and side over the span, or over buckets; other assets and times stay out."""
    inside = (_bar(0, 100), _bar(1, 10), _bar(1, 5, side="short"), _bar(2, 1, venue="okx"))
    outside = (_bar(3, 9_999), _bar(-1, 9_999), _bar(1, 9_999, asset="ETH"))
    tape.record(store, Batch(bars=inside + outside))
    to = NOW + 3 * MINUTE_MS
    whole = tape.bars(store, LIQUIDATION, NOW, to, asset="BTC")
    assert [(bar.venue, bar.side, bar.usd, bar.count) for bar in whole] == [
        ("binance", "long", 110, 2), ("binance", "short", 5, 1), ("okx", "long", 1, 1),
    ]  # fmt: skip
    by_minute = tape.bars(store, LIQUIDATION, NOW, to, asset="BTC", bucket_ms=MINUTE_MS)
    assert [(bar.minute_ms - NOW, bar.usd) for bar in by_minute] == [
        (0, 100), (MINUTE_MS, 10), (MINUTE_MS, 5), (2 * MINUTE_MS, 1),
    ]  # fmt: skip
    assert sum(bar.usd for bar in tape.bars(store, LIQUIDATION, NOW, to)) == 116 + 9_999


def test_events_are_known_by_their_content(store):
    """The same event twice is one; two of the same content in one second are two."""
    first = Event(NOW, "BTC", "binance", "BTCUSDT", ORDER, "buy", 100_000_00, 97_000.5)
    second = Event(NOW, "BTC", "binance", "BTCUSDT", ORDER, "buy", 100_000_00, 97_000.5, nth=1)
    for _ in range(2):
        tape.record(store, Batch(events=(first, second)))
    assert tape.events(store, ORDER, NOW - 1) == [first, second] or tape.events(store, ORDER, NOW - 1) == [
        second,
        first,
    ]
    assert tape.events(store, ORDER, NOW - 1, min_usd=100_000_01) == []
    assert tape.events(store, ORDER, NOW + 1) == []
    assert tape.events(store, LIQUIDATION, NOW - 1) == []


def test_coverage_is_the_live_share_of_what_could_be_recorded(store):
    """Half a minute missing of one of two venues in two minutes is an eighth."""
    rows = tuple(
        FeedMinute(
            NOW + minute * MINUTE_MS,
            venue,
            "liquidations",
            30_000 if (minute, venue) == (0, "okx") else 60_000,
        )
        for minute in (0, 1)
        for venue in ("binance", "okx")
    )
    tape.record(store, Batch(minutes=rows))
    found = tape.coverage(store, "liquidations", NOW - 10 * MINUTE_MS, NOW + 2 * MINUTE_MS)
    assert found is not None
    assert (found.since_ms, found.newest_ms, found.venues) == (NOW, NOW + MINUTE_MS, ("binance", "okx"))
    assert found.share == 0.875
    assert tape.coverage(store, "trades", NOW, NOW + MINUTE_MS) is None


def test_old_tape_is_forgotten(store):
    """Rows before the limit go, the others stay."""
    event = Event(NOW, "BTC", "binance", "BTCUSDT", ORDER, "buy", 1, 1.0)
    tape.record(store, Batch((_bar(-1, 5), _bar(0, 7)), (event,), (FeedMinute(NOW - 1, "okx", "trades", 1),)))
    assert tape.prune_tape(store, NOW) == 2
    assert [bar.usd for bar in tape.bars(store, LIQUIDATION, 0, NOW + 1)] == [7]
    assert tape.events(store, ORDER, 0) == [event]


def test_heartbeats_are_replaced(store):
    """The last word of a process is what counts; none, or one that cannot be read, is None."""
    assert notes.heartbeat(store, notes.ALERT_PROCESS) is None
    said = notes.Heartbeat(
        NOW, NOW - 5, "1", feeds=(notes.Feed("okx", "trades", "down", NOW, "plan"),), inputs=3
    )
    notes.beat(store, notes.ALERT_PROCESS, notes.Heartbeat(1, 0, "0"))
    notes.beat(store, notes.ALERT_PROCESS, said)
    assert notes.heartbeat(store, notes.ALERT_PROCESS) == said
    with store.engine.begin() as connection:
        connection.exec_driver_sql('UPDATE heartbeats SET body = \'{"at_ms": "x"}\'')
    assert notes.heartbeat(store, notes.ALERT_PROCESS) is None


def test_readers_keep_their_choice(store):
    """Nothing chosen is not a choice; a second choice replaces the first."""
    assert notes.reader(store, 7) == notes.Reader()
    notes.set_reader(store, 7, notes.Reader("id", "Asia/Jakarta"))
    notes.set_reader(store, 7, notes.Reader("ru", None))
    assert notes.reader(store, 7) == notes.Reader("ru", None)
    assert notes.reader(store, 8) == notes.Reader()
