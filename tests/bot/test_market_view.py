"""/market: from the tape and the decisions to the card, the picture and the buttons."""

from __future__ import annotations

import pytest

from bot.answers import ALERT_BOT, TAPE, Block, Missing, MissingError, Reason, known
from bot.commands.samples import NOW_MS, samples
from bot.replies import MarketViewReply
from bot.sources.tape import TapeSource
from bot.views.card import text
from bot.views.market_view import market_view
from bot.views.origin import Context
from teleglas.charts.picture import MarketPicture
from teleglas.heartbeat import Heartbeat
from teleglas.language import load_words
from teleglas.market_view import Found, MarketRows, view
from teleglas.storage import notes, tape
from teleglas.storage.store import Store, open_store
from teleglas.storage.thread import StoreThread
from teleglas.tape import LIQUIDATION, MINUTE_MS, Bar, Batch, FeedMinute
from teleglas.telegram.text import plain
from tests.storage.rows import commit, verdict

HOUR_MS = 60 * MINUTE_MS
CONTEXT = Context(load_words("bot")["en"], NOW_MS)
QUIET: Block = known((), TAPE, NOW_MS)


@pytest.fixture
async def store():
    """Return an empty database in memory."""
    thread = StoreThread(open_store("sqlite://"))
    yield thread
    await thread.close()


def _seen(rows: MarketRows, storms: Block = QUIET) -> str:
    """Return the card of a view as a person reads it."""
    block = known(view(rows), TAPE, NOW_MS, since_ms=rows.from_ms, coverage=1.0)
    return plain(text(market_view(MarketViewReply("1h", block, storms), CONTEXT)))


def _rows(*bars: Bar, venues: tuple[str, ...] = ("bybit",), live_ms: int = MINUTE_MS, **given) -> MarketRows:
    first = NOW_MS - HOUR_MS
    minutes = tuple(
        FeedMinute(at, venue, "liquidations", live_ms)
        for venue in venues
        for at in range(first, NOW_MS, MINUTE_MS)
    )
    return MarketRows(first, NOW_MS, 300_000, NOW_MS, tuple(bars), minutes=minutes, **given)


def _bar(usd: int, *, asset: str = "BTC", venue: str = "bybit", side: str = "long") -> Bar:
    return Bar(NOW_MS - 1_800_000, asset, venue, LIQUIDATION, side, usd, 1)


def test_at_least_only_where_something_may_be_missing():
    """A venue that publishes everything, wholly seen, is told exactly; a sampled one as a lower bound."""
    exact = _seen(_rows(_bar(1_299_000_00)))
    assert exact.startswith("The market in 1h: $1.30M liquidated, 100% of it longs; storms in 0/1 coins")
    assert "at least" not in exact
    sampled = _seen(_rows(_bar(1_299_000_00, venue="okx"), venues=("okx",)))
    assert sampled.startswith("The market in 1h: at least $1.29M liquidated")
    short = _seen(_rows(_bar(1_299_000_00), live_ms=30_000))
    assert short.startswith("The market in 1h: at least $1.29M liquidated")
    assert "Seen of 1h: 50%" in short


def test_share_in_storm_and_imbalance():
    """One of four coins had a storm; longs are three quarters, three times the shorts."""
    bars = [
        _bar(300_00),
        *(_bar(n, asset=asset, side="short") for asset, n in (("ETH", 50_00), ("SOL", 49_00), ("XRP", 1_00))),
    ]
    storm = Found("liquidation_storm", "BTC", "long", NOW_MS - 1_800_000, 300_00, ended=True)
    shown = _seen(
        _rows(*bars, found=(storm,)), known((("ETH", "short"), ("ETH", "long")), TAPE, NOW_MS - 9_000)
    )
    assert "Longs $300 (75%), shorts $100; longs/shorts 3.00" in shown
    assert "In 1h: 1 storm, in 1 of 4 coins with liquidations (25.0%)" in shown
    assert "In storm now: ETH short, ETH long; 25.0% of the coins (told 9 s ago)" in shown
    assert "Largest storm: BTC long $300, 11:30" in shown


