"""The policy of one target: every finding gets a verdict with a reason (SPEC 3, SEMANTICS 15-20).

Order: tier floor, what was told before (edit or growth), inhibition, urgency, grouping,
cooldown, budget. Cheap and certain suppressions come first.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from ws_alert.messages import (
    LEVELS,
    REPLAY_TARGET,
    Action,
    ConfluenceFacts,
    Digest,
    DigestLine,
    Finding,
    Kind,
    RefusedNote,
    Tier,
    Verdict,
)
from ws_alert.policy.budget import Budget
from ws_alert.policy.cooldown import REPEATS_KEPT_MS, Told, grew, is_cooling, is_repeat
from ws_alert.policy.grouping import Group, Waiting, group_key
from ws_alert.policy.inhibition import inhibitor
from ws_alert.rules import Rules
from ws_alert.signals.episodes import Episode, Episodes, Key
from ws_alert.signals.evidence import Draft, Evidence

__all__ = ["EDIT_EVERY_MS", "TargetMemory", "TargetPolicy", "alert_id"]

EDIT_EVERY_MS = 3_000
"""No message is edited more often anywhere; the outbox keeps the slower pace of groups and channels."""


class TargetMemory(msgspec.Struct):
    """What survives a restart: messages told, what waits, what was dropped and why, the budget."""

    told: list[tuple[Key, Told]] = []
    groups: list[Group] = []
    dropped: list[tuple[Key, int, str]] = []
    budget: Budget | None = None


class TargetPolicy:
    """Decides for one target. Pure: the time comes in, verdicts go out by the return value."""

    def __init__(
        self, target: str, rules: Rules, episodes: Episodes, evidence: Evidence, *, budget: int
    ) -> None:
        self.target = target
        self._rules = rules
        self._episodes = episodes
        self._evidence = evidence
        self._told: dict[Key, Told] = {}
        self._dropped: dict[Key, tuple[int, str]] = {}
        self.groups: dict[str, Group] = {}
        self.budget = Budget(budget)

    def judge(self, finding: Finding, now_ms: int) -> list[Verdict]:
        """Decide on a finding now; an empty list: nothing new was decided."""
        key = _key(finding)
        told = self._heard(key)
        cooling = self._cooling(finding, told, now_ms)
        growth = finding.kind not in LEVELS and grew(told, finding, cooling=cooling)
        if finding.tier is Tier.NONE:
            return self._drop(finding, "tier_floor", now_ms)
        if told and finding.window_ms and told.episode_ms == finding.episode_ms and not growth:
            return [] if finding.kind in LEVELS else self._edit(finding, told, now_ms)
        whole = inhibitor(key, self._episodes)
        if whole is not None or self._repeats(finding):
            return self._drop(finding, f"inhibited:{whole.value}" if whole else "duplicate", now_ms)
        if growth or finding.tier is Tier.URGENT:
            if cooling and not growth:
                return self._drop(finding, "cooldown", now_ms)
            entry = self._unhold(finding)
            return [self._send(entry, "grew" if growth else "urgent", now_ms, told if growth else None, ())]
        return self._hold(finding, cooling, now_ms)

    def note(self, action: Action, reason: str, finding: Finding, now_ms: int) -> Verdict:
        """Return the record of what was decided before this policy was asked."""
        return self._verdict(action, reason, finding, now_ms)

    def release(self, asset: str, now_ms: int) -> list[Verdict]:
        """Let go what waited for an asset: one message, the largest kind leading."""
        group = self.groups.pop(asset)
        verdicts: list[Verdict] = []
        ready: list[tuple[Waiting, Told | None, bool]] = []
        for entry in group.ranked():
            key = _key(entry.first)
            whole = inhibitor(key, self._episodes)
            told = self._heard(key)
            cooling = self._cooling(entry.first, told, now_ms)
            growth = entry.first.kind not in LEVELS and grew(told, entry.largest, cooling=cooling)
            if whole is not None:
                verdicts += self._drop(entry.first, f"inhibited:{whole.value}", now_ms)
            elif cooling and not growth:
                verdicts += self._drop(entry.first, "cooldown", now_ms)
            else:
                ready.append((entry, told if growth else None, growth))
        if not ready:
            return verdicts
        (lead, before, growth), others = ready[0], [entry for entry, _, _ in ready[1:]]
        sent = self._send(lead, "grew" if growth else "first", now_ms, before, tuple(others))
        verdicts.append(sent)
        if sent.action is Action.SEND:
            verdicts += [self._fold(entry, lead, sent, now_ms) for entry in others]
        else:
            # no message leads them: each is a line of the digest by itself
            verdicts += [self._send(entry, "first", now_ms, None, ()) for entry in others]
        return verdicts

    def ended(self, episode: Episode, now_ms: int) -> list[Verdict]:
        """Write the final edit of an episode that was told."""
        self._dropped.pop(episode.key, None)
        told = self._heard(episode.key)
        last = episode.last
        if told is None or last is None or not told.own or told.episode_ms != episode.start_ms:
            return []
        told.revision += 1
        finding = msgspec.structs.replace(
            last, usd=episode.usd, count=episode.count, venues=tuple(episode.venues.items())
        )
        draft = self._draft(finding, told, now_ms, episode.usd, episode.count)
        alert = self._evidence.final(draft, episode)
        return [
            self._verdict(
                Action.EDIT,
                "ended",
                finding,
                now_ms,
                told_usd=episode.usd,
                told_count=episode.count,
                step=told.step,
                alert=alert,
            )
        ]

    def refused(self, note: RefusedNote) -> None:
        """Clear the cooldown of a message that its target refused for good.

        A replay, whose only target stands for all, clears it for any target.
        """
        if self.target not in {note.target, REPLAY_TARGET}:
            return
        for key, told in list(self._told.items()):
            same = (key[0], key[1], key[2].partition(" ")[0]) == (note.kind, note.asset, note.direction)
            if same and (told.episode_ms, told.step) == (note.episode_ms, note.step):
                told.refused = True

    def digest(self, now_ms: int) -> list[Verdict]:
        """Send what the budget held back, as one message."""
        budget = self.budget
        if not budget.overflow or not budget.has_room(now_ms):
            return []
        lines = tuple(budget.overflow)
        budget.overflow = []
        budget.spend(now_ms)
        first, last = lines[0], lines[-1]
        digest = Digest(
            digest_id=_digest_id(self.target, now_ms),
            target=self.target,
            why="budget",
            from_ms=first.event_ms,
            to_ms=last.event_ms,
            lines=lines,
            simulated=self._evidence.simulated,
        )
        return [
            Verdict(
                action=Action.SEND,
                reason="digest",
                target=self.target,
                kind=first.kind,
                asset=first.asset,
                direction=first.direction,
                event_ms=first.event_ms,
                episode_ms=first.event_ms,
                usd=sum(line.usd for line in lines),
                count=len(lines),
                tier=Tier.INFO,
                score=None,
                venues=(),
                decided_ms=now_ms,
                release_ms=now_ms,
                digest=digest,
            )
        ]

    def memory(self) -> TargetMemory:
        """Return all that decides later verdicts."""
        dropped = [(key, start, reason) for key, (start, reason) in self._dropped.items()]
        return TargetMemory(list(self._told.items()), list(self.groups.values()), dropped, self.budget)

    def restore(self, memory: TargetMemory) -> None:
        """Go on from a memory."""
        self._told = dict(memory.told)
        self.groups = {group.asset: group for group in memory.groups}
        self._dropped = {key: (start, reason) for key, start, reason in memory.dropped}
        if memory.budget is not None:
            self.budget = msgspec.structs.replace(memory.budget, limit=self.budget.limit)

    def forget(self, now_ms: int) -> None:
        """Drop what can no longer decide anything: messages of ended episodes whose cooldown is over."""
        for key, told in list(self._told.items()):
            kept_ms = REPEATS_KEPT_MS if told.entry else self._rules.window_ms
            idle = now_ms - told.event_ms >= max(self._rules.cooldown.ms(key[0]), kept_ms)
            if idle and key not in self._episodes.open:
                del self._told[key]

    def _heard(self, key: Key) -> Told | None:
        """Return what the target was told last, None if it refused that for good."""
        told = self._told.get(key)
        return None if told is None or told.refused else told

    def _cooling(self, finding: Finding, told: Told | None, now_ms: int) -> bool:
        if finding.kind is Kind.CANDLE_CONFLUENCE:
            return False  # the duplicate rule stands in place of the cooldown
        return is_cooling(told, now_ms, self._rules.cooldown.ms(finding.kind))

    def _repeats(self, finding: Finding) -> bool:
        return is_repeat(
            self._heard(_key(finding)),
            finding,
            within_ms=self._rules.cooldown.ms(finding.kind),
            percent=self._rules.scanner.repeat_percent,
        )

    def _hold(self, finding: Finding, cooling: bool, now_ms: int) -> list[Verdict]:
        name = group_key(finding, self.groups)
        group = self.groups.get(name)
        entry = group.find(finding) if group else None
        if entry:
            entry.merge(finding)
            if finding.window_ms:
                return []
            return [self._verdict(Action.FOLD, f"grouped:{finding.kind.value}", finding, now_ms)]
        if cooling and self._dropped.get(_key(finding)) == (finding.episode_ms, "cooldown"):
            return []
        if group is None:
            group = Group(name, now_ms + self._rules.group_wait_ms, [])
            self.groups[name] = group
        group.waiting.append(Waiting(finding, finding, finding.count))
        # a hold is a new decision: what ends it is a line again, whatever was decided before
        self._dropped.pop(_key(finding), None)
        return [self._verdict(Action.HOLD, "group_wait", finding, now_ms)]

    def _unhold(self, finding: Finding) -> Waiting:
        """Take what waits of the same kind and direction out of its group; it goes out with this finding."""
        name = group_key(finding, self.groups)
        group = self.groups.get(name)
        entry = group.find(finding) if group else None
        if group is None or entry is None or not finding.window_ms:
            return Waiting(finding, finding, finding.count)
        group.waiting.remove(entry)
        if not group.waiting:
            del self.groups[name]
        return Waiting(entry.first, finding, finding.count)

    def _drop(self, finding: Finding, reason: str, now_ms: int) -> list[Verdict]:
        key = _key(finding)
        if finding.window_ms:
            if self._dropped.get(key) == (finding.episode_ms, reason):
                return []
            self._dropped[key] = (finding.episode_ms, reason)
        return [self._verdict(Action.DROP, reason, finding, now_ms)]

    def _send(
        self, entry: Waiting, reason: str, now_ms: int, before: Told | None, others: tuple[Waiting, ...]
    ) -> Verdict:
        first = entry.first
        key = _key(first)
        last = self._told.get(key)
        step = last.step + 1 if last and (before or last.episode_ms == first.episode_ms) else 0
        room = self.budget.has_room(now_ms)
        told = Told(
            alert_id(key, first.episode_ms, self.target, step), first.episode_ms, first.event_ms,
            entry.largest.usd, entry.count, step, now_ms, own=room, edited_ms=now_ms, edited_usd=entry.largest.usd,
            entry=first.facts.entry if isinstance(first.facts, ConfluenceFacts) else 0.0,
        )  # fmt: skip
        self._told[key] = told
        self._dropped.pop(key, None)
        if not room:
            line = DigestLine(first.kind, first.asset, first.direction, first.event_ms, entry.largest.usd)
            self.budget.overflow.append(line)
            return self._verdict(Action.FOLD, "budget", first, now_ms)
        self.budget.spend(now_ms)
        draft = msgspec.structs.replace(
            self._draft(entry.largest, told, now_ms, told.usd, told.count),
            folded=tuple((other.largest, other.count) for other in others),
            reply_to=before.alert_id if before and (before.own or not before.cools) else "",
            prior_usd=before.usd if before else 0,
            prior_ms=before.told_ms if before else 0,
            found_ms=first.event_ms,
        )
        return self._verdict(
            Action.SEND, reason, first, now_ms, tier=entry.largest.tier, release_ms=now_ms,
            told_usd=told.usd, told_count=told.count, step=step, alert=self._evidence.alert(draft),
        )  # fmt: skip

    def _fold(self, entry: Waiting, lead: Waiting, sent: Verdict, now_ms: int) -> Verdict:
        key = _key(entry.first)
        if entry.first.window_ms:
            self._told[key] = Told(
                sent.alert.alert_id if sent.alert else "", entry.first.episode_ms, entry.first.event_ms,
                entry.largest.usd, entry.count, 0, now_ms, own=False, cools=False,
            )  # fmt: skip
        return self._verdict(Action.FOLD, f"grouped:{lead.first.kind.value}", entry.first, now_ms)

    def _edit(self, finding: Finding, told: Told, now_ms: int) -> list[Verdict]:
        if not told.own or finding.usd == told.edited_usd or now_ms - told.edited_ms < EDIT_EVERY_MS:
            return []
        told.edited_ms, told.edited_usd = now_ms, finding.usd
        told.revision += 1
        draft = self._draft(finding, told, now_ms, finding.usd, finding.count)
        return [
            self._verdict(
                Action.EDIT,
                "going_on",
                finding,
                now_ms,
                told_usd=finding.usd,
                told_count=finding.count,
                step=told.step,
                alert=self._evidence.alert(draft),
            )
        ]

    def _draft(self, finding: Finding, told: Told, now_ms: int, usd: int, count: int) -> Draft:
        return Draft(
            finding, told.alert_id, self.target, told.step, told.revision, usd, count, now_ms
        )  # fmt: skip

    def _verdict(self, action: Action, reason: str, finding: Finding, now_ms: int, **more: Any) -> Verdict:
        verdict = Verdict(
            action=action,
            reason=reason,
            target=self.target,
            kind=finding.kind,
            asset=finding.asset,
            direction=finding.direction,
            event_ms=finding.event_ms,
            episode_ms=finding.episode_ms,
            usd=finding.usd,
            count=finding.count,
            tier=finding.tier,
            score=finding.score,
            venues=finding.venues,
            decided_ms=now_ms,
            confluence=finding.facts if isinstance(finding.facts, ConfluenceFacts) else None,
        )
        return msgspec.structs.replace(verdict, **more) if more else verdict


def alert_id(key: Key, episode_ms: int, target: str, step: int) -> str:
    """Return the id that an alert has by its cause, so that deciding twice makes one message."""
    kind, asset, direction = key
    text = "\n".join((kind.value, asset, direction, str(episode_ms), target, str(step)))
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_id(target: str, now_ms: int) -> str:
    return hashlib.sha256(f"digest\n{target}\n{now_ms}".encode()).hexdigest()


def _key(finding: Finding) -> tuple[Kind, str, str]:
    """Return (kind, asset, direction); the direction of a confluence with its timeframe (SEMANTICS 14)."""
    if isinstance(finding.facts, ConfluenceFacts):
        return (finding.kind, finding.asset, f"{finding.direction} {finding.facts.timeframe}")
    return (finding.kind, finding.asset, finding.direction)
