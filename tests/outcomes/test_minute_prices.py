"""Every asset's minutes are read off its tape, also where a minute is too short to read all of them."""

from __future__ import annotations

from teleglas.tape import MINUTE_MS
from tests.outcomes.house import NOON
from ws_alert.outcomes.minute_prices import MinutePrices
from ws_alert.windows.event_aggregator import AssetEvents


def test_no_asset_waits_for_ever():
    """Five assets, and one look a minute that reads two: each minute of each is read within its five minutes."""
    assets = [AssetEvents(name, "others", 30_000) for name in "ABCDE"]
    prices, read = MinutePrices(), set()
    for minute in range(12):
        for events in assets:
            events.tape.price((NOON + minute * MINUTE_MS) // 1000, 100.0 + minute)
        found = prices.read(assets, NOON + (minute + 1) * MINUTE_MS, 2)
        assert len({row.asset for row in found}) <= 2
        read |= {(row.asset, row.minute_ms, row.last) for row in found}
    for name in "ABCDE":
        minutes = [(at - NOON) // MINUTE_MS for asset, at, _ in sorted(read) if asset == name]
        assert minutes == list(range(len(minutes)))
        assert len(minutes) >= 8, f"{name} was left waiting"
