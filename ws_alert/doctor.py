"""`doctor`: checks what a service needs, one line each, and says what to do about what is wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.text import Text
from sqlalchemy.engine import make_url

from teleglas.errors import ConfigError, FeedError
from teleglas.storage.opening import open_engine
from teleglas.venues.binance.rest import BinanceRest
from teleglas.venues.bybit.rest import BybitRest
from teleglas.venues.coinglass.rest import CoinglassRest
from teleglas.venues.hyperliquid.rest import HyperliquidRest
from teleglas.venues.okx.rest import OkxRest
from ws_alert import compiled, compiler
from ws_alert.config import Settings, load_settings
from ws_alert.delivery.mail_channel import MailChannel
from ws_alert.delivery.targets import mail_target
from ws_alert.delivery.telegram_alert_bot import TelegramChannel

__all__ = ["Level", "Line", "check_all", "examine", "hot_path"]

_CLOCK_LIMIT_S = 2.0
_PATIENCE_S = 10.0
_SPARE_GB = 1.0
_MAIL_TODO = (
    "Look at SMTP_HOST, SMTP_PORT, SMTP_SECURITY, SMTP_USER, SMTP_PASSWORD, SMTP_FROM and the address."
)


class Level(StrEnum):
    """How much a line matters: only FAIL makes the exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Line(NamedTuple):
    """One check: what was looked at, what was found, what to do."""

    level: Level
    what: str
    found: str
    todo: str = ""


def examine(console: Console) -> bool:
    """Check everything, print it, and return whether the service can work."""
    try:
        settings, warnings = load_settings()
    except ConfigError as error:
        _print(console, Line(Level.FAIL, "settings", str(error)))
        return False
    lines = [Line(Level.WARN, "settings", each) for each in warnings]
    lines.append(Line(Level.OK, "settings", _summary(settings)))
    lines += asyncio.run(check_all(settings))
    for line in lines:
        _print(console, line)
    return all(line.level is not Level.FAIL for line in lines)


async def check_all(settings: Settings, clock: Callable[[], float] = time.time) -> list[Line]:
    """Return a line for each token, chat, address, feed, the clock, the database, the journal, the disk and the hot path.

    clock: Unix seconds of this machine.
    """
    telegram, feeds, mail = await asyncio.gather(
        _telegram(settings), _feeds(settings, clock), _mail(settings)
    )
    return [
        *telegram,
        *mail,
        *_webhooks(settings),
        *feeds,
        _database(settings),
        _journal(settings),
        _disk(settings),
        hot_path(),
    ]


def _summary(settings: Settings) -> str:
    where = ", ".join(settings.targets + settings.targets_beside) or "the terminal"
    return f"sources: {settings.source_mode}; alerts go to {where}"


def _print(console: Console, line: Line) -> None:
    style = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}[line.level]
    text = Text(f"{line.level.value:<5}", style=style).append(f"{line.what}: {line.found}", style="default")
    console.print(text, soft_wrap=True)
    if line.todo:
        console.print(Text(f"      {line.todo}"), soft_wrap=True)


async def _telegram(settings: Settings) -> list[Line]:
    if settings.telegram_alert_token is None:
        return [Line(Level.OK, "telegram", "no token is set, alerts are printed in the terminal")]
    token = settings.telegram_alert_token.get_secret_value()
    async with TelegramChannel(token, base_url=settings.telegram_api_base_url, read_s=_PATIENCE_S) as channel:
        check = await channel.check(settings.targets)
    lines = [Line(Level.OK, "telegram", f"the bot is {check.bot}")] if check.bot else []
    lines += [Line(Level.OK, "chat", f"{target} is {title}") for target, _, title in check.chats]
    return lines + [Line(Level.FAIL, "telegram", problem) for problem in check.problems]


async def _mail(settings: Settings) -> list[Line]:
    """Log in and name sender and recipient; no message is sent."""
    if settings.account is None:
        return []
    try:
        channel = MailChannel(settings.account, settings.mail_targets)
    except ConfigError as error:
        return [Line(Level.FAIL, "mail", str(error))]
    addresses = dict.fromkeys((*settings.alert_email_to, *settings.admin_email_to))
    problems = [await channel.check(address) for address in addresses]
    await channel.close()
    where = f"{settings.account.host}:{settings.account.port}"
    return [
        Line(Level.FAIL, "mail", f"{mail_target(address)}: {problem}", _MAIL_TODO)
        if problem
        else Line(Level.OK, "mail", f"{where} takes messages for {mail_target(address)} ({_masked(address)})")
        for address, problem in zip(addresses, problems, strict=True)
    ]


def _masked(address: str) -> str:
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"


def _webhooks(settings: Settings) -> list[Line]:
    if not settings.urls_beside:
        return []
    from ws_alert.delivery.webhook_channel import WebhookChannel  # noqa: PLC0415 - it is large

    try:
        names = WebhookChannel(settings.urls_beside).names()
    except ConfigError as error:
        return [Line(Level.FAIL, "webhook", str(error))]
    return [
        Line(Level.OK, "webhook", f"{target} is {service}, not tried: a try would be a message")
        for target, service in names.items()
    ]


