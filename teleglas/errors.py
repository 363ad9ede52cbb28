"""Errors of TELEGLAS, named by what the operator or the caller does next.

* TeleglasError
    * ConfigError         stop; a person must change a setting (exit 78)
    * InputError          stop; a replay file cannot be read (exit 65)
    * OutputError         stop; a file that was asked for cannot be written (exit 73)
    * AlreadyRunning      stop; another process holds the token or the database
    * BadFrame            count it by its reason, skip it, go on
    * FeedError
        + FeedInterrupted   reconnect; nothing for a person to do
        + FeedRefused       stop this feed, poll instead, tell the admin
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = [
    "DECODE_ERRORS",
    "AlreadyRunning",
    "BadFrame",
    "ConfigError",
    "FeedError",
    "FeedInterrupted",
    "FeedRefused",
    "InputError",
    "OutputError",
    "TeleglasError",
]

DECODE_ERRORS: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""All that msgspec raises for bytes of any kind: text that is no UTF-8 is a ValueError."""


class TeleglasError(Exception):
    """Base of every error that this program raises on purpose."""


class ConfigError(TeleglasError):
    """A setting is wrong.

    The text is one line that names the setting, the problem and the remedy, and never
    contains the value of a secret.
    """

    def __init__(self, setting: str, problem: str, remedy: str) -> None:
        super().__init__(f"{setting}: {problem}. {remedy}")
        self.setting = setting


class InputError(TeleglasError):
    """A replay file is unreadable; the text names file, line and reason."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}")


class OutputError(TeleglasError):
    """A file that was asked for cannot be written; the text names it and the reason."""


class AlreadyRunning(TeleglasError):
    """Another process already uses this token or this database."""


class BadFrame(TeleglasError):
    """A frame or a row that no market can have produced, or that is not for us.

    `reason` is one word of a small vocabulary (see `teleglas.market.Refusal`).
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class FeedError(TeleglasError):
    """A source of market data failed."""


class FeedInterrupted(FeedError):
    """The connection broke; connecting again is all there is to do."""


class FeedRefused(FeedError):
    """The venue will not serve us: invalid key, plan too low, region block.

    `reason` is one of `invalid_key`, `plan`, `region_block`, `banned`, `bad_request`.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
