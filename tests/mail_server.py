"""A real SMTP server on loopback, with TLS, logins, and answers by script."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import warnings
from collections import defaultdict, deque
from pathlib import Path
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult

__all__ = ["LOST", "SLOW", "STALL", "Certificate", "MailServer"]

STALL, SLOW, LOST = "stall", "slow", "lost"
"""Instead of an answer: none for ever; yes, once `go` is set; take the message and drop the connection."""


class Certificate:
    """A self-signed certificate: what the server shows and what a client trusts."""

    def __init__(self, folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> None:
        self.file, key = folder / "localhost.pem", folder / "localhost.key"
        subprocess.run(  # noqa: S603 - our own arguments
            [  # noqa: S607 - wherever it is installed
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", key, "-out", self.file, "-days", "2", "-subj", "/CN=localhost",
                "-addext", f"subjectAltName={names}",
            ],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.file, key)


class _Session(SMTP):
    """Tells its server when the connection is over."""

    def connection_lost(self, error: Exception | None) -> None:
        """Count it."""
        super().connection_lost(error)
        server = self.event_handler
        server.open -= 1
        if not server.open:
            server.idle.set()


class MailServer:
    """mails: accepted ones as (recipient, bytes). script: what to answer next at `RCPT`, `DATA` or `QUIT`.

    stalling: set once a client waits for an answer. idle: set while the last of the connections is over.
    """

    def __init__(
        self,
        shown: Certificate | None = None,
        *,
        security: str = "starttls",
        user: str = "",
        password: str = "",
        auth_answer: str | None = None,
        port: int = 0,
    ) -> None:
        self.shown, self.security, self.port = shown, security, port
        self.user, self.password, self.auth_answer = user, password, auth_answer
        self.mails: list[tuple[str, bytes]] = []
        self.script: dict[str, deque[str]] = defaultdict(deque)
        self.connections = self.open = 0
        self.idle = asyncio.Event()
        self.arrived, self.go, self.stalling = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._protocols: list[SMTP] = []
        self._stalled = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Listen."""
        implicit = self.shown.context if self.shown and self.security == "tls" else None
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, "127.0.0.1", self.port, ssl=implicit
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the door and hang up."""
        self._server.close()
        self._stalled.set()
        for protocol in self._protocols:
            if protocol.transport is not None:
                protocol.transport.abort()
            task = protocol._handler_coroutine
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({task}, timeout=1)

    async def until(self, count: int, within_s: float = 60.0) -> None:
        """Wait until so many messages were accepted."""
        async with asyncio.timeout(within_s):
            while len(self.mails) < count:
                self.arrived.clear()
                await self.arrived.wait()

    def _protocol(self) -> SMTP:
        self.connections += 1
        self.open += 1
        self.idle.clear()
        offers_tls = self.shown is not None and self.security == "starttls"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not see that TLS may be there from the first byte
            protocol = _Session(
                self,
                hostname="localhost",
                tls_context=self.shown.context if offers_tls and self.shown else None,
                require_starttls=offers_tls,
                auth_required=bool(self.user),
                auth_require_tls=offers_tls,
                authenticator=self._authenticate if self.user else None,
                loop=asyncio.get_running_loop(),
            )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(self, _server, _session, _envelope, _mechanism, data) -> AuthResult:
        if self.auth_answer is not None:
            return AuthResult(success=False, handled=False, message=self.auth_answer)
        good = (data.login.decode(), data.password.decode()) == (self.user, self.password)
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - as aiosmtpd calls it
        """Answer to RCPT TO."""
        answer = await self._answer("RCPT")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 - as aiosmtpd calls it
        """Answer to the end of the message."""
        answer = await self._answer("DATA")
        if answer == LOST or answer.startswith("250"):
            self.mails += [(recipient, envelope.content) for recipient in envelope.rcpt_tos]
            self.arrived.set()
        if answer == LOST:
            server.transport.abort()
            return "250 never seen"
        return answer

    async def handle_QUIT(self, _server, _session, _envelope):  # noqa: N802 - as aiosmtpd calls it
        """Answer to the farewell."""
        answer = await self._answer("QUIT")
        return "221 bye" if answer.startswith("250") else answer

    async def _answer(self, stage: str) -> str:
        answer = self.script[stage].popleft() if self.script[stage] else "250 OK"
        if answer == SLOW:
            self.stalling.set()
            await self.go.wait()
            return "250 OK"
        if answer == STALL:
            self.stalling.set()
            await self._stalled.wait()
            return "421 closing"
        return answer
