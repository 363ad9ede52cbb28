"""Funding and open interest through the whole engine: bodies of polls in, one message for each episode out."""

from __future__ import annotations

import json

from tests.frames import START_MS, Feed, agg_trade, engine
from ws_alert.messages import Action, Kind, RecordKind
from ws_alert.rules import Rules

MINUTE = 60_000


def rates(at: int, **rate: str) -> bytes:
    """Return Binance's list of funding rates, `at` ms after the start."""
    rows = [
        {"symbol": symbol, "markPrice": "100000.0", "lastFundingRate": text, "time": START_MS + at}
        for symbol, text in rate.items()
    ]
    return json.dumps(rows).encode()


def fund(feed: Feed, at: int, **rate: str) -> list:
    """Feed one poll of Binance's funding."""
    feed.body(at, "binance:fundingInfo:*", b"[]")
    return feed.body(at, "binance:premiumIndex:*", rates(at, **rate))


def held(feed: Feed, at: int, venue: str, usd: float) -> list:
    """Feed one venue's open interest in BTC."""
    if venue == "binance":
        body = {"symbol": "BTCUSDT", "openInterest": f"{usd / 100_000:.8f}", "time": START_MS + at}
        return feed.body(at, "binance:openInterest:*", json.dumps(body).encode())
    row = {"symbol": "BTCUSDT", "fundingRate": "", "singleOpenInterestValue": f"{usd:.2f}"}
    body = {"retCode": 0, "result": {"list": [row]}, "time": START_MS + at}
    return feed.body(at, "bybit:tickers:*", json.dumps(body).encode())


def phases(feed: Feed) -> list[tuple[str, str, str, int]]:
    """Return starts and ends: (phase, asset, direction, event time since the start)."""
    return [(one.phase, one.asset, one.direction, one.event_ms - START_MS) for one in feed.engine.phases]


def test_extreme_funding_is_told_once_and_ends_a_minute_after_it_was_low() -> None:
    """Ten polls above the threshold are one message; dips to 80 % do not end it."""
    feed = Feed()
    texts = [
        "0.00099",
        "0.001",
        "0.0012",
        "0.0008",
        "0.003",
        "0.0007999",
        "0.0009",
        "0.0007",
        "0.0007",
        "0.0007",
    ]
    for minute, text in enumerate(texts):
        fund(feed, minute * MINUTE, BTCUSDT=text)
    feed.note(11 * MINUTE, RecordKind.TICK, b"")
    sends = [one for one in feed.verdicts if one.action is Action.SEND]
    assert [(one.kind, one.asset, one.direction) for one in sends] == [(Kind.FUNDING_EXTREME, "BTC", "long")]
    assert sends[0].alert is not None
    assert sends[0].alert.facts.extreme_8h == 0.1
    assert phases(feed) == [("start", "BTC", "long", MINUTE), ("end", "BTC", "long", 4 * MINUTE)]


def test_both_directions_and_several_assets_are_their_own_episodes() -> None:
    """Shorts pay a negative rate."""
    feed = Feed()
    fund(feed, 0, BTCUSDT="-0.001", ETHUSDT="0.002", SOLUSDT="-0.0009")
    assert phases(feed) == [("start", "BTC", "short", 0), ("start", "ETH", "long", 0)]
    fund(feed, MINUTE, BTCUSDT="0.001")
    assert phases(feed)[2:] == [("start", "BTC", "long", MINUTE)]


def test_a_venue_that_falls_silent_ends_its_episode() -> None:
    """Three polls later its rate counts no more, and a minute after that the episode is over."""
    feed = Feed()
    fund(feed, 0, BTCUSDT="0.002")
    for minute in range(1, 8):
        fund(feed, minute * MINUTE, ETHUSDT="0.0001")
    assert phases(feed) == [("start", "BTC", "long", 0), ("end", "BTC", "long", 0)]


def test_divergence_is_told_with_both_sides_of_it() -> None:
    """Binance gains what Bybit loses within a quarter of an hour."""
    feed = Feed()
    for minute in range(17):
        fund(feed, minute * MINUTE, BTCUSDT="0.0001")
        held(feed, minute * MINUTE, "binance", 1_000_000 if minute < 15 else 1_015_000)
        held(feed, minute * MINUTE + 1, "bybit", 400_000 if minute < 15 else 398_000)
    assert phases(feed) == [("start", "BTC", "neutral", 15 * MINUTE + 1)]
    feed.note(17 * MINUTE, RecordKind.TICK, b"")
    (send,) = [one for one in feed.verdicts if one.action is Action.SEND]
    assert (send.kind, send.usd, send.count) == (Kind.OI_DIVERGENCE, 1_500_000, 2)
    assert send.alert is not None
    assert (send.alert.facts.venue, send.alert.facts.others) == ("binance", ("bybit",))


def test_what_is_off_or_not_watched_is_not_judged() -> None:
    """The switches and WATCH hold for polled kinds too."""
    off = Rules.model_validate({"detectors": {"funding_extreme": False, "oi_divergence": False}})
    for rules in (off, Rules.model_validate({"watch": "SOL"})):
        feed = Feed(engine(rules))
        fund(feed, 0, BTCUSDT="0.01")
        for minute, usd in ((0, 1e6), (15, 2e6)):
            held(feed, minute * MINUTE, "binance", usd)
            held(feed, minute * MINUTE, "bybit", 2e6 - usd / 2)
        assert phases(feed) == []


def test_warming_only_refills() -> None:
    """Bodies from before a restart are known afterwards and tell nothing."""
    feed = Feed()
    feed.engine.warming = True
    fund(feed, 0, BTCUSDT="0.002")
    feed.engine.warming = False
    assert phases(feed) == []
    (rate,) = feed.engine.intake.interest.of("BTC").rates(START_MS)
    assert float(rate.percent_8h) == 0.2


def test_a_poll_does_not_slow_the_tape_down() -> None:
    """A body of all contracts is no sign that trades of any were missed."""
    feed = Feed()
    feed.binance(0, agg_trade(START_MS, 7, 100))
    fund(feed, 1, BTCUSDT="0.0001")
    (contract,) = feed.engine.intake._contracts.values()
    assert contract.last_id == 7


def test_a_rate_is_told_with_its_open_interest_from_the_first_poll_on() -> None:
    """Venues that tell both in one body: what is paid on stands in the first message already."""
    row = {
        "symbol": "BTCUSDT",
        "fundingRate": "0.001",
        "fundingIntervalHour": "8",
        "singleOpenInterestValue": "55.5",
    }
    bybit = {"retCode": 0, "result": {"list": [row]}, "time": START_MS}
    state = {"funding": "0.001", "openInterest": "2", "markPx": "3.5"}
    hyperliquid = [{"universe": [{"name": "SOL"}]}, [state]]
    feed = Feed()
    feed.body(0, "bybit:tickers:*", json.dumps(bybit).encode())
    feed.body(0, f"hyperliquid:metaAndAssetCtxs:@{START_MS}", json.dumps(hyperliquid).encode())
    assert [one.venues for one in feed.engine.phases] == [(("bybit", 5_550),), (("hyperliquid", 700),)]
