"""From frames to the message: the alerts of the analysis kinds carry the rows, chart, coverage and rule that fired them."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.telegram.text import plain
from tests.frames import START_MS, Feed, agg_trade, engine, force_order, notice
from tests.test_polled_levels import MINUTE, fund, held
from ws_alert.delivery.render import render
from ws_alert.messages import Action, Alert, FeedState, Kind, RecordKind
from ws_alert.rules import Rules

HUNT, FLOW, CASCADE, WINDOW = (
    Kind.STOP_HUNT, Kind.ORDER_FLOW, Kind.MARKET_CASCADE, Kind.WHALE_ACCUMULATION_WINDOW,
)  # fmt: skip


def feed(**fields) -> Feed:
    """Return a feed of an engine that asks for no confirmation."""
    return Feed(engine(Rules.model_validate({"require_confirmation": [], **fields})))


def only(*kinds: Kind) -> dict[str, bool]:
    """Switch every other detector off, so that nothing larger leads the message."""
    every = ("large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster", "market_cascade", "stop_hunt",
             "order_flow", "whale_accumulation_window", "funding_extreme", "oi_divergence", "volume_spike")  # fmt: skip
    return {name: name in {kind.value for kind in kinds} for name in every}


def order(at: int, usd: float, **more) -> bytes:
    """Return one liquidation of Binance."""
    return force_order(START_MS + at, usd, **more)


class Tape:
    """Trades of Binance, numbered."""

    def __init__(self, fed: Feed) -> None:
        self.fed, self.number = fed, 1_000

    def trade(self, at: int, usd: float, **more) -> None:
        """Feed one taker order at its own time."""
        self.number += 1
        self.fed.binance(at, agg_trade(START_MS + at, self.number, usd, **more))


def told(fed: Feed, kind: Kind, *, final: bool = False) -> Alert:
    """Return what was sent of a kind, or its last edit."""
    return next(
        verdict.alert
        for verdict in fed.verdicts
        if verdict.alert and verdict.kind is kind and verdict.alert.final is final
    )


def words(alert: Alert) -> list[str]:
    """Return the message's lines."""
    return plain(render(alert).html).split("\n")


def hunted(*, long: bool) -> Feed:
    """Flush one side of BTC, then take the other side of it."""
    fed = feed(detectors=only(HUNT))
    tape, sign = Tape(fed), -1 if long else 1
    for family in ("liquidations", "trades"):
        fed.note(0, RecordKind.NOTICE, notice("binance", family, FeedState.LIVE, START_MS - 60_000))
    tape.trade(500, 500, price=100.0)
    for step in range(5):
        fed.binance(
            2_000 + step * 1_000,
            order(2_000 + step * 1_000, 900_000, long=long, price=100.0 + sign * step * 0.1),
        )
    fed.binance(7_500, order(7_500, 300_000, long=not long, price=100.0))
    tape.trade(8_000, 250_000, buy=not long, price=99.0)  # with the flush: absorbs nothing
    tape.trade(9_000, 950_000, buy=long, price=99.7 if long else 100.3)
    fed.rest()
    return fed


@pytest.mark.parametrize("long", [True, False])
def test_a_stop_hunt_shows_the_flush_and_what_absorbed_it(long):
    """Its rows are the liquidations and the orders against them; the zone is theirs; the chart is of liquidations."""
    alert = told(hunted(long=long), HUNT)
    side, against = ("long", "buy") if long else ("short", "sell")
    assert alert.direction == side
    assert [row.side for row in alert.top] == [against, side, side, side, side]
    assert alert.sampled
    assert alert.chart is not None
    assert alert.chart.bars_are == "liquidations"
    assert {row.venue for row in alert.coverage} == {"binance"}
    assert len(alert.coverage) == 2  # both feeds
    zone = (99.6, 100.0) if long else (100.0, 100.4)
    assert render(alert).picture.zone == pytest.approx(zone)
    lines = words(alert)
    assert (
        lines[0]
        == f"BTC: stop hunt of {side}s: at least $4.80M liquidated in 30 s, $950K of large {against}s against it"
    )
    assert (
        f"Absorption: 1 large {against}, $950K, against the forced {'sells' if long else 'buys'} · score 99 of 99"
        in lines
    )
    assert (
        "Rule: more than $2M liquidated in 30 s, 60 % of it one side; then more than $100K of large orders against it"
        in lines
    )
    ended = told(hunted(long=long), HUNT, final=True)
    assert "total at least $4.80M in 6 liquidations" in words(ended)[0]


