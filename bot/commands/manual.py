"""Writes docs/COMMANDS.md from the table of commands: `python -m bot.commands.manual`."""

from __future__ import annotations

import sys

from bot.commands.samples import NOW_MS, samples
from bot.commands.table import COMMANDS, GROUPS
from bot.views.card import Card, keyboard, text
from bot.views.origin import Context
from teleglas.language import load_words
from teleglas.telegram.text import plain

__all__ = ["manual"]

_HEAD = """\
# Commands

Made from `bot/commands/table.py` by `make docs`; a test keeps it so. The figures in the samples are invented.

Coins are understood in every spelling: `btc`, `$sol`, `BTCUSDT`, `BTC-USDT-SWAP`, `1000pepe`, `kPEPE`, `MATIC`. An
unknown coin is answered with those that are spelled alike, never with another coin's figures. Every figure has its
source, its exchanges and its age; what is not known is said with the reason, never shown as zero. Liquidation feeds are
sampled by the exchanges, so their sums are lower bounds.

A picture, where there is one, stands above the same text; what does not fit below it is behind *Details*. ↻ makes a
card anew in place. Without a CoinGlass key the exchanges' public data and what the alert bot recorded answer.
"""


def manual() -> str:
    """Return the whole document."""
    context = Context(load_words("bot")["en"], NOW_MS)
    cards = samples(context)
    blocks = [_HEAD]
    for group in GROUPS:
        blocks.append(f"## {group}\n")
        for command in COMMANDS:
            if command.group != group:
                continue
            usage = f"/{command.name} {command.usage}".strip()
            lines = [f"### `{usage}`\n", f"{command.summary}.\n"]
            if command.aliases:
                lines.append("Also: " + ", ".join(f"`/{name}`" for name in command.aliases) + "\n")
            lines.append(f"`/{command.name} {command.example}`".replace(" `", "`") + " answers:\n")
            lines.append(_sample(cards[command.name]))
            if f"{command.name} market" in cards:
                lines += [f"`/{command.name}` alone answers:\n", _sample(cards[f"{command.name} market"])]
            blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _sample(card: Card) -> str:
    buttons = [" ".join(f"[{button.text}]" for button in row) for row in keyboard(card)]
    return "```text\n" + "\n".join([plain(text(card)), *buttons]) + "\n```\n"


if __name__ == "__main__":
    sys.stdout.write(manual())
