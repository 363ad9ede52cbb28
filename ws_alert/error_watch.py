"""Errors as the log has them: counted for the health figures, mailed to the administrator.

An error is what is logged at ERROR or above, by us or by a library. A cause is what does not
change from one time to the next: who logged, and the words without their figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Self

import structlog

from teleglas.errors import TeleglasError
from teleglas.logs import redact
from teleglas.storage.store import Store, StoreUnavailable
from teleglas.storage.thread import StoreThread
from teleglas.telegram.text import escape
from ws_alert.causes import HOUR_MS, Causes, key_of
from ws_alert.config import Settings
from ws_alert.delivery.mail_channel import MailChannel
from ws_alert.delivery.rendered import Rendered
from ws_alert.health import HealthMonitor
from ws_alert.messages import OutcomeKind

__all__ = ["AdminMail", "ErrorWatch", "errors_heard", "told_of"]

_WAITING = 100
_LAST_MAIL_S = 0.5
_LAST_WORDS_S = 12.0
"""For e-mail about what ended the program; after SIGTERM there is less time."""
_FIGURES = re.compile(r"\d+")
_FOOT = "The log has the details. This cause is not mailed again within an hour."
_SHOWN = ("what", "why", "error", "note")

log = structlog.get_logger(__name__)


class ErrorWatch(logging.Handler):
    """Calls `heard(cause, text)` on the event loop for each error that any thread logs.

    secrets: what the text must not hold.
    """

    def __init__(self, heard: Callable[[str, str], None], secrets: Collection[str]) -> None:
        super().__init__(logging.ERROR)
        self._heard, self._secrets = heard, tuple(secrets)
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        # The loop may have ended; and the other handlers have shown the record anyway.
        with contextlib.suppress(Exception):
            cause, text = told_of(record)
            self._loop.call_soon_threadsafe(self._heard, cause, redact(text, self._secrets))

    def __enter__(self) -> Self:
        """Listen to everything that is logged."""
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)


def told_of(record: logging.LogRecord) -> tuple[str, str]:
    """Return a record's cause, and what a person is told of it."""
    if isinstance(record.msg, dict):
        fields: Mapping[str, object] = record.msg
        words = str(fields.get("event", ""))
        shown = [f"{name}: {fields[name]}" for name in _SHOWN if fields.get(name)]
        text = " - ".join([words, *shown])
        constant = f"{words} {fields.get('what', '')}"
    else:
        text, constant = record.getMessage(), str(record.msg)
    failure = record.exc_info[1] if record.exc_info else None
    if failure is not None:
        text += f" - {type(failure).__name__}: {failure}"
        constant += f" {type(failure).__name__}"
    cause = " ".join(_FIGURES.sub("#", f"{record.name} {constant}").split())
    return cause, f"{record.name}: {text}"


class AdminMail:
    """Mails errors to the administrator, each cause at most once an hour, also over restarts.

    addresses: whom. causes: what was told already. clock: Unix ms. Run it as a task.
    """

    def __init__(
        self,
        mail: MailChannel,
        addresses: tuple[str, ...],
        store: StoreThread,
        causes: Causes,
        clock: Callable[[], int],
    ) -> None:
        self._mail, self._addresses, self._store = mail, addresses, store
        self._causes, self._clock = causes, clock
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_WAITING)

    def heard(self, cause: str, text: str) -> None:
        """Queue an error unless its cause was told within the hour; never waits."""
        if self._waiting.full():
            return  # not told, so that it can be told once there is room
        more = self._causes.due(cause, self._clock())
        if more is None:
            return
        if more:
            text += f"\nThe same came {more} more times since the last e-mail about it."
        self._waiting.put_nowait((cause, text))

    async def run(self) -> None:
        """Send what is queued until cancelled."""
        while True:
            cause, text = await self._waiting.get()
            try:
                await self._send(cause, text)
            finally:
                self._waiting.task_done()

    async def drained(self, within_s: float) -> None:
        """Wait until everything queued was tried, so long at most."""
        try:
            async with asyncio.timeout(within_s):
                await self._waiting.join()
        except TimeoutError:
            log.warning("admin_mail_unsent", waiting=self._waiting.qsize() + 1)

    async def _send(self, cause: str, text: str) -> None:
        try:
            await self._store.run(Store.hold_chat, key_of(cause), self._clock() + HOUR_MS)
        except StoreUnavailable as error:
            log.warning("admin_mail_not_remembered", why=str(error))
        first, _, rest = text.partition("\n")
        lines = [f"<b>TELEGLAS error: {escape(first)}</b>", escape(rest), _FOOT]
        html = "\n".join(line for line in lines if line)
        said = Rendered(html=html, caption="", photo=None, silent=False)
        for address in self._addresses:
            outcome = await self._mail.mail(said, address)
            if outcome.kind is not OutcomeKind.SENT:
                # Not an error itself, or it would be mailed.
                log.warning("admin_mail_failed", why=outcome.why)


@contextlib.asynccontextmanager
async def errors_heard(
    settings: Settings,
    mail: MailChannel | None,
    store: StoreThread,
    monitor: HealthMonitor,
    clock: Callable[[], int],
) -> AsyncIterator[None]:
    """Count what is logged as an error, and mail it to the administrator; also what ends the program."""
    admin = None
    if mail is not None and settings.admin_email_to:
        causes = Causes(await store.run(Store.holds, clock()))
        admin = AdminMail(mail, settings.admin_email_to, store, causes, clock)

    def heard(cause: str, text: str) -> None:
        monitor.failed(clock())
        if admin is not None:
            admin.heard(cause, text)

    sending = asyncio.create_task(admin.run()) if admin is not None else None
    patience_s = _LAST_MAIL_S
    with ErrorWatch(heard, settings.secrets()):
        try:
            yield
        except TeleglasError as error:
            patience_s = _LAST_WORDS_S
            log.error("ended by an error", why=str(error))  # noqa: TRY400 - one line says what to do
            raise
        except Exception:
            patience_s = _LAST_WORDS_S
            log.exception("ended by an error")
            raise
        finally:
            if admin is not None and sending is not None:
                await asyncio.sleep(0)  # what was just heard is on its way through the loop
                await admin.drained(patience_s)
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
