"""What the policy promises whatever happens: no early repeats, no silence, one message per group."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teleglas.instruments import asset_of_symbol
from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, TakerSide
from teleglas.money import cents, exact_decimal
from tests.reference import dense
from ws_alert.alert_engine import AlertEngine
from ws_alert.messages import Action, Kind, Verdict
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders

EXAMPLES = int(os.environ.get("TELEGLAS_EXAMPLES", "150"))
SINGLES = (Kind.LARGE_LIQUIDATION, Kind.WHALE_TRADE)


def decided(tapes, rules: Rules, *, budget: bool = False) -> tuple[list[Verdict], AlertEngine]:
    """Return all verdicts on two tapes, and the engine with the episodes it found."""
    engine = AlertEngine(rules, decoders({}), ["chat"], budget=budget)
    forced, orders = tapes
    rows = sorted(
        [(row, True) for row in forced] + [(row, False) for row in orders], key=lambda item: item[0][0]
    )
    known: dict[tuple[str, str], Instrument] = {}
    for (at_ms, venue, symbol, side, price, usd), is_forced in rows:
        asset, scale = asset_of_symbol(symbol)
        instrument = known.setdefault((venue, symbol), Instrument(venue, symbol, asset, scale=scale))
        if is_forced:
            engine.file_liquidation(
                Liquidation(instrument, at_ms, PositionSide(side), price, cents(exact_decimal(usd)), PriceKind.FILL,
                            Completeness.ALL))  # fmt: skip
        else:
            engine.file_trade(instrument, at_ms, TakerSide(side), price, usd)
    while (due := engine.next_deadline()) is not None:
        engine.advance(due)
    return engine.drain(), engine


def _key(verdict: Verdict) -> tuple[str, str, str]:
    return (verdict.kind.value, verdict.asset, verdict.direction)


_given = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@_given
@given(tapes=dense.tapes(), rules=dense.rules())
def test_never_twice_within_a_cooldown_without_doubling(tapes, rules: Rules) -> None:
    """Two messages of one (kind, asset, direction) are a cooldown apart, or the later tells at least double."""
    last: dict[tuple[str, str, str], Verdict] = {}
    for verdict in decided(tapes, rules)[0]:
        if verdict.action is Action.SEND:
            before = last.get(_key(verdict))
            if before and verdict.release_ms - before.event_ms < rules.cooldown.ms(verdict.kind):
                assert verdict.told_usd >= 2 * before.told_usd
                assert verdict.reason == "grew"
                assert verdict.alert.reply_to == before.alert.alert_id
            last[_key(verdict)] = verdict


@_given
@given(tapes=dense.tapes(), rules=dense.rules())
def test_every_finding_gets_a_verdict(tapes, rules: Rules) -> None:
    """No episode ends without a decision with a reason, and nothing that was held stays undecided."""
    verdicts, engine = decided(tapes, rules)
    judged = Counter((*_key(v), v.episode_ms) for v in verdicts)
    for phase in engine.phases:
        assert judged[phase.kind.value, phase.asset, phase.direction, phase.episode_ms]
    last = {(*_key(v), v.episode_ms): v.action for v in verdicts if v.action is not Action.EDIT}
    assert Action.HOLD not in last.values()
    assert all(v.reason for v in verdicts)
    assert not engine.episodes.open


@_given
@given(tapes=dense.tapes(), rules=dense.rules())
def test_alert_ids_are_unique_and_edits_count_on(tapes, rules: Rules) -> None:
    """A message has an id of its own, and its revisions are 0, 1, 2 in order of decision."""
    revisions = defaultdict(list)
    for verdict in decided(tapes, rules)[0]:
        if verdict.alert:
            revisions[verdict.alert.alert_id].append(verdict.alert.revision)
    assert all(found == list(range(len(found))) for found in revisions.values())


@_given
@given(tapes=dense.tapes(), rules=dense.rules())
def test_what_is_released_together_is_one_message(tapes, rules: Rules) -> None:
    """Of what waited for an asset at most one is sent at a time; the lines in it are the others."""
    verdicts = decided(tapes, rules)[0]
    firsts = [v for v in verdicts if v.action is Action.SEND and v.reason == "first"]
    assert all(n == 1 for n in Counter((v.asset, v.release_ms) for v in firsts).values())
    for verdict in firsts:
        lines = [v for v in verdicts if v.action is Action.FOLD and v.reason == f"grouped:{verdict.kind.value}"
                 and (v.asset, v.decided_ms) == (verdict.asset, verdict.release_ms)]  # fmt: skip
        told = {(line.kind, line.direction) for line in verdict.alert.folded}
        assert told <= {(v.kind, v.direction) for v in lines}


@_given
@given(tapes=dense.tapes(), rules=dense.rules(), limit=st.sampled_from([1, 2, 5]))
def test_budget_overflows_into_digests_and_nothing_is_silent(tapes, rules: Rules, limit: int) -> None:
    """At most `limit` messages in any hour, and each finding beyond is a line of exactly one digest."""
    rules = rules.model_copy(update={"hourly_budget": limit})
    verdicts = decided(tapes, rules, budget=True)[0]
    times = [v.release_ms for v in verdicts if v.action is Action.SEND]
    assert all(later - first >= 3_600_000 for first, later in zip(times, times[limit:], strict=False))
    over = Counter((*_key(v), v.event_ms) for v in verdicts if v.reason == "budget")
    lines = Counter(
        (line.kind.value, line.asset, line.direction, line.event_ms)
        for v in verdicts
        if v.digest
        for line in v.digest.lines
    )
    assert over == lines
