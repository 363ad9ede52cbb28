"""What the alert bot has sent, as both bots tell it. Verbs take the store first, for `StoreThread.run`."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from teleglas.market_view import Found
from teleglas.outcomes import TOLD_MIN
from teleglas.storage.store import Store
from teleglas.storage.tables import outbox, outcome_moves, outcomes, verdicts

__all__ = ["SentAlert", "counts_by_kind", "found", "sent_alerts"]

_TIERS = {1: "INFO", 2: "WATCH", 3: "URGENT"}
_TARGETS = 8
_SAME = ("kind", "asset", "direction", "episode_ms")


class SentAlert(msgspec.Struct, frozen=True):
    """One alert, however many targets got it. usd in cents; tier in words; state as the outbox has it.

    outcome: `measured` (then `move` is in percent after `TOLD_MIN` minutes), `open` (it is too early), `unseen` (no
    price was seen then), `unpriced` (nor at the alert), `again` (the episode's first alert has it, which another
    target may have got), or `unknown` (older than outcomes).
    """

    kind: str
    asset: str
    direction: str
    usd: int
    event_ms: int
    tier: str
    state: str
    outcome: str = "unknown"
    move: float | None = None


def sent_alerts(store: Store, limit: int, *, asset: str | None = None) -> list[SentAlert]:
    """Return the newest alerts, the newest first."""
    table = verdicts.c
    query = (
        sa.select(table.kind, table.asset, table.direction, table.usd, table.event_ms, table.tier, table.episode_ms,
                  table.step, outbox.c.state, outcomes.c.prices, outcomes.c.event_ms.label("begun_ms"),
                  outcome_moves.c.horizon_min, outcome_moves.c.move)
        .join(outbox, outbox.c.alert_id == table.alert_id)
        .outerjoin(outcomes, sa.and_(*(outcomes.c[name] == table[name] for name in _SAME)))
        .outerjoin(outcome_moves, sa.and_(outcome_moves.c.outcome_id == outcomes.c.outcome_id,
                                          outcome_moves.c.horizon_min == TOLD_MIN))
        .where(table.action == "send")
        .order_by(table.decided_ms.desc(), table.verdict_id.desc())
        .limit(limit * _TARGETS)
    )  # fmt: skip
    if asset is not None:
        query = query.where(table.asset == asset)
    found: dict[tuple[object, ...], SentAlert] = {}
    with store.transaction(reads_only=True) as connection:
        for row in connection.execute(query):
            one = (row.kind, row.asset, row.direction, row.episode_ms, row.step)
            outcome = _outcome(row)
            # a target that heard of it later does not hide what followed
            if one not in found or (found[one].outcome == "again" != outcome):
                found[one] = SentAlert(
                    row.kind, row.asset, row.direction, int(row.usd), int(row.event_ms),
                    _TIERS.get(row.tier, "INFO"), row.state, outcome, None if outcome == "again" else row.move,
                )  # fmt: skip
    return list(found.values())[:limit]


def _outcome(row: Any) -> str:
    if row.prices is None:
        return "unknown"
    if row.begun_ms != row.event_ms:
        return "again"
    if row.prices == "[]":
        return "unpriced"
    if row.horizon_min is None:
        return "open"
    return "unseen" if row.move is None else "measured"


def counts_by_kind(store: Store) -> tuple[dict[str, int], int | None]:
    """Return how many alerts of each kind were sent (each counted once), and when the first was decided."""
    sent = verdicts.c.action == "send"
    alerts = (
        sa.select(
            verdicts.c.kind, verdicts.c.asset, verdicts.c.direction, verdicts.c.episode_ms, verdicts.c.step
        )
        .where(sent)
        .distinct()
        .subquery()
    )
    with store.transaction(reads_only=True) as connection:
        rows = connection.execute(sa.select(alerts.c.kind, sa.func.count()).group_by(alerts.c.kind))
        counts = {row[0]: int(row[1]) for row in rows}
        first = connection.scalar(sa.select(sa.func.min(verdicts.c.decided_ms)).where(sent))
    return counts, first


def found(store: Store, from_ms: int, to_ms: int) -> list[Found]:
    """Return the episodes on which something was decided in from_ms <= decided < to_ms, sent or not.

    usd: the largest sum of those decisions; of an episode that was told the last one has its total.
    """
    table = verdicts.c
    usd = sa.func.max(sa.func.coalesce(table.told_usd, table.usd))
    ended = sa.func.max(sa.case((table.reason == "ended", 1), else_=0))
    named = (table.kind, table.asset, table.direction, table.episode_ms)
    query = (
        sa.select(*named, usd, ended)
        .where(table.decided_ms >= from_ms, table.decided_ms < to_ms, table.reason != "digest")
        .group_by(*named)
        .order_by(table.episode_ms, table.kind, table.asset, table.direction)
    )
    with store.transaction(reads_only=True) as connection:
        return [
            Found(row[0], row[1], row[2], int(row[3]), int(row[4]), bool(row[5]))
            for row in connection.execute(query)
        ]
