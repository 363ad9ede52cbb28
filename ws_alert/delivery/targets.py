"""Names of the targets beside Telegram: stable, printable, and without the address. Pure.

`mail:3f9a01` is one e-mail address, `url:discord-77c2d0` one entry of ALERT_URLS. The name
comes from the address itself, so that reordering a list moves neither cooldowns nor what waits.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["is_beside", "mail_target", "split_urls", "url_target"]

_MAIL, _URL = "mail:", "url:"
_BETWEEN = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]")


def mail_target(address: str) -> str:
    """Return the target of an e-mail address."""
    return _MAIL + _short(address.casefold())


def url_target(url: str) -> str:
    """Return the target of an apprise URL; 24 bits of its hash give away nothing of its tokens."""
    scheme = _NOT_IN_A_NAME.sub("", url.partition("://")[0].lower())[:16]
    return f"{_URL}{scheme}-{_short(url)}"


def is_beside(chat: str) -> bool:
    """Tell whether this is one of these targets and not a Telegram chat."""
    return chat.startswith((_MAIL, _URL))


def split_urls(text: str) -> list[str]:
    """Split a list of URLs at commas or white space; a comma within a URL stays in it."""
    return [url for part in _BETWEEN.split(text) if (url := part.strip(", \t\r\n"))]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
