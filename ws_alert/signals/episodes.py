"""Episodes: one market event from its first finding to its end (SEMANTICS 9).

It ends one window after its last finding; a level kind's, when its measure has been below
four fifths of the threshold for a minute.
"""

from __future__ import annotations

import msgspec

from teleglas.market import PositionSide, TakerSide
from ws_alert.detectors.hit import Hit, Level
from ws_alert.messages import LEVELS, CascadeFacts, EventRow, Finding, Kind, PhaseLine, RadarFacts
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.event_window import TOP, largest

__all__ = ["LOW", "LOW_MS", "ORDERS", "Episode", "Episodes", "Key"]

LOW = 0.8
LOW_MS = 60_000
"""A level is over when its measure has been below `LOW` of its threshold for so long."""

NEVER_MS = 1 << 62

Key = tuple[Kind, str, str]
"""(kind, asset, direction)."""

ORDERS = "orders"
"""In `Episode.takes`: large taker orders of both sides count."""


class Episode(msgspec.Struct):
    """One market event while it goes on.

    start_ms: event time of its first finding. ends_ms: engine time at which it ends unless
    another finding comes. usd, count, venues: sums of its distinct events since
    start - window; of a level or a cascade, those of its last finding. takes: what adds to them,
    `long`, `short` (liquidations) and `orders`.
    parts: the (kind, asset, direction) that it is made of and silences. last: its last finding.
    top: its largest events. sampled: a feed that publishes a sample contributed.
    """

    kind: Kind
    asset: str
    direction: str
    window_ms: int
    start_ms: int
    last_event_ms: int
    ends_ms: int
    takes: tuple[str, ...]
    usd: int = 0
    count: int = 0
    venues: dict[str, int] = {}
    parts: tuple[Key, ...] = ()
    last: Finding | None = None
    top: list[EventRow] = []
    sampled: bool = False

    @property
    def key(self) -> Key:
        """Return (kind, asset, direction)."""
        return (self.kind, self.asset, self.direction)

    def add(self, row: EventRow) -> None:
        """Count one distinct event, unless it lies before the episode's first window."""
        if row.event_ms > self.start_ms - self.window_ms:
            self.usd += row.usd
            self.count += 1
            self.venues[row.venue] = self.venues.get(row.venue, 0) + row.usd
            self.sampled = self.sampled or row.sampled
            if len(self.top) < TOP or row.usd > self.top[-1].usd:
                self.top = list(largest([*self.top, row]))

    def phase(self, phase: str) -> PhaseLine:
        """Return the line of the episode's end."""
        return PhaseLine(
            phase, self.kind, self.asset, self.direction, self.start_ms, self.last_event_ms,
            self.usd, self.count, tuple(self.venues.items()),
        )  # fmt: skip


