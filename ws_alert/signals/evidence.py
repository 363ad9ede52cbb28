"""What an alert shows for what was found: taken from the windows at the moment of telling."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from teleglas.market import PositionSide, TakerSide
from teleglas.outcomes import Priced
from ws_alert.messages import (
    LEVELS,
    AccumulationFacts,
    Alert,
    CandleChart,
    CascadeFacts,
    Chart,
    ClusterFacts,
    ConfluenceFacts,
    Coverage,
    DivergenceFacts,
    EventRow,
    Facts,
    Finding,
    FlowFacts,
    FoldedLine,
    FundingFacts,
    Kind,
    LargeFacts,
    SpikeFacts,
    StopHuntFacts,
    StormFacts,
    Tier,
    WhaleFacts,
)
from ws_alert.records import KindRecord
from ws_alert.signals.episodes import Episode
from ws_alert.signals.track_record import alert_record, strength
from ws_alert.windows.coverage import FeedHealth
from ws_alert.windows.event_aggregator import KNOWN_MS, AssetEvents
from ws_alert.windows.event_window import largest

__all__ = ["Draft", "Evidence"]

_BOTH = ("liquidations", "trades")
_FAMILIES: dict[Kind, tuple[str, ...]] = {
    Kind.LARGE_LIQUIDATION: ("liquidations",),
    Kind.LIQUIDATION_STORM: ("liquidations",),
    Kind.MARKET_CASCADE: ("liquidations",),
    Kind.STOP_HUNT: _BOTH,
    Kind.GLOBAL_RADAR: _BOTH,
    Kind.FUNDING_EXTREME: (),
    Kind.OI_DIVERGENCE: (),
}
"""Whose coverage a window has; of the kinds not named here that of the trades. Funding and open interest are
levels that venues tell, not sums that a gap makes smaller."""

_PRICE_AGE_MS = 60_000
"""An older price is not what an asset cost at an event."""

_DRAWN_FROM_FACTS = (CascadeFacts, ConfluenceFacts, FundingFacts, DivergenceFacts)
"""Their picture needs no chart of the asset's tape."""


