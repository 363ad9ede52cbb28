"""Faults on the wire, by script and by request."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator.faults import FaultScriptError, FaultStep, VenueFaults, read_script, step_of
from simulator.world import SERVICES, World

PATIENCE_S = 10
STREAMS = "/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"


async def listed(socket):
    """Return every message up to the answer to a last question."""
    await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
    messages = []
    while True:
        message = await asyncio.wait_for(socket.recv(), PATIENCE_S)
        if isinstance(message, str) and '"id":"end"' in message:
            return messages
        messages.append(message)


async def numbers(world, ms=5_000):
    """Return the trade numbers of BTC that arrive while `ms` pass."""
    async with connect(world.urls["BINANCE_WS_URL"] + "/market/ws/btcusdt@aggTrade") as socket:
        await world.advance(ms)
        return [json.loads(message)["a"] for message in await listed(socket)]


async def test_drop_cuts_every_connection(world):
    """The client sees the connection end without a closing handshake."""
    async with connect(world.urls["BINANCE_WS_URL"] + STREAMS) as socket:
        world.begin(FaultStep(0, "binance", "drop"))
        with pytest.raises(ConnectionClosed) as end:
            await asyncio.wait_for(socket.recv(), PATIENCE_S)
    assert end.value.rcvd is None


async def test_silent_venue_answers_but_sends_no_data_until_the_fault_ends(world):
    """An acknowledging and silent server: requests are answered, streams are not fed."""
    world.begin(FaultStep(0, "binance", "silent", for_s=5))
    assert await numbers(world, 4_000) == []
    assert await numbers(world, 5_000)


async def test_stalled_venue_sends_nothing_at_all(world):
    """Not even an acknowledgement comes while a venue stalls; afterwards it answers again."""
    world.begin(FaultStep(0, "okx", "stall"))
    async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public") as socket:
        await socket.send("ping")
        await asyncio.wait_for(await socket.ping(), PATIENCE_S)
        world.clear_faults()
        await socket.send('{"op":"nothing"}')
        assert "60012" in await asyncio.wait_for(socket.recv(), PATIENCE_S)


async def test_duplicates_repeat_messages(world):
    """With probability 1 every message comes twice."""
    world.begin(FaultStep(0, "binance", "duplicate"))
    seen = await numbers(world)
    assert seen == [number for number in sorted(set(seen)) for _ in range(2)]


async def test_reordering_is_bounded_and_loses_nothing(world):
    """Messages change places with near neighbours only."""
    world.begin(FaultStep(0, "binance", "reorder", 4))
    world.begin(FaultStep(0, "binance", "duplicate"))
    seen = await numbers(world, 20_000)
    assert seen != sorted(seen)
    assert sorted(set(seen)) == list(range(min(seen), max(seen) + 1))
    assert all(abs(place - want) < 8 for place, want in zip(seen, sorted(seen), strict=True))


async def test_malformed_messages_come_in_between(world):
    """Broken messages are added; the sound ones are all there."""
    world.begin(FaultStep(0, "binance", "malformed"))
    async with connect(world.urls["BINANCE_WS_URL"] + STREAMS, max_size=None) as socket:
        await world.advance(10_000)
        messages = await listed(socket)
    sound = [row["data"]["a"] for row in map(decoded, messages)
             if isinstance(row, dict) and isinstance(row.get("data"), dict) and row["data"].get("s") == "BTCUSDT"]  # fmt: skip
    assert len(set(sound)) == max(sound) - min(sound) + 1
    assert any(isinstance(message, bytes) for message in messages)
    assert sum(decoded(message) is None for message in messages) > 10


def decoded(message):
    """Return a message's value, None if it is not JSON."""
    try:
        return json.loads(message, parse_constant=str)
    except (ValueError, RecursionError):
        return None


async def test_clock_jump_moves_the_venues_timestamps(world):
    """Times of that venue's rows are shifted while the fault is on."""
    world.begin(FaultStep(0, "binance", "clock_jump", 90_000, for_s=2))
    async with connect(world.urls["BINANCE_WS_URL"] + "/market/ws/btcusdt@aggTrade") as socket:
        await world.advance(1_500)
        ahead = [json.loads(message)["T"] for message in await listed(socket)]
        await world.advance(3_000)
        after = [json.loads(message)["T"] for message in await listed(socket)]
    assert min(ahead) >= world.start_ms + 90_000
    assert after[-1] <= world.start_ms + 5_000


