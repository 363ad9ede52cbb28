"""Run the Bot API alone: prints its base URL on the first line and serves until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from simulator.bot_api.server import serve
from simulator.bot_api.world import Chat


def _chat(text: str) -> Chat:
    """Read `kind:id[:@name][:topic,topic]`."""
    kind, number, *rest = text.split(":")
    names = [part[1:] for part in rest if part.startswith("@")]
    topics = [int(topic) for part in rest if not part.startswith("@") for topic in part.split(",")]
    return Chat(int(number), kind, username=names[0] if names else "", topics=dict.fromkeys(topics, True))


async def _run(
    tokens: list[str],
    chats: list[Chat],
    host: str,
    port: int,
    ledger: Path | None,
    photos: Path | None,
    flood: bool,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    api = await serve(host, port, tokens=tokens, chats=chats, ledger=ledger, photos=photos, flood=flood)
    typer.echo(api.base_url)
    try:
        await stop.wait()
    finally:
        await api.stop()


def main(
    token: Annotated[list[str], typer.Option(help="A bot that exists; may be repeated.")],
    chat: Annotated[list[str], typer.Option(help="kind:id[:@name][:topic,topic]; may be repeated.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 lets the system choose.")] = 0,
    ledger: Annotated[Path | None, typer.Option(help="JSON lines of everything accepted.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder for uploaded photos.")] = None,
    *,
    flood: Annotated[bool, typer.Option(help="Enforce Telegram's flood limits.")] = False,
) -> None:
    """Serve a strict Bot API on loopback."""
    try:
        chats = [_chat(text) for text in chat]
    except ValueError as error:
        raise typer.BadParameter(f"--chat: {error}") from None
    asyncio.run(_run(token, chats, host, port, ledger, photos, flood))


if __name__ == "__main__":
    typer.run(main)
