"""The one table of commands: menus, help and docs/COMMANDS.md are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from bot.commands import coins, records, talking
from bot.commands.desk import Ask
from bot.views.card import Button, Card, note
from bot.views.origin import Context
from teleglas.language import Html
from teleglas.telegram.text import escape

__all__ = ["COMMANDS", "GROUPS", "Command", "find", "help_card", "near"]


def phrase(text: str) -> str:
    """Mark a text for the translators; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Command:
    """One command. summary: shown in menus and help. usage: arguments, optional ones in brackets.

    example: arguments that work. aliases: other names, not in menus. in_groups: whether a
    group's menu shows it; it works there in any case.
    """

    name: str
    run: Callable[[Ask], Awaitable[Card]]
    group: str
    summary: str
    usage: str = ""
    example: str = ""
    aliases: tuple[str, ...] = ()
    in_groups: bool = True


GROUPS: Final = (phrase("Coins"), phrase("Alerts"), phrase("This bot"))


async def _help(ask: Ask) -> Card:
    command = find(ask.argument(0).lstrip("/").lower()) if ask.argument(0) else None
    return help_card(command, ask.context)


COMMANDS: Final = (
    Command("raw", coins.raw, "Coins", phrase("Everything about a coin"), "COIN", "BTC"),
    Command("liq", coins.liq, "Coins", phrase("Liquidations of a coin, or of the market"), "[COIN] [1h|4h|12h|24h]", "BTC"),
    Command("market", coins.market, "Coins", phrase("The whole market: totals, imbalance, coins in storm"), "[1h|24h]", "24h"),
    Command("whale", coins.whale, "Coins", phrase("Large trades and positions"), "[COIN] [MIN_USD]", "BTC 500k"),
    Command("sentiment", coins.sentiment, "Coins", phrase("Fear and greed, funding, open interest, ratios"), "[COIN]", "BTC"),
    Command("orderbook", coins.orderbook, "Coins", phrase("Order book: depth, imbalance, walls"), "COIN [EXCHANGE]",
            "BTC Binance", ("raw_orderbook", "book")),
    Command("oi", coins.oi, "Coins", phrase("Open interest by exchange"), "[COIN] [4h|24h|7d]", "BTC"),
    Command("funding", coins.funding, "Coins", phrase("Funding rates and next settlements"), "[COIN]", "BTC"),
    Command("rsi", coins.rsi, "Coins", phrase("Relative strength by time frame"), "[COIN]", "BTC"),
    Command("heat", coins.heat, "Coins", phrase("Liquidation heat map"), "[COIN] [1h|4h|12h|24h]", "BTC"),
    Command("alerts", records.alerts, "Alerts", phrase("Recent alerts, and what followed them"), "[COIN]", "BTC"),
    Command("record", records.record, "Alerts", phrase("What followed the alerts, by kind, beside chance"), "[KIND]"),
    Command("status", records.status, "Alerts", phrase("Sources, ages, queue, versions")),
    Command("start", talking.start, "This bot", phrase("Begin"), in_groups=False),
    Command("help", _help, "This bot", phrase("All commands"), "[COMMAND]", "liq"),
    Command("about", talking.about, "This bot", phrase("What this bot is"), in_groups=False),
    Command("lang", talking.lang, "This bot", phrase("Language of the answers"), "[en|id|ru|zh]", "id"),
    Command("tz", talking.tz, "This bot", phrase("Time zone of the answers"), "[ZONE]", "Asia/Jakarta"),
)  # fmt: skip

_BY_NAME: Final = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


def find(name: str) -> Command | None:
    """Return the command of this name or alias."""
    return _BY_NAME.get(name)


def near(name: str) -> list[str]:
    """Return commands that are spelled alike, nearest first."""
    found = get_close_matches(name, list(_BY_NAME), 3, 0.5)
    # `/liquidation` and `/order` are beginnings, not slips.
    found += [each for each in _BY_NAME if len(name) > 2 and (each.startswith(name) or name.startswith(each))]
    return list(dict.fromkeys(_BY_NAME[each].name for each in found))[:3]


def help_card(command: Command | None, context: Context) -> Card:
    """Return all commands, or how one is used."""
    say = context.words.say
    if command is None:
        blocks = ["<b>" + say("Commands") + "</b>"]
        for group in GROUPS:
            lines = [
                f"/{each.name} {escape(each.usage)}".rstrip() + f": {say(each.summary)}"
                for each in COMMANDS
                if each.group == group
            ]
            blocks.append(f"<b>{say(group)}</b>\n" + "\n".join(lines))
        blocks.append(
            say("Coins are understood in every spelling: btc, $sol, BTCUSDT, BTC-USDT-SWAP, 1000pepe.")
        )
        return note("\n\n".join(blocks))
    lines = [f"<b>/{command.name} {escape(command.usage)}</b>".replace(" </b>", "</b>"), say(command.summary)]
    if command.aliases:
        lines.append(say("Also: {names}", names=Html(", ".join(f"/{each}" for each in command.aliases))))
    line = f"{command.name} {command.example}".strip()
    lines.append(say("Example: {line}", line=Html(f"<code>/{escape(line)}</code>")))
    return note("\n".join(lines), (Button(f"/{line}", f"+{line}"),))
