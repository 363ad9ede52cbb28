"""A slow reading of SPEC 2 and 3 for the simulator's tests: which kinds would be told, from the model's stream.

Deliberately plain (every window is summed afresh) and apart from the product's own code.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

from simulator.binance.feed import BinanceFeed
from simulator.bybit.feed import BybitFeed
from simulator.feeds import VenueClock
from simulator.market import Market, Trade
from simulator.okx.feed import OkxFeed
from simulator.parameters import load
from simulator.scenarios import SCENARIOS
from simulator.world import listed_in

__all__ = ["Seen", "findings", "stream", "told"]

WINDOW_MS, WAIT_MS = 30_000, 2_000
ORDER = ("global_radar", "liquidation_storm", "whale_cluster", "large_liquidation", "whale_trade")
LARGE = {"majors": 500e3, "large": 300e3, "others": 100e3}
WHALE = {"majors": 1e6, "large": 500e3, "others": 200e3}
STORM = {"majors": 2e6, "large": 1e6, "others": 0.5e6}
CLUSTER = {"majors": (3e6, 3, 0.70), "large": (1.5e6, 3, 0.65), "others": (0.5e6, 2, 0.60)}


class Seen(NamedTuple):
    """received_ms, event_ms since the start; forced: an order of a liquidation; up: short liquidated or bought."""

    received_ms: int
    event_ms: int
    asset: str
    forced: bool
    up: bool
    usd: float


def group(asset: str) -> str:
    """Return the group whose thresholds an asset has."""
    if asset in {"BTC", "ETH", "BNB"}:
        return "majors"
    return "large" if asset in {"SOL", "ADA", "XRP"} else "others"


def floor(asset: str) -> float:
    """Return what a taker order must reach to count for a cluster."""
    return 100e3 if asset in {"BTC", "ETH"} else 10e3


def stream(scenario: str, seed: int, seconds: int) -> list[Seen]:
    """Return what a client of the three venues receives, in order of receipt."""
    listed = listed_in(SCENARIOS[scenario])
    market = Market(listed, load(), SCENARIOS[scenario], seed)
    feeds = [feed(listed, VenueClock(0)) for feed in (BinanceFeed, BybitFeed, OkxFeed)]
    seen = []
    for now in range(20, seconds * 1000 + 1, 20):
        for event in market.until(now):
            if isinstance(event, Trade):
                seen.append(Seen(now, event.at_ms, event.listing.asset, False, event.buy, event.usd))
            for feed in feeds:
                feed.take(event)
        for feed in feeds:
            rows = feed.due(now)[1]
            seen += [Seen(now, row.event_ms, row.listing.asset, True, not row.long, row.usd) for row in rows]
    return seen


def findings(seen: list[Seen]) -> list[tuple[int, str, str, str]]:
    """Return (received_ms, kind, asset, direction) whenever a rule holds at an event."""
    found = []
    kept = defaultdict(list)
    newest = defaultdict(int)
    for row in seen:
        if not row.forced and row.usd < floor(row.asset):
            continue
        asset, at = row.asset, row.received_ms
        newest[asset] = max(newest[asset], row.event_ms)
        kept[asset] = [old for old in kept[asset] if old.event_ms > newest[asset] - WINDOW_MS] + [row]
        size = group(asset)
        if row.forced and row.usd >= LARGE[size]:
            found.append((at, "large_liquidation", asset, "short" if row.up else "long"))
        if not row.forced and row.usd >= WHALE[size]:
            found.append((at, "whale_trade", asset, "buy" if row.up else "sell"))
        storm = 0.0
        for up in (False, True):
            forced = [old.usd for old in kept[asset] if old.forced and old.up == up]
            if len(forced) >= 2 and sum(forced) >= STORM[size]:
                storm = max(storm, sum(forced))
                found.append((at, "liquidation_storm", asset, "short" if up else "long"))
        orders = [old for old in kept[asset] if not old.forced]
        total, least, share = sum(old.usd for old in orders), *CLUSTER[size][1:]
        bought = sum(old.usd for old in orders if old.up)
        cluster = 0.0
        if len(orders) >= least and total >= CLUSTER[size][0] and max(bought, total - bought) >= share * total:
            cluster = total
            found.append((at, "whale_cluster", asset, "buy" if bought * 2 >= total else "sell"))
        parts = [0.8 * min(1.0, math.log2(1 + x) / math.log2(17)) for x in (storm / STORM[size], cluster / CLUSTER[size][0])]
        if (storm and cluster) or 1 - (1 - parts[0]) * (1 - parts[1]) >= 0.60:
            found.append((at, "global_radar", asset, "any"))
    return found


def told(found: list[tuple[int, str, str, str]]) -> list[tuple[int, str, str, str]]:
    """Return what is told, once per (kind, asset, direction): the largest kind of those found within the wait.

    What a larger kind of the same asset already fires for is left out.
    """
    groups = {}
    result = []
    known = set()
    fired = defaultdict(list)

    def release(asset: str) -> None:
        opened, members = groups.pop(asset)
        due = opened + WAIT_MS
        rank = min(ORDER.index(kind) for kind, _ in members)
        for kind, direction in dict.fromkeys(members):
            if ORDER.index(kind) == rank and not silenced(kind, asset, direction, due):
                result.append((due, kind, asset, direction))
                known.add((kind, asset, direction))

    def silenced(kind: str, asset: str, direction: str, now: int) -> bool:
        over = {"large_liquidation": "liquidation_storm", "whale_trade": "whale_cluster"}.get(kind)
        if kind in {"liquidation_storm", "whale_cluster"}:
            over, direction = "global_radar", "any"
        return any(now - WINDOW_MS < at <= now for at in fired[over, asset, direction])

    for at, kind, asset, direction in sorted(found):
        for name in [name for name, (opened, _) in groups.items() if at > opened + WAIT_MS]:
            release(name)
        fired[kind, asset, direction].append(at)
        if (kind, asset, direction) not in known:
            groups.setdefault(asset, (at, []))[1].append((kind, direction))
    for name in list(groups):
        release(name)
    return result
