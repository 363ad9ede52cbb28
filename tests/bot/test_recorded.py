"""What our own tape answers: never more than it saw, and never zero for what it did not see."""

from __future__ import annotations

import asyncio

import pytest

from bot.answers import MissingError, Reason
from bot.sources.tape import TapeSource
from teleglas import numbers
from teleglas.market import PositionSide
from teleglas.storage import tape
from teleglas.storage.store import open_store
from teleglas.storage.thread import StoreThread
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute

NOON = 1_795_262_400_000
HOUR_MS = 60 * MINUTE_MS


def recorded(begin: int, end: int, *more: Bar, events: tuple[Event, ...] = ()) -> Batch:
    """Return a tape of OKX's liquidations from begin to end (Unix ms), complete in every minute."""
    minutes = tuple(FeedMinute(at, "okx", "liquidations", MINUTE_MS) for at in range(begin, end, MINUTE_MS))
    return Batch(more, events, minutes)


def forced(at: int, usd: int, side: str = "long", asset: str = "BTC") -> Bar:
    """Return a minute with one liquidation of whole dollars."""
    return Bar(at, asset, "okx", LIQUIDATION, side, usd * 100, 1)


@pytest.fixture
async def ask(tmp_path):
    """Return a function that opens a source over a batch, as of a time."""
    opened: list[StoreThread] = []

    def make(batch: Batch, now: int) -> TapeSource:
        store = open_store(f"sqlite:///{tmp_path}/tape.db")
        tape.record(store, batch)
        opened.append(StoreThread(store))
        return TapeSource(opened[-1], lambda: now)

    yield make
    for thread in opened:
        await thread.close()


@pytest.mark.parametrize(
    ("recorded_ms", "windows"),
    [
        (40_000, ["40s"]),
        (11 * MINUTE_MS, ["11m"]),
        (HOUR_MS, ["1h"]),
        (3 * HOUR_MS + 20 * MINUTE_MS + 5_000, ["1h", "3h20m"]),
        (12 * HOUR_MS + MINUTE_MS, ["1h", "4h", "12h"]),
        (12 * HOUR_MS + 2 * MINUTE_MS, ["1h", "4h", "12h", "12h2m"]),
        (30 * HOUR_MS, ["1h", "4h", "12h", "24h"]),
    ],
)
async def test_a_length_of_time_is_what_was_recorded_of_it(ask, recorded_ms, windows):
    """A record of eleven minutes tells of eleven minutes; it does not say that nothing happened in the day before."""
    begin = NOON - recorded_ms // MINUTE_MS * MINUTE_MS
    now = begin + recorded_ms
    block = await ask(recorded(begin, now, forced(begin, 1_000)), now).liquidations("BTC")
    spans = block.value.spans
    assert [span.window for span in spans] == windows
    assert [span.complete for span in spans] == [span.window == name for span, name in zip(spans, ("1h", "4h", "12h", "24h"), strict=False)]  # fmt: skip
    market = (await ask(Batch(), now).market("24h")).value
    assert market.window == numbers.window(min(recorded_ms, 24 * HOUR_MS))


async def test_an_old_record_ends_where_it_ends(ask):
    """The alert bot stopped five hours ago: its last hour is the hour before, and the block says how old it is."""
    end = NOON - 5 * HOUR_MS
    begin = end - 30 * HOUR_MS
    bars = forced(end - 10 * MINUTE_MS, 700), forced(begin, 9)
    block = await ask(recorded(begin, end, *bars), NOON).liquidations("BTC")
    assert (block.stale, block.as_of_ms) == (True, end)
    assert [(span.window, span.long_usd) for span in block.value.spans][:2] == [("1h", 700.0), ("4h", 700.0)]
    bars_told = (await ask(Batch(), NOON).liquidation_bars("BTC", "4h")).value
    assert (bars_told[-1].time_ms < end, sum(bar.long_usd for bar in bars_told)) == (True, 700.0)


async def test_the_largest_knows_since_when(ask):
    """The largest of a record that began ten minutes ago is the largest of ten minutes."""
    begin = NOON - 10 * MINUTE_MS
    events = tuple(
        Event(begin + at, "BTC", "okx", "BTC-USDT-SWAP", LIQUIDATION, side, usd * 100, 97_000.0)
        for at, side, usd in ((1, "long", 5), (2, "short", 900), (3, "long", 30))
    )
    source = ask(recorded(begin, NOON, events=events), NOON)
    largest = await source.largest("BTC")
    assert (largest.usd, largest.side, largest.since_ms) == (900.0, PositionSide.SHORT, begin)
    assert await source.largest("ETH") is None


async def test_nothing_recorded_is_no_zero(ask):
    """Without a record there is no answer; with one, a coin that was not liquidated has a true zero."""
    empty = ask(Batch(), NOON)
    with pytest.raises(MissingError) as error:
        await empty.liquidations("BTC")
    assert error.value.missing.reason is Reason.NOT_RECORDED
    assert await empty.largest("BTC") is None
    block = await ask(recorded(NOON - 2 * HOUR_MS, NOON), NOON).liquidations("ETH")
    assert [(span.window, span.long_usd) for span in block.value.spans] == [("1h", 0.0), ("2h", 0.0)]


async def test_the_heat_of_a_young_record_says_how_young(ask):
    """The picture covers a day, the words the minutes that were recorded."""
    begin = NOON - 10 * MINUTE_MS
    event = Event(begin + 1, "BTC", "okx", "BTC-USDT-SWAP", LIQUIDATION, "long", 900_00, 97_000.0)
    found = (await ask(recorded(begin, NOON, events=(event,)), NOON).heat("BTC", "24h", ())).value
    assert (found.window, found.estimated) == ("10m", False)
    assert sum(usd for _, _, usd in found.cells) == 900.0


async def test_large_trades_of_an_old_record_end_with_it(ask):
    """The trades of the record's last day, not of the hours that nobody recorded."""
    end = NOON - 5 * HOUR_MS
    minutes = tuple(
        FeedMinute(at, "okx", "trades", MINUTE_MS) for at in range(end - 30 * HOUR_MS, end, MINUTE_MS)
    )
    events = tuple(
        Event(end - hours * HOUR_MS, "BTC", "okx", "BTC-USDT-SWAP", ORDER, "buy", 2_000_000_00, 97_000.0)
        for hours in (1, 23, 25)
    )
    block = await ask(Batch((), events, minutes), NOON).whale_trades("BTC", None)
    assert (block.value.count, block.value.from_ms, block.value.to_ms) == (2, end - 24 * HOUR_MS, end)
    assert block.stale


@pytest.mark.parametrize(
    ("minutes", "asked", "drawn"),
    [(10, "24h", "1h"), (60, "24h", "1h"), (61, "24h", "4h"), (200, "4h", "4h"), (2000, "24h", "24h"), (2000, "1h", "1h")],
)
async def test_a_picture_is_no_longer_than_the_record(ask, minutes, asked, drawn):
    """Ten minutes are drawn over an hour and not as a sliver of the day."""
    source = ask(recorded(NOON - minutes * MINUTE_MS, NOON), NOON)
    assert await source.covered(asked) == drawn


async def test_who_asks_the_same_at_the_same_time_shares_the_answer(ask):
    """The database is asked once for all of them, and again for another coin only."""
    now = 40 * HOUR_MS
    source = ask(recorded(now - HOUR_MS, now, forced(now - HOUR_MS, 500)), now)
    first, second = await asyncio.gather(source.liquidations("BTC"), source.liquidations("BTC"))
    assert second is first
    assert await source.liquidations("BTC") is first
    assert await source.liquidations("ETH") is not first
    await source.close()
