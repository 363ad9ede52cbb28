"""E-mail as a channel: three attempts, each with its ten seconds; what is sent is never edited.

An e-mail cannot be changed, and a second one for each growth of a storm would be noise: a
message that has doubled comes as a new one under the first, as in Telegram; other growth and
the final total are not mailed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog

from teleglas.errors import ConfigError
from ws_alert.delivery.mail import compose
from ws_alert.delivery.rendered import Rendered
from ws_alert.delivery.smtp_session import Account, Session, Trouble, judged
from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["ATTEMPTS", "BETWEEN_S", "PATIENCE_S", "MailChannel"]

ATTEMPTS = 3
BETWEEN_S = 5.0
PATIENCE_S = 10.0
"""For everything up to the end of the message; the answer to it may take what `WHOLE_S` leaves."""

WHOLE_S = 43.0
"""All attempts together: a little less than the dispatcher waits for a call."""

_AGAIN_MS = 60_000

log = structlog.get_logger(__name__)


class MailChannel:
    """Hands e-mail over to one SMTP account.

    addresses: target -> address. clock: Unix ms. sleep: waits between attempts. patience_s,
    whole_s: see PATIENCE_S and WHOLE_S. Raises ConfigError if SMTP_CA_FILE cannot be read.
    """

    def __init__(
        self,
        account: Account,
        addresses: Mapping[str, str],
        *,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience_s: float = PATIENCE_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        self._account, self._addresses = account, dict(addresses)
        self._clock, self._sleep = clock, sleep
        self._patience_s, self._whole_s = patience_s, whole_s
        try:
            self._context = account.context()
        except OSError as error:
            raise ConfigError("SMTP_CA_FILE", f"it cannot be read ({error.strerror or type(error).__name__})", "Name a PEM file with the server's CA certificate") from None  # fmt: skip
        # Two for each address: one may still be looking a name up, which nothing can cut short.
        self._threads = ThreadPoolExecutor(2 * len(self._addresses) + 2, thread_name_prefix="smtp")

    async def close(self) -> None:
        """Start no more attempts."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(
        self, message: Rendered, *, target: str, reply_to: int | None = None, silent: bool = False
    ) -> Outcome:
        """Send `message` to the address behind `target`; SENT has no message id, so no edit follows."""
        del reply_to, silent  # an e-mail is threaded by `prior_id`, and makes no sound that we decide
        address = self._addresses.get(target)
        if address is None:
            return Outcome(OutcomeKind.UNDELIVERABLE, why="its address is no longer in the settings")
        return await self.mail(message, address)

    async def edit(self, message: Rendered, *, target: str, message_id: int, has_photo: bool) -> Outcome:
        """Count an edit as told: nothing can be changed."""
        del message, target
        return Outcome(OutcomeKind.SENT, message_id=message_id, photo=has_photo)

    async def mail(self, message: Rendered, address: str) -> Outcome:
        """Hand over one message, in three attempts at most."""
        content = compose(message, sender=self._account.sender, recipient=address, now_ms=self._clock())
        ends_s = asyncio.get_running_loop().time() + self._whole_s
        for left in reversed(range(ATTEMPTS)):
            outcome = await self._attempt(address, content, ends_s)
            if outcome.kind is not OutcomeKind.RETRY_AT or outcome.wait_ms:
                return outcome
            log.info("mail_attempt_failed", why=outcome.why, attempts_left=left)
            if left:
                await self._sleep(BETWEEN_S)
        return Outcome(OutcomeKind.RETRY_AT, wait_ms=_AGAIN_MS, why=outcome.why)

    async def check(self, address: str) -> str:
        """Log in and name sender and recipient, sending nothing; return what is wrong, else empty."""
        ends_s = asyncio.get_running_loop().time() + self._patience_s
        outcome = await self._attempt(address, None, ends_s)
        return "" if outcome.kind is OutcomeKind.SENT else outcome.why

    async def _attempt(self, address: str, content: bytes | None, ends_s: float) -> Outcome:
        session = Session(self._account, self._context, self._whole_s)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, session.deliver, address, content)
        try:
            done, _ = await asyncio.wait({work}, timeout=self._patience_s)
            if not done and session.doubtful:
                done, _ = await asyncio.wait({work}, timeout=max(0.0, ends_s - loop.time()))
        finally:
            if not work.done():
                session.cut()
                work.cancel()
        if not done and not session.accepted:
            trouble = Trouble(
                session.stage, f"no answer within {self._patience_s:g} s while {session.stage.value}"
            )
            return judged(trouble, doubtful=session.doubtful)
        try:
            if done:
                work.result()
        except Trouble as trouble:
            return judged(trouble, doubtful=session.doubtful)
        return Outcome(OutcomeKind.SENT, photo=content is not None)