def flowing(side: str, **rules) -> Feed:
    """Trade BTC for six minutes, mostly one side, with large orders of it in between, at a price that hardly moves."""
    fed = feed(**rules)
    tape = Tape(fed)
    for second in range(360):
        tape.trade(second * 1_000, 30_000, buy=side == "buy", price=100.0 + second % 2 * 0.01)
        tape.trade(second * 1_000 + 300, 9_000, buy=side != "buy", price=100.0)
        if second % 40 == 20:
            tape.trade(second * 1_000 + 600, 400_000, buy=side == "buy", price=100.01)
    fed.rest()
    return fed


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_order_flow_shows_all_takers_and_the_large_orders_of_its_side(side):
    """Totals of five minutes, the large orders as rows, the orders' chart, the price's way, no sample."""
    fed = flowing(side, detectors=only(FLOW))
    alert = told(fed, FLOW)
    assert {row.side for row in alert.top} == {side}
    assert {row.usd for row in alert.top} == {400_000_00}
    assert not alert.sampled
    assert alert.chart is not None
    assert alert.chart.bars_are == "orders"
    assert alert.facts.price_from is not None
    lines = words(alert)
    did = "accumulation: takers bought" if side == "buy" else "distribution: takers sold"
    assert lines[0].startswith(f"BTC: {did} $")
    assert f"Large {side}s by venue: Binance " in "\n".join(lines)
    assert (
        f"Rule: more than 65 % of the taker flow of 5 min on one side, with at least 3 large {side}s" in lines
    )
    assert sum(part.points for part in alert.score_parts) == alert.score


def test_a_flow_that_ended_late_still_shows_the_orders_that_it_was_found_by():
    """Its last edit comes minutes after its last finding, when the largest of them may be forgotten."""
    fed = feed(detectors=only(FLOW))
    tape = Tape(fed)
    tape.trade(0, 1_100_000, buy=True)
    tape.trade(500, 900_000, buy=True)
    tape.trade(1_000, 20, buy=False)
    tape.trade(250_000, 150_000, buy=True)
    tape.trade(251_000, 20, buy=False)
    for second in range(300, 500, 20):
        tape.trade(second * 1_000, 20, buy=False)
    fed.rest()
    sent, last = told(fed, FLOW), told(fed, FLOW, final=True)
    assert [row.usd for row in sent.top] == [1_100_000_00, 900_000_00, 150_000_00]
    assert last.release_ms - last.event_ms >= 60_000
    assert last.release_ms - START_MS > 360_000
    assert last.top == sent.top


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_accumulation_window_shows_its_orders_of_three_minutes(side):
    """Rows older than the storms' window are there too, as long as the rule's own window."""
    fed = flowing(side, detectors=only(WINDOW))
    alert = told(fed, WINDOW)
    assert len(alert.top) >= 3
    assert {row.side for row in alert.top} == {side}
    assert alert.top[0].event_ms - min(row.event_ms for row in alert.top) <= 180_000
    assert max(row.event_ms for row in alert.top) - min(row.event_ms for row in alert.top) > 30_000
    assert "Price range 0.01 % in 3 min (flat: at most 0.15 %)" in words(alert)


def test_what_waited_for_a_second_kind_shows_the_orders_that_it_was_found_by():
    """Not those that came while it waited, at prices that its own sentence would contradict."""
    fed = feed(
        detectors=only(WINDOW, Kind.LIQUIDATION_STORM), require_confirmation=["whale_accumulation_window"]
    )
    tape = Tape(fed)
    for second in range(4):
        tape.trade(second * 1_000, 400_000, price=100.0)
    tape.trade(8_000, 450_000, price=101.0)
    for at in (9_000, 9_001):
        fed.binance(at, order(at, 9_000_000, long=False, price=101.0))
    fed.rest()
    alert = told(fed, WINDOW)
    assert [row.usd for row in alert.top] == [400_000_00] * 4
    assert alert.facts.range_pct == 0.0
    assert alert.release_ms >= START_MS + 9_000


@pytest.mark.parametrize("pause", [0, 2])
def test_order_flow_tells_the_price_of_its_own_seconds(pause):
    """Its five minutes end before the second that closed them, in which the price may be another already."""
    fed = feed(detectors=only(FLOW))
    tape = Tape(fed)
    for second in range(0, 200, 1 + pause):
        tape.trade(second * 1_000, 30_000, price=100.0 + second)
        if second % 20 == 0:
            tape.trade(second * 1_000 + 600, 400_000, price=100.0 + second)
    fed.rest()
    alert = told(fed, FLOW)
    passed = (alert.event_ms - START_MS) // 1_000
    inside = [100.0 + second for second in range(0, passed, 1 + pause)]
    assert alert.facts.price_from == 100.0
    assert alert.facts.price_to == inside[-1]


