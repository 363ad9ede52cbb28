"""Logging for both bots: structlog and the standard library through the same handlers.

Whatever is logged, by us or by a library at DEBUG, passes the redaction of secrets last.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path
from typing import Final

import structlog

__all__ = ["configure", "redact"]

_TOKEN = re.compile(r"\d{6,12}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
_QUERY_KEY = re.compile(r"(?i)(cg-api-key['\"]?\s*[=:,]\s*b?['\"]?)[^\s&'\",)}\]]+")
_FILE_BYTES: Final = 10 * 1024 * 1024
_FILES_BY_SIZE: Final = 5
_FILES_BY_DAY: Final = 7

_OURS: Final = frozenset({"teleglas", "ws_alert", "bot"})

_CHATTY = ("httpx", "httpcore", "websockets", "telegram", "asyncio", "matplotlib", "PIL", "alembic")
"""Libraries that log URLs (with tokens) or every frame; they speak from WARNING on."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with `***` for the secrets, everything like a bot token, and CoinGlass keys."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _QUERY_KEY.sub(r"\1***", _TOKEN.sub("***", text))


class _Redacting(logging.Formatter):
    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        # Longest first, so that a secret within another leaves no rest.
        self._secrets = sorted({each for each in secrets if each}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._inner.format(record), self._secrets)


def configure(
    *,
    level: str = "INFO",
    form: str = "console",
    file: Path | None = None,
    rotation: str = "size",
    secrets: Iterable[str] = (),
) -> None:
    """Send all logs to standard error and, where given, to a file; replaces an earlier configuration.

    form: `console` (for people: time of day, level, text; coloured on a terminal) or `json`. rotation: `size` (10 MB, 5 old
    files) or `day` (midnight UTC, 7 old files). Raises OSError if the file cannot be opened.
    """
    known = list(secrets)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(_Redacting(_formatter(form, _brief, colours=sys.stderr.isatty()), known))
    if file is not None:
        handlers.append(_file_handler(file, rotation))
        handlers[1].setFormatter(_Redacting(_formatter(form, _dated, colours=False), known))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def _brief(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave what a person wants on a screen: the time of day (UTC), and who spoke if it is not us."""
    event["timestamp"] = event["timestamp"][11:19]
    return _unnamed(event)


def _dated(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Do the same for a file, which lasts longer than a day."""
    event["timestamp"] = f"{event['timestamp'][:10]} {event['timestamp'][11:19]}"
    return _unnamed(event)


def _unnamed(event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if str(event.get("logger")).partition(".")[0] in _OURS:
        del event["logger"]
    return event


def _formatter(form: str, brief: structlog.typing.Processor, *, colours: bool) -> logging.Formatter:
    if form == "json":
        render: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        # rich's tracebacks print local variables, which may be secrets in a form that no pattern knows.
        plain = structlog.dev.plain_traceback
        render = [
            brief,
            structlog.dev.ConsoleRenderer(
                colors=colours, exception_formatter=plain, pad_event_to=0, pad_level=False
            ),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )


def _file_handler(path: Path, rotation: str) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    if rotation == "day":
        return TimedRotatingFileHandler(
            path, when="midnight", utc=True, backupCount=_FILES_BY_DAY, encoding="utf-8"
        )
    return RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES_BY_SIZE, encoding="utf-8")
