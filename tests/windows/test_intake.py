"""What counts once, what is too old, whose coin it is: from frames to windows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, Refusal, TakerSide
from tests.frames import (
    START_MS,
    Feed,
    agg_trade,
    agg_trades_body,
    bybit_order,
    bybit_trade,
    engine,
    force_order,
    mark_price,
    notice,
    okx_order,
    okx_trade,
)
from ws_alert.messages import FeedState, RecordKind
from ws_alert.rules import Rules
from ws_alert.windows.duplicates import TradeIds

BODY = "binance:aggTrades:BTCUSDT"


def orders(feed: Feed, asset: str = "BTC") -> tuple[int, int]:
    """Return (cents, number) of large orders in the window."""
    windows = feed.engine.intake.events(asset).orders.values()
    return sum(one.usd for one in windows), sum(one.count for one in windows)


def forced(feed: Feed, side: PositionSide = PositionSide.LONG, asset: str = "BTC") -> tuple[int, int]:
    """Return (cents, number) of one side's liquidations in the window."""
    window = feed.engine.intake.events(asset).liquidations[side]
    return window.usd, window.count


def test_venues_add_up_to_one_asset() -> None:
    """A linear contract, a contract of 0.01 coins and another venue meet in one window, in cents."""
    feed = Feed()
    feed.binance(0, force_order(START_MS, 1000))
    feed.frame(1, "bybit", bybit_order(START_MS, 2000))
    feed.frame(2, "okx", okx_order(START_MS, 3000))
    assert forced(feed) == (600_000, 3)


def test_the_same_liquidation_counts_once_and_identical_rows_of_a_frame_count() -> None:
    """Two equal rows in one frame are two orders; the frame told again is none."""
    feed = Feed()
    for at in (0, 500):
        feed.frame(at, "bybit", bybit_order(START_MS, 2000, 2000))
    assert forced(feed) == (400_000, 2)
    assert feed.engine.intake.refused[Refusal.DUPLICATE] == 2


def test_liquidations_are_known_again_for_two_minutes() -> None:
    """The memory of duplicates ends, so that it cannot grow for ever."""
    feed = Feed()
    feed.binance(0, force_order(START_MS, 1000))
    feed.note(121_000, RecordKind.TICK, b"")
    feed.note(181_000, RecordKind.TICK, b"")
    assert not feed.engine.intake._liquidations._seen
    assert not feed.engine.intake._liquidations._direct


def test_the_same_trade_counts_once() -> None:
    """A trade id that was seen is a duplicate on every venue; another `seq` of one number is not."""
    feed = Feed()
    for at in (0, 1):
        feed.binance(at, agg_trade(START_MS, 7, 200_000))
        feed.frame(at, "okx", okx_trade(START_MS, 7, 200_000))
        feed.frame(at, "bybit", bybit_trade(START_MS, 7, 200_000))
    assert orders(feed) == (60_000_000, 3)
    assert feed.engine.intake.refused[Refusal.DUPLICATE] == 3


def test_tags_tell_rows_of_one_number_apart() -> None:
    """Rows that share an id count once per tag; the next id starts anew."""
    ids = TradeIds()
    assert [ids.is_new(5, tag) for tag in ("x", "y", "x", "y")] == [True, True, False, False]
    assert [ids.is_new(6, ""), ids.is_new(6, ""), ids.is_new(5, "z")] == [True, False, False]


def test_a_backfill_fills_a_gap_once() -> None:
    """After an interruption the missing ids count once, those already told not again."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS, 10, 200_000))
    feed.note(1000, RecordKind.NOTICE, notice("binance", "trades", FeedState.LIVE, START_MS + 1000))
    feed.binance(2000, agg_trade(START_MS + 2000, 14, 200_000))
    body = agg_trades_body([(START_MS + 1500, number, 200_000) for number in range(10, 15)])
    for at in (3000, 4000):
        feed.body(at, BODY, body)
    assert orders(feed) == (100_000_000, 5)
    assert feed.engine.intake.refused[Refusal.DUPLICATE] == 7


def test_a_jump_without_an_interruption_is_no_gap() -> None:
    """Ids that a venue skipped are not waited for: an older id is a repeat."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS, 10, 200_000))
    feed.binance(1, agg_trade(START_MS, 14, 200_000))
    feed.body(2, BODY, agg_trades_body([(START_MS, 12, 200_000)]))
    assert orders(feed)[1] == 2
    assert feed.engine.intake.refused[Refusal.DUPLICATE] == 1


