"""How messages leave: the channels that the settings ask for, their targets, and how the admin is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from teleglas.storage.store import Store
from teleglas.storage.thread import StoreThread
from teleglas.telegram.text import escape
from ws_alert.config import Settings
from ws_alert.delivery.channels import Channel, ChannelSwitch, way_of
from ws_alert.delivery.mail_channel import MailChannel
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.telegram_alert_bot import TelegramChannel
from ws_alert.delivery.terminal import TerminalChannel
from ws_alert.messages import Outcome
from ws_alert.outbox.gate import chat_of

__all__ = ["TERMINAL", "Ways", "check_ways", "open_ways"]

TERMINAL = "terminal"
"""The one target without a token."""

log = structlog.get_logger(__name__)


class Ways(NamedTuple):
    """beside: the targets that are not Telegram's, which are also in `targets`.

    shows_pictures: not where a terminal keeps none.
    """

    channel: Channel
    telegram: TelegramChannel | None
    terminal: TerminalChannel | None
    mail: MailChannel | None
    targets: tuple[str, ...]
    beside: tuple[str, ...]
    shows_pictures: bool
    tell_admin: Callable[[str], Awaitable[None]]
    closers: tuple[Callable[[], Awaitable[None]], ...]

    async def resume(self, store: StoreThread) -> None:
        """Let the terminal's numbers go on where the last process ended."""
        if self.terminal is not None:
            self.terminal.resume(await store.run(Store.last_message_id, TERMINAL))

    async def keep_warm(self) -> None:
        """Keep a connection to Telegram open, if messages go there. Run it as a task."""
        if self.telegram is not None:
            await self.telegram.keep_warm()

    async def close(self) -> None:
        """Close every channel."""
        for close in self.closers:
            await close()


def open_ways(settings: Settings, heard: Callable[[str, Outcome], None]) -> Ways:
    """Make the channels; heard: is told of each answer to a new message. Raises ConfigError."""
    beside: dict[str, Channel] = {}
    closers: list[Callable[[], Awaitable[None]]] = []
    mail = None
    if settings.account is not None:
        mail = beside["mail"] = MailChannel(settings.account, settings.mail_targets)
        closers.append(mail.close)
    if settings.urls_beside:
        # Its import takes 36 MB, which only those pay who use it.
        from ws_alert.delivery.webhook_channel import WebhookChannel  # noqa: PLC0415

        webhooks = beside["url"] = WebhookChannel(settings.urls_beside)
        closers.append(webhooks.close)
    token = settings.telegram_alert_token
    telegram = terminal = None
    main: Channel
    targets: tuple[str, ...] = (TERMINAL,)
    if token is None:
        main = terminal = TerminalChannel(charts=settings.charts_dir)
    else:
        main = telegram = TelegramChannel(token.get_secret_value(), base_url=settings.telegram_api_base_url)
        targets = settings.targets
        closers.append(telegram.close)
    return Ways(
        channel=ChannelSwitch(main, beside, heard=heard),
        telegram=telegram,
        terminal=terminal,
        mail=mail,
        targets=(*targets, *settings.targets_beside),
        beside=settings.targets_beside,
        shows_pictures=token is not None or settings.charts_dir is not None or bool(beside),
        tell_admin=_teller(telegram, settings.telegram_admin_chat_id),
        closers=tuple(closers),
    )


def _teller(telegram: TelegramChannel | None, admin: int | None) -> Callable[[str], Awaitable[None]]:
    async def tell(text: str) -> None:
        if telegram is None or admin is None:
            return  # the log has it already
        said = Rendered(html=f"<b>TELEGLAS</b>: {escape(text)}", caption="", photo=None, silent=False)
        await telegram.send(said, target=str(admin), reply_to=None, silent=False)

    return tell


async def check_ways(ways: Ways, settings: Settings, store: StoreThread, stop: asyncio.Event) -> None:
    """Ask Telegram about token and chats and the mail server about login and addresses, sending nothing.

    Targets that can be reached again resume; a webhook tells only when it is posted to, so it
    gets another chance. Stops the process where the token is refused. A network that is down
    now is no reason to.
    """
    suspended = await store.run(Store.suspended_chats)
    await asyncio.gather(
        _check_telegram(ways, settings, store, stop, set(suspended)),
        _check_beside(ways, settings, store, set(suspended)),
    )


async def _check_telegram(
    ways: Ways, settings: Settings, store: StoreThread, stop: asyncio.Event, suspended: set[str]
) -> None:
    if ways.telegram is None:
        return
    found = await ways.telegram.check(settings.targets)
    if found.token_rejected:
        stop.set()
        return
    for problem in found.problems:
        log.warning("telegram", problem=problem)
    for target, numeric, _ in found.chats:
        for chat in {chat_of(target), chat_of(numeric)} & suspended:
            await store.run(Store.resume_chat, chat)


async def _check_beside(ways: Ways, settings: Settings, store: StoreThread, suspended: set[str]) -> None:
    for target in ways.beside:
        if ways.mail is not None and way_of(target) == "mail":
            problem = await ways.mail.check(settings.mail_targets[target])
            if problem:
                log.warning("mail", target=target, problem=problem)
                continue
        if target in suspended:
            await store.run(Store.resume_chat, target)
