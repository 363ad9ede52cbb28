"""From hits to verdicts: episodes, what supports them, and every target's policy. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ws_alert.deadlines import Deadlines, key_of, named
from ws_alert.detectors.hit import Hit, Level
from ws_alert.detectors.market_cascade_detector import MarketCascadeDetector
from ws_alert.facts import MARKET
from ws_alert.messages import LEVELS, Action, Finding, Kind, PhaseLine, RefusedNote, Verdict
from ws_alert.policy.chain import TargetMemory, TargetPolicy
from ws_alert.policy.grouping import group_key
from ws_alert.policy.inhibition import RANK
from ws_alert.rules import Rules
from ws_alert.signals.episodes import NEVER_MS, Episode, Episodes, Key
from ws_alert.signals.evidence import Evidence
from ws_alert.signals.signal_generator import GeneratorMemory, SignalGenerator
from ws_alert.signals.signal_validator import fault
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.intake import Intake

__all__ = ["MINUTE", "MINUTE_MS", "Decider", "DeciderMemory"]

MINUTE_MS = 60_000
MINUTE = "minute\n"


class DeciderMemory(msgspec.Struct, frozen=True):
    """What survives a restart: episodes, storms that may make a cascade, what waits to be confirmed, the targets.

    minute_ms: when levels are measured next though nobody tells of them, 0 if they are not.
    """

    episodes: tuple[Episode, ...] = ()
    storms: tuple[tuple[Finding, int], ...] = ()
    signals: GeneratorMemory = GeneratorMemory()
    targets: dict[str, TargetMemory] = {}
    minute_ms: int = 0


class Decider:
    """Takes what detectors found at one input; the time is the intake's.

    phases: starts and ends of episodes since the reader last cleared it. verdicts: what was
    decided since the reader last took it.
    """

    def __init__(
        self,
        rules: Rules,
        intake: Intake,
        deadlines: Deadlines,
        episodes: Episodes,
        policies: dict[str, TargetPolicy],
    ) -> None:
        self.phases: list[PhaseLine] = []
        self.verdicts: list[Verdict] = []
        self.episodes = episodes
        self.minute_ms = 0
        self._intake = intake
        self._deadlines = deadlines
        self._policies = policies
        self._cascades = MarketCascadeDetector(rules) if rules.detectors.market_cascade else None
        self._signals = SignalGenerator(rules.require_confirmation)

    @staticmethod
    def policies(
        rules: Rules, targets: Sequence[str], episodes: Episodes, evidence: Evidence, *, budget: bool
    ) -> dict[str, TargetPolicy]:
        """Return a policy for each target; without `budget` nothing is held back for being too much."""
        limit = rules.hourly_budget if budget else 0
        return {target: TargetPolicy(target, rules, episodes, evidence, budget=limit) for target in targets}

    # -- what was found -----------------------------------------------------------------

    def is_open(self, kind: Kind, asset: str) -> bool:
        """Whether an episode of this kind goes on for an asset."""
        return any(episode.kind is kind for episode in self.episodes.active(asset))

    def found(self, hits: Sequence[Hit]) -> None:
        """Take hits that have nothing to do with each other."""
        for hit in hits:
            self.judge(self._intake.events(hit.asset), (hit,))

    def judge(self, events: AssetEvents, hits: Sequence[Hit | None]) -> None:
        """Take what one event satisfied, largest kind first: the episodes of all, then the verdicts."""
        findings = []
        for hit in hits:
            if hit is not None:
                finding, started = self._observe(hit, events)
                findings.append(finding)
                if started and finding.kind is Kind.LIQUIDATION_STORM and self._cascades is not None:
                    findings = [*self._cascade(self._cascades, finding), *findings]
        if not findings:
            return
        signals = [signal for finding in findings for signal in self._signalled(finding)]
        for signal in sorted(signals, key=lambda each: -RANK[each.kind]):
            for target, policy in self._policies.items():
                self._decided(policy, policy.judge(signal, self._intake.now_ms))
                group = policy.groups.get(group_key(signal, policy.groups))
                if group is not None:
                    self._deadlines.schedule(group.due_ms, f"group\n{target}\n{group.asset}")

    def measure(self, events: AssetEvents, levels: Sequence[Level]) -> None:
        """Take what level kinds measure now: hits go on, a low measure ends its episode a minute later."""
        hits = []
        for level in levels:
            if level.hit is not None:
                hits.append(level.hit)
                continue
            episode = self.episodes.measured(level, self._intake.now_ms)
            if episode is not None:
                self._deadlines.schedule(episode.ends_ms, named("episode", episode.key))
        if hits:
            self.judge(events, hits)

    def look_again(self) -> None:
        """Let levels be measured at the next full minute, which may fall without any event."""
        if MINUTE not in self._deadlines:
            self.minute_ms = self._intake.now_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS
            self._deadlines.schedule(self.minute_ms, MINUTE)

    def refused(self, note: RefusedNote) -> None:
        """Hear that a message was refused for good."""
        for policy in self._policies.values():
            policy.refused(note)

    # -- deadlines ------------------------------------------------------------------------

    def due(self, name: str) -> int | None:
        """Return when this deadline of ours is due now, None if nothing waits for it."""
        what, first, *rest = name.split("\n")
        if what == "episode":
            episode = self.episodes.open.get(_key(name))
            return episode.ends_ms if episode and episode.ends_ms != NEVER_MS else None
        if what == "confirm":
            waiting = self._signals.waiting.get(_key(name))
            return waiting.due_ms if waiting else None
        policy = self._policies[first]
        if what == "digest":
            return policy.budget.due_ms()
        group = policy.groups.get(rest[0])
        return group.due_ms if group else None

    def run(self, name: str, due_ms: int) -> None:
        """Do what was due: an episode ends, a wait is over, a group or a digest goes out."""
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
        policy = self._policies[first]
        if what == "digest":
            self._decided(policy, policy.digest(due_ms))
            # a restart may have lowered the budget: then there is no room yet
            self._schedule_digest(policy)
        else:
            self._decided(policy, policy.release(rest[0], due_ms))

    def forget(self) -> None:
        """Drop what can decide nothing any more."""
        self._signals.forget(self._intake.now_ms)
        for policy in self._policies.values():
            policy.forget(self._intake.now_ms)

    # -- restart ----------------------------------------------------------------------------

    def memory(self) -> DeciderMemory:
        """Return all that decides later verdicts."""
        return DeciderMemory(
            tuple(self.episodes.open.values()),
            tuple(self._cascades.storms) if self._cascades is not None else (),
            self._signals.memory(),
            {target: policy.memory() for target, policy in self._policies.items()},
            self.minute_ms if MINUTE in self._deadlines else 0,
        )

    def restore(self, memory: DeciderMemory) -> None:
        """Go on from a memory."""
        self.episodes.restore(list(memory.episodes))
        if self._cascades is not None:
            self._cascades.restore(list(memory.storms))
        self._signals.restore(memory.signals)
        for key, waiting in self._signals.waiting.items():
            self._deadlines.schedule(waiting.due_ms, named("confirm", key))
        if memory.minute_ms:
            self.minute_ms = memory.minute_ms
            self._deadlines.schedule(self.minute_ms, MINUTE)
        for episode in memory.episodes:
            if episode.ends_ms != NEVER_MS:
                self._deadlines.schedule(episode.ends_ms, named("episode", episode.key))
        for target, policy in self._policies.items():
            if target in memory.targets:
                policy.restore(memory.targets[target])
                for group in policy.groups.values():
                    self._deadlines.schedule(group.due_ms, f"group\n{target}\n{group.asset}")
                self._schedule_digest(policy)

    # -- inside -----------------------------------------------------------------------------

    def _observe(self, hit: Hit, events: AssetEvents) -> tuple[Finding, bool]:
        finding, started = self.episodes.observe(hit, events, self._intake.now_ms)
        if started:
            self._started(finding)
        return finding, started

    def _cascade(self, cascades: MarketCascadeDetector, storm: Finding) -> list[Finding]:
        """Return the cascade that a storm which began makes or goes on with."""
        active = [each.asset for each in self._intake.assets() if each.asset != MARKET]
        hit = cascades.began(storm, self._intake.now_ms, active)
        return [] if hit is None else [self._observe(hit, self._intake.events(MARKET))[0]]

    def _signalled(self, finding: Finding) -> list[Finding]:
        """Return what a finding lets the policies judge now: nothing while it waits for another kind."""
        wrong = fault(finding, self._intake.now_ms)
        if wrong:
            self._note(Action.DROP, f"invalid:{wrong}", finding)
            return []
        signals, waits = self._signals.take(finding, self._intake.now_ms)
        if waits:
            key = (finding.kind, finding.asset, finding.direction)
            self._deadlines.schedule(self._signals.waiting[key].due_ms, named("confirm", key))
            self._note(Action.HOLD, "confirmation", finding)
        return signals

    def _note(self, action: Action, reason: str, finding: Finding) -> None:
        for policy in self._policies.values():
            self.verdicts.append(policy.note(action, reason, finding, self._intake.now_ms))

    def _started(self, finding: Finding) -> None:
        phase = PhaseLine(
            "start", finding.kind, finding.asset, finding.direction, finding.episode_ms, finding.event_ms,
            finding.usd, finding.count, finding.venues,
        )  # fmt: skip
        self.phases.append(phase)
        if not finding.window_ms:
            self.phases.append(msgspec.structs.replace(phase, phase="end"))
        elif finding.kind in LEVELS:
            self.look_again()
        else:
            key = (finding.kind, finding.asset, finding.direction)
            self._deadlines.schedule(self.episodes.open[key].ends_ms, named("episode", key))

    def _decided(self, policy: TargetPolicy, verdicts: list[Verdict]) -> None:
        if verdicts:
            self.verdicts += verdicts
            self._schedule_digest(policy)

    def _schedule_digest(self, policy: TargetPolicy) -> None:
        due = policy.budget.due_ms()
        if due is not None:
            self._deadlines.schedule(due, f"digest\n{policy.target}")


def _key(name: str) -> Key:
    kind, asset, direction = key_of(name)
    return (Kind(kind), asset, direction)
