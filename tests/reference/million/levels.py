"""Episodes of kinds that are a measure's level (SEMANTICS 9): over when it has been below 80 % for 60 s."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.reference.million.lives import Line

__all__ = ["Levels"]

NEVER = 1 << 60


@dataclass
class _Open:
    start_ms: int
    last: Line
    ends_ms: int = NEVER


class Levels:
    """What is open of one asset, and the lines that were told."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._open: dict[tuple[str, str], _Open] = {}

    def is_open(self, kind: str) -> bool:
        """Whether a level of this kind is open in any direction."""
        return any(key[0] == kind for key in self._open)

    def hit(self, line: Line) -> None:
        """Take a finding: the whole rule is satisfied."""
        self.lines.append(line)
        known = self._open.get((line.kind, line.direction))
        if known is None:
            self._open[line.kind, line.direction] = _Open(line.event_ms, line)
        else:
            known.last, known.ends_ms = line, NEVER

    def measure(self, kind: str, direction: str, multiple: Fraction | int, now_ms: int) -> None:
        """Take that the rule is not satisfied, and that so much of its threshold is measured."""
        known = self._open.get((kind, direction))
        if known is None:
            return
        if multiple >= Fraction(4, 5):
            known.ends_ms = NEVER
        elif known.ends_ms == NEVER:
            known.ends_ms = now_ms + 60_000

    def next_end(self) -> int:
        """Return when the first one ends, `NEVER` if none is about to."""
        return min((one.ends_ms for one in self._open.values()), default=NEVER)

    def end(self, now_ms: int) -> None:
        """End those whose time has come, in order of their names."""
        for kind, direction in sorted(key for key, one in self._open.items() if one.ends_ms == now_ms):
            one = self._open.pop((kind, direction))
            self.lines.append(Line("end", now_ms, kind, direction, one.start_ms, one.last.usd, one.last.count,
                                   one.last.venues))  # fmt: skip
