"""A strict stand-in for Telegram's Bot API, over real HTTP on loopback.

It accepts what Telegram accepts and refuses, in Telegram's words, what Telegram refuses; faults
come by script, and everything accepted stands in a ledger. It shares no code with the bots.
"""

from __future__ import annotations

from simulator.bot_api.faults import Fault
from simulator.bot_api.ledger import Entry, Ledger
from simulator.bot_api.server import BotApi, serve
from simulator.bot_api.world import Chat

__all__ = ["BotApi", "Chat", "Entry", "Fault", "Ledger", "serve"]
