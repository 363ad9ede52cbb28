"""Decisions of one target that no frame can bring about, and what its memory keeps."""

from __future__ import annotations

import msgspec

from tests.frames import START_MS, Feed, agg_trade, engine, force_order
from ws_alert.messages import Action, Digest, EventRow, Finding, Kind, LargeFacts, RecordKind, Tier
from ws_alert.policy.chain import TargetPolicy, alert_id
from ws_alert.rules import Rules
from ws_alert.signals.episodes import Episodes
from ws_alert.signals.evidence import Evidence
from ws_alert.windows.coverage import FeedHealth


def policy() -> TargetPolicy:
    """Return a policy without any window behind it."""
    machine = engine()
    evidence = Evidence(machine.intake.events, FeedHealth(), {}, simulated=True)
    return TargetPolicy("chat", Rules(), Episodes(), evidence, budget=0)


def finding(tier: Tier) -> Finding:
    """Return a large liquidation of this tier."""
    row = EventRow("binance", "BTCUSDT", "long", 60_000_000, 1.0, START_MS)
    return Finding(Kind.LARGE_LIQUIDATION, "BTC", "long", START_MS, START_MS, START_MS, 0, row.usd, 1,
                   (("binance", row.usd),), 50_000_000, 1, tier, LargeFacts(row))  # fmt: skip


def test_below_the_lowest_tier_nothing_is_sent() -> None:
    """The tier floor drops with its name, each single event on its own line."""
    chat = policy()
    for _ in range(2):
        assert [(v.action, v.reason) for v in chat.judge(finding(Tier.NONE), START_MS)] == [
            (Action.DROP, "tier_floor")
        ]


def test_the_id_of_an_alert_is_a_function_of_its_cause() -> None:
    """Deciding twice makes the same id; another step, target or episode makes another."""
    key = (Kind.LIQUIDATION_STORM, "BTC", "long")
    ids = [alert_id(key, 1, "a", 0), alert_id(key, 1, "a", 0), alert_id(key, 1, "a", 1), alert_id(key, 1, "b", 0),
           alert_id(key, 2, "a", 0)]  # fmt: skip
    assert len(set(ids)) == 4
    assert ids[0] == ids[1]


def test_simulated_alerts_say_so() -> None:
    """What the simulator caused is marked in every message."""
    chat = policy()
    chat.judge(finding(Tier.INFO), START_MS)
    assert [v.alert.simulated for v in chat.release("BTC", START_MS + 2000)] == [True]


def test_a_target_that_is_new_after_a_restart_begins_empty() -> None:
    """A memory without this target gives it no cooldown and no group."""
    feed = Feed(engine(targets=("a",)))
    feed.binance(0, force_order(START_MS, 600_000))
    fresh = engine(targets=("b",))
    fresh.restore(feed.engine.memory())
    assert fresh.now_ms == START_MS
    assert Feed(fresh).rest() == []


def test_memory_is_bounded_by_what_can_still_decide() -> None:
    """When cooldowns are over and nothing goes on, a minute's sweep leaves no message behind."""
    feed = Feed()
    feed.binance(0, force_order(START_MS, 600_000))
    feed.binance(10, agg_trade(START_MS, 1, 1_200_000))
    feed.note(60_000, RecordKind.TICK, b"")
    assert b'"large_liquidation"' in feed.engine.memory()
    feed.note(700_000, RecordKind.TICK, b"")
    told = msgspec.json.decode(feed.engine.memory())["decider"]["targets"]["chat"]
    assert (told["told"], told["groups"], told["dropped"]) == ([], [], [])


def test_a_digest_names_each_overflow_once() -> None:
    """Without overflow there is no digest, and asking early brings none."""
    chat = policy()
    assert chat.digest(START_MS) == []
    feed = Feed(engine(Rules.model_validate({"hourly_budget": 1})))
    feed.binance(0, force_order(START_MS, 2_500_000))
    feed.binance(5000, force_order(START_MS + 5000, 9_000_000, symbol="ETHUSDT"))
    digests = [v.digest for v in feed.rest() if v.digest]
    assert [(type(d), [line.asset for line in d.lines]) for d in digests] == [(Digest, ["ETH"])]