async def _feeds(settings: Settings, clock: Callable[[], float]) -> list[Line]:
    offsets: list[float] = []

    async def note(response: httpx.Response) -> None:
        told = response.headers.get("date")
        if told and response.is_success:
            # The header has whole seconds: its middle is the best guess.
            offsets.append(parsedate_to_datetime(told).timestamp() + 0.5 - clock())

    async with httpx.AsyncClient(timeout=_PATIENCE_S, event_hooks={"response": [note]}) as http:
        probes = dict(_probes(settings, http))
        lines = list(await asyncio.gather(*(_feed(venue, ask) for venue, ask in probes.items())))
    return [*lines, _clock(offsets)]


def _probes(
    settings: Settings, http: httpx.AsyncClient
) -> Iterator[tuple[str, Callable[[], Awaitable[object]]]]:
    def rest(venue: str) -> str:
        return settings.urls(venue)[1] or ""

    if settings.source_mode != "coinglass":
        yield "binance", lambda: BinanceRest(http, rest("binance")).agg_trades("BTCUSDT")
        yield "bybit", lambda: BybitRest(http, rest("bybit")).recent_trades("BTCUSDT", 1)
        yield "okx", lambda: OkxRest(http, rest("okx")).trades("BTC-USDT-SWAP", 1)
        if settings.detectors.funding_extreme or settings.detectors.oi_divergence:
            yield "hyperliquid", HyperliquidRest(http, rest("hyperliquid")).contexts
    if settings.source_mode != "public" and settings.coinglass_key is not None:
        coinglass = CoinglassRest(http, rest("coinglass"))
        coinglass.use_key(settings.coinglass_key.get_secret_value())
        yield "coinglass", coinglass.supported_coins


async def _feed(venue: str, ask: Callable[[], Awaitable[object]]) -> Line:
    started = time.perf_counter()
    try:
        await ask()
    except FeedError as error:
        if venue == "hyperliquid":
            todo = "Only its funding and open interest are missing; the rest goes on."
            return Line(Level.WARN, venue, str(error), todo)
        return Line(Level.FAIL, venue, str(error), _remedy(venue, getattr(error, "reason", "")))
    return Line(Level.OK, venue, f"answered in {(time.perf_counter() - started) * 1000:.0f} ms")


def _remedy(venue: str, reason: str) -> str:
    return {
        "invalid_key": "Copy the key whole from your CoinGlass account into COINGLASS_API_KEY.",
        "plan": "Streaming needs CoinGlass's Standard plan; without it set SOURCE_MODE=public.",
        "region_block": f"{venue} does not serve this country; use a server elsewhere. The other venues go on.",
        "banned": "Too many requests came from this address; stop other programs here and wait.",
    }.get(reason, "Check the network, DNS and firewall of this machine; the service itself keeps trying.")


def _clock(offsets: list[float]) -> Line:
    if not offsets:
        return Line(Level.WARN, "clock", "not checked, no venue told the time")
    offset = sorted(offsets)[len(offsets) // 2]
    if abs(offset) <= _CLOCK_LIMIT_S:
        return Line(Level.OK, "clock", f"within {_CLOCK_LIMIT_S:.0f} s of the venues")
    return Line(
        Level.FAIL, "clock", f"{abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} the venues",
        "Type: sudo timedatectl set-ntp true",
    )  # fmt: skip


def _database(settings: Settings) -> Line:
    url = make_url(settings.database_url) if "://" in settings.database_url else None
    if url is not None and url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        # Only the service makes the file: made by another user, the service could not write it.
        return _writable(
            "database", Path(str(url.database)).parent, "DATABASE_URL", "it is made at the first start"
        )
    started = time.perf_counter()
    try:
        open_engine(settings.database_url).dispose()
    except ConfigError as error:
        return Line(Level.FAIL, "database", str(error))
    return Line(Level.OK, "database", f"opened in {(time.perf_counter() - started) * 1000:.0f} ms")


def _journal(settings: Settings) -> Line:
    kept = f"keeps {settings.journal_keep_gb:g} GB and {settings.journal_keep_hours} h"
    return _writable("journal", settings.journal_dir, "JOURNAL_DIR", kept)


def _writable(what: str, folder: Path, setting: str, found: str) -> Line:
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x")
            os.fsync(file.fileno())
    except OSError as error:
        todo = f"Let this user write there (sudo chown), or set {setting} to another folder."
        return Line(Level.FAIL, what, f"{place} cannot be written ({error.strerror})", todo)
    return Line(Level.OK, what, f"{folder} can be written; {found}")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def _disk(settings: Settings) -> Line:
    free = shutil.disk_usage(_existing(settings.journal_dir)).free / 1024**3
    wanted = settings.journal_keep_gb + _SPARE_GB
    if free >= wanted:
        return Line(Level.OK, "disk", f"{free:.1f} GB free")
    return Line(
        Level.WARN, "disk", f"{free:.1f} GB free, the journal may grow to {settings.journal_keep_gb:g} GB",
        "Make room, or lower JOURNAL_KEEP_GB.",
    )  # fmt: skip


def hot_path() -> Line:
    """Return whether the path from a frame to a decision is compiled, and what to type if it is not."""
    if compiled.in_use():
        return Line(Level.OK, "hot path", "compiled")
    todo = compiler.missing() or "Type: make setup"
    return Line(Level.OK, "hot path", "interpreted, which is slower and nothing else", todo)