@pytest.mark.parametrize("absurd", [10**12, 2**53, 2**63 - 2])
def test_an_absurd_id_hides_one_trade_at_most(absurd: int) -> None:
    """A single wrong number in a frame must not make every later trade look old."""
    ids = TradeIds()
    told = [ids.is_new(number, "") for number in (100, 101, absurd, 102, 103, 104, 103, 105)]
    assert told == [True, True, True, False, True, True, False, True]
    ids.interrupted()
    assert [ids.is_new(number, "") for number in (absurd, 106, 107, 107, 108)] == [
        True,
        True,
        True,
        False,
        True,
    ]


def test_ids_that_begin_absurd_become_usable() -> None:
    """The first frame of a contract may be the wrong one; rows that share a number stay apart."""
    ids = TradeIds()
    rows = ((2**60, "a"), (7, "b"), (7, "b"), (8, "c"), (8, "d"), (8, "c"))
    assert [ids.is_new(*row) for row in rows] == [True, True, False, True, True, False]


def test_gaps_are_given_up_after_two_minutes() -> None:
    """A hole that nobody filled is forgotten, and its rows are repeats from then on."""
    ids = TradeIds()
    ids.is_new(1, "")
    ids.interrupted()
    ids.is_new(5, "")
    assert ids.is_new(3, "")
    ids.settle()
    assert ids.is_new(4, "")
    ids.settle()
    ids.settle()
    assert not ids.is_new(2, "")


def test_a_gap_of_a_contract_that_was_quiet_is_filled_too() -> None:
    """A contract without a trade in the warm-up has no last id; its first jump may be backfilled all the same."""
    feed = Feed()
    feed.note(0, RecordKind.NOTICE, notice("binance", "trades", FeedState.LIVE, START_MS))
    feed.binance(2000, agg_trade(START_MS + 2000, 14, 200_000))
    feed.body(3000, BODY, agg_trades_body([(START_MS + 1500, number, 200_000) for number in (13, 14, 12)]))
    assert orders(feed)[1] == 3


@pytest.mark.parametrize(("symbol", "counts"), [("BTCUSDT", 2), ("ETHUSDT", 4), ("", 4)])
def test_a_contract_that_was_quiet_for_minutes_begins_anew(symbol: str, counts: int) -> None:
    """A restart would not know its last id either: what a poll tells of the jump counts with and without one."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS, 10, 20))
    for minute in range(1, 5) if symbol else ():
        at = minute * 60_000
        feed.binance(at, agg_trade(START_MS + at, 10 + minute, 20, symbol=symbol))
    feed.binance(242_000, agg_trade(START_MS + 242_000, 20, 200_000))
    feed.body(
        243_000, BODY, agg_trades_body([(START_MS + 241_000, number, 200_000) for number in (18, 19, 20, 21)])
    )
    assert orders(feed)[1] == counts


@pytest.mark.parametrize(("late", "counts"), [(60_000, True), (60_001, False)])
def test_older_than_a_minute_on_receipt_is_dropped_and_counted(late: int, counts: bool) -> None:
    """History that a venue replays at connect is no news (SEMANTICS 3)."""
    feed = Feed()
    feed.binance(0, force_order(START_MS - late, 1000))
    feed.binance(0, agg_trade(START_MS - late, 1, 200_000))
    feed.binance(0, agg_trade(START_MS - late, 2, 20))
    feed.binance(0, mark_price(START_MS - late, 5.0))
    assert feed.engine.intake.refused[Refusal.TOO_OLD] == (0 if counts else 3)
    assert bool(forced(feed)[1]) == bool(orders(feed)[1]) == counts


def test_an_event_from_the_future_counts_at_its_receipt() -> None:
    """A venue's fast clock cannot push the window ahead of ours."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS + 5000, 1, 20))
    feed.binance(0, agg_trade(START_MS + 5000, 2, 200_000))
    assert feed.engine.intake.events("BTC").newest_ms == START_MS