class Episodes:
    """All episodes that go on, by key and by asset."""

    def __init__(self) -> None:
        self.open: dict[Key, Episode] = {}
        self._by_asset: dict[str, list[Episode]] = {}

    def restore(self, episodes: list[Episode]) -> None:
        """Take the episodes that went on when the memory was written."""
        for episode in episodes:
            self._admit(episode)

    def count(self, asset: str, what: str, row: EventRow) -> None:
        """Add an event to every open episode that takes it; what is `long`, `short` or `orders`."""
        for episode in self._by_asset.get(asset, ()):
            if what in episode.takes:
                episode.add(row)

    def observe(self, hit: Hit, events: AssetEvents, now_ms: int) -> tuple[Finding, bool]:
        """Make a finding of a hit; True if it started an episode.

        A single event (window 0) is an episode of its own, over as soon as it is told.
        """
        if not hit.window_ms:
            return _finding(hit, hit.event_ms, now_ms), True
        key = (hit.kind, hit.asset, hit.direction)
        episode = self.open.get(key)
        started = episode is None
        if episode is None:
            episode = _begin(hit, events)
            self._admit(episode)
        episode.last_event_ms = hit.event_ms
        episode.ends_ms = NEVER_MS if hit.kind in LEVELS else now_ms + hit.window_ms
        episode.parts = _parts(hit, episode.parts)
        if not episode.takes:
            episode.usd, episode.count, episode.venues = hit.usd, hit.count, dict(hit.venues)
        episode.last = _finding(hit, episode.start_ms, now_ms)
        return episode.last, started

    def measured(self, level: Level, now_ms: int) -> Episode | None:
        """Take a level's measure that satisfies no rule now; return its episode if that may end it.

        It ends a minute after the first measure below `LOW`, unless one is above that meanwhile.
        """
        episode = self.open.get((level.kind, level.asset, level.direction))
        if episode is None:
            return None
        if level.multiple >= LOW:
            episode.ends_ms = NEVER_MS
        elif episode.ends_ms == NEVER_MS:
            episode.ends_ms = now_ms + LOW_MS
            return episode
        return None

    def end(self, key: Key) -> Episode:
        """Take an episode out, because its time has come."""
        episode = self.open.pop(key)
        mine = self._by_asset[episode.asset]
        mine.remove(episode)
        if not mine:
            del self._by_asset[episode.asset]
        return episode

    def active(self, asset: str) -> list[Episode]:
        """Return the episodes that go on for an asset."""
        return self._by_asset.get(asset, [])

    def _admit(self, episode: Episode) -> None:
        self.open[episode.key] = episode
        self._by_asset.setdefault(episode.asset, []).append(episode)


def _begin(hit: Hit, events: AssetEvents) -> Episode:
    takes = _takes(hit)
    episode = Episode(
        hit.kind, hit.asset, hit.direction, hit.window_ms, hit.event_ms, hit.event_ms, 0, takes, venues={}
    )
    after = hit.event_ms - hit.window_ms
    for side in PositionSide:
        if side.value in takes:
            for row in events.liquidations[side].since(after):
                episode.add(row)
    if ORDERS in takes:
        for taker in TakerSide:
            for row in events.orders[taker].since(after):
                episode.add(row)
    return episode


def _takes(hit: Hit) -> tuple[str, ...]:
    """Return what adds to the episode's sums; nothing to those of a level or a cascade."""
    if isinstance(hit.facts, RadarFacts):
        return (hit.facts.storm_side, ORDERS)
    return {
        Kind.LIQUIDATION_STORM: (hit.direction,),
        Kind.STOP_HUNT: tuple(side.value for side in PositionSide),
        Kind.WHALE_CLUSTER: (ORDERS,),
    }.get(hit.kind, ())


def _parts(hit: Hit, before: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return what a radar is made of now, or all storms that a cascade was made of so far."""
    facts = hit.facts
    if isinstance(facts, RadarFacts):
        storm, cluster = Kind.LIQUIDATION_STORM, Kind.WHALE_CLUSTER
        return ((storm, hit.asset, facts.storm_side), (cluster, hit.asset, facts.cluster_side))
    if isinstance(facts, CascadeFacts):
        storms = [(Kind.LIQUIDATION_STORM, each.asset, each.direction) for each in facts.storms]
        return tuple(dict.fromkeys([*before, *storms]))
    return ()


def _finding(hit: Hit, episode_ms: int, now_ms: int) -> Finding:
    return Finding(
        kind=hit.kind,
        asset=hit.asset,
        direction=hit.direction,
        episode_ms=episode_ms,
        event_ms=hit.event_ms,
        received_ms=now_ms,
        window_ms=hit.window_ms,
        usd=hit.usd,
        count=hit.count,
        venues=hit.venues,
        threshold_usd=hit.threshold_usd,
        threshold_count=hit.threshold_count,
        tier=hit.tier,
        facts=hit.facts,
        score=hit.score,
        score_parts=hit.score_parts,
        normal=hit.normal,
        top=hit.top,
    )
