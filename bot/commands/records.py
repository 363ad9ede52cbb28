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
from teleglas.storage.outcomes import followed, measured_by_kind
from teleglas.storage.store import Store
from teleglas.track_record import right, up

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
    # counted before they are read, so that one measured meanwhile does not look like one left out
    outcomes = await store.run(measured_by_kind, TOLD_MIN, simulated=ask.desk.simulated)
    measured = {}
    for name in (kind,) if kind else dict.fromkeys((*log_view.KINDS, *counts)):
        rows = {
            horizon: await store.run(followed, name, horizon, simulated=ask.desk.simulated)
            for horizon in horizons
        }
        # a thousand outcomes are summed up; other people ask meanwhile
        measured[name] = await asyncio.to_thread(_measured, rows, outcomes.get(name, 0))
    return track.record(Record(counts, since_ms, kind, measured), ask.context)


def _measured(rows: Mapping[int, Sequence[Followed]], outcomes: int) -> MeasuredKind:
    """Sum up the outcomes of one kind by horizon and direction."""
    ways = tuple(
        (direction, horizon, up([each for each in its if each.direction == direction]))
        for direction in sorted({each.direction for its in rows.values() for each in its})
        for horizon, its in rows.items()
    )
    return MeasuredKind(up(rows[TOLD_MIN]), right(rows[TOLD_MIN]), ways, outcomes)


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
