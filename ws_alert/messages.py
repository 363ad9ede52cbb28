"""Every type that crosses a boundary of the alert pipeline, in the order of the flow.

frame -> market event (`teleglas.market`) -> finding -> verdict (with its alert) -> outbox -> outcome

All amounts are integer US cents, all times Unix milliseconds UTC. Structs are frozen: a
stage that knows more makes a new object.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

from teleglas.baselines import BaselineChange
from teleglas.market import Liquidation
from teleglas.market_view import MarketView
from teleglas.outcomes import Priced
from ws_alert.facts import (
    AccumulationFacts,
    Band,
    CandleChart,
    CascadeFacts,
    Chart,
    ClusterFacts,
    ConfluenceFacts,
    DivergenceFacts,
    EventRow,
    Facts,
    FlowFacts,
    FundingFacts,
    FundingRate,
    LargeFacts,
    Pattern,
    RadarFacts,
    SpikeFacts,
    StopHuntFacts,
    StormFacts,
    StormLine,
    WhaleFacts,
)
from ws_alert.records import AlertRecord

__all__ = [
    "LEVELS",
    "REPLAY_TARGET",
    "AccumulationFacts",
    "Action",
    "Alert",
    "Band",
    "CandleChart",
    "CascadeFacts",
    "Chart",
    "ClusterFacts",
    "ConfluenceFacts",
    "Coverage",
    "Daily",
    "Decisions",
    "Digest",
    "DigestLine",
    "DivergenceFacts",
    "EventRow",
    "Facts",
    "FeedNotice",
    "FeedState",
    "Finding",
    "FlowFacts",
    "FoldedLine",
    "Frame",
    "FundingFacts",
    "FundingRate",
    "JournalRecord",
    "Kind",
    "LargeFacts",
    "Liquidation",
    "Normal",
    "Outcome",
    "OutcomeKind",
    "Pattern",
    "PhaseLine",
    "RadarFacts",
    "RecordBatch",
    "RecordKind",
    "RefusedNote",
    "ScorePart",
    "SpikeFacts",
    "StopHuntFacts",
    "StormFacts",
    "StormLine",
    "Tier",
    "Verdict",
    "WhaleFacts",
]


REPLAY_TARGET = "replay"
"""The one target of a replay."""


class Kind(StrEnum):
    """What was found, as printed, hashed and set in settings."""

    LARGE_LIQUIDATION = "large_liquidation"
    WHALE_TRADE = "whale_trade"
    LIQUIDATION_STORM = "liquidation_storm"
    WHALE_CLUSTER = "whale_cluster"
    GLOBAL_RADAR = "global_radar"
    CANDLE_CONFLUENCE = "candle_confluence"
    MARKET_CASCADE = "market_cascade"
    STOP_HUNT = "stop_hunt"
    ORDER_FLOW = "order_flow"
    WHALE_ACCUMULATION_WINDOW = "whale_accumulation_window"
    FUNDING_EXTREME = "funding_extreme"
    OI_DIVERGENCE = "oi_divergence"
    VOLUME_SPIKE = "volume_spike"


LEVELS = frozenset(
    {Kind.FUNDING_EXTREME, Kind.OI_DIVERGENCE, Kind.ORDER_FLOW, Kind.WHALE_ACCUMULATION_WINDOW}
)
"""Kinds that are a measure's level: they end when it has been low for a minute, and are told once (SEMANTICS 9)."""


class Tier(IntEnum):
    """How urgent; larger is more urgent. Below INFO nothing is sent."""

    NONE = 0
    INFO = 1
    WATCH = 2
    URGENT = 3


class RecordKind(IntEnum):
    """What a journal record holds: every input of the engine is one of these."""

    FRAME = 1
    """A WebSocket frame of `source` (a venue's name)."""
    BODY = 2
    """A REST body of a poll; `source` is `venue:endpoint:argument`."""
    NOTICE = 3
    """A `FeedNotice` as JSON."""
    TICK = 4
    """Nothing but the time: a live timer was due."""
    INSTRUMENTS = 5
    """A venue's refreshed instrument table; `source` is the venue."""
    REFUSED = 6
    """A `RefusedNote` as JSON: a delivery was refused for good, so its cooldown is cleared."""
    TRACK_RECORD = 7
    """`Records` as JSON: how earlier alerts came out, told at each start and when it has changed."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What a source read, before anybody stamped or decoded it.

    kind is FRAME, BODY, NOTICE, INSTRUMENTS, REFUSED or TRACK_RECORD; payload is untouched bytes.
    """

    kind: RecordKind
    source: str
    payload: bytes


class JournalRecord(NamedTuple):
    """A frame with its place in time: `sequence` counts from 1 over all segments."""

    sequence: int
    received_ms: int
    kind: RecordKind
    source: str
    payload: bytes