@pytest.mark.parametrize("status", [401, 403, 429, 451])
async def test_refusal_by_status_reaches_sockets_and_rest(world, status):
    """A blocked region or a banned address is refused at the door of both."""
    world.begin(FaultStep(0, "bybit", "refuse", status))
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(world.urls["BYBIT_WS_URL"] + "/v5/public/linear"):
            pass
    assert refusal.value.response.status_code == status
    async with httpx.AsyncClient() as http:
        assert (await http.get(world.urls["BYBIT_REST_URL"] + "/v5/market/time")).status_code == status
        assert (await http.get(world.urls["OKX_REST_URL"] + "/api/v5/public/time")).status_code == 200


async def test_accept_then_close_ends_each_connection_at_once(world):
    """The handshake succeeds, then the server closes."""
    world.begin(FaultStep(0, "binance", "accept_then_close"))
    async with connect(world.urls["BINANCE_WS_URL"] + STREAMS) as socket:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), PATIENCE_S)
    assert world.summary()["venues"]["binance"]["connections"] == 1


async def test_okx_announces_an_upgrade(world):
    """The notice 64008 goes to every connection."""
    async with connect(world.urls["OKX_WS_URL"] + "/ws/v5/public") as socket:
        world.begin(FaultStep(0, "okx", "notice"))
        assert json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["code"] == "64008"


async def test_script_begins_and_ends_faults_at_its_times(tmp_path):
    """Each step holds from at_s for for_s."""
    script = tmp_path / "faults.json"
    script.write_text('[{"at_s": 2, "venue": "binance", "fault": "silent", "for_s": 3}]')
    async with World(scenario="quiet", speed=0, faults=read_script(script, SERVICES)) as world:
        on = []
        for _ in range(6):
            await world.advance(1_000)
            on.append(world.active_faults()["binance"] == {"silent": True})
    assert on == [False, True, True, True, False, False]


async def test_control_port_begins_lists_and_ends_faults(world):
    """Another process can do by HTTP what a script does."""
    url = world.urls["SIMULATOR_CONTROL_URL"]
    async with httpx.AsyncClient() as http:
        begun = await http.post(url + "/__faults", json={"venue": "okx", "fault": "duplicate", "value": 0.5})
        assert begun.json()["okx"] == {"duplicate": 0.5}
        assert (await http.get(url + "/__faults")).json() == begun.json()
        assert (await http.post(url + "/__faults", json={"venue": "okx", "fault": "nosuch"})).status_code == 400
        assert not any((await http.delete(url + "/__faults")).json().values())
        assert (await http.get(url + "/__summary")).json()["scenario"] == "storm"


@pytest.mark.parametrize(
    "step",
    [[], {"fault": "stall"}, {"at_s": 1, "fault": "nosuch"}, {"at_s": 1, "fault": "stall", "venue": "kraken"},
     {"at_s": "x", "fault": "stall"}, {"at_s": 1, "fault": "stall", "typo": 1}],
)  # fmt: skip
def test_wrong_script_is_refused(step):
    """A step that would have no effect is an error, not ignored."""
    with pytest.raises(FaultScriptError):
        step_of(step, SERVICES)


def test_unreadable_script_names_file_and_step(tmp_path):
    """The error tells where to look."""
    path = tmp_path / "faults.json"
    path.write_text('[{"at_s": 1, "fault": "stall"}, {"at_s": 1, "fault": "x"}]')
    with pytest.raises(FaultScriptError, match="step 2"):
        read_script(path, SERVICES)
    path.write_text("{")
    with pytest.raises(FaultScriptError, match=r"faults\.json"):
        read_script(path, SERVICES)
    path.write_text("{}")
    with pytest.raises(FaultScriptError, match="array"):
        read_script(path, SERVICES)


def test_no_fault_leaves_frames_alone():
    """Without faults a tick's messages pass as they are."""
    frames = [("a", b"1"), ("b", b"2")]
    assert VenueFaults().mangle(frames) is frames
