"""One e-mail over one connection, in a thread that can be cut off at any moment.

smtplib instead of apprise's mailto://, which answers true or false: here a full mailbox, a wrong
password and a lost answer must be told apart (RFC 5321 4.2, 4.5.3.2), and a lost answer labelled.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec
from pydantic import SecretStr

from ws_alert.messages import Outcome, OutcomeKind

__all__ = ["Account", "Session", "Trouble", "judged"]

SETUP_WAIT_MS = 600_000
"""A server that does not fit the settings is not asked again sooner."""

_FAREWELL_S = 1.0

_LINE_START_DOT = re.compile(rb"(?m)^\.")
_TEXT_CHARS = 120


class Account(msgspec.Struct, frozen=True):
    """Where e-mail is handed over. security: `tls` from the first byte, `starttls`, or `none`.

    ca_file: certificates to trust instead of the system's. user None: no login.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    user: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return how the server proves who it is; raises OSError for an unreadable ca_file."""
        if self.security == "none":
            return None
        return ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))


class Stage(StrEnum):
    """What was being done when something went wrong."""

    CONNECT = "connecting"
    TLS = "securing the connection"
    LOGIN = "logging in"
    SENDER = "naming the sender"
    RECIPIENT = "naming the recipient"
    CONTENT = "handing over the message"


class Trouble(Exception):
    """The server refused, or the connection failed, at a stage. code: the SMTP reply's, 0 without one."""

    def __init__(self, stage: Stage, why: str, *, code: int = 0, setup: bool = False) -> None:
        super().__init__(why)
        self.stage, self.why, self.code, self.setup = stage, why, code, setup


class Session(smtplib.SMTP):
    """One delivery. `deliver` blocks; `cut` may be called meanwhile from another thread.

    doubtful: the message was handed over whole, so that without an answer it may have been
    accepted. After `cut` it never becomes true. accepted: the server has said yes to everything;
    what becomes of the connection after that no longer counts.
    """

    def __init__(self, account: Account, context: ssl.SSLContext | None, timeout_s: float) -> None:
        self._account, self._context = account, context
        self._handle: socket.socket | None = None
        self._cut = False
        self._turn = threading.Lock()
        self.stage = Stage.CONNECT
        self.doubtful = self.accepted = False
        super().__init__(local_hostname=_own_name(), timeout=timeout_s)
        self._host = account.host  # `starttls` compares the certificate with it

    def deliver(self, recipient: str, content: bytes | None) -> None:
        """Hand over a message; with None go only as far as the server's word that it would take one.

        Returns when the server has accepted it. Raises Trouble.
        """
        try:
            with self._troubles():
                self._open()
                self.stage = Stage.SENDER
                self._expect(*self.mail(self._account.sender))
                self.stage = Stage.RECIPIENT
                self._expect(*self.rcpt(recipient))
                self.stage = Stage.CONTENT
                if content is None:
                    self.rset()
                else:
                    self._hand_over(content)
                self.accepted = True
            self._take_leave()
        finally:
            self.close()
            if self._handle is not None:
                self._handle.close()

    def cut(self) -> None:
        """End the connection now, whatever the other thread is waiting for."""
        with self._turn:
            self._cut = True
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _open(self) -> None:
        account = self._account
        code, text = self.connect(account.host, account.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()
        if account.security == "starttls":
            self.stage = Stage.TLS
            self._expect(*self.starttls(context=self._context))
            self.ehlo_or_helo_if_needed()
        if account.user is not None and account.password is not None:
            self.stage = Stage.LOGIN
            self.login(account.user, account.password.get_secret_value())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        # A second handle of the connection: TLS takes the first one away while it shakes hands.
        self._handle = plain.dup()
        if self._cut:
            plain.close()
            raise TimeoutError
        if self._account.security != "tls" or self._context is None:
            return plain
        self.stage = Stage.TLS
        return self._context.wrap_socket(plain, server_hostname=host)

    def _hand_over(self, content: bytes) -> None:
        code, text = self.docmd("data")
        if code != 354:
            raise smtplib.SMTPDataError(code, text)
        self.send(_LINE_START_DOT.sub(b"..", content))
        with self._turn:
            if self._cut:
                raise TimeoutError
            self.doubtful = True
        self.send(b".\r\n")
        reply = self.getreply()
        # Never neither: whoever looks meanwhile would take the message for one that was not handed over.
        self.accepted = 200 <= reply[0] < 300
        self.doubtful = False
        self._expect(*reply)

    def _take_leave(self) -> None:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            if self.sock is not None:
                self.sock.settimeout(_FAREWELL_S)
            self.quit()

    def _expect(self, code: int, text: bytes) -> None:
        if not 200 <= code < 300:
            raise smtplib.SMTPResponseException(code, text)

    @contextlib.contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            # No text: there are servers that repeat the line with the password in it.
            raise Trouble(
                Stage.LOGIN, "the SMTP server refuses SMTP_USER or SMTP_PASSWORD", code=error.smtp_code
            ) from None
        except smtplib.SMTPNotSupportedError:
            what = "logins" if self.stage is Stage.LOGIN else "STARTTLS"
            raise Trouble(
                self.stage, f"the SMTP server offers no {what}, see SMTP_SECURITY and SMTP_PORT", setup=True
            ) from None
        except smtplib.SMTPResponseException as error:
            raise Trouble(self.stage, self._told(error), code=error.smtp_code) from None
        except ssl.SSLCertVerificationError as error:
            raise Trouble(
                Stage.TLS,
                f"the SMTP server's certificate is not trusted ({error.verify_message})",
                setup=True,
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Trouble(self.stage, f"{_name(error)} while {self.stage.value}") from None

    def _told(self, error: smtplib.SMTPResponseException) -> str:
        if self.stage is Stage.LOGIN:
            return f"the SMTP server's answer while {self.stage.value}"
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_TEXT_CHARS]
        return f"the SMTP server's answer while {self.stage.value}: {clean}"


def judged(trouble: Trouble, *, doubtful: bool) -> Outcome:
    """Decide what a failed try means for the message. Pure.

    4xx and everything before the message was handed over: again soon. 5xx: refused for good;
    of login, sender and recipient it concerns every other message too. Settings that do not
    fit the server: later, since nothing was refused. No answer after the hand-over: unknown.
    """
    why = f"{trouble.why} ({trouble.code})" if trouble.code else trouble.why
    if doubtful:
        return Outcome(OutcomeKind.UNKNOWN, why=why)
    if trouble.setup:
        return Outcome(OutcomeKind.RETRY_AT, wait_ms=SETUP_WAIT_MS, why=why)
    if 500 <= trouble.code < 600:
        lasting = trouble.stage in {Stage.LOGIN, Stage.SENDER, Stage.RECIPIENT}
        return Outcome(OutcomeKind.UNDELIVERABLE, suspend=lasting, why=why)
    return Outcome(OutcomeKind.RETRY_AT, why=why)


def _name(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the connection ended"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or 'unknown').lower().replace('_', ' ')})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__


def _own_name() -> str:
    # Never `socket.getfqdn()`: it asks DNS, for as long as DNS likes.
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
