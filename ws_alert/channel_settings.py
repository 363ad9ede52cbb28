"""Settings of the channels beside Telegram, and of the health server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, model_validator

from teleglas.settings import wrong
from ws_alert.delivery.smtp_session import Account
from ws_alert.delivery.targets import mail_target, split_urls, url_target

__all__ = ["ChannelSettings"]

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.")
_SEPARATORS = re.compile(r"[/:@?&=#,]+")
_LIKE_A_TOKEN = re.compile(r"(?!.*\.[A-Za-z]{2,}$)(?=.*\d|.{20}).{8,}")


def _addresses(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = tuple(dict.fromkeys(part.strip() for part in re.split(r"[,\s]", value) if part.strip()))
    if not all(_ADDRESS.fullmatch(each) for each in found):
        wrong("one of its entries is not an e-mail address", "Write name@example.com, separated by commas")
    return found


Addresses = Annotated[tuple[str, ...], BeforeValidator(_addresses)]


class ChannelSettings(BaseModel):
    """Who is mailed and posted to, and how.

    alert_urls: apprise URLs, each with its secrets in it. smtp_port None: the usual one of
    smtp_security. smtp_from None: smtp_user. health_port 0: no health server.
    """

    alert_email_to: Addresses = ()
    admin_email_to: Addresses = ()
    smtp_host: str | None = None
    smtp_port: int | None = Field(None, gt=0, lt=65536)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str | None = None
    smtp_ca_file: Path | None = None
    alert_urls: SecretStr | None = None
    health_port: int = Field(0, ge=0, lt=65536)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        password = self.smtp_password.get_secret_value() if self.smtp_password else ""
        if (self.alert_email_to or self.admin_email_to) and self.smtp_host is None:
            wrong("it is missing though e-mail addresses are set", "Put the name of your mail server", name="SMTP_HOST")  # fmt: skip
        if (self.smtp_user is None) != (self.smtp_password is None):
            wrong("only one of SMTP_USER and SMTP_PASSWORD is set", "Set both, or neither for a server without login", name="SMTP_USER")  # fmt: skip
        if not f"{self.smtp_user}{password}".isascii():
            wrong("SMTP can only carry ASCII", "Give the account a user name and a password of ASCII letters, digits and signs", name="SMTP_PASSWORD")  # fmt: skip
        if self.smtp_host is not None and not _ADDRESS.fullmatch(self.sender):
            wrong("it is not an e-mail address", "Put the address that e-mail comes from, as name@example.com", name="SMTP_FROM")  # fmt: skip
        if self.smtp_security == "none" and self.smtp_host not in _LOOPBACK | {None}:
            wrong("e-mail and password would cross the network unprotected", "Use starttls or tls; none is for a server on this machine", name="SMTP_SECURITY")  # fmt: skip
        if not all(_SCHEME.match(url) for url in self.urls_beside):
            wrong("one of its entries is not an address", "Write apprise URLs such as discord://... or json://host/path, separated by commas", name="ALERT_URLS")  # fmt: skip
        return self

    @property
    def sender(self) -> str:
        """The address that e-mail comes from."""
        return self.smtp_from or self.smtp_user or ""

    @property
    def account(self) -> Account | None:
        """The mail server; None if nobody is to be mailed."""
        if self.smtp_host is None or not (self.alert_email_to or self.admin_email_to):
            return None
        return Account(
            host=self.smtp_host,
            port=self.smtp_port or _PORTS[self.smtp_security],
            security=self.smtp_security,
            sender=self.sender,
            user=self.smtp_user,
            password=self.smtp_password,
            ca_file=self.smtp_ca_file,
        )

    @property
    def mail_targets(self) -> dict[str, str]:
        """Who gets alerts by e-mail: target -> address."""
        return {mail_target(address): address for address in self.alert_email_to}

    @property
    def urls_beside(self) -> list[str]:
        """The entries of alert_urls; secret."""
        return list(dict.fromkeys(split_urls(self.alert_urls.get_secret_value()))) if self.alert_urls else []

    @property
    def targets_beside(self) -> tuple[str, ...]:
        """Targets beside Telegram."""
        return (*self.mail_targets, *(url_target(url) for url in self.urls_beside))

    def url_secrets(self) -> tuple[str, ...]:
        """Return the entries of alert_urls, and their parts that may be tokens."""
        found: list[str] = []
        for url in self.urls_beside:
            parts = urlsplit(url)
            # The place of the host is a token with many services; a real one has a dot and no secret.
            tokens = [
                part for part in _SEPARATORS.split(url.partition("://")[2]) if _LIKE_A_TOKEN.match(part)
            ]
            tokens += [parts.password or "", parts.username or ""]
            found += [url, *tokens, *(unquote(token) for token in tokens)]
        return tuple(token for token in found if token)
