"""From findings to signals: what else of the same asset and lean was found within a minute.

A kind that wants confirmation (REQUIRE_CONFIRMATION) goes on to the policy only when
another kind leans the same way within 60 s, before it or after it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from teleglas.outcomes import expected
from ws_alert.messages import Finding, FoldedLine, Kind
from ws_alert.signals.episodes import Key

__all__ = ["CONFIRM_MS", "GeneratorMemory", "SignalGenerator", "Waiting", "lean"]

CONFIRM_MS: Final = 60_000

_PARTS_OF: Final = {
    Kind.LIQUIDATION_STORM: frozenset({Kind.LARGE_LIQUIDATION}),
    Kind.WHALE_CLUSTER: frozenset({Kind.WHALE_TRADE}),
    Kind.GLOBAL_RADAR: frozenset(
        {Kind.LARGE_LIQUIDATION, Kind.WHALE_TRADE, Kind.LIQUIDATION_STORM, Kind.WHALE_CLUSTER}
    ),
}
"""What a kind is made of supports nothing by itself."""


def lean(kind: Kind, direction: str) -> int:
    """Return 1 (up), -1 (down) or 0: where the flow that was found pushes the price.

    That is where the kind says that the price goes, but for funding: who pays it pushes nothing.
    """
    return 0 if kind is Kind.FUNDING_EXTREME else expected(kind, direction)


class Waiting(msgspec.Struct):
    """A finding that wants confirmation; due_ms: engine time at which it has waited long enough."""

    finding: Finding
    due_ms: int


class GeneratorMemory(msgspec.Struct, frozen=True):
    """What survives a restart. recent: findings of the last minute; waiting, settled: by key of the episode."""

    recent: tuple[Finding, ...] = ()
    waiting: tuple[tuple[Key, Waiting], ...] = ()
    settled: tuple[tuple[Key, int, bool], ...] = ()


class SignalGenerator:
    """Pure: the time comes in with each call. `waiting` holds what is not confirmed yet."""

    def __init__(self, require: Collection[Kind]) -> None:
        self.waiting: dict[Key, Waiting] = {}
        self._require = frozenset(require)
        self._recent: dict[str, dict[tuple[Kind, str], Finding]] = {}
        self._settled: dict[Key, tuple[int, bool]] = {}

    def take(self, finding: Finding, now_ms: int) -> tuple[list[Finding], bool]:
        """Take a finding; return the signals to be judged now, and whether it itself begins to wait.

        A signal is a finding that knows what supports it. Others come along when this one confirms them.
        """
        key = _key(finding)
        mine = self._recent.setdefault(finding.asset, {})
        mine[key[0], key[2]] = finding
        signals = [self._supported(other) for other in self._confirmed_by(finding)]
        if finding.kind not in self._require or self._settled.get(key) == (finding.episode_ms, True):
            return [self._supported(finding), *signals], False
        if self._supports(finding):
            self.waiting.pop(key, None)
            self._settled[key] = (finding.episode_ms, True)
            return [self._supported(finding), *signals], False
        if key in self.waiting:
            self.waiting[key].finding = finding
            return signals, False
        if key in self._settled and self._settled[key][0] == finding.episode_ms:
            return signals, False
        self.waiting[key] = Waiting(finding, now_ms + CONFIRM_MS)
        return signals, True

    def expire(self, key: Key) -> Finding:
        """Take out what waited in vain. A later confirmation in the same episode still counts."""
        waiting = self.waiting.pop(key)
        self._settled[key] = (waiting.finding.episode_ms, False)
        return waiting.finding

    def ended(self, key: Key) -> None:
        """Forget what was decided of an episode that is over."""
        self._settled.pop(key, None)

    def forget(self, now_ms: int) -> None:
        """Drop what can support nothing any more."""
        edge = now_ms - 2 * CONFIRM_MS
        kept = {
            asset: {name: each for name, each in mine.items() if each.event_ms > edge}
            for asset, mine in self._recent.items()
        }
        self._recent = {asset: mine for asset, mine in kept.items() if mine}

    def memory(self) -> GeneratorMemory:
        """Return all that decides later."""
        recent = tuple(each for mine in self._recent.values() for each in mine.values())
        settled = tuple((key, episode_ms, good) for key, (episode_ms, good) in self._settled.items())
        return GeneratorMemory(recent, tuple(self.waiting.items()), settled)

    def restore(self, memory: GeneratorMemory) -> None:
        """Go on from a memory."""
        self._recent = {}
        for each in memory.recent:
            self._recent.setdefault(each.asset, {})[_name(each)] = each
        self.waiting = dict(memory.waiting)
        self._settled = {key: (episode_ms, good) for key, episode_ms, good in memory.settled}

    def _confirmed_by(self, finding: Finding) -> list[Finding]:
        """Return the findings of other kinds that wanted this one; each once in its episode."""
        found = []
        for other in self._recent[finding.asset].values():
            key = _key(other)
            settled = self._settled.get(key)
            unsettled = key in self.waiting or (settled is not None and settled == (other.episode_ms, False))
            if other.kind in self._require and unsettled and _together(other, finding):
                self.waiting.pop(key, None)
                self._settled[key] = (other.episode_ms, True)
                found.append(other)
        return found

    def _supports(self, finding: Finding) -> list[Finding]:
        return [
            other
            for other in self._recent[finding.asset].values()
            if _together(other, finding) and other.kind not in _PARTS_OF.get(finding.kind, ())
        ]

    def _supported(self, finding: Finding) -> Finding:
        supports = self._supports(finding)
        if not supports:
            return finding
        lines = tuple(
            FoldedLine(each.kind, each.direction, each.usd, each.count, each.window_ms) for each in supports
        )
        return msgspec.structs.replace(finding, supported_by=lines)


def _together(one: Finding, other: Finding) -> bool:
    leaning = lean(one.kind, one.direction)
    return (
        one.kind is not other.kind
        and leaning != 0
        and leaning == lean(other.kind, other.direction)
        and abs(one.event_ms - other.event_ms) <= CONFIRM_MS
    )


def _name(finding: Finding) -> tuple[Kind, str]:
    return (finding.kind, finding.direction)


def _key(finding: Finding) -> Key:
    return (finding.kind, finding.asset, finding.direction)
