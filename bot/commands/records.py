"""The commands about the alert bot and about this one."""

from __future__ import annotations

from bot.commands.desk import Ask
from bot.replies import AlertLine, Alerts, Record, Status
from bot.symbols import Found
from bot.views import log as log_view
from bot.views import status as status_view
from bot.views import talk
from bot.views.card import Card
from teleglas.storage import history, notes
from teleglas.storage.store import Store

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
        AlertLine(row.kind, row.asset, row.direction, row.usd, row.event_ms, row.tier, row.state)
        for row in sent
    )
    never = not lines and await store.run(notes.heartbeat, notes.ALERT_PROCESS) is None
    return log_view.alerts(Alerts(None if never else lines, asset), ask.context)


async def record(ask: Ask) -> Card:
    """How many alerts of each kind there were."""
    counts, since_ms = await ask.desk.store.run(history.counts_by_kind)
    asked = "_".join(ask.arguments).lower()
    kind = asked if asked in {*log_view.KINDS, *counts} else None
    return log_view.record(Record(counts, since_ms, kind), ask.context)


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
