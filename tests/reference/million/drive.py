"""Many seeded histories through the engine and through a slow definition, batch by batch; the first difference stops."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Protocol

from tests.reference.million.lives import Line, Row

__all__ = ["Difference", "Family", "Tally", "compared", "smallest"]


class Family(Protocol):
    """Kinds whose histories are made and judged together."""

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return new histories by asset (or by another name of theirs)."""

    def by_engine(self, histories: dict[str, list[Row]], rng: random.Random | None) -> dict[str, list[Line]]:
        """Return what the engine finds; with `rng` it is restarted now and then."""

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Return what the definition finds."""


class Difference(Exception):
    """The engine and the definition disagree about a history."""


@dataclass
class Tally:
    """What was reached: histories in all, and by word how many of them."""

    histories: int = 0
    reached: Counter[str] = field(default_factory=Counter)

    def take(self, lines: Iterable[Line]) -> None:
        """Count one history."""
        self.histories += 1
        words = set()
        for line in lines:
            words.add(line.kind)
            words.add(f"{line.kind} {line.direction}")
            if line.what == "end":
                words.add(f"{line.kind} ended")
            else:
                words.add(f"{line.kind} {line.tier}")
                words.update(
                    f"{line.kind} {fact}" for fact in line.facts if isinstance(fact, str) and len(fact) > 1
                )
                if line.kind == "liquidation_storm":
                    words.add(f"{line.kind} {line.facts[0]}x")
        self.reached.update(words or {"nothing"})

    def lines(self) -> list[str]:
        """Return the table."""
        return [
            f"  {word:48} {count:9,} {count / self.histories:7.2%}"
            for word, count in sorted(self.reached.items())
        ]


def compared(
    family: Family, seed: int, histories: int, tally: Tally, tell: Callable[[str], None] = str
) -> None:
    """Compare so many histories. Raises Difference, with the seed and a history that is as short as can be."""
    number = 0
    while tally.histories < histories:
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable
        made = family.batch(rng)
        ours, slow = family.by_engine(made, rng), family.by_definition(made)
        for name in made:
            mine, its = ours.get(name, []), slow.get(name, [])
            if mine != its:
                raise Difference(_told(family, seed, number, name, made[name], mine, its))
            tally.take(its)
        number += 1
        if number % 500 == 0:
            tell(f"  {tally.histories:,} histories agree")


def smallest(family: Family, name: str, rows: list[Row]) -> list[Row]:
    """Return the rows of a history without those that its difference does not need."""

    def differs(some: list[Row]) -> bool:
        return family.by_engine({name: some}, None).get(name, []) != family.by_definition({name: some}).get(
            name, []
        )

    if not differs(rows):
        return rows  # it needs a restart, or what went before
    place = 0
    while place < len(rows) and len(rows) > 1:
        without = rows[:place] + rows[place + 1 :]
        if differs(without):
            rows = without
        else:
            place += 1
    return rows


def _told(
    family: Family, seed: int, number: int, name: str, rows: list[Row], mine: list[Line], its: list[Line]
) -> str:
    parts = [f"seed {seed}, batch {number}, {name}: the engine and the definition differ"]
    fewer = smallest(family, name, rows)
    if fewer != rows:
        rows = fewer
        mine = family.by_engine({name: rows}, None).get(name, [])
        its = family.by_definition({name: rows}).get(name, [])
    parts += [f"  {row}" for row in rows]
    for place, (ours, theirs) in enumerate(zip_longest(mine, its)):
        if ours != theirs:
            parts += [f"line {place + 1}", f"engine     {ours}", f"definition {theirs}"]
            break
    return "\n".join(parts)
