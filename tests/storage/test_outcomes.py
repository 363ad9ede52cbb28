"""What followed the alerts, and the tape of prices, on both databases."""

from __future__ import annotations

import msgspec

from teleglas.outcomes import Move
from teleglas.storage import outcomes as verbs
from teleglas.storage.history import sent_alerts
from teleglas.storage.outcomes import followed, measured_by_kind, open_outcomes, settle
from teleglas.storage.prices import keep_prices, prices, prune_prices
from teleglas.storage.store import open_store
from teleglas.tape import MINUTE_MS, PriceMinute
from tests.storage.rows import commit, message, outcome, verdict

HOUR = 60 * MINUTE_MS
STORM = "liquidation_storm"
NOW = 1_800_000_000_000 // HOUR * HOUR


def price(minute, last=100.1, asset="BTC"):
    """Return a minute of the tape of prices."""
    return PriceMinute(NOW + minute * MINUTE_MS, asset, last - 1.5, last + 0.25, last)


def test_minutes_come_back_as_they_were(store):
    """Over the border of an hour and in several writes; other assets and other times stay out."""
    rows = [price(minute, 100 + minute / 7) for minute in (-61, -1, 0, 1, 59, 60)]
    keep_prices(store, rows[::2])
    keep_prices(store, [*rows[1::2], price(1, 5.0, "ETH"), price(130, 6.0, "ETH")])
    assert prices(store, "BTC", 0, NOW + 2 * HOUR) == rows
    assert prices(store, "BTC", NOW, NOW + HOUR) == rows[2:5]
    assert prices(store, "BTC", NOW + MINUTE_MS, NOW + MINUTE_MS + 1) == rows[3:4]
    assert prices(store, "SOL", 0, NOW + HOUR) == []


def test_a_minute_that_comes_again_stays_as_it_was(store):
    """After a restart the last minutes are read once more, the first of them perhaps in part."""
    keep_prices(store, [price(0)])
    keep_prices(store, [price(0, 7.0), price(1, 8.0)])
    assert prices(store, "BTC", 0, NOW + HOUR) == [price(0), price(1, 8.0)]


def test_old_hours_of_prices_are_forgotten(store):
    """An hour goes when its last minute is older than the limit."""
    keep_prices(store, [price(-61), price(-60), price(-1), price(0)])
    assert prune_prices(store, NOW - 1) == 1
    assert prune_prices(store, NOW) == 1
    assert prices(store, "BTC", 0, NOW + HOUR) == [price(0)]


def test_an_episode_is_counted_once(store, url):
    """However many chats hear of it and however often it is told; the first alert's price counts, also for the next process."""
    store.commit(commit(message("a"), outcomes=[outcome(), outcome(event_ms=1_500, prices=(("BTC", 5.0),))]))
    store.commit(commit(message("b"), outcomes=[outcome(event_ms=2_000), outcome(direction="short")]))
    other = outcome(kind="candle_confluence", direction="bullish", timeframe="1m")
    store.commit(commit(outcomes=[other, msgspec.structs.replace(other, timeframe="5m")]))
    store.close()
    again = open_store(url)
    found = open_outcomes(again, 9)
    assert [each.event_ms for each in found] == [999, 999, 999, 999]
    assert found[0].prices == (("BTC", 97_525.5),)
    assert len(open_outcomes(again, 2)) == 2
    again.close()


def test_horizons_are_measured_one_by_one(store):
    """What is known stays; an alert without an open horizon is not looked at again."""
    store.commit(commit(outcomes=[outcome()]))
    (begun,) = open_outcomes(store, 9)
    first = Move(5, -0.5, 0.1, -0.75, 0.5, 0.4)
    settle(store, begun.outcome_id, [first], settled=False)
    settle(store, begun.outcome_id, [Move(5, 9.0), Move(15, 0.25)], settled=False)
    (still,) = open_outcomes(store, 9)
    assert still.known == (5, 15)
    assert [each.move for each in followed(store, STORM, 5)] == [first]
    settle(store, begun.outcome_id, [Move(60)], settled=True)
    assert open_outcomes(store, 9) == []
    assert followed(store, STORM, 60) == [], "a price that was not seen is no outcome"
    assert (measured_by_kind(store, 60), measured_by_kind(store, 15)) == ({}, {STORM: 1})
    (known,) = followed(store, STORM, 15)
    assert (known.kind, known.direction, known.strength, known.move) == (
        "liquidation_storm", "long", 4.5, Move(15, 0.25),
    )  # fmt: skip


