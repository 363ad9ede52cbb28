"""The command bot as a process of its own: what it writes holds no secret, and it ends in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from simulator.bot_api.server import BotApi
from simulator.bot_api.world import Chat
from simulator.world import World

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "987654321:AAcanaryCommandBotTokenabcdefghijklm"
KEY = "canaryCoinglassKey9876543210"
PERSON = 4711


async def test_nothing_written_holds_a_secret(tmp_path):
    """At DEBUG, answering, failing and refused, neither token nor key is in any file or output; SIGTERM ends with 0."""
    chat = Chat(PERSON, "private", username="person")
    # the key exists but may do little, so that refusals are written about too
    async with (
        World(scenario="quiet", seed=3, keys={KEY: "HOBBYIST"}) as world,
        BotApi([TOKEN], [chat]) as api,
    ):
        urls = {name: url for name, url in world.urls.items() if name.endswith("REST_URL")}
        out = (tmp_path / "out.txt").open("wb")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "main.py"), cwd=tmp_path, stdout=out, stderr=out,
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOG_LEVEL": "DEBUG", **urls,
                "LOG_FILE": str(tmp_path / "bot.log"), "TELEGRAM_BOT_TOKEN": TOKEN, "COINGLASS_API_KEY": KEY,
                "TELEGRAM_API_BASE_URL": api.base_url, "DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}",
            },
        )  # fmt: skip
        try:
            async with asyncio.timeout(60):
                # what was said before it listens is dropped, as after an outage
                while not any(method == "getUpdates" for method, _ in api.requests):  # noqa: ASYNC110 - a program beside us
                    await asyncio.sleep(0.02)
            for text in ("/start", "/raw BTC", "/whale", "/status", "/nonsense"):
                before = len(api.ledger.entries)
                api.people.say(PERSON, text)
                await api.ledger.until(lambda entries, known=before: len(entries) > known, timeout=60)
        finally:
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), 20)
            out.close()
    assert code == 0, (tmp_path / "out.txt").read_text()[-2000:]
    assert time.monotonic() - began < 15
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert (tmp_path / "bot.db") in written
    for secret in (TOKEN, TOKEN.partition(":")[2], KEY):
        assert [path.name for path, content in written.items() if secret.encode() in content] == []
