"""Run the simulated venues, and the Bot API if a token is given, until the time is up or SIGTERM.

Prints one `NAME=value` line per base URL (as settings for the bots), then at the end a summary.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from simulator.coinglass.plans import DEFAULT_KEYS, PLANS
from simulator.faults import FaultScriptError, FaultStep, read_script
from simulator.patterns import PATTERNS
from simulator.scenarios import SCENARIOS
from simulator.world import SERVICES, World

_PORT_NAMES = (*(f"{name.upper()}_{kind}_URL" for name in SERVICES for kind in ("WS", "REST")),
               "SIMULATOR_CONTROL_URL", "TELEGRAM_API_BASE_URL")  # fmt: skip

_SCENARIOS = (*SCENARIOS, *PATTERNS)


@dataclass(frozen=True, slots=True)
class _BotApi:
    """What the Bot API simulator needs: tokens and chats (as `kind:id`) that exist, files it writes."""

    tokens: list[str]
    chats: list[str]
    ledger: Path | None
    photos: Path | None
    port: int


async def _run(world: World, bots: _BotApi, duration_s: float, ports_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as open_things:
        urls = dict((await open_things.enter_async_context(world)).urls)
        if bots.tokens:
            urls["TELEGRAM_API_BASE_URL"] = await _start_bot_api(open_things, world.host, bots)
        for name, url in urls.items():
            typer.echo(f"{name}={url}")
        if ports_file is not None:
            aside = ports_file.with_name(f".{ports_file.name}.part")
            aside.write_text(json.dumps(urls, indent=1), encoding="utf-8")
            aside.replace(ports_file)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), duration_s or None)
        typer.echo(_told(world.summary()), err=True)


async def _start_bot_api(open_things: contextlib.AsyncExitStack, host: str, bots: _BotApi) -> str:
    from simulator.bot_api.server import serve  # noqa: PLC0415 - only when a token asks for it
    from simulator.bot_api.world import Chat  # noqa: PLC0415 - as above

    chats = []
    for text in bots.chats:
        kind, number = text.split(":")
        chats.append(Chat(int(number), kind))
    api = await serve(host, bots.port, tokens=bots.tokens, chats=chats, ledger=bots.ledger, photos=bots.photos)
    open_things.push_async_callback(api.stop)
    return api.base_url


def _told(summary: dict[str, Any]) -> str:
    events = summary["events"]
    head = (
        f"SIMULATED market, scenario {summary['scenario']}, seed {summary['seed']}: {summary['seconds']:.0f} s, "
        f"{events.get('Trade', 0)} trades, {events.get('Liquidation', 0)} forced orders, "
        f"{events.get('Printed', 0)} of them printed"
    )
    lines = [head]
    for name, venue in summary["venues"].items():
        lines.append(f"  {name:10} {venue['connections']} connections ({venue['refused']} refused, {venue['cut']} cut), "
                     f"{venue['frames']} frames, {venue['bytes'] / 1e6:.1f} MB, {venue['rejected']} requests rejected, "
                     f"{venue['rest_requests']} REST requests")  # fmt: skip
    return "\n".join(lines)


def _keys(texts: list[str]) -> dict[str, str]:
    keys = {}
    for text in texts:
        key, _, plan = text.rpartition("=")
        if not key or plan.upper() not in PLANS:
            raise typer.BadParameter(f"--coinglass-key: write KEY=PLAN with a plan of {', '.join(PLANS)}")
        keys[key] = plan.upper()
    return keys or dict(DEFAULT_KEYS)


def _ports(texts: list[str]) -> dict[str, int]:
    ports = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in _PORT_NAMES or not number.isdecimal():
            raise typer.BadParameter(f"--port: write NAME=NUMBER with a name of {', '.join(_PORT_NAMES)}")
        ports[name] = int(number)
    return ports


def _script(path: Path | None) -> list[FaultStep]:
    try:
        return read_script(path, SERVICES) if path else []
    except (FaultScriptError, OSError) as error:
        raise typer.BadParameter(f"--faults: {error}") from None


def main(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Another seed is another market of the same intensity.")] = 1,
    scenario: Annotated[str, typer.Option(help=f"One of {', '.join(_SCENARIOS)}.")] = "demo",
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="How much faster than life the market runs.")] = 1.0,
    duration: Annotated[float, typer.Option(min=0, help="Seconds until the end; 0: until SIGTERM.")] = 0.0,
    ports_file: Annotated[Path | None, typer.Option(help="Where the base URLs go as JSON.")] = None,
    faults: Annotated[Path | None, typer.Option(help="Script of faults: a JSON array of steps.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Ledger of every printed forced order, JSON lines.")] = None,
    ground_truth: Annotated[Path | None, typer.Option(help="What a pattern's alerts must be, JSON.")] = None,
    port: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER for a fixed port; may be repeated.")] = None,
    coinglass_key: Annotated[list[str] | None, typer.Option(help="KEY=PLAN; may be repeated.")] = None,
    token: Annotated[list[str] | None, typer.Option(help="A Telegram bot that exists; may be repeated.")] = None,
    chat: Annotated[list[str] | None, typer.Option(help="kind:id of a chat that exists; may be repeated.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="What the Bot API accepted, JSON lines.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder for uploaded photos.")] = None,
) -> None:
    """Serve simulated exchanges, CoinGlass and (with --token) the Bot API on loopback."""
    if scenario not in _SCENARIOS:
        raise typer.BadParameter(f"--scenario: one of {', '.join(_SCENARIOS)}")
    if ground_truth is not None and scenario not in PATTERNS:
        raise typer.BadParameter(f"--ground-truth: only of {', '.join(PATTERNS)}")
    fixed = _ports(port or [])
    world = World(scenario=scenario, seed=seed, host=host, speed=speed, keys=_keys(coinglass_key or []),
                  faults=_script(faults), truth=truth, ports=fixed)  # fmt: skip
    if world.pattern is not None and ground_truth is not None:
        text = json.dumps(world.pattern.truth(world.start_ms), ensure_ascii=False, indent=1)
        ground_truth.write_text(text + "\n", encoding="utf-8")
    bots = _BotApi(token or [], chat or [], ledger, photos, fixed.get("TELEGRAM_API_BASE_URL", 0))
    asyncio.run(_run(world, bots, duration, ports_file))


if __name__ == "__main__":
    typer.run(main)
