"""What waits two seconds, so that one market event becomes one message (SEMANTICS 16)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ws_alert.messages import LEVELS, Finding, Kind
from ws_alert.policy.inhibition import RANK

__all__ = ["Group", "Waiting", "group_key"]

_JOINING = LEVELS | {Kind.STOP_HUNT, Kind.VOLUME_SPIKE}
"""Kinds that become a line of the message that waits for their asset, but never hold it up or lead it."""


class Waiting(msgspec.Struct):
    """One (kind, direction) in a group.

    first: the finding that was held. largest: the one with the largest USD since;
    its USD and `count` are what the message will say. For single events count is how
    many of them merged.
    """

    first: Finding
    largest: Finding
    count: int

    def merge(self, finding: Finding) -> None:
        """Take another finding of the same kind and direction."""
        if not finding.window_ms:
            self.count += 1
        if finding.usd > self.largest.usd:
            self.largest = finding
            if finding.window_ms:
                self.count = finding.count


class Group(msgspec.Struct):
    """What waits for one asset (see `Finding.group`); released together at `due_ms`."""

    asset: str
    due_ms: int
    waiting: list[Waiting]

    def find(self, finding: Finding) -> Waiting | None:
        """Return what already waits of the same kind and direction."""
        for entry in self.waiting:
            if (entry.first.kind, entry.first.direction) == (finding.kind, finding.direction):
                return entry
        return None

    def ranked(self) -> list[Waiting]:
        """Return what waits, the leading one first: largest kind, then largest USD."""
        return sorted(
            self.waiting,
            key=lambda entry: (-RANK[entry.first.kind], -entry.largest.usd, entry.first.direction),
        )


def group_key(finding: Finding, waiting: Mapping[str, Group]) -> str:
    """Return the group that a finding waits in: its own, or for kinds that only join, one beside it."""
    if finding.kind not in _JOINING:
        return finding.group
    beside = f"{finding.group} beside"
    already = beside in waiting and waiting[beside].find(finding) is not None
    return finding.group if finding.group in waiting and not already else beside
