"""The commands about the alert bot and about this one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from bot.commands.desk import Ask
from bot.replies import AlertLine, Alerts, MeasuredKind, Record, Status
from bot.symbols import Found
from bot.views import log as log_view
from bot.views import status as status_view
from bot.views import talk, track
from bot.views.card import Card
from teleglas.outcomes import HORIZONS_MIN, TOLD_MIN, Followed
from teleglas.storage import history, notes
from teleglas.storage.outcomes import followed
from teleglas.storage.store import Store
from teleglas.track_record import NOTHING, right, up

__all__ = ["alerts", "record", "status"]

_SHOWN = 10


async def alerts(ask: Ask) -> Card:
    """Alerts of late, of all coins or of one."""
    asset = None
    if ask.argument(0):
        found = await ask.desk.resolve(ask.argument(0))
        if not isinstance(found, Found):
            return talk.unknown_coin(found.text, "alerts", found.near, ask.context)
        asset = found.asset
    store = ask.desk.store
    sent = await store.run(history.sent_alerts, _SHOWN, asset=asset)
    lines = tuple(
        AlertLine(
            row.kind,
            row.asset,
            row.direction,
            row.usd,
            row.event_ms,
            row.tier,
            row.state,
            row.outcome,
            row.move,
        )
        for row in sent
    )
    never = not lines and await store.run(notes.heartbeat, notes.ALERT_PROCESS) is None
    return log_view.alerts(Alerts(None if never else lines, asset), ask.context)


async def record(ask: Ask) -> Card:
    """Show what followed the alerts of each kind, or of one."""
    store = ask.desk.store
    counts, since_ms = await store.run(history.counts_by_kind)
    asked = "_".join(ask.arguments).lower()
    kind = asked if asked in {*log_view.KINDS, *counts} else None
    horizons = HORIZONS_MIN if kind else (TOLD_MIN,)
    rows = {horizon: await store.run(followed, horizon) for horizon in horizons}
    # thousands of outcomes are summed up; other people ask meanwhile
    measured = await asyncio.to_thread(_measured, rows, kind)
    return track.record(Record(counts, since_ms, kind, measured), ask.context)


def _measured(rows: Mapping[int, Sequence[Followed]], kind: str | None) -> dict[str, MeasuredKind]:
    """Sum up outcomes by horizon; of one kind also by direction."""
    by_kind: dict[str, list[Followed]] = {}
    for each in rows[TOLD_MIN]:
        by_kind.setdefault(each.kind, []).append(each)
    found = {name: MeasuredKind(up(its), right(its)) for name, its in by_kind.items()}
    if kind is None:
        return found
    own = {horizon: [each for each in its if each.kind == kind] for horizon, its in rows.items()}
    ways = tuple(
        (direction, horizon, up([each for each in its if each.direction == direction]))
        for direction in sorted({each.direction for its in own.values() for each in its})
        for horizon, its in own.items()
    )
    known = found.get(kind, MeasuredKind(NOTHING, NOTHING))
    return {kind: MeasuredKind(known.up, known.right, ways)}


async def status(ask: Ask) -> Card:
    """How both processes, the sources and the queue are."""
    desk = ask.desk
    alert = await desk.store.run(notes.heartbeat, notes.ALERT_PROCESS)
    queue = await desk.store.run(Store.stats)
    reply = Status(
        version=desk.version, started_ms=desk.health.started_ms, heard_ms=desk.health.heard_ms,
        bot_note=desk.health.note, alert=alert, budget=await desk.budget(), sources=dict(desk.sources()),
        waiting=queue.waiting, oldest_waiting_ms=queue.oldest_waiting_ms, simulated=desk.simulated,
        database_note=desk.store.degraded or "",
    )  # fmt: skip
    return status_view.status(reply, ask.context)
