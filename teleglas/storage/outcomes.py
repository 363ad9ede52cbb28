"""What followed the alerts, kept for ever. Verbs take the store first, for `StoreThread.run`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from teleglas.outcomes import Followed, Move, Priced
from teleglas.storage.store import Store
from teleglas.storage.tables import outcome_moves, outcomes

__all__ = ["MOST_OF_A_KIND", "OpenOutcome", "followed", "measured_by_kind", "open_outcomes", "settle"]

MOST_OF_A_KIND = 1_000
"""A record is made of so many of the newest outcomes of a kind."""

_MOVE = ("horizon_min", "move", "rise", "fall", "up", "down")


class OpenOutcome(msgspec.Struct, frozen=True):
    """An alert with horizons that are still to be measured; known: those that are not, in minutes."""

    outcome_id: int
    kind: str
    event_ms: int
    prices: tuple[Priced, ...]
    known: tuple[int, ...]


def open_outcomes(store: Store, limit: int) -> list[OpenOutcome]:
    """Return alerts that are not settled, the oldest first."""
    table = outcomes.c
    query = (
        sa.select(table.outcome_id, table.kind, table.event_ms, table.prices)
        .where(table.settled.is_(sa.false()))
        .order_by(table.event_ms, table.outcome_id)
        .limit(limit)
    )
    with store.transaction(reads_only=True) as connection:
        rows = connection.execute(query).all()
        known: dict[int, list[int]] = {}
        moves = outcome_moves.c
        wanted = sa.select(moves.outcome_id, moves.horizon_min).where(
            moves.outcome_id.in_([row.outcome_id for row in rows])
        )
        for outcome_id, horizon in connection.execute(wanted):
            known.setdefault(int(outcome_id), []).append(int(horizon))
    return [
        OpenOutcome(
            int(row.outcome_id),
            row.kind,
            int(row.event_ms),
            msgspec.json.decode(row.prices, type=tuple[Priced, ...]),
            tuple(sorted(known.get(int(row.outcome_id), ()))),
        )
        for row in rows
    ]


def settle(store: Store, outcome_id: int, moves: Sequence[Move], *, settled: bool) -> None:
    """Write what was measured, or given up, of an alert; settled: nothing of it is open any more.

    A horizon that is known stays as it is.
    """
    with store.transaction() as connection:
        known = set(
            connection.scalars(
                sa.select(outcome_moves.c.horizon_min).where(outcome_moves.c.outcome_id == outcome_id)
            )
        )
        rows = [
            msgspec.structs.asdict(move) | {"outcome_id": outcome_id}
            for move in moves
            if move.horizon_min not in known
        ]
        if rows:
            connection.execute(outcome_moves.insert(), rows)
        if settled:
            connection.execute(
                outcomes.update().where(outcomes.c.outcome_id == outcome_id).values(settled=True)
            )


def followed(store: Store, kind: str, horizon_min: int, *, simulated: bool = False) -> list[Followed]:
    """Return the newest outcomes of a kind whose move within a horizon was measured, the newest first.

    simulated: of the market that is not real, or of the real one; never of both.
    """
    table, moves = outcomes.c, outcome_moves.c
    query = (
        sa.select(table.kind, table.direction, table.strength, *(moves[name] for name in _MOVE))
        .join(outcome_moves, moves.outcome_id == table.outcome_id)
        .where(
            table.kind == kind,
            table.simulated.is_(sa.true() if simulated else sa.false()),
            moves.horizon_min == horizon_min,
            moves.move.is_not(None),
        )
        .order_by(table.event_ms.desc(), table.outcome_id.desc())
        .limit(MOST_OF_A_KIND)
    )
    with store.transaction(reads_only=True) as connection:
        return [
            Followed(row["kind"], row["direction"], row["strength"], Move(*(row[name] for name in _MOVE)))
            for row in connection.execute(query).mappings()
        ]


def measured_by_kind(store: Store, horizon_min: int, *, simulated: bool = False) -> dict[str, int]:
    """Return how many moves within a horizon were measured of each kind, however long ago; simulated as in `followed`."""
    table, moves = outcomes.c, outcome_moves.c
    query = (
        sa.select(table.kind, sa.func.count())
        .join(outcome_moves, moves.outcome_id == table.outcome_id)
        .where(
            table.simulated.is_(sa.true() if simulated else sa.false()),
            moves.horizon_min == horizon_min,
            moves.move.is_not(None),
        )
        .group_by(table.kind)
    )
    with store.transaction(reads_only=True) as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}
