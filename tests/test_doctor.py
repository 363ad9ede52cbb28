"""The doctor finds what is wrong, says what to do, and harms nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from simulator.world import World
from teleglas.settings import names
from tests.mail_server import Certificate, MailServer
from ws_alert import doctor
from ws_alert.config import Settings
from ws_alert.doctor import Level, check_all

TOKEN = "123456789:AAcanaryDoctorTokenabcdefghijklmnopq"
OTHER = "123456789:AAcanaryUnknownTokenabcdefghijklmno"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.upper() in names(Settings):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _settings(world: World, **more) -> Settings:
    urls = {name.lower(): url for name, url in world.urls.items() if name.lower() in Settings.model_fields}
    return Settings(_env_file=None, **{"source_mode": "public", **urls, **more})


def _levels(lines) -> dict[str, Level]:
    return {line.what: line.level for line in lines}


async def test_a_healthy_machine(tmp_path):
    """Every check is fine, and no file was made."""
    async with World(speed=0) as world:
        lines = await check_all(_settings(world))
    assert [line for line in lines if line.level is not Level.OK] == []
    assert _levels(lines).keys() == {
        "telegram", "binance", "bybit", "okx", "hyperliquid", "clock", "database", "journal", "disk", "hot path",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


async def test_feeds_that_do_not_answer(unused_tcp_port):
    """Each venue stands for itself, and the remedy follows the reason."""
    async with World(speed=0) as world:
        settings = _settings(
            world,
            binance_rest_url=f"http://127.0.0.1:{unused_tcp_port}",
            hyperliquid_rest_url=f"http://127.0.0.1:{unused_tcp_port}",
            source_mode="both",
            coinglass_api_key=SecretStr("canary-wrong-key"),
        )
        lines = {line.what: line for line in await check_all(settings)}
    assert lines["bybit"].level is Level.OK
    assert (lines["binance"].level, lines["coinglass"].level) == (Level.FAIL, Level.FAIL)
    assert lines["hyperliquid"].level is Level.WARN  # nothing that streams comes from there
    assert "network" in lines["binance"].todo
    assert "COINGLASS_API_KEY" in lines["coinglass"].todo
    assert "canary" not in str(lines)


async def test_chats_and_tokens():
    """Who the bot is, which chats it reaches, and what to do about the others; nothing is sent."""
    chats = [Chat(-1001, "channel", "Alerts"), Chat(-1002, "channel", "Closed", can_post=False)]
    async with World(speed=0) as world, BotApi([TOKEN], chats) as api:
        more = {"telegram_alert_channel_id": ("-1001", "-1002"), "telegram_api_base_url": api.base_url}
        lines = await check_all(_settings(world, telegram_alert_token=SecretStr(TOKEN), **more))
        refused = await check_all(_settings(world, telegram_alert_token=SecretStr(OTHER), **more))
        methods = {method for method, _ in api.requests}
    assert [(line.level, line.what) for line in lines[:4]] == [
        (Level.OK, "telegram"),
        (Level.OK, "chat"),
        (Level.OK, "chat"),
        (Level.FAIL, "telegram"),
    ]
    assert "administrator" in lines[3].found
    assert (refused[0].level, refused[0].what) == (Level.FAIL, "telegram")
    assert "@BotFather" in refused[0].found
    assert not {method for method in methods if method.startswith("send")}
    assert "canary" not in str(lines) + str(refused)


async def test_a_wrong_clock_is_found():
    """A clock that is minutes off would make every event too old."""
    async with World(speed=0) as world:
        found = await check_all(_settings(world), clock=lambda: time.time() - 120)
    lines = {line.what: line for line in found}
    assert lines["clock"].level is Level.FAIL
    assert "behind" in lines["clock"].found
    assert "set-ntp" in lines["clock"].todo


async def test_storage_that_cannot_work(tmp_path):
    """A damaged database, a folder that cannot be made, and a small disk are named with their settings."""
    (tmp_path / "broken.db").write_bytes(b"not a database" * 100)
    async with World(speed=0) as world:
        settings = _settings(
            world,
            database_url="sqlite:///broken.db",
            journal_dir=Path("/proc/nowhere"),
            journal_keep_gb=10_000_000,
        )
        lines = {line.what: line for line in await check_all(settings)}
        assert (
            _levels(await check_all(_settings(world, database_url="mysql://x/y")))["database"] is Level.FAIL
        )
    assert lines["database"].level is Level.FAIL
    assert "DATABASE_URL" in lines["database"].found
    assert lines["journal"].level is Level.FAIL
    assert "JOURNAL_DIR" in lines["journal"].todo
    assert lines["disk"].level is Level.WARN
    assert "JOURNAL_KEEP_GB" in lines["disk"].todo


def test_wrong_settings_are_printed_and_fail(monkeypatch, capsys):
    """The line is the one that `run` would end with."""
    monkeypatch.setenv("SOURCE_MODE", "coinglass")
    assert doctor.examine(Console(highlight=False)) is False
    assert "COINGLASS_API_KEY: SOURCE_MODE=coinglass needs it" in capsys.readouterr().out


async def test_mail_and_webhooks(tmp_path):
    """The mail login is tried for real, and nothing is sent; a webhook can only be named."""
    folder = tmp_path / "certificate"
    folder.mkdir()
    shown = Certificate(folder)
    async with World(speed=0) as world, MailServer(shown, user="bot@example.com", password="right") as server:
        more = {
            "alert_email_to": ("me@example.com",), "smtp_host": "localhost", "smtp_port": server.port,
            "smtp_user": "bot@example.com", "smtp_ca_file": shown.file,
            "alert_urls": SecretStr("discord://123456789012345678/canary0token0canary0token"),
        }  # fmt: skip
        good = await check_all(_settings(world, smtp_password=SecretStr("right"), **more))
        bad = await check_all(
            _settings(
                world,
                smtp_password=SecretStr("canary-wrong"),
                **more | {"alert_urls": SecretStr("nosuch://canary")},
            )
        )
    assert server.mails == []
    told = {line.what: line for line in good}
    assert (told["mail"].level, told["webhook"].level) == (Level.OK, Level.OK)
    assert "m***@example.com" in told["mail"].found
    assert "Discord" in told["webhook"].found
    told = {line.what: line for line in bad}
    assert (told["mail"].level, told["webhook"].level) == (Level.FAIL, Level.FAIL)
    assert "refuses SMTP_USER or SMTP_PASSWORD" in told["mail"].found
    assert "SMTP_PASSWORD" in told["mail"].todo
    assert "canary" not in str(good) + str(bad)
