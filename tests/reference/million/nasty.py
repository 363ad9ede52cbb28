"""Short nasty histories: equal milliseconds, amounts and window edges to the cent and to the millisecond, late arrivals."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.reference.million.lives import Row
from ws_alert.rules import Rules

__all__ = ["START_MS", "assets", "events"]

START_MS = 1_700_000_040_000
"""A full minute."""

_STEPS = (0, 0, 0, 1, 1, 200, 999, 1000, 1001, 1999, 2000, 5000, 14_999, 15_000, 29_999, 29_999, 30_000, 30_000, 30_001,
          30_001, 45_000, 59_999, 60_000, 60_001)  # fmt: skip
_QUICK = (0, 0, 1, 1, 5, 200, 999, 1000, 3000)
_LATE = (1, 1, 500, 999, 1000, 5000, 15_000, 29_999, 30_000, 30_001, 45_000, 59_999, 60_000, 60_001)
_PRICES = (100.0, 100.0, 100.1, 100.15, 100.3, 99.2, 102.0, 98.0)
_FACTORS = ((1, 1), (1, 1), (1, 1), (1, 2), (1, 2), (1, 3), (2, 1), (4, 1), (8, 1), (16, 1), (3, 5), (2, 5), (7, 10),
            (3, 10), (4, 5), (1, 5), (3, 1), (5, 1), (5, 2), (3, 2))  # fmt: skip
_VENUES = ("a", "a", "b", "c")


def assets(count: int) -> list[str]:
    """Return coins of all groups; half of them with the whale floor of BTC and ETH are only these two."""
    rest = ["BNB", "SOL", "ADA", "XRP", "AVAX", "DOT", "POL"]
    return ["BTC", "ETH", *rest, *(f"O{place}" for place in range(count - 9))]


def _amounts(rules: Rules, asset: str) -> list[int]:
    group, limits = rules.groups.of(asset), rules.thresholds
    return [
        limits.large_liquidation.usd(group),
        limits.whale_trade.usd(group),
        limits.liquidation_storm.usd(group),
        limits.whale_cluster.usd(group),
        limits.stop_hunt.usd(group),
        limits.stop_hunt.absorption(group),
        limits.whale_cluster.floor(asset),
    ]


def events(
    rng: random.Random, rules: Rules, asset: str, known: Sequence[int] = (), start_ms: int = START_MS
) -> list[Row]:
    """Return 2 to 18 rows. known: amounts beside the thresholds that decide something."""
    pick = rng.random
    amounts = [*_amounts(rules, asset), *known]
    steps = _QUICK if pick() < 0.6 else _STEPS
    forced_share = rng.choice((0.0, 1.0, 0.5, 0.5, 0.5))
    leaning = rng.choice((0.0, 0.1, 0.1, 0.5, 0.9, 0.9, 1.0))
    flipped = pick() < 0.2
    late_share = rng.choice((0.0, 0.0, 0.1, 0.4))
    now, rows = start_ms + rng.randrange(120_000), list[Row]()
    for _ in range(rng.choice((2, 3, 4, 5, 6, 8, 10, 13, 18))):
        now += rng.choice(steps) if pick() < 0.95 else rng.choice(_STEPS)
        forced = pick() < forced_share
        up = pick() < leaning
        side = (("long", "short") if forced else ("buy", "sell"))[up != (flipped and forced)]
        usd = _amount(rng, rng.choice(amounts), rows, "liquidation" if forced else "trade", side)
        late = rng.choice(_LATE) if pick() < late_share else 0
        what = "liquidation" if forced else "trade"
        rows.append(Row(now, now - late, what, asset, rng.choice(_VENUES), side, usd, rng.choice(_PRICES)))
        if pick() < 0.04:
            rows.append(rows[-1])  # identical rows are real (SEMANTICS 5)
    return rows


def _amount(rng: random.Random, threshold: int, rows: list[Row], what: str, side: str) -> int:
    """Return a part or multiple of a threshold, or what completes it, give or take a cent."""
    over, under = rng.choice(_FACTORS)
    target = threshold * over // under
    if rng.random() < 0.4:
        both = rng.random() < 0.3
        target -= sum(row.amount for row in rows if row.what == what and (both or row.side == side))
    return max(1, target + rng.choice((-1, 0, 0, 0, 1)))