def test_what_is_not_known_is_said():
    """A silent alert bot, an hour without a record, and no tape at all are three different things, none of them zero."""
    silent: Block = Block(missing=Missing(Reason.NO_ANSWER, ALERT_BOT))
    assert "Not known: storms now (the alert bot did not answer)" in _seen(_rows(_bar(1)), silent)
    gap = _rows(_bar(100_00))
    shown = _seen(
        MarketRows(gap.from_ms, gap.to_ms, gap.bucket_ms, NOW_MS, gap.bars, minutes=gap.minutes[:30])
    )
    assert "Not recorded: 11:30–12:00" in shown
    blind = _seen(_rows(live_ms=0))
    assert blind.startswith("The market in 1h: nothing was seen")
    assert "$" not in blind
    none: Block = Block(missing=Missing(Reason.NOT_RECORDED, TAPE))
    card = market_view(MarketViewReply("24h", none, none), CONTEXT)
    assert plain(text(card)).startswith(
        "Not known: the market in 24h (the alert bot has recorded nothing yet)"
    )
    assert card.picture is None


def test_a_quiet_hour_that_was_seen_is_a_zero():
    """Where every feed was complete, nothing liquidated is news."""
    assert _seen(_rows()).startswith("The market in 1h: no liquidation was recorded")


def test_the_picture_is_of_the_same_figures():
    """What stands on the picture stands in the card."""
    card = samples(CONTEXT)["market"]
    picture = card.picture
    assert isinstance(picture, MarketPicture)
    shown = plain(text(card))
    for said in (
        picture.title.removesuffix(" liquidated"),
        picture.up.split(" ", 1)[1],
        picture.rows[0].value,
    ):
        assert said.removeprefix("≥ ") in shown
    assert len(picture.bars) == 24
    assert picture.shade_ms in {row[0] for row in picture.bars}


async def test_the_source_reads_tape_decisions_and_heartbeat(store):
    """The window holds what lies in it, the storms of now are the alert bot's own word, and only while it is fresh."""
    source = TapeSource(store, lambda: NOW_MS + 20_000)
    with pytest.raises(MissingError):
        await source.market_view("1h")
    with pytest.raises(MissingError):
        await source.storms()
    old, new = (Bar(at, "BTC", "okx", LIQUIDATION, "long", 100_00, 1) for at in (NOW_MS - HOUR_MS, NOW_MS))
    minutes = tuple(FeedMinute(NOW_MS - at * MINUTE_MS, "okx", "liquidations", MINUTE_MS) for at in range(90))
    await store.run(tape.record, Batch(bars=(old, new), minutes=minutes))
    given = {"kind": "liquidation_storm", "direction": "long", "asset": "BTC", "episode_ms": NOW_MS}
    await store.run(Store.commit, commit(verdicts=[verdict(decided_ms=NOW_MS + 1, **given)]))
    block = await source.market_view("1h")
    assert block.value is not None
    assert (block.value.usd, block.value.storms, block.value.storm_assets, block.value.assets) == (
        100_00,
        1,
        1,
        1,
    )
    assert (block.value.coverage_percent, block.value.gaps, len(block.value.buckets)) == (100, (), 12)
    day = await source.market_view("24h")
    assert day.value is not None
    # It is recorded for an hour and a half only, and what was not recorded is no part of it.
    assert (day.value.usd, day.value.from_ms) == (200_00, NOW_MS - 89 * MINUTE_MS)
    shown = plain(text(market_view(MarketViewReply("24h", day, QUIET), CONTEXT)))
    assert shown.startswith("The market in 1h29m: at least $200 liquidated")
    said = Heartbeat(NOW_MS, 0, "1", storms=(("BTC", "long"),))
    await store.run(notes.beat, notes.ALERT_PROCESS, said)
    assert (await source.storms()).value == (("BTC", "long"),)
    late = TapeSource(store, lambda: NOW_MS + 61_000)
    with pytest.raises(MissingError) as silent:
        await late.storms()
    assert silent.value.missing == Missing(Reason.NO_ANSWER, ALERT_BOT)