class RecordBatch(msgspec.Struct, frozen=True, gc=False):
    """Records of the journal by column, numbered on from `first`: a day holds tens of millions, for which an object each costs.

    times: received_ms of each, never decreasing.
    """

    first: int
    times: list[int]
    kinds: list[RecordKind]
    sources: list[str]
    payloads: list[bytes]

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.times)

    @classmethod
    def of(cls, record: JournalRecord) -> RecordBatch:
        """Return one record as a batch."""
        return cls(record.sequence, [record.received_ms], [record.kind], [record.source], [record.payload])

    def records(self) -> Iterator[JournalRecord]:
        """Yield the records as objects."""
        columns = zip(self.times, self.kinds, self.sources, self.payloads, strict=True)
        for sequence, row in enumerate(columns, self.first):
            yield JournalRecord(sequence, *row)

    def split(self, at: int) -> tuple[RecordBatch, RecordBatch]:
        """Return the first `at` records and the others: none and all if `at` is negative, all and none if it is too large."""
        at = min(max(at, 0), len(self))
        times, kinds, sources, payloads = self.times, self.kinds, self.sources, self.payloads
        return (
            RecordBatch(self.first, times[:at], kinds[:at], sources[:at], payloads[:at]),
            RecordBatch(self.first + at, times[at:], kinds[at:], sources[at:], payloads[at:]),
        )


class FeedState(StrEnum):
    """State of one family of a venue's streams."""

    CONNECTING = "connecting"
    LIVE = "live"
    POLLING = "polling"
    DOWN = "down"


class FeedNotice(msgspec.Struct, frozen=True):
    """A feed changed its state at `at_ms` (local clock).

    family: `liquidations`, `trades`, `candles`, or `interest` (funding and open interest). complete: False while polling or a gap loses rows
    (Binance and Bybit liquidations have no REST), so that coverage counts it as missing.
    """

    venue: str
    family: str
    state: FeedState
    at_ms: int
    why: str = ""
    complete: bool = True


class RefusedNote(msgspec.Struct, frozen=True):
    """A target refused a message for good; named by its cause, so that a replay knows it too."""

    target: str
    kind: Kind
    asset: str
    direction: str
    episode_ms: int
    step: int


class Coverage(msgspec.Struct, frozen=True):
    """Share of the window's seconds (0..1) in which a venue's feed was healthy."""

    venue: str
    share: float
    state: str


class ScorePart(msgspec.Struct, frozen=True):
    """What one piece of evidence adds to a score."""

    name: str
    points: int


class Normal(msgspec.Struct, frozen=True):
    """An asset's own normal of the statistic that fired (SEMANTICS 13).

    usd: its quantile q99.5 of the last seven days, in cents. hours: how much history it rests on.
    """

    usd: int
    hours: int


class FoldedLine(msgspec.Struct, frozen=True):
    """Another finding, told as a line of the leading one's message."""

    kind: Kind
    direction: str
    usd: int
    count: int
    window_ms: int


class Finding(msgspec.Struct, frozen=True):
    """A rule was satisfied at one event.

    event_ms, usd, count: of the event that satisfies it now; episode_ms: of the first
    such event of the episode. window_ms: the rule's window, 0 for a single event.
    venues: USD per venue within the window. threshold_usd, threshold_count: the rule's,
    so that "2.3x the threshold" and what it would have needed not to fire can be said.
    row: the event itself, for single events only. score_parts: what the score is made of.
    normal: the asset's own normal, None where none is kept or too little history exists.
    supported_by: other kinds of the same asset and lean within the last minute. top: the largest of the events that a
    level was found by, whose window may be gone when its last message is written; empty for other kinds.
    """

    kind: Kind
    asset: str
    direction: str
    episode_ms: int
    event_ms: int
    received_ms: int
    window_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]
    threshold_usd: int
    threshold_count: int
    tier: Tier
    facts: Facts
    score: float | None = None
    score_parts: tuple[ScorePart, ...] = ()
    normal: Normal | None = None
    supported_by: tuple[FoldedLine, ...] = ()
    top: tuple[EventRow, ...] = ()

    @property
    def group(self) -> str:
        """What it waits in: its asset's group; a confluence is told by itself, each timeframe for itself."""
        if isinstance(self.facts, ConfluenceFacts):
            return f"{self.asset} {self.facts.timeframe}"
        return self.asset


