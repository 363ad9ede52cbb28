"""The duplicate rule of confluences (SEMANTICS 14), through the engine."""

from __future__ import annotations

import msgspec
import pytest

from teleglas.market import Instrument
from ws_alert.alert_engine import AlertEngine
from ws_alert.detectors.hit import Hit
from ws_alert.messages import Action, ConfluenceFacts, Kind, RecordKind, RefusedNote, Tier
from ws_alert.policy.cooldown import Told, is_repeat
from ws_alert.rules import Rules
from ws_alert.signals.episodes import Episodes

T = 1_795_262_580_000
BTC = Instrument("", "BTCUSDT", "BTC")


def _hit(event_ms: int, entry: float, *, timeframe: str = "1m", direction: str = "bullish") -> Hit:
    facts = ConfluenceFacts(
        "", "BTCUSDT", timeframe, entry, entry - 1.5, entry + 1, 1.0, 50.0, entry, entry, entry, entry, 2.0,
        "bullish", 5, 0, "strict",
    )  # fmt: skip
    return Hit(Kind.CANDLE_CONFLUENCE, "BTC", direction, event_ms, 0, 0, 1, (), 0, 1, Tier.WATCH, facts)


class Desk:
    """An engine that is handed hits at their time."""

    def __init__(self, memory: bytes | None = None, **rules) -> None:
        self.engine = AlertEngine(Rules(**rules), {}, ["chat"])
        if memory is not None:
            self.engine.restore(memory)

    def tell(self, *hits: Hit) -> list[tuple[str, str, str]]:
        """Return (action, reason, timeframe) of every decision until the group wait is over."""
        for hit in hits:
            self.engine.advance(hit.event_ms)
            self.engine.decider.found([hit])
        self.engine.advance(hits[-1].event_ms + 2_000)
        return [(v.action.value, v.reason, v.confluence.timeframe) for v in self.engine.drain()]


SENT = [("hold", "group_wait", "1m"), ("send", "first", "1m")]
BLOCKED = [("drop", "duplicate", "1m")]


@pytest.mark.parametrize(
    ("after_s", "entry", "expected"),
    [
        (60, 100_000.0, BLOCKED),
        (299, 100_300.0, BLOCKED),  # 0.3 % exactly is not more than 0.3 %
        (60, 100_300.1, SENT),
        (60, 99_699.9, SENT),
        (300, 100_000.0, SENT),  # free again at exactly five minutes
    ],
)
def test_time_and_price(after_s, entry, expected):
    """Less than 300 s and at most 0.3 % away is a duplicate; the other side of either edge is not."""
    desk = Desk()
    assert desk.tell(_hit(T, 100_000.0)) == SENT
    assert desk.tell(_hit(T + after_s * 1000, entry)) == expected


def test_the_last_sent_counts_not_the_last_found():
    """A blocked one neither prolongs the time nor moves the entry."""
    desk = Desk()
    assert desk.tell(_hit(T, 100_000.0)) == SENT
    assert desk.tell(_hit(T + 240_000, 100_290.0)) == BLOCKED
    assert desk.tell(_hit(T + 300_000, 100_290.0)) == SENT


def test_other_type_and_timeframe_are_no_duplicates():
    """Each timeframe and direction is judged, held and told for itself, also in the same moment."""
    desk = Desk()
    told = desk.tell(
        _hit(T, 100_000.0), _hit(T, 100_000.0, timeframe="5m"), _hit(T, 100_000.0, direction="bearish")
    )
    assert sorted(told) == sorted(
        [
            *SENT,
            ("hold", "group_wait", "5m"),
            ("send", "first", "5m"),
            ("hold", "group_wait", "1m"),
            ("fold", "grouped:candle_confluence", "1m"),
        ]
    )


def test_it_survives_a_restart_for_half_an_hour():
    """The entry is in memory; after 30 minutes it is forgotten."""
    desk = Desk()
    desk.tell(_hit(T, 100_000.0))
    later = Desk(memory=desk.engine.memory())
    assert later.tell(_hit(T + 120_000, 100_000.0)) == BLOCKED
    later.engine.receive(RecordKind.TICK, "", b"", T + 1_790_000)
    assert b"100000" in later.engine.memory()
    later.engine.receive(RecordKind.TICK, "", b"", T + 1_900_000)
    assert b"100000" not in later.engine.memory()


def test_a_refused_delivery_is_not_sent():
    """What a target refused for good blocks nothing."""
    desk = Desk()
    desk.tell(_hit(T, 100_000.0))
    note = RefusedNote("chat", Kind.CANDLE_CONFLUENCE, "BTC", "bullish", T, 0)
    desk.engine.receive(RecordKind.REFUSED, "chat", msgspec.json.encode(note), T + 10_000)
    assert desk.tell(_hit(T + 60_000, 100_000.0)) == SENT


def test_the_settings_have_an_effect():
    """COOLDOWN__CANDLE_CONFLUENCE_S and SCANNER__REPEAT_PERCENT are the rule's two numbers."""
    desk = Desk(cooldown={"candle_confluence_s": 60}, scanner={"repeat_percent": 0})
    assert desk.tell(_hit(T, 100_000.0)) == SENT
    assert desk.tell(_hit(T + 50_000, 100_000.0)) == BLOCKED
    assert desk.tell(_hit(T + 59_000, 100_000.1)) == SENT
    assert desk.tell(_hit(T + 119_000, 100_000.1)) == SENT


def test_two_alerts_of_one_moment_have_two_ids():
    """Ids are functions of their cause, and the timeframe is part of it."""
    desk = Desk()
    desk.engine.advance(T)
    desk.engine.decider.found([_hit(T, 1.0), _hit(T, 1.0, timeframe="5m")])
    desk.engine.advance(T + 2_000)
    ids = [v.alert.alert_id for v in desk.engine.drain() if v.action is Action.SEND]
    assert len(set(ids)) == 2


def test_nothing_else_is_a_repeat():
    """Other kinds have their cooldown."""
    finding, _ = Episodes().observe(_hit(T, 100.0), None, T)
    assert not is_repeat(None, finding, within_ms=300_000, percent=0.3)
    assert not is_repeat(Told("", T, T, 0, 1, 0, T), finding, within_ms=300_000, percent=0.3)