class Draft(msgspec.Struct, frozen=True):
    """What the policy knows of a message that it lets go.

    usd, count: what the message says. revision: 0 for a send, else the number of the edit.
    folded: findings told as lines in it, each with its count. reply_to, prior_usd, prior_ms:
    the message that this one grew from, what it told, and when it was released. found_ms: event
    time of the first finding that it tells, 0 for an edit.
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
    found_ms: int = 0


class Evidence:
    """Completes alerts from the windows of their asset, the health of the feeds, and how earlier ones came out."""

    def __init__(
        self,
        events: Callable[[str], AssetEvents],
        health: FeedHealth,
        records: Mapping[str, KindRecord],
        *,
        simulated: bool,
        candles: Callable[[ConfluenceFacts, int], CandleChart | None] = lambda _facts, _event_ms: None,
        close: Callable[[str, int], float | None] = lambda _asset, _at_ms: None,
    ) -> None:
        self._events = events
        self._candles, self._close = candles, close
        self._health = health
        self._records = records
        self.simulated = simulated

    def alert(self, draft: Draft) -> Alert:
        """Return the whole alert: facts, five largest events, coverage, and a chart from WATCH up."""
        finding, now = draft.finding, draft.now_ms
        known_ms, rows, strong = now - KNOWN_MS, self._rows(finding), strength(finding)
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
            top=largest(rows),
            threshold_usd=finding.threshold_usd,
            threshold_count=finding.threshold_count,
            facts=self._with_prices(finding, known_ms),
            score=finding.score,
            sampled=any(row.sampled for row in rows),
            coverage=self._coverage(finding.kind, now - finding.window_ms, now),
            degraded=self._degraded(finding.kind),
            folded=_folded(draft),
            reply_to=draft.reply_to,
            prior_usd=draft.prior_usd,
            prior_ms=draft.prior_ms,
            revision=draft.revision,
            simulated=self.simulated,
            score_parts=finding.score_parts,
            normal=finding.normal,
            supported_by=_beside(finding, draft.folded),
            prices=self._prices(finding, draft.found_ms) if draft.found_ms else (),
            strength=strong,
            record=alert_record(self._records, finding, strong),
            chart=self._chart(finding, known_ms),
            candles=(
                self._candles(finding.facts, finding.event_ms)
                if isinstance(finding.facts, ConfluenceFacts)
                else None
            ),
        )

    def final(self, draft: Draft, episode: Episode) -> Alert:
        """Return the last edit of an episode: its total over all distinct events and its length.

        What adds no events up, as a level, has a length only.
        """
        lasted = max(0, episode.last_event_ms - episode.start_ms)
        if episode.kind in LEVELS or not episode.takes:
            return msgspec.structs.replace(self.alert(draft), final=True, duration_ms=lasted)
        return msgspec.structs.replace(
            self.alert(draft),
            final=True,
            top=tuple(episode.top),
            sampled=episode.sampled,
            total_usd=episode.usd,
            total_count=episode.count,
            duration_ms=lasted + episode.window_ms,
        )

    def _coverage(self, kind: Kind, from_ms: int, to_ms: int) -> tuple[Coverage, ...]:
        if from_ms == to_ms:
            # one event is whole by itself, whatever else was missed
            return ()
        families = _FAMILIES.get(kind, ("trades",))
        return tuple(row for family in families for row in self._health.coverage(family, from_ms, to_ms))

    def _degraded(self, kind: Kind) -> tuple[str, ...]:
        if kind is Kind.CANDLE_CONFLUENCE:
            return self._health.polled("candles")
        return self._health.polled(*_BOTH) if _FAMILIES.get(kind, _BOTH) else ()

    def _chart(self, finding: Finding, known_ms: int) -> Chart | None:
        if finding.tier < Tier.WATCH or isinstance(finding.facts, _DRAWN_FROM_FACTS):
            return None
        events = self._events(finding.asset)
        flushed = isinstance(finding.facts, LargeFacts | StormFacts | StopHuntFacts)
        radar = finding.kind is Kind.GLOBAL_RADAR
        return events.tape.chart(events.newest_ms, orders=not flushed and not radar, known_ms=known_ms)

    def _prices(self, finding: Finding, at_ms: int) -> tuple[Priced, ...]:
        """Return what one coin cost when it was found, to the second, of every asset that somebody traded in the minute before.

        Where no trades are read, the close of the candle that fired is what it cost.
        """
        facts = finding.facts
        storms = facts.storms if isinstance(facts, CascadeFacts) else ()
        known = {
            asset: self._events(asset).tape.move(at_ms - _PRICE_AGE_MS, at_ms)[1] or self._close(asset, at_ms)
            for asset in ([each.asset for each in storms] or [finding.asset])
        }
        return tuple((asset, price) for asset, price in known.items() if price)

    def _rows(self, finding: Finding) -> list[EventRow]:
        """Return the single events that the finding is made of, as far as they are kept."""
        facts = finding.facts
        if isinstance(facts, LargeFacts | WhaleFacts):
            return [facts.row]
        if isinstance(facts, CascadeFacts):
            return self._storms(facts, finding)
        if isinstance(facts, _DRAWN_FROM_FACTS):
            return []
        if isinstance(facts, FlowFacts | AccumulationFacts):
            return list(finding.top)
        return _kept(self._events(finding.asset), finding)

    def _storms(self, facts: CascadeFacts, finding: Finding) -> list[EventRow]:
        return [
            row
            for storm in facts.storms
            for row in self._events(storm.asset)
            .liquidations[PositionSide(storm.direction)]
            .since(finding.event_ms - finding.window_ms)
        ]

    def _with_prices(self, finding: Finding, known_ms: int) -> Facts:
        facts = finding.facts
        if not isinstance(facts, StormFacts | FlowFacts | SpikeFacts):
            return facts
        events = self._events(finding.asset)
        # a storm is told as it stands at release, the others as they were found: by whole seconds before their time
        end_ms = events.newest_ms if isinstance(facts, StormFacts) else finding.event_ms - 1
        start, end = events.tape.move(end_ms - finding.window_ms, end_ms, known_ms)
        return msgspec.structs.replace(facts, price_from=start, price_to=end)


def _folded(draft: Draft) -> tuple[FoldedLine, ...]:
    return tuple(
        FoldedLine(other.kind, other.direction, other.usd, count, other.window_ms)
        for other, count in draft.folded
    )


def _kept(events: AssetEvents, finding: Finding) -> list[EventRow]:
    facts, end = finding.facts, finding.event_ms
    if isinstance(facts, StormFacts):
        return events.liquidations[PositionSide(finding.direction)].inside()
    if isinstance(facts, StopHuntFacts):
        return _hunted(events, finding)
    if isinstance(facts, SpikeFacts):
        # it was measured when it was found, and may have waited since for a second kind
        after = end - finding.window_ms - 1
        return [row for side in TakerSide for row in events.orders[side].between(after, end - 1)]
    orders = [row for side in TakerSide for row in events.orders[side].inside()]
    if isinstance(facts, ClusterFacts):
        return orders
    return orders + [row for side in PositionSide for row in events.liquidations[side].inside()]


def _hunted(events: AssetEvents, finding: Finding) -> list[EventRow]:
    """Return the liquidations of the flush, and the large orders against it."""
    after = finding.event_ms - 2 * finding.window_ms
    flushed = [row for side in PositionSide for row in events.liquidations[side].since(after)]
    against = TakerSide.BUY if finding.direction == PositionSide.LONG.value else TakerSide.SELL
    return flushed + events.orders[against].since(after)


def _beside(finding: Finding, told: tuple[tuple[Finding, int], ...]) -> tuple[FoldedLine, ...]:
    """Return what supports a finding and is not a line of the same message already."""
    lines = {(other.kind, other.direction) for other, _ in told}
    return tuple(line for line in finding.supported_by if (line.kind, line.direction) not in lines)
