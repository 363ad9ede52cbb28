"""A day as the alert bot would have recorded it, for tests of the command bot."""

from __future__ import annotations

import time
from pathlib import Path

from teleglas.storage import tape
from teleglas.storage.store import open_store
from teleglas.tape import LIQUIDATION, MINUTE_MS, ORDER, Bar, Batch, Event, FeedMinute

__all__ = ["record_a_day"]

_PRICES = {"BTC": 97_500.0, "ETH": 3_420.0, "SEI": 0.1394, "PEPE": 0.0000046}
_VENUES = ("binance", "bybit", "okx")
_DAY = 24 * 60


def record_a_day(folder: Path) -> str:
    """Write a day of three venues and some coins; return the database's URL."""
    database = f"sqlite:///{folder / 'bot.db'}"
    newest = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    minutes = [newest - back * MINUTE_MS for back in range(_DAY)]
    feeds = tuple(
        FeedMinute(minute, venue, family, 60_000)
        for minute in minutes[1:] for venue in _VENUES for family in ("liquidations", "trades")
    )  # fmt: skip
    bars, events = [], []
    for number, minute in enumerate(minutes[1::3]):
        taken, liquidated = ("buy", "sell")[number % 2], ("long", "short")[number // 2 % 2]
        venue, off = _VENUES[number % 3], 1 + (number % 31 - 15) / 1000
        for coin, price in _PRICES.items():
            bars.append(Bar(minute, coin, venue, LIQUIDATION, liquidated, 90_000_00, 3))
            events.append(Event(minute, coin, venue, coin, LIQUIDATION, liquidated, 60_000_00, price * off))
            events.append(
                Event(minute, coin, venue, coin, ORDER, taken, (400 + number) * 1_000_00, price * off)
            )
    store = open_store(database)
    tape.record(store, Batch(tuple(bars), tuple(events), feeds))
    store.close()
    return database
