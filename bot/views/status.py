"""/status: how both processes are, told plainly."""

from __future__ import annotations

from bot.answers import Missing, Reason
from bot.replies import Status
from bot.views.card import Card, Part
from bot.views.origin import Context, footer, refresh, why
from bot.views.pieces import headline, tldr
from teleglas.heartbeat import Feed, Heartbeat
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["LATE_MS", "status"]

LATE_MS = 60_000
"""A process that was silent for so long is not well."""

_PLANS = 6


def status(reply: Status, context: Context) -> Card:
    """Return the card of /status."""
    trouble = _trouble(reply, context)
    head = context.words.say("All is well") if not trouble else trouble[0]
    parts = (
        Part(headline(head)),
        Part(_bot(reply, context)),
        Part(_alert(reply.alert, context)),
        Part(_feeds(reply.alert, context), 1),
        Part(_sources(reply, context)),
        Part(_budget(reply, context)),
        Part(_queue(reply, context)),
        Part(tldr(context, *(f"{each}." for each in trouble)) if len(trouble) > 1 else ""),
        Part(footer(context)),
    )
    return Card(parts, ((refresh("status", context),),))


def _trouble(reply: Status, context: Context) -> list[Html]:
    say = context.words.say
    found = [_noted(note, context) for note in (reply.bot_note, reply.database_note) if note.strip()]
    alert = reply.alert
    if alert is None:
        found.append(say("The alert bot has not run on this database"))
    else:
        silent = context.now_ms - alert.at_ms
        if silent > LATE_MS:
            found.append(say("The alert bot has been silent for {age}", age=context.age(silent)))
        else:
            broken = [feed for feed in alert.feeds if feed.state != "live"]
            notes = [_noted(note, context) for note in alert.note.split("; ") if note.strip()]
            found += [say("Alert bot: {what}", what=note) for note in notes]
            if broken:
                names = ", ".join(f"{feed.venue} {feed.family}" for feed in broken[:3])
                found.append(say("Not live: {feeds}", feeds=names))
    bad = [name for name, (_, wrong) in reply.sources.items() if wrong]
    if bad:
        found.append(say("Asked in vain: {names}", names=", ".join(bad)))
    return found


def _noted(note: str, context: Context) -> Html:
    """Return what a process said of itself, in the reader's words where it is one of the usual things."""
    say = context.words.say
    usual = {
        "no feed delivers": say("no feed delivers"),
        "no market data": say("no market data"),
        "the database cannot be used": say("the database cannot be used"),
        "another program reads this token's updates (409)": say(
            "another program reads this token's updates (409)"
        ),
    }
    line = " ".join(note.split())
    return usual.get(line, Html(escape(line)))


def _bot(reply: Status, context: Context) -> str:
    say = context.words.say
    heard = say("not heard from Telegram yet")
    if reply.heard_ms is not None:
        heard = say("heard from Telegram {age} ago", age=context.age(context.now_ms - reply.heard_ms))
    up = context.age(context.now_ms - reply.started_ms)
    return say("Command bot {version}, up {age}, {heard}", version=reply.version, age=up, heard=heard)


def _alert(alert: Heartbeat | None, context: Context) -> str:
    say = context.words.say
    if alert is None:
        return say("Alert bot: has never run on this database")
    last = say("no event yet")
    if alert.last_event_ms is not None:
        last = say("last event {age} ago", age=context.age(context.now_ms - alert.last_event_ms))
    return say(
        "Alert bot {version}, up {age}, said so {beat} ago; {inputs} inputs, {last}, {sent} alerts sent",
        version=alert.version, age=context.age(alert.at_ms - alert.started_ms), beat=context.age(context.now_ms - alert.at_ms),
        inputs=f"{alert.inputs:,}", last=last, sent=f"{alert.sent:,}",
    )  # fmt: skip


def _feeds(alert: Heartbeat | None, context: Context) -> str:
    if alert is None or not alert.feeds:
        return ""
    lines = [_feed(feed, context) for feed in alert.feeds]
    return "<blockquote expandable>" + "\n".join([context.words.say("Feeds"), *lines]) + "</blockquote>"


def _feed(feed: Feed, context: Context) -> str:
    say = context.words.say
    reason = f" ({feed.why})" if feed.why else ""
    states = {
        "live": say("live"),
        "connecting": say("connecting"),
        "polling": say("polling"),
        "down": say("down"),
    }
    return say("{name}: {state} for {age}{why}", name=f"{feed.venue} {feed.family}", state=states.get(feed.state, feed.state),
                             age=context.age(context.now_ms - feed.since_ms), why=reason)  # fmt: skip


def _sources(reply: Status, context: Context) -> str:
    say = context.words.say
    lines = []
    for name, (at_ms, wrong) in reply.sources.items():
        answered = (
            say("not asked yet")
            if at_ms is None
            else say("answered {age} ago", age=context.age(context.now_ms - at_ms))
        )
        lines.append(f"{escape(name)}: {answered}" + (f", {_wrong(name, wrong, context)}" if wrong else ""))
    return "\n".join(lines)


def _wrong(name: str, reason: str, context: Context) -> str:
    """Say in words what is wrong with a source."""
    if reason in set(Reason):
        return why(Missing(Reason(reason), name), context)
    return escape(reason)


def _budget(reply: Status, context: Context) -> str:
    say = context.words.say
    if reply.budget is None:
        return say("CoinGlass: no key, so exchanges and our own tape answer")
    told = say("CoinGlass: {used} of {limit} requests used this minute", used=reply.budget.used,
               limit=reply.budget.per_minute)  # fmt: skip
    plans = [f"{endpoint} ({plan})" for endpoint, plan in list(reply.budget.refused.items())[:_PLANS]]
    return told + "\n" + say("Above the plan: {names}", names=", ".join(plans)) if plans else told


def _queue(reply: Status, context: Context) -> str:
    say = context.words.say
    if not reply.waiting:
        return say("Queue: nothing waits")
    oldest = "" if reply.oldest_waiting_ms is None else context.age(context.now_ms - reply.oldest_waiting_ms)
    return context.words.count("Queue: {n} alert waits, for {age}", "Queue: {n} alerts wait, the oldest for {age}",
                               reply.waiting, age=oldest)  # fmt: skip
