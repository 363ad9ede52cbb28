"""The whole alert process, from start to SIGTERM, against venues and Telegram over real sockets."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from PIL import Image

from simulator.bot_api import BotApi, Chat, Fault
from simulator.faults import FaultStep
from simulator.scenarios import SCENARIOS, Numbered, Scenario
from simulator.world import World
from tests.acceptance.bench import notices, running
from tests.acceptance.service import started
from tests.faults.oracle import drained, examine
from ws_alert.messages import FeedState, JournalRecord, RecordKind
from ws_alert.sources.journal import JournalReader

TOKEN = "987654321:AAcanaryAcceptanceTokenabcdefghijklmn"
KEY = "canaryCoinglassKey0123456789"
CHAT = 4711
URGENT = Numbered(first_s=1.0, every_s=1.5, usd=6_000_000, gap_s=1.2, coins=60)
FEW = Numbered(first_s=6.0, every_s=1.5, usd=600_000, gap_s=1.2, coins=60, count=8)


def _numbered(plan: Numbered) -> Scenario:
    return replace(SCENARIOS["numbered"], numbered=plan)


def _settings(world: World, api: BotApi, **more: str) -> dict[str, str]:
    urls = {name: url for name, url in world.urls.items() if name.endswith(("_WS_URL", "_REST_URL"))}
    return urls | {
        "TELEGRAM_API_BASE_URL": api.base_url,
        "TELEGRAM_ALERT_TOKEN": TOKEN,
        "TELEGRAM_ALERT_CHANNEL_ID": str(CHAT),
        "HOURLY_BUDGET": "0",
        **more,
    }


async def _until(done: Callable[[], bool], patience_s: float = 60.0) -> None:
    async with asyncio.timeout(patience_s):
        while not await asyncio.to_thread(done):  # noqa: ASYNC110 - it happens in another process's files
            await asyncio.sleep(0.05)


@pytest.fixture
async def opened():
    """Return a stack that closes what a test opens."""
    async with AsyncExitStack() as stack:
        yield stack


async def _bot_api(opened: AsyncExitStack, ledger: Path | None = None, photos: Path | None = None) -> BotApi:
    return await opened.enter_async_context(
        BotApi([TOKEN], [Chat(CHAT, "private")], ledger=ledger, photos=photos)
    )


async def test_a_restart_repeats_nothing_and_loses_nothing(tmp_path, opened):
    """SIGTERM in the middle of numbered storms ends within 5 s with 0; the next start goes on where it was."""
    ledger, truth, folder = tmp_path / "ledger.jsonl", tmp_path / "truth.jsonl", tmp_path / "alert"
    api = await _bot_api(opened, ledger)
    world = await opened.enter_async_context(World(scenario=_numbered(FEW), truth=truth))
    settings = _settings(world, api, CHARTS="false")
    ends = []
    async with started(folder, settings) as service:
        await api.ledger.until(lambda entries: len(entries) >= 2, timeout=60)
        ends.append(await service.end())
    async with started(folder, settings) as service:
        await _until(lambda: world.events["Printed"] == 2 * FEW.count)
        await _until(lambda: drained(folder / "data" / "teleglas.db"))
        ends.append(await service.end())
    found = examine(
        journal=folder / "data" / "journal", database=folder / "data" / "teleglas.db", ledger=ledger, truth=truth,
        chats=[CHAT], in_gap=0, scratch=tmp_path,
    )  # fmt: skip
    assert found.wrong == []
    assert (found.lost, found.repeats, found.labelled) == (0, 0, 0)
    assert found.alerts == found.delivered >= 3
    assert all(code == 0 and took < 5 for code, took in ends)


async def test_words_leave_at_once_and_become_the_caption_of_their_picture(tmp_path, opened):
    """Each alert is one message: sent as text, then the drawn chart is added to it; none is sent as a photo."""
    folder, photos = tmp_path / "alert", tmp_path / "photos"
    api = await _bot_api(opened, photos=photos)
    world = await opened.enter_async_context(World(scenario=_numbered(URGENT)))
    async with started(folder, _settings(world, api)) as service:
        await api.ledger.until(lambda entries: sum(bool(entry.photo) for entry in entries) >= 2, timeout=90)
        assert (await service.end())[0] == 0
    sent = [entry for entry in api.ledger.entries if entry.method.startswith("send")]
    added = [entry for entry in api.ledger.entries if entry.method == "editMessageMedia"]
    assert {entry.method for entry in sent} == {"sendMessage"}
    for entry in added:
        words = next(each for each in sent if each.message_id == entry.message_id)
        assert words.at_ms < entry.at_ms
        assert entry.text.splitlines()[-1] == words.text.splitlines()[-1], "the tags of coin and kind"
        with Image.open(photos / f"{entry.photo[:16]}.png") as picture:
            assert picture.size == (1080, 1080)


async def test_nothing_written_holds_a_secret(tmp_path, opened):
    """At DEBUG, with charts and with every kind of trouble, neither the token nor the key is anywhere."""
    folder, photos = tmp_path / "alert", tmp_path / "photos"
    api = await _bot_api(opened, photos=photos)
    kinds = (Fault.server_error, Fault.bad_gateway, Fault.reset, Fault.garbage)
    method = "editMessageMedia"
    for fault in (*(kind(method=method) for kind in kinds), Fault.flood(1, method=method)):
        api.fault(fault)
    world = World(scenario=_numbered(URGENT), keys={KEY: "STANDARD"})
    await opened.enter_async_context(world)
    settings = _settings(
        world, api, LOG_LEVEL="DEBUG", LOG_FILE="alert.log", SOURCE_MODE="both", COINGLASS_API_KEY=KEY,
        TELEGRAM_ADMIN_CHAT_ID=str(CHAT),
    )  # fmt: skip
    async with started(folder, settings) as service:
        shown = service.command_line()
        await api.ledger.until(lambda entries: any(entry.photo for entry in entries), timeout=90)
        for fault in ("refuse_ws", "refuse_rest"):
            world.begin(FaultStep(0, "coinglass", fault, 401))
        world.begin(FaultStep(0, "all", "drop"))
        await _until(lambda: any(each.state is FeedState.DOWN for each in notices(folder / "data")))
        code, _ = await service.end()
    said = "".join(entry.text + entry.source for entry in api.ledger.entries).encode()
    written = {"command line": shown, "messages": said, **dict(_written(tmp_path))}
    assert {"stderr", "alert.log", "teleglas.db"} <= {Path(name).name for name in written}
    assert any(name.endswith(".png") for name in written)
    assert b"coinglass" in written[str(folder / "alert.log")]
    for secret in (TOKEN, TOKEN.partition(":")[2], KEY):
        assert [name for name, content in written.items() if secret.encode() in content] == []
    assert code == 0


def _written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file's bytes: journal segments unpacked, pictures with what they say about themselves."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".zst":
            content = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()
        if path.suffix == ".png":
            with Image.open(io.BytesIO(content)) as picture:
                content += repr(picture.info).encode()
        yield str(path), content


async def test_a_person_orders_the_digest(tmp_path, opened):
    """The real process answers what is typed to it, and remembers the choice over a restart."""
    folder = tmp_path / "alert"
    api = await _bot_api(opened)
    world = await opened.enter_async_context(World(scenario="quiet"))
    settings = _settings(world, api, CHARTS="false", DIGEST_AT="07:00")
    said = ["/digest 08:00 Asia/Jakarta", "/digest"]
    for number, text in enumerate(said):
        api.requests.clear()
        async with started(folder, settings) as service:
            await _until(lambda: any(method == "getUpdates" for method, _ in api.requests))
            api.people.say(CHAT, text)
            await api.ledger.until(lambda entries, seen=number: len(entries) > seen, timeout=30)
            code, took = await service.end()
            assert (code, took < 5) == (0, True)
    ordered, shown = api.ledger.entries
    assert ordered.text.startswith("The daily digest comes here at 08:00, time of Asia/Jakarta.")
    assert shown.text.startswith("The daily digest comes at 08:00, time of Asia/Jakarta, as chosen here.")


async def test_without_a_market_nobody_is_alerted(tmp_path, opened):
    """With the simulator stopped every feed is told as down, and no message leaves."""
    folder = tmp_path / "alert"
    api = await _bot_api(opened)
    async with World(scenario="quiet") as world:
        settings = _settings(world, api)
    async with started(folder, settings) as service:

        def all_down() -> bool:
            found = notices(folder / "data")
            down = {
                (each.venue, each.family)
                for each in found
                if not each.complete and each.state is not FeedState.CONNECTING
            }
            return len(down) == 6

        await _until(all_down)
        assert (await service.end())[0] == 0
    assert api.ledger.entries == []


@pytest.mark.slow
async def test_a_silent_venue_is_noticed_and_polled(tmp_path):
    """A server that acknowledges and says nothing more is noticed in 15 s and polled 5 s later at the latest."""
    async with running(tmp_path, scenario="quiet", seed=3, speed=1.0) as bench:

        def polled() -> set[str]:
            return {
                item.source.partition(":")[0] for item in _records(tmp_path) if item.kind is RecordKind.BODY
            }

        await bench.until(
            lambda: _live(tmp_path) >= {("binance", "trades"), ("okx", "trades"), ("bybit", "trades")}
        )
        before = polled()
        bench.world.begin(FaultStep(0, "all", "silent"))
        silent_ms = bench.world.start_ms + bench.world.now_ms
        await bench.until(lambda: polled() - before >= {"binance", "bybit", "okx"})
    for venue in ("binance", "bybit", "okx"):
        noticed_ms = next(
            each.at_ms for each in notices(tmp_path)
            if (each.venue, each.family) == (venue, "trades") and each.state is FeedState.POLLING
        )  # fmt: skip
        polled_ms = next(
            item.received_ms for item in _records(tmp_path)
            if item.kind is RecordKind.BODY and item.source.startswith(f"{venue}:") and item.received_ms >= silent_ms
        )  # fmt: skip
        assert noticed_ms - silent_ms <= 15_000, venue
        assert polled_ms - noticed_ms <= 5_000, venue


def _records(folder: Path) -> Iterator[JournalRecord]:
    return (item for item in JournalReader(folder / "journal").read() if isinstance(item, JournalRecord))


def _live(folder: Path) -> set[tuple[str, str]]:
    return {(each.venue, each.family) for each in notices(folder) if each.state is FeedState.LIVE}
