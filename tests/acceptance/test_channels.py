"""The whole process with Telegram, an SMTP server and a webhook beside each other, over real sockets."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from simulator.bot_api import BotApi, Chat
from simulator.scenarios import SCENARIOS, Numbered
from simulator.world import World
from tests.acceptance.service import started
from tests.faults.oracle import drained
from tests.mail_server import STALL, Certificate, MailServer

TOKEN = "987654321:AAcanaryChannelsTokenabcdefghijklmno"
PASSWORD, HOOK = "canary-smtp-password", "canary0hook0token"
CHAT = 4711
SENT = 'teleglas_deliveries_total{outcome="sent",way="mail"}'
FEW = Numbered(first_s=6.0, every_s=1.5, usd=600_000, gap_s=1.2, coins=60, count=6)


@pytest.fixture
async def opened():
    """Return a stack that closes what a test opens."""
    async with AsyncExitStack() as stack:
        yield stack


async def _hook(opened: AsyncExitStack) -> tuple[int, list[dict]]:
    got: list[dict] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response()

    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    opened.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner.addresses[0][1], got


def _settings(world: World, api: BotApi, mail: MailServer, port: int, trusted: Path) -> dict[str, str]:
    urls = {name: url for name, url in world.urls.items() if name.endswith(("_WS_URL", "_REST_URL"))}
    return urls | {
        "TELEGRAM_API_BASE_URL": api.base_url, "TELEGRAM_ALERT_TOKEN": TOKEN, "TELEGRAM_ALERT_CHANNEL_ID": str(CHAT),
        "HOURLY_BUDGET": "0", "LOG_LEVEL": "DEBUG", "LOG_FILE": "alert.log", "CHARTS": "false",
        "ALERT_EMAIL_TO": "trader@example.com", "ADMIN_EMAIL_TO": "admin@example.com", "SMTP_HOST": "localhost",
        "SMTP_PORT": str(mail.port), "SMTP_USER": "bot@example.com", "SMTP_PASSWORD": PASSWORD, "SMTP_CA_FILE": str(trusted),
        "ALERT_URLS": f"json://127.0.0.1:{port}/{HOOK}",
    }  # fmt: skip


def _rows(folder: Path, like: str) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(folder / "data" / "teleglas.db")) as connection:
        return connection.execute(
            "SELECT alert_id, state, content_type FROM outbox WHERE chat LIKE ?", (like,)
        ).fetchall()


async def _until(done, patience_s: float = 60.0) -> None:
    async with asyncio.timeout(patience_s):
        while not await asyncio.to_thread(done):  # noqa: ASYNC110 - it happens in another process's files
            await asyncio.sleep(0.1)


async def test_each_channel_gets_every_alert_once(tmp_path, opened, unused_tcp_port):
    """A mail server that puts off the first message and a restart in the middle lose nothing and repeat nothing.

    The health server answers meanwhile, `/status` finds the heartbeat and the tape, and no secret is written.
    """
    (tmp_path / "ca").mkdir()
    shown, folder = Certificate(tmp_path / "ca"), tmp_path / "alert"
    api = await opened.enter_async_context(BotApi([TOKEN], [Chat(CHAT, "private")]))
    mail = await opened.enter_async_context(MailServer(shown, user="bot@example.com", password=PASSWORD))
    mail.script["DATA"].append("451 try again later")
    port, posts = await _hook(opened)
    world = await opened.enter_async_context(World(scenario=replace(SCENARIOS["numbered"], numbered=FEW)))
    settings = _settings(world, api, mail, port, shown.file) | {"HEALTH_PORT": str(unused_tcp_port)}
    async with started(folder, settings) as service:
        await mail.until(2)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as http:
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/readyz")).json() == {"ready": True, "problems": []}
            async with asyncio.timeout(10):
                while SENT not in (await http.get("/metrics")).text:  # noqa: ASYNC110 - figures are a second old
                    await asyncio.sleep(0.1)
        code, took = await service.end()
        assert (code, took < 5) == (0, True)
    async with started(folder, settings) as service:
        await _until(lambda: world.events["Printed"] == 2 * FEW.count)
        await _until(lambda: drained(folder / "data" / "teleglas.db"))
        code, took = await service.end()
    assert (code, took < 5) == (0, True)
    mailed = Counter(
        email.message_from_bytes(content, policy=email.policy.default)["Message-ID"]
        for _, content in mail.mails
    )
    told = {f"<{alert_id[:40]}@example.com>" for alert_id, _, _ in _rows(folder, "mail:%")}
    assert mailed.keys() == told
    assert set(mailed.values()) == {1}
    assert len(posts) == len(_rows(folder, "url:%")) == len(told) == len(_rows(folder, str(CHAT))) >= 3
    _nothing_secret(folder)
    with closing(sqlite3.connect(folder / "data" / "teleglas.db")) as connection:
        beat = json.loads(
            connection.execute("SELECT body FROM heartbeats WHERE process = 'alert'").fetchone()[0]
        )
        bars = connection.execute("SELECT sum(usd) FROM tape_bars WHERE kind = 'liquidation'").fetchone()[0]
    assert beat["inputs"] > 0
    assert "e-mail 100% accepted" in beat["summary"]
    assert bars > 0


def _nothing_secret(folder: Path) -> None:
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {"stderr", "alert.log", "teleglas.db"} <= {path.name for path in written}
    for secret in (PASSWORD, HOOK):
        assert [path for path in written if secret.encode() in path.read_bytes()] == []


def _all_but_mail_told(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "data" / "teleglas.db")) as connection:
        unsent = connection.execute("SELECT count(*) FROM outbox WHERE told < 0 AND chat NOT LIKE 'mail:%'")
        memory = json.loads(connection.execute("SELECT memory FROM engine_memory").fetchone()[0])
        return unsent.fetchone()[0] == 0 and not any(each["groups"] for each in memory["decider"]["targets"].values())


async def test_a_mail_server_that_hangs_stops_nothing(tmp_path, opened):
    """Telegram and the webhook get every alert while every e-mail hangs; the end takes no longer."""
    (tmp_path / "ca").mkdir()
    shown, folder = Certificate(tmp_path / "ca"), tmp_path / "alert"
    api = await opened.enter_async_context(BotApi([TOKEN], [Chat(CHAT, "private")]))
    mail = await opened.enter_async_context(MailServer(shown, user="bot@example.com", password=PASSWORD))
    mail.script["RCPT"].extend([STALL] * 50)
    port, posts = await _hook(opened)
    world = await opened.enter_async_context(World(scenario=replace(SCENARIOS["numbered"], numbered=FEW)))
    async with started(folder, _settings(world, api, mail, port, shown.file)) as service:
        await _until(lambda: world.events["Printed"] == 2 * FEW.count)
        await _until(lambda: _all_but_mail_told(folder))
        code, took = await service.end()
    assert (code, took < 5) == (0, True)
    assert len(posts) == len(_rows(folder, "url:%")) == len(_rows(folder, "mail:%")) >= 3
    assert mail.mails == []
    assert {state for _, state, _ in _rows(folder, "mail:%")} <= {"pending", "leased"}
