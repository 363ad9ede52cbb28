"""Patterns of positions: extreme funding, open interest that changes venues."""

from __future__ import annotations

from simulator.patterns.script import Script
from simulator.scenarios import Move

__all__ = ["funding_extreme", "oi_divergence"]

_POLL_S = 60
_SPAN_S = 900


def funding_extreme(script: Script) -> None:
    """Write one venue's rate of at least 0.1 % per 8 hours, from minutes after the start until minutes later."""
    for group, venue, percent, what in (
        ("majors", "binance", 0.1001, "longs pay 0.1001 % per 8 h"),
        ("others", "okx", -0.25, "shorts pay 0.25 % per 8 h"),
        ("mid_cap", "bybit", 0.11, "longs pay 0.055 % per 4 h"),
    ):
        asset, begin, end = script.coin(group), *_while(script)
        script.moves.append(Move(venue, asset, begin, end, funding_8h=percent))
        direction = "long" if percent > 0 else "short"
        script.case(
            asset, direction, begin * 1000, (begin + 3 * _POLL_S) * 1000, f"{what} on {venue}", fires=True
        )
    for group, rates, what in (
        ("majors", {"binance": 0.099}, "longs pay 0.099 % per 8 h on one venue"),
        ("others", {"okx": -0.0995}, "shorts pay 0.0995 % per 8 h on one venue"),
        ("mid_cap", {"bybit": 0.098}, "longs pay 0.049 % per 4 h on one venue"),
        (
            "large_cap",
            {"binance": 0.08, "bybit": 0.09, "okx": 0.085},
            "longs pay 0.08 to 0.09 % on all venues",
        ),
    ):
        asset, begin, end = script.coin(group), *_while(script)
        script.moves += [Move(venue, asset, begin, end, funding_8h=rate) for venue, rate in rates.items()]
        direction = "short" if min(rates.values()) < 0 else "long"
        script.case(asset, direction, begin * 1000, end * 1000, what, fires=False)


def _while(script: Script) -> tuple[int, int]:
    begin = script.random.randint(120, 240)
    return begin, begin + 600


def oi_divergence(script: Script) -> None:
    """Write open interest that rises by 1.5 % on one venue and falls by 0.5 % on the others together, within 15 min."""
    for group, gains, fires, what in (
        ("majors", (5.0, -3.0, -3.0), True, "5 % more on one venue, 3 % less on the others"),
        ("others", (7.0, -4.0, -1.5), True, "7 % more on one venue, less on the others"),
        ("large_cap", (6.0, 5.0, 5.0), False, "more on all venues"),
        ("others", (5.0, 1.0, 1.0), False, "5 % more on one venue, 1 % more on the others"),
        ("others", (0.8, -3.0, -3.0), False, "0.8 % more on one venue, 3 % less on the others"),
        ("mid_cap", (-4.0, -4.0, -4.0), False, "less on all venues"),
    ):
        venues = script.random.sample(("binance", "bybit", "okx"), 3)
        asset = script.coin(group)
        begin = _SPAN_S + script.random.randint(60, 180)
        end = begin + 240
        for venue, percent in zip(venues, gains, strict=True):
            script.moves.append(Move(venue, asset, begin, end, interest=1 + percent / 100))
        to_ms = (end + 2 * _POLL_S if fires else end + _SPAN_S) * 1000
        script.case(asset, "neutral", begin * 1000, to_ms, f"{what} ({venues[0]})", fires=fires)
