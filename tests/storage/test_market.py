"""A span of the market out of both databases: what lies in it, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.market_view import Found, view
from teleglas.storage import history, tape
from teleglas.storage.market import market_rows
from teleglas.storage.thread import StoreThread
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute
from tests.storage.rows import commit, verdict

HOUR_MS = 60 * MINUTE_MS
FROM = 1_800_000_000_000 // HOUR_MS * HOUR_MS + 30 * MINUTE_MS
"""Half past: in India and in parts of Australia a day begins so."""


@pytest.fixture
async def thread(store):
    """Return a thread for the store."""
    made = StoreThread(store)
    yield made
    await made.close()


def _bar(minute: int, usd: int, asset: str = "BTC") -> Bar:
    return Bar(FROM + minute * MINUTE_MS, asset, "okx", LIQUIDATION, "short", usd, 1)


def _event(at_ms: int, usd: int, kind: str = LIQUIDATION, asset: str = "BTC") -> Event:
    return Event(at_ms, asset, "okx", f"{asset}-USDT-SWAP", kind, "short", usd, 97_000.0)


def _storm(decided_ms: int, usd: int, *, told: int | None = None, reason: str = "first", **values):
    given = {"kind": "liquidation_storm", "direction": "long", "asset": "BTC", "episode_ms": FROM + 60_000}
    return verdict(decided_ms=decided_ms, usd=usd, told_usd=told, reason=reason, **(given | values))


async def test_buckets_begin_where_the_span_begins(thread, store):
    """Hours that begin at half past are summed as such, and the rows of other spans stay out."""
    bars = (_bar(-1, 7), _bar(0, 1), _bar(59, 10), _bar(60, 100), _bar(119, 1_000), _bar(120, 7))
    tape.record(store, Batch(bars=bars))
    rows = await market_rows(thread, FROM, FROM + 2 * HOUR_MS, HOUR_MS, now_ms=FROM + 3 * HOUR_MS)
    assert [(bucket.open_ms, bucket.short_usd) for bucket in view(rows).buckets] == [
        (FROM, 11), (FROM + HOUR_MS, 1_100),
    ]  # fmt: skip


async def test_the_largest_of_the_span(thread, store):
    """The largest liquidation of the span is found: not an order, not one outside, the first of equal ones."""
    tape.record(
        store,
        Batch(
            events=(
                _event(FROM - 1, 900), _event(FROM, 300), _event(FROM + HOUR_MS, 300), _event(FROM + 5, 900, ORDER),
                _event(FROM + 2 * HOUR_MS, 900), _event(FROM + 7, 200, asset="ETH"),
            )
        ),
    )  # fmt: skip
    rows = await market_rows(thread, FROM, FROM + 2 * HOUR_MS, HOUR_MS, now_ms=FROM)
    assert rows.largest == _event(FROM, 300)
    assert tape.largest(store, LIQUIDATION, FROM, FROM + HOUR_MS, asset="ETH") == _event(
        FROM + 7, 200, asset="ETH"
    )
    assert tape.largest(store, LIQUIDATION, FROM + 1, FROM + 2) is None


async def test_episodes_with_their_totals(thread, store):
    """A storm that several chats were told of, and that ended after the span, is one with its total."""
    store.commit(
        commit(
            verdicts=[
                _storm(FROM + 61_000, 200, action="hold", reason="group_wait"),
                _storm(FROM + 63_000, 200, told=250, target="42"),
                _storm(FROM + 63_000, 200, told=300, target="43"),
                _storm(FROM + HOUR_MS + 1, 800, told=800, action="edit", reason="ended"),
                _storm(FROM + 64_000, 90, action="drop", reason="cooldown", direction="short"),
                _storm(FROM - 9_000, 10**9, episode_ms=FROM - 10_000),
                _storm(FROM + 9_000, 10**9, kind="whale_trade", reason="digest"),
            ]
        )
    )
    found = history.found(store, FROM, FROM + HOUR_MS)
    assert sorted(found, key=lambda each: each.direction) == [
        Found("liquidation_storm", "BTC", "long", FROM + 60_000, 300),
        Found("liquidation_storm", "BTC", "short", FROM + 60_000, 90),
    ]
    seen = view(await market_rows(thread, FROM, FROM + HOUR_MS, HOUR_MS, now_ms=FROM + 3 * HOUR_MS))
    assert seen.storms == 2
    assert seen.storm == Found("liquidation_storm", "BTC", "long", FROM + 60_000, 800, ended=True)


async def test_minutes_of_liquidation_feeds_only(thread, store):
    """Coverage is of liquidation feeds; the newest minute may still grow and is not judged."""
    minutes = tuple(
        FeedMinute(FROM + at * MINUTE_MS, "okx", family, live)
        for family in ("liquidations", "trades")
        for at, live in ((0, MINUTE_MS), (1, 30_000), (2, 15_000))
    )
    tape.record(store, Batch(minutes=minutes))
    now_ms = FROM + 2 * MINUTE_MS + 35_000
    seen = view(await market_rows(thread, FROM, now_ms, HOUR_MS, now_ms=now_ms))
    assert seen.feeds == (msgspec.structs.replace(seen.feeds[0], venue="okx", live_ms=90_000),)
    assert (seen.span_ms, seen.coverage_percent) == (2 * MINUTE_MS, 75)
    assert tape.first_minute(store, "trades") == FROM
    assert tape.first_minute(store, "candles") is None
