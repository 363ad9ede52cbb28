"""The alert bot's commands: what each answers. They change nothing but what they say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from teleglas.daily_time import DailyTime, parse
from teleglas.telegram.text import escape
from ws_alert.chat.rooms import Typed
from ws_alert.daily.scheduler import DailyDigests
from ws_alert.delivery.daily import render_daily
from ws_alert.delivery.rendered import Rendered
from ws_alert.outbox.pictures import Draw

__all__ = ["COMMANDS", "Answer", "Asked", "Desk", "answer"]

_OFF = "off"
_DRAWN_WITHIN_S = 10.0

_HELP = (
    "/digest 08:00 Asia/Jakarta: yesterday's market, every day at this time",
    "/digest off: no daily digest",
    "/digest: what is chosen, and yesterday's digest now",
    "/help: these lines",
    "In groups only administrators may change it. Questions about coins are the command bot's.",
)


class Asked(msgspec.Struct, frozen=True):
    """A command in a place. targets: what it is about. may_change: asks whether this person may change it.

    alerted: alerts come here; else it is the administrator's chat alone.
    """

    typed: Typed
    targets: tuple[str, ...]
    alerted: bool
    may_change: Callable[[], Awaitable[bool]]


class Desk(msgspec.Struct, frozen=True):
    """What the commands work with. clock: Unix ms. draw: None without pictures."""

    digests: DailyDigests
    clock: Callable[[], int]
    draw: Draw | None


Answer = Callable[[Asked, Desk], Awaitable[Rendered]]


async def answer(asked: Asked, desk: Desk) -> Rendered:
    """Answer a command; one that does not exist is answered with those that do."""
    command = COMMANDS.get(asked.typed.name)
    if command is None:
        return _said(f"There is no command /{escape(asked.typed.name)}.", *_HELP)
    return await command(asked, desk)


async def _help(asked: Asked, _desk: Desk) -> Rendered:
    head = "TELEGLAS sends its alerts to this chat."
    if not asked.alerted:
        head = "This is the administrator's chat: TELEGLAS tells of trouble here, and sends its alerts elsewhere."
    return _said(f"<b>{head}</b>", *_HELP)


async def _digest(asked: Asked, desk: Desk) -> Rendered:
    """Show or change when the daily digest comes."""
    if len(asked.targets) > 1:
        return _said("This chat gets alerts in several topics. Type it in the topic that is meant.")
    target, wanted = asked.targets[0], asked.typed.argument
    if not wanted:
        return await _shown(target, desk)
    now_ms = desk.clock()
    chosen, _ = await desk.digests.chosen(target)
    when: DailyTime | None = None
    if wanted.casefold() != _OFF:
        try:
            when = parse(wanted, chosen.zone if chosen is not None else "UTC")
        except ValueError as error:
            return _said(escape(str(error)), "For example: /digest 08:00 Asia/Jakarta")
    if not await asked.may_change():
        return _said("Only administrators of this group can change its daily digest.")
    await desk.digests.choose(target, when, now_ms)
    if when is None:
        return _said("No daily digest comes here from now on.")
    return _said(
        f"<b>The daily digest comes here at {when.clock}, time of {escape(when.zone)}.</b>",
        f"It is {_local(now_ms, when)} there now; the first comes {_local(_next_ms(when, now_ms), when)}.",
        "/digest off stops it.",
    )


async def _shown(target: str, desk: Desk) -> Rendered:
    """Say what is chosen, with yesterday's digest as it would be told now."""
    when, by_chat = await desk.digests.chosen(target)
    if when is None:
        head = "No daily digest comes here. /digest 08:00 Asia/Jakarta orders one."
    else:
        whose = "as chosen here" if by_chat else "as the settings say (DIGEST_AT)"
        head = f"The daily digest comes at {when.clock}, time of {when.zone}, {whose}."
    daily = await desk.digests.preview(target, desk.clock())
    message = render_daily(daily, before=(head, "A preview:"))
    photo = None
    if desk.draw is not None and message.picture is not None:
        photo = await desk.draw(message.picture, within_s=_DRAWN_WITHIN_S)
    return message.with_photo(photo)


def _next_ms(when: DailyTime, now_ms: int) -> int:
    day, _ = when.latest(now_ms)
    return when.due_ms(day + timedelta(days=1))


def _local(ms: int, when: DailyTime) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(when.zone)):%Y-%m-%d %H:%M}"


def _said(*lines: str) -> Rendered:
    html = "\n".join(lines)
    return Rendered(html=html, caption=html, photo=None, silent=True)


COMMANDS: Final[dict[str, Answer]] = {"start": _help, "help": _help, "digest": _digest}