def test_a_record_is_made_of_the_newest_of_each_kind(store, monkeypatch):
    """Kinds do not crowd each other out."""
    monkeypatch.setattr(verbs, "MOST_OF_A_KIND", 2)
    rare = outcome(kind="stop_hunt", event_ms=1, strength=None)
    store.commit(commit(outcomes=[rare, *(outcome(episode_ms=at, event_ms=at) for at in (10, 30, 20))]))
    for each in open_outcomes(store, 9):
        settle(store, each.outcome_id, [Move(15, float(each.event_ms))], settled=False)
    assert [each.move.move for each in followed(store, STORM, 15)] == [30.0, 20.0]
    assert [(each.strength, each.move.move) for each in followed(store, "stop_hunt", 15)] == [(None, 1.0)]
    assert measured_by_kind(store, 15) == {STORM: 3, "stop_hunt": 1}, "all of them are counted"


def test_a_market_that_is_not_real_has_a_record_of_its_own(store):
    """Made-up prices prove nothing about real ones."""
    store.commit(commit(outcomes=[outcome(simulated=True), outcome(episode_ms=5, event_ms=5)]))
    for each in open_outcomes(store, 9):
        settle(store, each.outcome_id, [Move(15, float(each.event_ms))], settled=False)
    assert [each.move.move for each in followed(store, STORM, 15)] == [5.0]
    assert [each.move.move for each in followed(store, STORM, 15, simulated=True)] == [999.0]
    assert measured_by_kind(store, 15) == measured_by_kind(store, 15, simulated=True) == {STORM: 1}


def test_alerts_come_with_what_followed_them(store):
    """Or with the reason why that is not known; a second chat makes no second line."""
    rows = [
        verdict(alert_id=name, event_ms=at, episode_ms=episode, step=step, decided_ms=at)
        for name, at, episode, step in (
            ("a", 1, 1, 0), ("b", 2, 2, 0), ("c", 3, 3, 0), ("d", 4, 4, 0), ("e", 5, 4, 1), ("f", 6, 6, 0), ("g", 6, 6, 0),
        )
    ]  # fmt: skip
    begun = [
        outcome(event_ms=at, episode_ms=at, **({"prices": ()} if at == 1 else {})) for at in (1, 2, 3, 4)
    ]
    messages = [message(name, target=name) for name in "abcdefg"]
    store.commit(commit(*messages, verdicts=rows, outcomes=begun))
    for each in open_outcomes(store, 9):
        moves = {1: [Move(15)], 2: [Move(5, 1.0)], 3: [Move(15)], 4: [Move(15, -0.75), Move(60, 3.0)]}[
            each.event_ms
        ]
        settle(store, each.outcome_id, moves, settled=False)
    assert [(each.event_ms, each.outcome, each.move) for each in sent_alerts(store, 9)] == [
        (6, "unknown", None), (5, "again", None), (4, "measured", -0.75), (3, "unseen", None), (2, "open", None), (1, "unpriced", None),
    ]  # fmt: skip


def test_a_chat_that_heard_of_it_later_hides_no_outcome(store):
    """Its first message tells a later event of the episode, whose outcome is that of the first alert of all."""
    rows = [
        verdict(alert_id=name, target=name, event_ms=at, episode_ms=episode, step=step, decided_ms=at)
        for name, at, episode, step in (
            ("a", 10, 10, 0),
            ("b", 25, 10, 0),
            ("c", 40, 30, 1),
            ("d", 50, 30, 0),
        )
    ]
    messages = [message(name, target=name) for name in "abcd"]
    begun = [outcome(event_ms=10, episode_ms=10), outcome(event_ms=40, episode_ms=30)]
    store.commit(commit(*messages, verdicts=rows, outcomes=begun))
    for each in open_outcomes(store, 9):
        settle(store, each.outcome_id, [Move(15, 0.5)], settled=False)
    assert [(each.event_ms, each.outcome, each.move) for each in sent_alerts(store, 9)] == [
        (50, "again", None), (40, "measured", 0.5), (10, "measured", 0.5),
    ]  # fmt: skip


def test_outcomes_are_kept_for_ever(store):
    """What forgets old decisions and old tape leaves them alone."""
    store.commit(commit(message("a"), outcomes=[outcome()]))
    store.prune(1 << 60)
    prune_prices(store, 1 << 60)
    assert len(open_outcomes(store, 9)) == 1
