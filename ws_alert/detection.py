"""All detectors at work: which of them looks at what, and when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Final

from teleglas.market import Candle, Instrument, PositionSide
from ws_alert.deadlines import Deadlines
from ws_alert.decider import MINUTE_MS, Decider
from ws_alert.detectors.candle_confluence_detector import CandleScanner
from ws_alert.detectors.event_pattern_detector import EventPatternDetector
from ws_alert.detectors.funding_extreme_detector import FundingExtremeDetector
from ws_alert.detectors.global_radar_engine import GlobalRadarEngine
from ws_alert.detectors.hit import Hit, Level
from ws_alert.detectors.liquidation_storm_detector import LiquidationStormDetector
from ws_alert.detectors.oi_divergence_detector import OiDivergenceDetector
from ws_alert.detectors.order_flow_analyzer import OrderFlowAnalyzer
from ws_alert.detectors.stop_hunt_detector import StopHuntDetector
from ws_alert.detectors.volume_spike_detector import SPIKE_SECONDS, VolumeSpikeDetector
from ws_alert.detectors.whale_accumulation_detector import WhaleAccumulationDetector
from ws_alert.detectors.whale_cluster_detector import WhaleClusterDetector
from ws_alert.engine_memory import DetectionMemory
from ws_alert.messages import LEVELS, EventRow, Kind
from ws_alert.recorder import Observer
from ws_alert.records import KindRecord
from ws_alert.rules import GROUPS, Rules
from ws_alert.signals.episodes import ORDERS
from ws_alert.windows.baselines import CLOSED_AFTER, Baselines
from ws_alert.windows.coverage import FeedHealth
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.intake import Intake, Judge
from ws_alert.windows.interest import AssetInterest

__all__ = ["Detection"]

_CLOSE: Final = "close\n"
_SIDES: Final = {side.value: side for side in PositionSide}
_FLOW: Final = Kind.ORDER_FLOW
_ACCUMULATION: Final = Kind.WHALE_ACCUMULATION_WINDOW


class Detection(Judge):
    """The judge of the intake: hands each event to the detectors that it concerns, their hits to the decider.

    warming: inputs only refill the windows; nothing is detected. heard_ms: when the last frame
    or body came. The decider is set once it exists.
    """

    decider: Decider

    def __init__(
        self, rules: Rules, deadlines: Deadlines, health: FeedHealth, observer: Observer | None
    ) -> None:
        self.warming = False
        self.heard_ms = 0
        self.intake = Intake(rules, self)
        self.baselines = Baselines()
        self.scanner = CandleScanner(rules.scanner)
        self._deadlines = deadlines
        self._health = health
        self._observer = observer
        self._on = rules.detectors
        self._radar = GlobalRadarEngine(rules.window_ms) if rules.radar.enabled else None
        self._singles = EventPatternDetector(rules, self.baselines)
        self._storms = LiquidationStormDetector(rules, self.baselines)
        self._clusters = WhaleClusterDetector(rules, self.baselines)
        self._spikes = VolumeSpikeDetector(rules, self.baselines)
        self._hunts = StopHuntDetector(rules)
        self._flows = OrderFlowAnalyzer(rules)
        self._accumulations = WhaleAccumulationDetector(rules)
        self._fundings = FundingExtremeDetector(rules)
        self._divergences = OiDivergenceDetector(rules)
        self._judged: dict[str, int] = {}
        self._least_forced = {
            group: min(self._storms.least[group], self._hunts.least[group], self._singles.least[group])
            for group in GROUPS
        }
        self._close_ms = 0
        self._was_heard = False
        self._least_flow = self._least_flows()

    def recorded(self, records: Mapping[str, KindRecord]) -> None:
        """Take how often each kind was right so far."""
        nothing = KindRecord({})
        self._hunts.record = records.get(Kind.STOP_HUNT, nothing).right
        self._flows.use(records.get(Kind.ORDER_FLOW, nothing).right)
        self._least_flow = self._least_flows()

    # -- judge of the intake ------------------------------------------------------------

    def liquidated(self, events: AssetEvents, row: EventRow, timely: bool) -> None:
        """Judge one liquidation: the radar, its side's storm, and the event by itself."""
        episodes = self.decider.episodes
        if episodes.open:
            episodes.count(events.asset, row.side, row)
        if self._observer is not None:
            self._observer.liquidated(events.asset, row)
        if timely:
            events.advance()
        self.baselines.liquidated(events, row, timely)
        if not timely or self.warming:
            return
        longs, shorts = events.liquidations.values()
        if longs.usd + shorts.usd < self._least_forced[events.group]:
            return  # as nearly every one: too little for any of the rules below
        on = self._on
        storm = self._storms.detect(events, _SIDES[row.side], row.event_ms)
        cluster = self._clusters.detect(events, row.event_ms)
        whole = self._whole(events, cluster, row.event_ms) if cluster is not None else None
        if on.stop_hunt:
            self._hunts.liquidated(events, row.event_ms)
        single = self._singles.liquidation(events, row) if on.large_liquidation else None
        if storm is not None or whole is not None or single is not None:
            self.decider.judge(events, (whole, storm if on.liquidation_storm else None, single))

    def ordered(self, events: AssetEvents, row: EventRow, *, is_order: bool, timely: bool) -> None:
        """Judge one large taker order: the radar, the cluster, and the order by itself."""
        if is_order:
            self.decider.episodes.count(events.asset, ORDERS, row)
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
        self.decider.judge(events, (whole, cluster if on.whale_cluster else None, single, hunt))
        if (
            is_order
            and on.whale_accumulation_window
            and (self._accumulations.may_fire(events) or self.decider.is_open(_ACCUMULATION, events.asset))
        ):
            self.decider.measure(events, self._accumulations.detect(events, row.event_ms))
        if is_order and (
            (on.order_flow and self._flows.may_fire(events))
            or (on.volume_spike and self._spikes.may_fire(events))
        ):
            self._judge_at_end(events)

    def passed(self, events: AssetEvents) -> None:
        """Judge the taker volume of an asset when a second has closed."""
        if self.warming:
            return
        tape = events.tape
        # told of every second of every asset: what cannot decide anything is left at once
        flow = tape.buy + tape.sell
        if flow < self._least_flow[events.group] and not self.decider.episodes.open and (
            self.intake.now_ms < self.decider.minute_ms
        ):  # fmt: skip
            return
        if flow >= self._spikes.floor and self._on.volume_spike:
            self._spike_passed(events)
        if flow > self._flows.least[events.group] or self.decider.episodes.active(events.asset):
            self._flow(events, tape.second)
        # the second that begins now may be the last one for long
        if tape.minute >= self._spikes.near and self._on.volume_spike and self._spikes.is_near(events):
            self._judge_at_end(events)
        if self.intake.now_ms >= self.decider.minute_ms and (self._on.volume_spike or self._on.order_flow):
            self.decider.look_again()

    def closed(self, instrument: Instrument, candle: Candle) -> None:
        """Judge a candle that closed. Its whole history is in memory, so that nothing warms it again."""
        if not self.warming:
            self.decider.found(self.scanner.take(instrument, candle, self.intake.now_ms))

    def funded(self, interest: AssetInterest, event_ms: int) -> None:
        """Judge who pays how much for a position, in both directions."""
        if self._on.funding_extreme and not self.warming:
            asset = interest.asset
            if self._fundings.may_fire(interest) or self.decider.is_open(Kind.FUNDING_EXTREME, asset):
                levels = self._fundings.detect(interest, event_ms, self.intake.now_ms)
                self.decider.measure(self.intake.events(asset), levels)

    def sampled(self, interest: AssetInterest, event_ms: int) -> None:
        """Judge how open interest moves between the venues."""
        if self._on.oi_divergence and not self.warming:
            asset = interest.asset
            if self._divergences.may_fire(interest) or self.decider.is_open(Kind.OI_DIVERGENCE, asset):
                level = self._divergences.detect(interest, event_ms)
                self.decider.measure(self.intake.events(asset), (level,))

    # -- deadlines ------------------------------------------------------------------------

    def due(self, name: str) -> int | None:
        """Return when an open second is to be judged though nothing closed it, None if something did."""
        _, asset, second = name.split("\n")
        current = self.intake.events(asset).tape.second
        return max(self.intake.now_ms, current * 1000 + 1000) if str(current) == second else None

    def run(self, name: str) -> None:
        """Judge an asset's open second, which is over."""
        _, asset, second = name.split("\n")
        events = self.intake.events(asset)
        self._spike_ended(events)
        self._flow(events, int(second) + 1)

    def minute(self, due_ms: int) -> None:
        """Judge what no event has closed since: seconds that stayed open, levels that nobody measured."""
        until = due_ms // 1000
        levels = [episode for episode in self.decider.episodes.open.values() if episode.kind in LEVELS]
        # after a restart the windows of a level's asset may be empty: its measure is then nothing
        known = [self.intake.events(episode.asset) for episode in levels]
        for events in dict.fromkeys((*self.intake.assets(), *known)):
            tape = events.tape
            last, flow = tape.second, tape.buy + tape.sell + tape.bought + tape.sold
            active = flow > self._flows.least[events.group] or flow >= self._spikes.floor
            if last < until and (active or self.decider.episodes.active(events.asset)):
                recent = last >= until - SPIKE_SECONDS and self._judged.get(events.asset) != last + 1
                if recent and self._spikes.may_fire(events):
                    self._spike_ended(events)
                self._flow(events, until)
        self.intake.interest.forget(due_ms)
        for episode in levels:
            interest, events = self.intake.interest.of(episode.asset), self.intake.events(episode.asset)
            if episode.kind is Kind.FUNDING_EXTREME:
                self.decider.measure(events, self._fundings.measure(interest, due_ms))
            elif episode.kind is Kind.OI_DIVERGENCE:
                self.decider.measure(events, (self._divergences.measure(interest),))
        if any(episode.kind in LEVELS for episode in self.decider.episodes.open.values()):
            self.decider.look_again()

    def close_minutes(self, now_ms: int) -> None:
        """Make history of the UTC minutes that no event can join any more; a warm-up's are history already."""
        if now_ms < self._close_ms:
            return
        due = self._close_ms or now_ms // MINUTE_MS * MINUTE_MS
        while due <= now_ms:
            if not self.warming:
                self._close_minute(due // MINUTE_MS - CLOSED_AFTER)
            self._was_heard = self.heard_ms >= due - MINUTE_MS
            due += MINUTE_MS
        self._close_ms = due

    def _close_minute(self, minute: int) -> None:
        first_ms, end_ms = minute * MINUTE_MS, (minute + 1) * MINUTE_MS
        volumes = [
            (events.asset, sum(events.tape.minute_sides(end_ms // 1000)))
            for events in self.intake.assets()
            if events.tape.second * 1000 >= first_ms
        ]
        feeds = self._health.coverage("trades", first_ms, end_ms)
        heard = self._was_heard and (not feeds or any(feed.share for feed in feeds))
        self.baselines.close(
            minute,
            volumes,
            # without any feed it is a replay of files, which are all that there was
            looked=heard or not self._health.spans,
            interest=self.intake.interest.new_rows() if self.baselines.keeps else None,
        )

    def forget(self, minutes: int) -> None:
        """Drop what can decide nothing any more, some minutes after the last call."""
        self._hunts.forget(self.intake.now_ms)
        self._judged = self._judged_lately()
        self.intake.forget(frozenset(asset for _, asset, _ in self.decider.episodes.open), minutes)
        self.intake.interest.forget(self.intake.now_ms)

    # -- restart ----------------------------------------------------------------------------

    def memory(self) -> DetectionMemory:
        """Return what decides later and is not in the windows."""
        return DetectionMemory(
            tuple(self._hunts.flushes.values()),
            tuple(self._deadlines.starting(_CLOSE)),
            self._judged_lately(),
        )

    def restore(self, memory: DetectionMemory) -> None:
        """Go on from a memory."""
        now_ms = self.intake.now_ms
        self.baselines.skip(now_ms // MINUTE_MS - CLOSED_AFTER)
        self._judged = dict(memory.judged)
        self._hunts.flushes = {flush.asset: flush for flush in memory.flushes}
        for name in memory.closing:
            self._deadlines.schedule(max(now_ms, int(name.rpartition("\n")[2]) * 1000 + 1000), name)

    # -- inside -----------------------------------------------------------------------------

    def _whole(self, events: AssetEvents, cluster: Hit | None, event_ms: int) -> Hit | None:
        if cluster is None or self._radar is None:
            return None
        storms = [self._storms.detect(events, side, event_ms) for side in PositionSide]
        return self._radar.detect(events, [storm for storm in storms if storm], cluster, event_ms)

    def _least_flows(self) -> dict[str, float]:
        """Return by group the taker volume of five minutes below which no second is worth a look.

        The minute of a volume spike is part of the five.
        """
        spikes = self._spikes.near if self._on.volume_spike else inf
        return {group: min(self._flows.least[group], spikes) for group in GROUPS}

    def _judged_lately(self) -> dict[str, int]:
        """Return the ends of seconds that a later one may still close."""
        edge = self.intake.now_ms // 1000 - 2 * SPIKE_SECONDS
        return {asset: until for asset, until in self._judged.items() if until > edge}

    def _judge_at_end(self, events: AssetEvents) -> None:
        """Let the open second be judged when it is over, though nothing closes it."""
        second = events.tape.second
        self._deadlines.schedule(
            max(self.intake.now_ms, second * 1000 + 1000), f"{_CLOSE}{events.asset}\n{second}"
        )

    def _spike_passed(self, events: AssetEvents) -> None:
        """Judge the second that has just closed by its end, unless that was done in time."""
        until = events.tape.closed + 1
        if events.tape.second - until < SPIKE_SECONDS and self._judged.get(events.asset) != until:
            spike = self._spikes.closed(events)
            if spike is not None:
                self.decider.judge(events, (spike,))

    def _spike_ended(self, events: AssetEvents) -> None:
        """Judge the open second, which is over, and do so once."""
        self._judged[events.asset] = events.tape.second + 1
        if self._on.volume_spike and (spike := self._spikes.ended(events)):
            self.decider.judge(events, (spike,))

    def _flow(self, events: AssetEvents, until: int) -> None:
        """Judge the taker flow and the levels of the whole seconds before the second `until`."""
        buy, sell = events.tape.flow(until)
        asset, levels = events.asset, list[Level]()
        is_active = buy + sell > self._flows.least[events.group]
        if not (is_active or self.decider.episodes.active(asset)):
            return
        if self._on.order_flow:
            is_open = self.decider.is_open(_FLOW, asset)
            if is_open or (is_active and self._flows.leans(buy, sell)):
                levels = self._flows.detect(events, until * 1000, buy, sell)
            if is_open or is_active:
                self.decider.look_again()
        if self._on.whale_accumulation_window and self.decider.is_open(_ACCUMULATION, asset):
            levels += self._accumulations.detect(events, until * 1000)
        if levels:
            self.decider.measure(events, levels)
