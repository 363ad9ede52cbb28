"""The alert side as one pure state machine: inputs with their time in, verdicts out.

Live, replay, backtest and tests differ only in who feeds it and which clock ticks. It
reads no clock, opens no socket, and never waits: what waits is a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from typing import Protocol

import msgspec

from teleglas.baselines import StoredBaselines
from teleglas.errors import BadFrame
from teleglas.instrument_table import decode as decode_instruments
from teleglas.market import Candle, Instrument, Liquidation, MarketSink, PositionSide, Refusal, TakerSide
from ws_alert.detectors.candle_confluence_detector import CandleScanner, ScannerMemory
from ws_alert.detectors.event_pattern_detector import EventPatternDetector
from ws_alert.detectors.funding_extreme_detector import FundingExtremeDetector
from ws_alert.detectors.global_radar_engine import GlobalRadarEngine
from ws_alert.detectors.hit import Hit, Level
from ws_alert.detectors.liquidation_storm_detector import LiquidationStormDetector
from ws_alert.detectors.market_cascade_detector import MarketCascadeDetector
from ws_alert.detectors.oi_divergence_detector import OiDivergenceDetector
from ws_alert.detectors.order_flow_analyzer import OrderFlowAnalyzer
from ws_alert.detectors.stop_hunt_detector import Flush, StopHuntDetector
from ws_alert.detectors.volume_spike_detector import VolumeSpikeDetector
from ws_alert.detectors.whale_accumulation_detector import WhaleAccumulationDetector
from ws_alert.detectors.whale_cluster_detector import WhaleClusterDetector
from ws_alert.facts import MARKET
from ws_alert.messages import (
    LEVELS,
    Action,
    EventRow,
    FeedNotice,
    FeedState,
    Finding,
    Kind,
    PhaseLine,
    RecordKind,
    RefusedNote,
    Verdict,
)
from ws_alert.policy.chain import TargetMemory, TargetPolicy
from ws_alert.policy.grouping import group_key
from ws_alert.policy.inhibition import RANK
from ws_alert.recorder import Observer
from ws_alert.rules import Rules
from ws_alert.signals.episodes import NEVER_MS, ORDERS, Episode, Episodes, Key
from ws_alert.signals.evidence import Evidence
from ws_alert.signals.signal_generator import GeneratorMemory, SignalGenerator
from ws_alert.signals.signal_validator import fault
from ws_alert.windows.baselines import CLOSED_AFTER, Baselines
from ws_alert.windows.coverage import FeedHealth, FeedSpan
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.intake import Intake
from ws_alert.windows.interest import AssetInterest

__all__ = ["WARM_UP_MS", "AlertEngine", "Codec", "EngineMemory"]

WARM_UP_MS = 360_000
"""How far before the committed position the windows are refilled: the longest look back
(five minutes of prices) and one latest arrival."""

_SWEEP_MS = 60_000
_FRAME = RecordKind.FRAME  # a member takes a tenth of a microsecond to look up
_MINUTE_MS = 60_000
_MINUTE = "minute\n"
_CLOSE = "close\n"
FLOW, ACCUMULATION = Kind.ORDER_FLOW, Kind.WHALE_ACCUMULATION_WINDOW


_SIDES = {side.value: side for side in PositionSide}


class Codec(Protocol):
    """A venue's pure decoder."""

    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Put what WebSocket frames hold into the sink, in their order; never raises."""

    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Put what one REST body holds into the sink; never raises."""

    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Decode with these instruments from now on."""


class EngineMemory(msgspec.Struct):
    """What a restart restores; windows are refilled from the journal instead."""

    now_ms: int
    episodes: list[Episode]
    targets: dict[str, TargetMemory]
    feeds: dict[str, list[FeedSpan]]
    scanner: ScannerMemory = ScannerMemory()
    storms: list[tuple[Finding, int]] = []
    flushes: list[Flush] = []
    signals: GeneratorMemory = GeneratorMemory()
    minute_ms: int = 0
    closing: list[str] = []


class AlertEngine:
    """Windows, detectors, episodes and policies of all targets, behind four verbs.

    `receive` takes an input at its time, `advance` lets the time pass, `next_deadline`
    says when it wants to be woken, `drain` hands out what was decided since.

    warming: inputs only refill the windows; nothing is detected or decided.
    observer: is told of every liquidation, large order and feed notice, also while warming.
    phases: starts and ends of episodes since the reader last cleared it.
    baselines: what is normal for each asset; its `kept` waits to be committed, if somebody asked
    for that (`remember`).
    """

    def __init__(
        self,
        rules: Rules,
        codecs: Mapping[str, Codec],
        targets: Sequence[str],
        *,
        simulated: bool = False,
        budget: bool = True,
        observer: Observer | None = None,
    ) -> None:
        self.warming = False
        self.phases: list[PhaseLine] = []
        self.health = FeedHealth()
        self.episodes = Episodes()
        self.intake = Intake(rules, self)
        self.baselines = Baselines()
        self.scanner = CandleScanner(rules.scanner)
        self._rules = rules
        self._observer = observer
        self._codecs = dict(codecs)
        self._decode = {source: codec.decode_many for source, codec in codecs.items()}
        self._singles = EventPatternDetector(rules, self.baselines)
        self._storms = LiquidationStormDetector(rules, self.baselines)
        self._clusters = WhaleClusterDetector(rules, self.baselines)
        self._spikes = VolumeSpikeDetector(rules, self.baselines)
        self._radar = GlobalRadarEngine(rules.window_ms)
        self._on = rules.detectors
        self._cascades = MarketCascadeDetector(rules)
        self._hunts = StopHuntDetector(rules)
        self._flows = OrderFlowAnalyzer(rules)
        self._accumulations = WhaleAccumulationDetector(rules)
        self._fundings = FundingExtremeDetector(rules)
        self._divergences = OiDivergenceDetector(rules)
        self._signals = SignalGenerator(rules.require_confirmation)
        evidence = Evidence(self.intake.events, self.health, simulated=simulated, candles=self.scanner.chart)
        limit = rules.hourly_budget if budget else 0
        self._policies = {
            target: TargetPolicy(target, rules, self.episodes, evidence, budget=limit) for target in targets
        }
        self._deadlines: list[tuple[int, str]] = []
        self._scheduled: set[str] = set()
        self._verdicts: list[Verdict] = []
        self._swept_ms = 0
        self._attention_ms = 0
        self._minute_ms = 0
        self._close_ms = 0
        self._heard_ms = 0
        self._was_heard = False

    @property
    def now_ms(self) -> int:
        """Return the engine's time: of its last input or deadline, never going back."""
        return self.intake.now_ms

    # -- the four verbs ---------------------------------------------------------------

    def receive(self, kind: RecordKind, source: str, payload: bytes, received_ms: int) -> None:
        """Take one input. Deadlines that are due by then run before it, each at its own time."""
        if kind == _FRAME:
            self.receive_frames(source, (payload,), received_ms)
            return
        self._arrive(received_ms)
        try:
            self._receive_rare(kind, source, payload)
        except (BadFrame, msgspec.MsgspecError, UnicodeDecodeError) as error:
            # A record of another version must not keep this one from starting.
            self.intake.refuse(Refusal.MALFORMED, f"{kind.name} of {source}: {error}"[:120])

    def receive_frames(self, source: str, payloads: Sequence[bytes], received_ms: int) -> None:
        """Take WebSocket frames of one source that were stamped together."""
        self._arrive(received_ms)
        self._heard_ms = received_ms
        intake = self.intake
        intake.source = source
        decode = self._decode.get(source)
        if decode is None:
            intake.refuse(Refusal.UNKNOWN_MESSAGE, f"frames of {source}"[:80])
        else:
            decode(payloads, intake)

    def advance(self, now_ms: int) -> None:
        """Let the time pass: run every deadline that is due, in order of (due time, id)."""
        while (due := self.next_deadline()) is not None and due <= now_ms:
            _, name = heappop(self._deadlines)
            self._scheduled.discard(name)
            self._close_minutes(due)
            self.intake.at(due)
            self._run(name, due)
        self._close_minutes(now_ms)
        self.intake.at(now_ms)

    def next_deadline(self) -> int | None:
        """Return when `advance` should be called next, None if nothing waits."""
        heap = self._deadlines
        while heap:
            due, name = heap[0]
            real = self._due(name)
            if real == due:
                return due
            # the event went on, or is gone: its deadline moved after it was scheduled
            heappop(heap)
            if real is None:
                self._scheduled.discard(name)
            else:
                heappush(heap, (real, name))
        return None

    def drain(self) -> list[Verdict]:
        """Return what was decided since the last call; each verdict once."""
        decided, self._verdicts = self._verdicts, []
        return decided

    # -- rows of files, which bring their own time --------------------------------------

    def file_liquidation(self, row: Liquidation) -> None:
        """Take a liquidation of a recorded tape."""
        self._arrive(row.event_ms)
        self.intake.file_liquidation(row)

    def file_trade(
        self, instrument: Instrument, event_ms: int, side: TakerSide, price: float, usd: str
    ) -> None:
        """Take a taker order of a recorded tape; USD as its column says, price of one coin."""
        self._arrive(event_ms)
        self.intake.file_trade(instrument, event_ms, side, price, usd)

    def file_candle(self, instrument: Instrument, candle: Candle) -> None:
        """Take a candle of a recorded file, at the moment when it closed."""
        self._arrive(candle.close_ms)
        self.intake.candle(instrument, candle)

    def file_funding(
        self, instrument: Instrument, event_ms: int, rate: float, interval_h: float, every_ms: int
    ) -> None:
        """Take a funding rate of a recorded file, whose contract has one each `every_ms`."""
        self._arrive(event_ms)
        self.intake.file_funding(instrument, event_ms, rate, interval_h, every_ms)

    def file_open_interest(self, instrument: Instrument, event_ms: int, usd_cents: int) -> None:
        """Take an open interest of a recorded file."""
        self._arrive(event_ms)
        self.intake.open_interest(instrument, event_ms, usd_cents)

    # -- restart ----------------------------------------------------------------------

    def memory(self) -> bytes:
        """Return as JSON all that decides later verdicts and is not in the windows."""
        targets = {target: policy.memory() for target, policy in self._policies.items()}
        episodes = list(self.episodes.open.values())
        return msgspec.json.encode(
            EngineMemory(
                self.now_ms,
                episodes,
                targets,
                self.health.spans,
                self.scanner.memory(),
                self._cascades.storms,
                list(self._hunts.flushes.values()),
                self._signals.memory(),
                self._minute_ms if _MINUTE in self._scheduled else 0,
                sorted(name for name in self._scheduled if name.startswith(_CLOSE)),
            )
        )

    @staticmethod
    def time_of(memory: bytes) -> int:
        """Return the engine's time when the memory was written."""
        return msgspec.json.decode(memory, type=EngineMemory).now_ms

    def remember(self, stored: StoredBaselines) -> int:
        """Go on from what was stored of the assets' own normals, and collect what is to be stored from now on.

        Before anything else is fed. Without this call they begin anew and are kept in memory only.
        Returns how many rows could not be read, because another version wrote them.
        """
        interest, unreadable = self.baselines.restore(stored)
        self.intake.interest.restore(interest)
        self.baselines.keeps = True
        return unreadable

    def restore(self, memory: bytes) -> None:
        """Go on from a memory; the windows must have been refilled (`warming`) before."""
        known = msgspec.json.decode(memory, type=EngineMemory)
        self.intake.at(known.now_ms)
        self.baselines.skip(known.now_ms // _MINUTE_MS - CLOSED_AFTER)
        self.health.spans = known.feeds
        self.episodes.restore(known.episodes)
        self.scanner.restore(known.scanner)
        self._cascades.restore(known.storms)
        self._hunts.flushes = {flush.asset: flush for flush in known.flushes}
        self._signals.restore(known.signals)
        for key, waiting in self._signals.waiting.items():
            self._schedule(waiting.due_ms, _name("confirm", key))
        if known.minute_ms:
            self._minute_ms = known.minute_ms
            self._schedule(self._minute_ms, _MINUTE)
        for name in known.closing:
            self._schedule(max(known.now_ms, int(name.rpartition("\n")[2]) * 1000 + 1000), name)
        for episode in known.episodes:
            if episode.ends_ms != NEVER_MS:
                self._schedule(episode.ends_ms, _name("episode", episode.key))
        for target, policy in self._policies.items():
            if target in known.targets:
                policy.restore(known.targets[target])
                for group in policy.groups.values():
                    self._schedule(group.due_ms, f"group\n{target}\n{group.asset}")
                self._schedule_digest(policy)

    # -- judge of the intake ------------------------------------------------------------

    def liquidated(self, events: AssetEvents, row: EventRow, *, timely: bool) -> None:
        """Judge one liquidation: the radar, its side's storm, and the event by itself."""
        self.episodes.count(events.asset, row.side, row)
        if self._observer is not None:
            self._observer.liquidated(events.asset, row)
        if timely:
            events.advance()
        self.baselines.liquidated(events, row, timely=timely)
        if not timely or self.warming:
            return
        on = self._on
        storm = self._storms.detect(events, _SIDES[row.side], row.event_ms)
        whole = self._whole(events, self._clusters.detect(events, row.event_ms), row.event_ms)
        if on.stop_hunt:
            self._hunts.liquidated(events, row.event_ms)
        single = self._singles.liquidation(events, row) if on.large_liquidation else None
        self._judge(events, (whole, storm if on.liquidation_storm else None, single))

    def ordered(self, events: AssetEvents, row: EventRow, *, is_order: bool, timely: bool) -> None:
        """Judge one large taker order: the radar, the cluster, and the order by itself."""
        if is_order:
            self.episodes.count(events.asset, ORDERS, row)
            if self._observer is not None:
                self._observer.ordered(events.asset, row)
            if timely:
                events.advance()
            self.baselines.ordered(events, row, timely=timely)
        if not timely or self.warming:
            return
        on = self._on
        whole = cluster = hunt = None
        if is_order:
            cluster = self._clusters.detect(events, row.event_ms)
            whole = self._whole(events, cluster, row.event_ms)
            hunt = self._hunts.ordered(events, row) if on.stop_hunt else None
        single = self._singles.trade(events, row) if on.whale_trade else None
        self._judge(events, (whole, cluster if on.whale_cluster else None, single, hunt))
        if is_order and on.whale_accumulation_window:
            side = TakerSide(row.side)
            if self._accumulations.may_fire(events, side) or self._is_open(ACCUMULATION, events.asset):
                self._measure(events, self._accumulations.detect(events, row.event_ms))
        if is_order and (
            (on.order_flow and self._flows.may_fire(events))
            or (on.volume_spike and self._spikes.may_fire(events))
        ):
            second = events.tape.current.second
            self._schedule(max(self.now_ms, second * 1000 + 1000), f"{_CLOSE}{events.asset}\n{second}")

    def passed(self, events: AssetEvents) -> None:
        """Judge the taker volume of an asset when a second has closed."""
        tape = events.tape
        # told of every second of every asset: what cannot decide anything is left at once
        if not self.warming and (
            tape.minute >= self._spikes.floor
            or tape.buy + tape.sell > self._flows.least[events.group]
            or self.episodes.active(events.asset)
        ):
            self._flow(events, tape.current.second)

    def closed(self, instrument: Instrument, candle: Candle) -> None:
        """Judge a candle that closed. Its whole history is in memory, so that nothing warms it again."""
        if not self.warming:
            self._found(self.scanner.take(instrument, candle, self.now_ms))

    def funded(self, interest: AssetInterest, event_ms: int) -> None:
        """Judge who pays how much for a position, in both directions."""
        if self._on.funding_extreme and not self.warming:
            self._held(interest.asset, self._fundings.detect(interest, event_ms, self.now_ms))

    def sampled(self, interest: AssetInterest, event_ms: int) -> None:
        """Judge how open interest moves between the venues."""
        if self._on.oi_divergence and not self.warming:
            self._held(interest.asset, (self._divergences.detect(interest, event_ms),))

    # -- inside -----------------------------------------------------------------------

    def _arrive(self, received_ms: int) -> None:
        if received_ms >= self._attention_ms:
            self._attend(received_ms)
        self.intake.at(received_ms)

    def _attend(self, received_ms: int) -> None:
        """Run what is due before an input: deadlines, and once a minute the sweep."""
        self.advance(received_ms)
        if received_ms - self._swept_ms >= _SWEEP_MS:
            self._sweep()
        due = self._deadlines[0][0] if self._deadlines else received_ms + _SWEEP_MS
        self._attention_ms = min(due, self._swept_ms + _SWEEP_MS)

    def _receive_rare(self, kind: RecordKind, source: str, payload: bytes) -> None:
        venue, _, rest = source.partition(":")
        self.intake.source = venue
        codec = self._codecs.get(venue)
        if kind == RecordKind.BODY and codec is not None:
            endpoint, _, argument = rest.partition(":")
            # Polls and stream may alternate at a take-over: where their ids jump, the other may fill in.
            self._heard_ms = self.now_ms
            self.intake.interrupted(venue, argument)
            self.scanner.collect()
            codec.decode_body(endpoint, argument, payload, self.intake)
            self._found(self.scanner.settle(self.now_ms))
            self.intake.interrupted(venue, argument)
        elif kind == RecordKind.INSTRUMENTS and codec is not None:
            codec.use(decode_instruments(payload))
            self.intake.relisted()
        elif kind == RecordKind.NOTICE:
            notice = msgspec.json.decode(payload, type=FeedNotice)
            self.health.note(notice, self.now_ms)
            if self._observer is not None:
                self._observer.noticed(notice)
            if notice.family == "trades" and notice.state in (FeedState.LIVE, FeedState.POLLING):
                self.intake.interrupted(notice.venue)
        elif kind == RecordKind.REFUSED and not self.warming:
            refused = msgspec.json.decode(payload, type=RefusedNote)
            for policy in self._policies.values():
                policy.refused(refused)

    def _whole(self, events: AssetEvents, cluster: Hit | None, event_ms: int) -> Hit | None:
        if cluster is None or not self._rules.radar.enabled:
            return None
        storms = [self._storms.detect(events, side, event_ms) for side in PositionSide]
        return self._radar.detect(events, [storm for storm in storms if storm], cluster, event_ms)

    def _flow(self, events: AssetEvents, until: int) -> None:
        """Judge the whole seconds before the second `until`."""
        if self._on.volume_spike and (spike := self._spikes.detect(events, until)):
            self._judge(events, (spike,))
        buy, sell = events.tape.flow(until)
        asset, levels = events.asset, list[Level]()
        is_active = buy + sell > self._flows.least[events.group]
        if not (is_active or self.episodes.active(asset)):
            return
        if self._on.order_flow and (is_active or self._is_open(FLOW, asset)):
            levels = self._flows.detect(events, until * 1000, buy, sell)
            self._look_again()
        if self._on.whale_accumulation_window and self._is_open(ACCUMULATION, asset):
            levels += self._accumulations.detect(events, until * 1000)
        if levels:
            self._measure(events, levels)

    def _look_again(self) -> None:
        """Judge once more at the next full minute what may meanwhile have changed without any event."""
        if _MINUTE not in self._scheduled:
            self._minute_ms = self.now_ms // _MINUTE_MS * _MINUTE_MS + _MINUTE_MS
            self._schedule(self._minute_ms, _MINUTE)

    def _is_open(self, kind: Kind, asset: str) -> bool:
        return any(episode.kind is kind for episode in self.episodes.active(asset))

    def _held(self, asset: str, levels: Sequence[Level]) -> None:
        """Take levels that are polled: of most assets they are low, and nothing is open."""
        if any(level.hit is not None for level in levels) or self._is_open(levels[0].kind, asset):
            self._measure(self.intake.events(asset), levels)

    def _measure(self, events: AssetEvents, levels: Sequence[Level]) -> None:
        """Take what level kinds measure now: hits go on, a low measure ends its episode a minute later."""
        hits = []
        for level in levels:
            if level.hit is not None:
                hits.append(level.hit)
                continue
            episode = self.episodes.measured(level, self.now_ms)
            if episode is not None:
                self._schedule(episode.ends_ms, _name("episode", episode.key))
        if hits:
            self._judge(events, hits)

    def _judge(self, events: AssetEvents, hits: Sequence[Hit | None]) -> None:
        """Take what one event satisfied, largest kind first: the episodes of all, then the verdicts."""
        findings = []
        for hit in hits:
            if hit is not None:
                finding, started = self.episodes.observe(hit, events, self.now_ms)
                findings.append(finding)
                if started:
                    self._started(finding)
                    if finding.kind is Kind.LIQUIDATION_STORM and self._on.market_cascade:
                        findings = [*self._cascade(finding), *findings]
        if not findings:
            return
        signals = [signal for finding in findings for signal in self._signalled(finding)]
        for signal in sorted(signals, key=lambda each: -RANK[each.kind]):
            for target, policy in self._policies.items():
                self._decided(policy, policy.judge(signal, self.now_ms))
                group = policy.groups.get(group_key(signal, policy.groups))
                if group is not None:
                    self._schedule(group.due_ms, f"group\n{target}\n{group.asset}")

    def _cascade(self, storm: Finding) -> list[Finding]:
        """Return the cascade that a storm which began makes or goes on with."""
        active = [each.asset for each in self.intake.assets() if each.asset != MARKET]
        hit = self._cascades.began(storm, self.now_ms, active)
        if hit is None:
            return []
        finding, started = self.episodes.observe(hit, self.intake.events(MARKET), self.now_ms)
        if started:
            self._started(finding)
        return [finding]

    def _signalled(self, finding: Finding) -> list[Finding]:
        """Return what a finding lets the policies judge now: nothing while it waits for another kind."""
        wrong = fault(finding, self.now_ms)
        if wrong:
            self._note(Action.DROP, f"invalid:{wrong}", finding)
            return []
        signals, waits = self._signals.take(finding, self.now_ms)
        if waits:
            key = (finding.kind, finding.asset, finding.direction)
            self._schedule(self._signals.waiting[key].due_ms, _name("confirm", key))
            self._note(Action.HOLD, "confirmation", finding)
        return signals

    def _note(self, action: Action, reason: str, finding: Finding) -> None:
        for policy in self._policies.values():
            self._verdicts.append(policy.note(action, reason, finding, self.now_ms))

    def _found(self, hits: Sequence[Hit]) -> None:
        for hit in hits:
            self._judge(self.intake.events(hit.asset), (hit,))

    def _started(self, finding: Finding) -> None:
        phase = PhaseLine(
            "start", finding.kind, finding.asset, finding.direction, finding.episode_ms, finding.event_ms,
            finding.usd, finding.count, finding.venues,
        )  # fmt: skip
        self.phases.append(phase)
        if finding.window_ms:
            if finding.kind in LEVELS:
                self._look_again()
            else:
                key = (finding.kind, finding.asset, finding.direction)
                self._schedule(self.episodes.open[key].ends_ms, _name("episode", key))
        else:
            self.phases.append(msgspec.structs.replace(phase, phase="end"))

    def _decided(self, policy: TargetPolicy, verdicts: list[Verdict]) -> None:
        if verdicts:
            self._verdicts += verdicts
            self._schedule_digest(policy)

    def _schedule(self, due_ms: int, name: str) -> None:
        if name not in self._scheduled:
            self._scheduled.add(name)
            heappush(self._deadlines, (due_ms, name))
            self._attention_ms = min(self._attention_ms, due_ms)

    def _schedule_digest(self, policy: TargetPolicy) -> None:
        due = policy.budget.due_ms()
        if due is not None:
            self._schedule(due, f"digest\n{policy.target}")

    def _due(self, name: str) -> int | None:
        what, first, *rest = name.split("\n")
        if what == "episode":
            episode = self.episodes.open.get(_key(name))
            return episode.ends_ms if episode and episode.ends_ms != NEVER_MS else None
        if what == "confirm":
            waiting = self._signals.waiting.get(_key(name))
            return waiting.due_ms if waiting else None
        if what == "minute":
            return self._minute_ms
        if what == "close":
            second = self.intake.events(first).tape.current.second
            # a later second closed it meanwhile
            return max(self.now_ms, second * 1000 + 1000) if str(second) == rest[0] else None
        policy = self._policies[first]
        if what == "digest":
            return policy.budget.due_ms()
        group = policy.groups.get(rest[0])
        return group.due_ms if group else None

    def _run(self, name: str, due_ms: int) -> None:
        what, first, *rest = name.split("\n")
        if what == "episode":
            episode = self.episodes.end(_key(name))
            self._signals.ended(episode.key)
            self.phases.append(episode.phase("end"))
            for policy in self._policies.values():
                self._decided(policy, policy.ended(episode, due_ms))
            return
        if what == "confirm":
            self._note(Action.DROP, "unconfirmed", self._signals.expire(_key(name)))
            return
        if what == "minute":
            self._minute(due_ms)
            return
        if what == "close":
            self._flow(self.intake.events(first), due_ms // 1000)
            return
        policy = self._policies[first]
        if what == "digest":
            self._decided(policy, policy.digest(due_ms))
            # a restart may have lowered the budget: then there is no room yet
            self._schedule_digest(policy)
        else:
            self._decided(policy, policy.release(rest[0], due_ms))

    def _minute(self, due_ms: int) -> None:
        """Judge what no event has closed since: seconds that stayed open, levels that nobody measured."""
        until = due_ms // 1000
        levels = [episode for episode in self.episodes.open.values() if episode.kind in LEVELS]
        # after a restart the windows of a level's asset may be empty: its measure is then nothing
        known = [self.intake.events(episode.asset) for episode in levels]
        for events in dict.fromkeys((*self.intake.assets(), *known)):
            if events.tape.current.second < until:
                self._flow(events, until)
        self.intake.interest.forget(due_ms)
        for episode in levels:
            interest, events = self.intake.interest.of(episode.asset), self.intake.events(episode.asset)
            if episode.kind is Kind.FUNDING_EXTREME:
                self._measure(events, self._fundings.measure(interest, due_ms))
            elif episode.kind is Kind.OI_DIVERGENCE:
                self._measure(events, (self._divergences.measure(interest),))
        if any(episode.kind in LEVELS for episode in self.episodes.open.values()):
            self._look_again()

    def _close_minutes(self, now_ms: int) -> None:
        """Make history of the UTC minutes that no event can join any more; a warm-up's are history already."""
        if now_ms < self._close_ms:
            return
        due = self._close_ms or now_ms // _MINUTE_MS * _MINUTE_MS
        while due <= now_ms:
            if not self.warming:
                self._close_minute(due // _MINUTE_MS - CLOSED_AFTER)
            self._was_heard = self._heard_ms >= due - _MINUTE_MS
            due += _MINUTE_MS
        self._close_ms = due

    def _close_minute(self, minute: int) -> None:
        first_ms, end_ms = minute * _MINUTE_MS, (minute + 1) * _MINUTE_MS
        volumes = [
            (events.asset, sum(events.tape.minute_sides(end_ms // 1000)))
            for events in self.intake.assets()
            if events.tape.current.second * 1000 >= first_ms
        ]
        feeds = self.health.coverage("trades", first_ms, end_ms)
        heard = self._was_heard and (not feeds or any(feed.share for feed in feeds))
        self.baselines.close(
            minute,
            volumes,
            # without any feed it is a replay of files, which are all that there was
            looked=heard or not self.health.spans,
            interest=self.intake.interest.new_rows() if self.baselines.keeps else None,
        )

    def _sweep(self) -> None:
        """Once a minute: forget what can decide nothing any more."""
        self._swept_ms = self.now_ms // _SWEEP_MS * _SWEEP_MS
        self._hunts.forget(self.now_ms)
        self._signals.forget(self.now_ms)
        self.intake.forget(frozenset(asset for _, asset, _ in self.episodes.open))
        self.intake.interest.forget(self.now_ms)
        for policy in self._policies.values():
            policy.forget(self.now_ms)


def _name(what: str, key: Key) -> str:
    kind, asset, direction = key
    return f"{what}\n{kind.value}\n{asset}\n{direction}"


def _key(name: str) -> Key:
    _, kind, asset, direction = name.split("\n")
    return (Kind(kind), asset, direction)
