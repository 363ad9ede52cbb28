"""Logs say what happened, in the form asked for, and never a secret."""

from __future__ import annotations

import json
import logging
import re
import sys

import httpx
import pytest
import structlog

from teleglas import logs

TOKEN = "123456789:AAcanaryTokenabcdefghijklmnopqrstuvwx"
KEY = "canary0123456789abcdef"


@pytest.fixture
def stderr(capsys):
    """Return what standard error got since the last call, and leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield lambda: capsys.readouterr().err
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


async def _fail(url: str) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(url)


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("rotation", ["size", "day"])
async def test_a_failing_request_at_debug_shows_no_token(stderr, tmp_path, form, rotation, unused_tcp_port):
    """Neither the library's own lines nor a traceback with the URL in it leaks, on any handler."""
    file = tmp_path / "logs" / "bot.log"
    logs.configure(level="DEBUG", form=form, file=file, rotation=rotation, secrets=[KEY])
    url = f"http://127.0.0.1:{unused_tcp_port}/bot{TOKEN}/getMe?cg-api-key={KEY}"
    log = structlog.get_logger("test")
    try:
        await _fail(url)
    except httpx.ConnectError:
        log.exception("request_failed", url=url, headers={"CG-API-KEY": KEY}, token=TOKEN)
        logging.getLogger("plain").exception("failed %s", url, stack_info=True)
        logging.getLogger("httpx").warning("%s", url)
    told = stderr()
    assert file.read_text(encoding="utf-8").count("request_failed") == told.count("request_failed") == 1
    for text in (told, file.read_text(encoding="utf-8")):
        assert "ConnectError" in text
        assert "***" in text
        assert "canary" not in text


def test_libraries_that_print_urls_are_capped(stderr):
    """The INFO line of httpx with the whole URL does not exist even at DEBUG."""
    logs.configure(level="DEBUG")
    for name in ("httpx", "httpcore.connection", "websockets.client", "telegram.Bot"):
        logging.getLogger(name).info("GET /secret")
    logging.getLogger("ours").debug("said")
    told = stderr()
    assert "said" in told
    assert "GET" not in told


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        TOKEN.replace(":", "%3A"),
        f"wss://x/ws-api?cg-api-key={KEY}&x=1",
        f"{{'CG-API-KEY': '{KEY}'}}",
        f"[(b'CG-API-KEY', b'{KEY}')] cg-api-key: {KEY}",
        "password-canary",
    ],
)
def test_redaction(text):
    """Tokens and keys are found by shape, other secrets by value; the rest stays readable."""
    shown = logs.redact(f"before {text} after", ["password-canary"])
    assert "canary" not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_json_is_one_object_per_line(stderr):
    """A machine reads level, logger, time, event and fields, also of an exception and of other libraries."""
    logs.configure(level="INFO", form="json")
    structlog.get_logger("ours").info("feed_live", venue="binance")
    logging.getLogger("theirs").warning("odd %s", "thing")
    structlog.get_logger("ours").debug("not shown")
    first, second = map(json.loads, stderr().splitlines())
    assert {key: first[key] for key in ("event", "venue", "level", "logger")} == {
        "event": "feed_live",
        "venue": "binance",
        "level": "info",
        "logger": "ours",
    }
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["logger"]) == ("odd thing", "theirs")


def test_console_has_colours_on_a_terminal_only(stderr, monkeypatch):
    """A log that is piped into a file holds no escape codes."""
    logs.configure()
    structlog.get_logger("ours").warning("plain")
    assert "\x1b[" not in stderr()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    logs.configure()
    structlog.get_logger("ours").warning("coloured")
    assert "\x1b[" in stderr()


def test_the_console_is_brief(stderr, tmp_path):
    """A person reads time, level and text; a file has the date; only others' lines name their logger."""
    file = tmp_path / "bot.log"
    logs.configure(file=file)
    logging.getLogger("ws_alert.sources.feeds").info("binance trades: live")
    logging.getLogger("sqlalchemy.pool").warning("odd")
    ours, theirs = stderr().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info\] binance trades: live *", ours)
    assert "sqlalchemy.pool" in theirs
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[info\]", file.read_text(encoding="utf-8"))


def test_the_file_rotates_by_size(stderr, tmp_path):
    """Ten megabytes and five old files are the most that a log takes."""
    file = tmp_path / "bot.log"
    logs.configure(file=file)
    handler = logging.getLogger().handlers[1]
    handler.maxBytes = 2_000
    for number in range(200):
        logging.getLogger("x").info("line %d of a log that grows", number)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["bot.log", *(f"bot.log.{number}" for number in range(1, 6))]


def test_warnings_reach_the_log(stderr):
    """A library's deprecation is a log line, not stray text."""
    logs.configure(form="json")
    logging.getLogger("py.warnings").warning("old")
    assert json.loads(stderr())["event"] == "old"


def _raise() -> None:
    local = "canary".upper()
    raise ValueError(len(local))


def test_a_traceback_shows_no_local_variables(stderr):
    """The console's traceback is the plain one."""
    logs.configure()
    try:
        _raise()
    except ValueError:
        structlog.get_logger("x").exception("failed")
    told = stderr()
    assert "ValueError: 6" in told
    assert "CANARY" not in told
