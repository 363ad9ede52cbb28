"""What an alert shows for what was found: taken from the windows at the moment of telling."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from teleglas.market import PositionSide, TakerSide
from ws_alert.messages import (
    Alert,
    CandleChart,
    Chart,
    ConfluenceFacts,
    Coverage,
    EventRow,
    Facts,
    Finding,
    FoldedLine,
    Kind,
    LargeFacts,
    StormFacts,
    Tier,
    WhaleFacts,
)
from ws_alert.signals.episodes import TOP, Episode
from ws_alert.windows.coverage import FeedHealth
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import largest

__all__ = ["Draft", "Evidence"]


class Draft(msgspec.Struct, frozen=True):
    """What the policy knows of a message that it lets go.

    usd, count: what the message says. revision: 0 for a send, else the number of the edit.
    folded: findings told as lines in it, each with its count. reply_to, prior_usd, prior_ms:
    the message that this one grew from, what it told, and when it was released.
    """

    finding: Finding
    alert_id: str
    target: str
    step: int
    revision: int
    usd: int
    count: int
    now_ms: int
    folded: tuple[tuple[Finding, int], ...] = ()
    reply_to: str = ""
    prior_usd: int = 0
    prior_ms: int = 0


class Evidence:
    """Completes alerts from the windows of their asset and the health of the feeds."""

    def __init__(
        self,
        events: Callable[[str], AssetEvents],
        health: FeedHealth,
        *,
        simulated: bool,
        candles: Callable[[ConfluenceFacts, int], CandleChart | None] = lambda _facts, _event_ms: None,
    ) -> None:
        self._events = events
        self._candles = candles
        self._health = health
        self.simulated = simulated

    def alert(self, draft: Draft) -> Alert:
        """Return the whole alert: facts, five largest events, coverage, and a chart from WATCH up."""
        finding, now = draft.finding, draft.now_ms
        events = self._events(finding.asset)
        rows = _rows(events, finding.kind, finding.direction, finding.facts)
        return Alert(
            alert_id=draft.alert_id,
            target=draft.target,
            kind=finding.kind,
            asset=finding.asset,
            direction=finding.direction,
            tier=finding.tier,
            step=draft.step,
            episode_ms=finding.episode_ms,
            event_ms=finding.event_ms,
            received_ms=finding.received_ms,
            release_ms=now,
            told_usd=draft.usd,
            told_count=draft.count,
            window_ms=finding.window_ms,
            venues=tuple(sorted(finding.venues, key=lambda pair: (-pair[1], pair[0]))),
            top=largest(rows, TOP),
            threshold_usd=finding.threshold_usd,
            threshold_count=finding.threshold_count,
            facts=_with_prices(finding, events),
            score=finding.score,
            sampled=any(row.sampled for row in rows),
            coverage=self._coverage(finding.kind, now - finding.window_ms, now),
            degraded=self._health.polled(
                *(("candles",) if finding.kind is Kind.CANDLE_CONFLUENCE else ("liquidations", "trades"))
            ),
            folded=tuple(
                FoldedLine(other.kind, other.direction, other.usd, count, other.window_ms)
                for other, count in draft.folded
            ),
            reply_to=draft.reply_to,
            prior_usd=draft.prior_usd,
            prior_ms=draft.prior_ms,
            revision=draft.revision,
            simulated=self.simulated,
            chart=self._chart(events, finding),
            candles=(
                self._candles(finding.facts, finding.event_ms)
                if isinstance(finding.facts, ConfluenceFacts)
                else None
            ),
        )

    def final(self, draft: Draft, episode: Episode) -> Alert:
        """Return the last edit of an episode: its total over all distinct events and its length."""
        return msgspec.structs.replace(
            self.alert(draft),
            final=True,
            top=tuple(episode.top),
            sampled=episode.sampled,
            total_usd=episode.usd,
            total_count=episode.count,
            duration_ms=max(0, episode.last_event_ms - episode.start_ms) + episode.window_ms,
        )

    def _coverage(self, kind: Kind, from_ms: int, to_ms: int) -> tuple[Coverage, ...]:
        if from_ms == to_ms:
            # one event is whole by itself, whatever else was missed
            return ()
        families = {
            Kind.LARGE_LIQUIDATION: ("liquidations",),
            Kind.LIQUIDATION_STORM: ("liquidations",),
            Kind.GLOBAL_RADAR: ("liquidations", "trades"),
        }.get(kind, ("trades",))
        return tuple(row for family in families for row in self._health.coverage(family, from_ms, to_ms))

    def _chart(self, events: AssetEvents, finding: Finding) -> Chart | None:
        if finding.tier < Tier.WATCH or finding.kind is Kind.CANDLE_CONFLUENCE:
            return None
        orders = finding.kind in (Kind.WHALE_CLUSTER, Kind.WHALE_TRADE)
        return events.tape.chart(events.newest_ms, orders=orders)


def _rows(events: AssetEvents, kind: Kind, direction: str, facts: Facts) -> list[EventRow]:
    if isinstance(facts, LargeFacts | WhaleFacts):
        return [facts.row]
    if isinstance(facts, ConfluenceFacts):
        return []
    if kind is Kind.LIQUIDATION_STORM:
        return events.liquidations[PositionSide(direction)].inside()
    orders = [row for side in TakerSide for row in events.orders[side].inside()]
    if kind is Kind.WHALE_CLUSTER:
        return orders
    return orders + [row for side in PositionSide for row in events.liquidations[side].inside()]


def _with_prices(finding: Finding, events: AssetEvents) -> Facts:
    facts = finding.facts
    if not isinstance(facts, StormFacts):
        return facts
    start, end = events.tape.move(events.newest_ms - finding.window_ms, events.newest_ms)
    return StormFacts(facts.intensity, start, end)