def test_a_mark_price_moves_no_window() -> None:
    """It is a price only: H stays at the last trade or liquidation."""
    feed = Feed()
    feed.binance(0, force_order(START_MS, 1000))
    feed.binance(9000, mark_price(START_MS + 9000, 110.0))
    events = feed.engine.intake.events("BTC")
    assert events.newest_ms == START_MS
    assert events.tape.range_percent(START_MS + 9000) == 0.0


def test_contracts_of_a_thousand_coins_are_priced_per_coin() -> None:
    """1000PEPE counts for PEPE; amounts stay, prices are of one coin."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS, 1, 12_000, symbol="1000PEPEUSDT", price=0.01))
    feed.binance(1, agg_trade(START_MS, 2, 20, symbol="1000PEPEUSDT", price=0.02))
    feed.binance(2, mark_price(START_MS, 0.03, symbol="1000PEPEUSDT"))
    assert orders(feed, "PEPE") == (1_200_000, 1)
    found = feed.engine.intake.events("PEPE").tape.chart(START_MS, orders=True).price
    assert [(low, high, last) for _, low, high, last in found] == [
        (pytest.approx(1e-5), pytest.approx(3e-5), pytest.approx(3e-5))
    ]


def test_watch_decides_on_nothing_else() -> None:
    """WATCH=ETH reads everything and judges ETH; repeats of the others are still known."""
    feed = Feed(engine(Rules.model_validate({"watch": ("ETH",)})))
    for _ in range(2):
        feed.binance(0, agg_trade(START_MS, 1, 2_000_000))
        feed.binance(0, force_order(START_MS, 2_000_000))
    feed.binance(0, mark_price(START_MS, 5.0))
    assert not feed.verdicts
    feed.binance(0, force_order(START_MS, 600_000, symbol="ETHUSDT"))
    assert [verdict.asset for verdict in feed.rest()] == ["ETH"]


def test_exact_amounts_decide_at_the_floor() -> None:
    """Half a cent below the floor rounds up to it, a tenth less does not: in decimals, not in binary floats."""
    feed = Feed()
    contract = Instrument("binance", "BTCUSDT", "BTC")
    for number, quantity in enumerate((999.99994, 999.99995)):
        feed.engine.intake.trade(contract, number, "", START_MS, True, 100.0, quantity)
    assert orders(feed) == (10_000_000, 1)


def test_absurd_orders_are_refused_by_name() -> None:
    """More than any market ever saw is a broken row, not a whale."""
    feed = Feed()
    contract = Instrument("binance", "BTCUSDT", "BTC")
    feed.engine.intake.trade(contract, 1, "", START_MS, True, 1e9, 1e9)
    assert feed.engine.intake.refused[Refusal.ABSURD_AMOUNT] == 1
    assert feed.engine.intake.samples[0][0] is Refusal.ABSURD_AMOUNT
    assert not orders(feed)[1]


def test_inverse_contracts_count_their_dollars() -> None:
    """The quantity of an inverse contract is dollars already, whatever its price."""
    feed = Feed()
    contract = Instrument("okx", "BTC-USD-SWAP", "BTC", inverse=True, multiplier=Decimal(100))
    feed.engine.intake.trade(contract, 1, "", START_MS, True, 90_000.0, 2_000.0)
    feed.engine.intake.trade(contract, 2, "", START_MS, False, 90_000.0, 2.0)
    assert orders(feed) == (20_000_000, 1)


def test_relayed_rows_are_told_apart_by_content() -> None:
    """CoinGlass tells no ids: equal content within two minutes counts once, and a venue's own row too."""
    feed = Feed()
    intake = feed.engine.intake
    contract = Instrument("bybit", "BTCUSDT", "BTC")
    feed.note(0, RecordKind.TICK, b"")
    intake.source = "coinglass"
    for _ in range(2):
        intake.trade(contract, 5, "content", START_MS, True, 100.0, 2000.0)
    assert orders(feed)[1] == 1
    feed.note(121_000, RecordKind.TICK, b"")
    feed.note(181_000, RecordKind.TICK, b"")
    assert not intake._relayed._seen


