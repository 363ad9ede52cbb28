"""Reads what is typed to the alert bot, decides who is answered, and answers.

Alerts go out without it: whatever goes wrong here is logged and ends nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from telegram import Bot, Message, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError

from teleglas.errors import ConfigError
from teleglas.storage.digests import moved_from
from teleglas.storage.store import StoreUnavailable
from teleglas.storage.thread import StoreThread
from teleglas.telegram.client import TelegramClient
from teleglas.telegram.hearing import hear, introduce
from teleglas.telegram.pace import Pace
from teleglas.telegram.target import Target
from ws_alert.chat.commands import COMMANDS, Asked, Desk, answer
from ws_alert.chat.rooms import Typed, is_own_voice, parse_command, targets_of
from ws_alert.delivery.channels import Channel
from ws_alert.delivery.rendered import Rendered
from ws_alert.messages import OutcomeKind

__all__ = ["Listener"]

_SETTING = "TELEGRAM_ALERT_TOKEN"
_HEARD = ("message", "channel_post")
_PER_MINUTE, _BURST = 6.0, 6
_CONNECTIONS = 4
_ADMINISTRATORS = (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)

log = structlog.get_logger(__name__)


@dataclass
class _Health:
    heard_ms: int | None = None
    turned_ms: int = 0
    note: str = ""


class Listener:
    """Make it, and await `run()` as a task.

    targets: who gets alerts; only they and the admin's chat are answered. channel: sends the
    answers. wall_ms: Unix ms, as Telegram tells the time. seconds: a clock that never goes back, for
    the pace of each chat.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str,
        targets: Sequence[str],
        admin: int | None,
        channel: Channel,
        store: StoreThread,
        desk: Desk,
        wall_ms: Callable[[], int],
        seconds: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = TelegramClient(token, base_url=base_url, connections=_CONNECTIONS)
        self._alerted = frozenset(targets)
        self._targets = tuple(dict.fromkeys([*targets, *([] if admin is None else [str(admin)])]))
        self._channel, self._store, self._desk = channel, store, desk
        self._wall_ms, self._seconds, self._sleep = wall_ms, seconds, sleep
        self._pace = Pace(_PER_MINUTE, _BURST)
        self._username = ""
        self._health = _Health()

    async def run(self) -> None:
        """Listen until cancelled, or until Telegram refuses the token."""
        try:
            bot = self._client.bot
            self._username = await introduce(bot, self._health, setting=_SETTING, wait=self._wait) or ""
            await hear(
                bot, self.receive, self._health, self._wall_ms, allowed=_HEARD, setting=_SETTING, sleep=self._sleep,
            )  # fmt: skip
        except ConfigError as error:
            log.error("commands_not_heard", why=str(error))  # noqa: TRY400 - it says all
        finally:
            await self._client.close()

    async def receive(self, update: Update) -> None:
        """Answer an update; never raises."""
        message = update.message or update.channel_post
        if message is None or not message.text:
            return
        try:
            await self._typed(message, message.text)
        except StoreUnavailable as error:
            log.warning("command_not_answered", why=str(error))
            await self._say(message, _apology("the database cannot be used now, nothing was changed"))
        except TelegramError as error:
            # Of a group's members Telegram surely tells only a bot that is an administrator itself.
            log.warning("administrators_not_told", why=type(error).__name__)
            await self._say(
                message,
                _apology("Telegram did not tell whether you are an administrator, so nothing was changed"),
            )
        except Exception:
            log.exception("command_not_answered", why="a defect")
            await self._say(message, _apology("that went wrong on our side"))

    async def _typed(self, message: Message, text: str) -> None:
        typed = parse_command(text, self._username)
        private = message.chat.type == ChatType.PRIVATE
        if typed is None or not (private or typed.named or typed.name in COMMANDS):
            return  # among others an unknown command is most likely another bot's
        targets = await self._meant(message)
        if not targets or self._pace.take(message.chat_id, self._seconds()) > 0:
            return
        alerted = not self._alerted.isdisjoint(targets)
        asked = Asked(typed, targets, alerted, lambda: self._may_change(message))
        await self._say(message, await answer(asked, self._desk))
        log.info("command_answered", command=_known(typed))

    async def _meant(self, message: Message) -> tuple[str, ...]:
        """Return the targets that a message is about, none if we do not answer here."""
        before = await self._store.run(moved_from, str(message.chat_id))
        topic = message.message_thread_id if message.is_topic_message else None
        return targets_of(message.chat_id, message.chat.username, topic, self._targets, before)

    async def _may_change(self, message: Message) -> bool:
        """Return whether its sender decides here: in private, in a channel's own posts, as an administrator."""
        if message.chat.type in {ChatType.PRIVATE, ChatType.CHANNEL}:
            return True
        if message.sender_chat is not None:
            return is_own_voice(message.chat_id, message.sender_chat.id)
        if message.from_user is None:
            return False
        member = await self._bot.get_chat_member(message.chat_id, message.from_user.id)
        return member.status in _ADMINISTRATORS

    @property
    def _bot(self) -> Bot:
        return self._client.bot

    async def _say(self, message: Message, said: Rendered) -> None:
        topic = message.message_thread_id if message.is_topic_message else None
        private = message.chat.type == ChatType.PRIVATE
        outcome = await self._channel.send(
            said,
            target=str(Target(message.chat_id, topic)),
            reply_to=None if private else message.message_id,
            silent=True,
        )
        if outcome.kind is not OutcomeKind.SENT:
            log.warning("command_not_answered", why=outcome.why)

    async def _wait(self, seconds: float) -> bool:
        await self._sleep(seconds)
        return False


def _known(typed: Typed) -> str:
    return typed.name if typed.name in COMMANDS else "other"


def _apology(why: str) -> Rendered:
    text = f"Sorry, {why}."
    return Rendered(html=text, caption=text, photo=None, silent=True)