def test_a_cascade_shows_the_largest_liquidations_of_its_storms():
    """Six coins' storms become one message of the market with their rows, coverage of liquidations only, and bars."""
    fed = feed(detectors=only(CASCADE, Kind.LIQUIDATION_STORM))
    for family in ("liquidations", "trades"):
        fed.note(0, RecordKind.NOTICE, notice("binance", family, FeedState.LIVE, START_MS - 60_000))
    for index, coin in enumerate(("SOL", "DOGE", "AVAX", "LINK", "LTC", "SUI")):
        for part in range(2):
            at = 1_000 + index * 4_000 + part * 100
            fed.binance(at, order(at, 700_000 + index * 10_000, long=index != 1, symbol=f"{coin}USDT"))
    fed.rest()
    alert = told(fed, CASCADE)
    assert (alert.asset, alert.direction) == ("MARKET", "long")
    assert len(alert.top) == 5
    told_of = {(storm.asset, storm.direction) for storm in alert.facts.storms}
    assert {(row.symbol.removesuffix("USDT"), row.side) for row in alert.top} <= told_of
    assert alert.sampled
    assert alert.chart is None
    assert [row.venue for row in alert.coverage] == ["binance"]
    lines = words(alert)
    assert lines[0].startswith("MARKET: liquidation storms on 5 assets within 1 min: at least $")
    assert "Rule: storms that begin on at least 5 assets within 1 min" in lines
    last = words(told(fed, CASCADE, final=True))
    assert last[0].startswith("MARKET: over after ")
    assert "total" not in last[0]


def test_funding_and_open_interest_have_pictures_of_their_own_figures():
    """No tape, no coverage of trades; each venue's figure and the threshold that decided."""
    fed = feed()
    fund(fed, 0, BTCUSDT="0.0025")
    fed.rest()
    alert = told(fed, Kind.FUNDING_EXTREME)
    assert (alert.chart, alert.coverage, alert.top) == (None, (), ())
    picture = render(alert).picture
    assert [(row.label, row.note) for row in picture.rows] == [("Binance BTCUSDT, every 8 h", "+0.2500 %")]
    assert picture.marks == ((0.1, "threshold 0.1 %"),)
    assert words(alert)[0] == "BTC: funding +0.2500 % per 8 h on Binance, longs pay shorts"

    fed = feed()
    for minute in range(17):
        fund(fed, minute * MINUTE, BTCUSDT="0.0001")
        held(fed, minute * MINUTE, "binance", 2e9 * (1 + 0.005 * max(0, minute - 5)))
        held(fed, minute * MINUTE + 1_000, "bybit", 3e9 * (1 - 0.003 * max(0, minute - 5)))
    fed.rest()
    alert = told(fed, Kind.OI_DIVERGENCE)
    assert (alert.chart, alert.coverage, alert.top) == (None, (), ())
    lines = words(alert)
    assert lines[0].startswith("BTC: open interest rose ")
    assert "Rule: up at least 1.5 % on one venue and down at least 0.5 % on the sum of the others" in lines


def test_a_level_ends_with_its_length():
    """Its last edit tells how long it was satisfied, and no total."""
    fed = feed()
    for minute in range(12):
        fund(fed, minute * MINUTE, BTCUSDT="0.0025" if minute < 6 else "0.0001")
    fed.rest()
    ended = told(fed, Kind.FUNDING_EXTREME, final=True)
    assert (ended.total_usd, ended.total_count) == (0, 0)
    assert words(ended)[0] == "BTC: over after 5 min: funding was +0.2500 % per 8 h on Binance when last told"


def test_what_supports_a_finding_is_told_with_it():
    """An order flow that waited for another kind names it."""
    rules = {"require_confirmation": ["order_flow"], "detectors": only(FLOW, Kind.WHALE_TRADE)}
    fed = flowing(
        "buy",
        **rules,
        thresholds={"whale_trade": {"majors_usd": 400_000, "large_cap_usd": 1, "mid_cap_usd": 1}},
    )
    sent = [verdict for verdict in fed.verdicts if verdict.action is Action.SEND and verdict.kind is FLOW]
    assert sent
    supporting = {line.kind for line in sent[0].alert.supported_by} | {
        line.kind for line in sent[0].alert.folded
    }
    assert Kind.WHALE_TRADE in supporting
    assert any(line.startswith("Also") for line in words(sent[0].alert))


def test_alerts_of_the_engine_survive_the_outbox():
    """What was really found is stored as JSON and comes back whole."""
    for fed in (hunted(long=True), flowing("sell")):
        for verdict in fed.verdicts:
            if verdict.alert:
                assert msgspec.json.decode(msgspec.json.encode(verdict.alert), type=Alert) == verdict.alert