def test_quiet_assets_are_forgotten() -> None:
    """After fifteen minutes without an event an asset costs no memory, and works again when it returns."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS, 1, 200_000))
    feed.note(960_000, RecordKind.TICK, b"")
    assert not feed.engine.intake._assets
    feed.binance(961_000, agg_trade(START_MS + 961_000, 2, 200_000))
    assert orders(feed) == (20_000_000, 1)


def test_samples_of_refusals_are_bounded() -> None:
    """A broken feed cannot fill the memory with its details; all are counted."""
    feed = Feed()
    for _ in range(50):
        feed.binance(0, b"not json")
    assert feed.engine.intake.refused[Refusal.MALFORMED] == 50
    assert len(feed.engine.intake.samples) == 20


@pytest.mark.parametrize(
    ("usd", "late", "counted"), [(1000.0, 0, 1), (1009.0, 1000, 1), (1012.0, 0, 2), (1000.0, 1001, 2)]
)
@pytest.mark.parametrize("relay_first", [True, False])
def test_the_same_order_by_relay_and_by_venue_counts_once(usd, late, counted, relay_first) -> None:
    """Within a second and a percent a relayed liquidation is the venue's own one."""
    feed = Feed()
    contract = Instrument("binance", "BTCUSDT", "BTC")
    relayed = Liquidation(contract, START_MS - 2000 - late, PositionSide.LONG, 0.0, round(usd * 100), PriceKind.ORDER,
                          Completeness.SAMPLED)  # fmt: skip
    direct = Liquidation(contract, START_MS - 2000, PositionSide.LONG, 100.0, 100_000, PriceKind.FILL,
                         Completeness.SAMPLED)  # fmt: skip
    feed.engine.advance(START_MS)
    for row in (relayed, direct) if relay_first else (direct, relayed):
        feed.engine.intake.source = "coinglass" if row is relayed else "binance"
        feed.engine.intake.liquidation(row)
    assert forced(feed)[1] == counted


def test_old_rows_of_a_file_are_dropped_too() -> None:
    """A tape whose lines go back more than a minute tells old news like a feed does."""
    feed = Feed()
    contract = Instrument("binance", "BTCUSDT", "BTC")
    feed.engine.advance(START_MS)
    feed.engine.file_trade(contract, START_MS - 60_001, TakerSide.BUY, 1.0, "200000")
    old = Liquidation(
        contract, START_MS - 60_001, PositionSide.LONG, 1.0, 1, PriceKind.FILL, Completeness.ALL
    )
    feed.engine.file_liquidation(old)
    assert feed.engine.intake.refused[Refusal.TOO_OLD] == 2


def test_old_events_of_a_busy_asset_are_freed_each_minute() -> None:
    """A liquidation every 10 s never fills the window's own bound; the sweep still lets the old ones go."""
    feed = Feed()
    for number in range(120):
        feed.binance(number * 10_000, force_order(START_MS + number * 10_000, 1000 + number))
    kept = feed.engine.intake.events("BTC").liquidations[PositionSide.LONG].since(0)
    assert len(kept) <= 3 + 6 + 6  # the window, one latest arrival, and since the last sweep


tagged = st.tuples(st.integers(0, 12), st.sampled_from("abc"), st.booleans())


@given(st.lists(tagged, max_size=60), st.integers(0, 3))
def test_tagged_rows_count_as_their_numbers_and_tags_say(rows: list[tuple], start: int) -> None:
    """Rows that take the short way are known like all others, also over interruptions."""
    intake, ids, counted, expected = engine().intake, TradeIds(), 0, 0
    contract = Instrument("bybit", "BTCUSDT", "BTC")
    intake.at(START_MS)
    intake.source = "bybit"
    intake.trade(contract, start, "first", START_MS, True, 100.0, 0.001)
    ids.is_new(start, "first")
    for number, tag, interrupted in rows:
        if interrupted:
            intake.interrupted("bybit")
            ids.interrupted()
        before = intake.events("BTC").tape.bought
        intake.trade(contract, number, tag, START_MS, True, 100.0, 0.001)
        counted += intake.events("BTC").tape.bought > before
        expected += ids.is_new(number, tag)
        assert counted == expected