class Alert(msgspec.Struct, frozen=True):
    """What one message tells, complete: rendering needs nothing else.

    alert_id: hex SHA-256 of (kind, asset, direction, episode, target, step).
    told_usd, told_count: the state at release (or at this edit). release_ms: when the
    policy let it go (local ms). received_ms: when the deciding event arrived.
    reply_to: the alert id of the message that this one grew from, else empty; prior_usd and
    prior_ms: what that message told and when it was released, 0 if unknown.
    final: this edit ends the episode; total_usd, total_count are then the sums of its
    distinct events since one window before its start, and duration_ms its length. degraded: venues that were being polled.
    revision: 0 for the send, then 1, 2, ... for each edit. prices: on a send, of one coin of each asset it is about
    when it was found, without those that nobody traded in the minute before. strength: `ws_alert.signals.track_record`.
    record: how earlier ones came out.
    """

    alert_id: str
    target: str
    kind: Kind
    asset: str
    direction: str
    tier: Tier
    step: int
    episode_ms: int
    event_ms: int
    received_ms: int
    release_ms: int
    told_usd: int
    told_count: int
    window_ms: int
    venues: tuple[tuple[str, int], ...]
    top: tuple[EventRow, ...]
    threshold_usd: int
    threshold_count: int
    facts: Facts
    score: float | None = None
    sampled: bool = False
    coverage: tuple[Coverage, ...] = ()
    degraded: tuple[str, ...] = ()
    folded: tuple[FoldedLine, ...] = ()
    reply_to: str = ""
    revision: int = 0
    final: bool = False
    total_usd: int = 0
    total_count: int = 0
    duration_ms: int = 0
    simulated: bool = False
    chart: Chart | None = None
    prior_usd: int = 0
    prior_ms: int = 0
    candles: CandleChart | None = None
    score_parts: tuple[ScorePart, ...] = ()
    normal: Normal | None = None
    supported_by: tuple[FoldedLine, ...] = ()
    prices: tuple[Priced, ...] = ()
    strength: float | None = None
    record: AlertRecord | None = None


class DigestLine(msgspec.Struct, frozen=True):
    """One alert that the hourly budget held back."""

    kind: Kind
    asset: str
    direction: str
    event_ms: int
    usd: int


class Digest(msgspec.Struct, frozen=True):
    """One message in place of all that overflowed the budget, or grew too old to send singly.

    why: `budget` or `late`.
    """

    digest_id: str
    target: str
    why: str
    from_ms: int
    to_ms: int
    lines: tuple[DigestLine, ...]
    simulated: bool = False


class Daily(msgspec.Struct, frozen=True):
    """What the market did on one day, for one target; complete: rendering needs nothing else.

    digest_id: hex SHA-256 of (daily, target, day). day: `2026-11-20`, of the zone in `at`
    (`08:00 Asia/Jakarta`, see `teleglas.daily_time`); due_ms: when it was to be told.
    """

    digest_id: str
    target: str
    day: str
    at: str
    due_ms: int
    view: MarketView
    simulated: bool = False


class Action(StrEnum):
    """What the policy decided of a finding."""

    SEND = "send"
    EDIT = "edit"
    HOLD = "hold"
    FOLD = "fold"
    DROP = "drop"


class Verdict(msgspec.Struct, frozen=True):
    """One decision for one target, with its reason.

    reason: `first`, `urgent`, `grew` (send); `going_on`, `ended` (edit); `group_wait`
    or `confirmation` (hold); `grouped:<kind>` (fold); `unconfirmed`, `invalid:<what>`, `tier_floor`, `inhibited:<kind>`, `silenced`,
    `filtered`, `quiet_hours`, `cooldown`, `duplicate`, `budget` (drop; budget also: fold).
    event_ms, usd, count: SEMANTICS 8. alert: what to tell, on send and edit only.
    decided_ms: the engine's time of the decision. confluence: the figures of a candle
    confluence, in every decision on one.
    """

    action: Action
    reason: str
    target: str
    kind: Kind
    asset: str
    direction: str
    event_ms: int
    episode_ms: int
    usd: int
    count: int
    tier: Tier
    score: float | None
    venues: tuple[tuple[str, int], ...]
    decided_ms: int
    release_ms: int | None = None
    told_usd: int | None = None
    told_count: int | None = None
    step: int | None = None
    alert: Alert | None = None
    digest: Digest | None = None
    confluence: ConfluenceFacts | None = None


class PhaseLine(msgspec.Struct, frozen=True):
    """Start or end of an episode, independent of policy (SEMANTICS 26). phase: `start` or `end`."""

    phase: str
    kind: Kind
    asset: str
    direction: str
    episode_ms: int
    event_ms: int
    usd: int
    count: int
    venues: tuple[tuple[str, int], ...]


class Decisions(msgspec.Struct, frozen=True):
    """What is committed in one transaction: verdicts, the engine's memory, the journal's position.

    position: sequence number of the last journal record that was decided on. baselines: what
    closed minutes changed of the assets' own normals.
    """

    verdicts: tuple[Verdict, ...]
    memory: bytes
    position: int
    baselines: BaselineChange | None = None


class OutcomeKind(StrEnum):
    """What the other side answered."""

    SENT = "sent"
    RETRY_AT = "retry_at"
    UNDELIVERABLE = "undeliverable"
    MIGRATED = "migrated"
    UNKNOWN = "unknown"


class Outcome(msgspec.Struct, frozen=True):
    """The result of one try.

    SENT: message_id is the target's. RETRY_AT: wait_ms from now; `scope` `chat` or `all`
    says whom a flood wait concerns. UNDELIVERABLE: never again; `suspend` says that the
    target itself is gone. MIGRATED: migrated_to is the new chat. UNKNOWN: it may have
    been delivered. why: for the admin and the log, without secrets.
    """

    kind: OutcomeKind
    message_id: int | None = None
    wait_ms: int = 0
    scope: str = "chat"
    suspend: bool = False
    migrated_to: str = ""
    photo: bool = False
    why: str = ""
