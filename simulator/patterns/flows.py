"""Patterns of taker orders: whale clusters, order flow, accumulation windows, spikes of volume."""

from __future__ import annotations

from simulator.patterns.script import SCALES, Script

__all__ = ["order_flow", "volume_spike", "whale_accumulation_window", "whale_cluster"]

_OTHER = {"buy": "sell", "sell": "buy"}
_BOTH = ("buy", "sell")
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_FLOW_MS = 300_000
_FLAT_MS = 180_000


def whale_cluster(script: Script) -> None:
    """Write large orders of so many USD within 30 s, most of them of one side."""
    for group, side, times, count in (
        ("majors", "buy", 1.4, 6),
        ("large_cap", "sell", 2.3, 8),
        ("mid_cap", "sell", 1.3, 2),
        ("others", "buy", 4.5, 9),
    ):
        asset, at = _coin(script, group)
        script.burst(asset, _OTHER[side], 0.06 * SCALES[group].cluster, 1, at - 1_000, 0)
        end = script.burst(asset, side, times * SCALES[group].cluster, count, at, 20_000)
        what = f"{times:g} x the threshold in {count} orders, one small one against them"
        script.case(asset, side, at, end, what, fires=True)
    for group, sides, times, count, span_ms, what in (
        ("others", _BOTH, 2.0, 20, 22_000, "2 x the threshold, half of it bought, half sold"),
        ("majors", "sell", 1.5, 2, 10_000, "two orders where three are needed"),
        ("others", "buy", 1.6, 1, 0, "one order where two are needed"),
        ("large_cap", "sell", 1.6, 9, 96_000, "1.6 x the threshold within 96 s"),
        ("mid_cap", "buy", 0.94, 6, 20_000, "0.94 x the threshold"),
    ):
        asset, at = _coin(script, group)
        end = script.burst(asset, sides, times * SCALES[group].cluster, count, at, span_ms)
        script.case(asset, sides if isinstance(sides, str) else "buy", at, end, what, fires=False)
    asset, at = _coin(script, "others")
    script.crowd(asset, "sell", 1.5 * SCALES["others"].cluster, at, 25_000)
    script.case(
        asset, "sell", at, at + 25_000, "1.5 x the threshold in orders below what is large", fires=False
    )


def order_flow(script: Script) -> None:
    """Write five minutes of taker volume that is mostly one side's, with large orders behind it."""
    for group, side, large, what in (
        ("majors", "buy", 1.08, "accumulation; whale trades of the same side confirm it"),
        ("others", "sell", 1.15, "distribution; whale trades of the same side confirm it"),
        ("mid_cap", "sell", 0.9, "distribution without anything that confirms it"),
    ):
        # a price that falls all the time, so that no accumulation window confirms it by accident
        asset, at = _coin(script, group, _FLOW_MS, falls=0.0 if large > 1 else 3.0)
        whale, flow = SCALES[group].whale, SCALES[group].flow
        script.burst(asset, side, 6 * large * whale, 6, at, 200_000)
        script.crowd(asset, (side, _OTHER[side]), 0.4 * flow, at, 240_000)
        script.case(asset, side, at, at + 240_000, what, fires=True)
    _even_flow(script)
    for group, side, large, crowd, what in (
        ("others", "buy", 0, 3.0, "3 x the volume, all bought, without large orders"),
        ("large_cap", "buy", 2, 2.4, "two large orders where three are needed"),
        ("mid_cap", "sell", 4, 0.15, "all sold, too little of it"),
    ):
        asset, at = _coin(script, group, _FLOW_MS)
        if large:
            script.burst(asset, side, large * 0.1 * SCALES[group].flow, large, at + 10_000, 150_000)
        script.crowd(asset, side, crowd * SCALES[group].flow, at, 200_000)
        script.case(asset, side, at, at + 300_000, what, fires=False)


def _even_flow(script: Script) -> None:
    for group, sides, what in (
        ("majors", _BOTH, "4 x the volume in large orders, half bought, half sold"),
        ("others", ("buy", "sell", "buy", "sell", "buy"), "4 x the volume in large orders, 60 % bought"),
    ):
        asset, at = _coin(script, group, _FLOW_MS)
        end = script.burst(asset, sides, 4 * SCALES[group].flow, 30, at, 230_000)
        script.case(asset, "buy", at, end + _FLOW_MS, what, fires=False)


def whale_accumulation_window(script: Script) -> None:
    """Write at least three large orders of one side within 180 s while the price does not move."""
    for group, side, large, what in (
        ("majors", "buy", 1.1, "four large buys at a price that stands; whale trades confirm it"),
        ("others", "sell", 1.1, "four large sells at a price that stands; whale trades confirm it"),
        ("large_cap", "buy", 0.3, "four large buys at a price that stands, nothing confirms it"),
    ):
        asset, at = _coin(script, group, _FLAT_MS)
        end = script.burst(asset, side, 4 * large * SCALES[group].whale, 4, at, 90_000)
        script.case(asset, side, at, end, what, fires=True)
    _moving(script)
    for group, side, count, span_ms, what in (
        ("others", "buy", 2, 60_000, "two large buys"),
        ("mid_cap", "sell", 5, 4 * 95_000, "five large sells, two of them within 180 s"),
    ):
        asset, at = _coin(script, group, span_ms + _FLAT_MS)
        end = script.burst(asset, side, count * 0.4 * SCALES[group].whale, count, at, span_ms)
        script.case(asset, side, at, end + _FLAT_MS, what, fires=False)
    asset, at = _coin(script, "others", _FLOW_MS)
    script.crowd(asset, "buy", 3e5, at, 100_000)
    script.case(asset, "buy", at, at + _FLOW_MS, "$300k bought in orders below what is large", fires=False)
    asset, at = _coin(script, "mid_cap", 2 * _FLOW_MS)
    script.burst(asset, "buy", 3 * 50e3, 3, at, 120_000)
    script.order(asset, "sell", 400e3, at + 50_000)
    script.case(asset, "buy", at, at + 2 * _FLOW_MS, "three large buys against one larger sell", fires=False)


def _moving(script: Script) -> None:
    """Write large orders while the price swings by 0.2 %, before, within and after them."""
    for group, side in (("majors", "sell"), ("others", "buy")):
        asset, at = script.coin(group), script.moment()
        until = at + 90_000 + _FLAT_MS + 20_000
        swings = [(time, 0.1 if number % 2 else -0.1) for number, time in enumerate(range(0, until, 10_000))]
        script.course(asset, *swings)
        # an order at each turn, so that the range is what was printed
        for time, _ in swings:
            script.order(asset, script.random.choice(_BOTH), 500.0, time)
        script.murmur(asset, 0, until)
        end = script.burst(asset, side, 5 * 1.1 * SCALES[group].whale, 5, at, 90_000)
        what = "five large orders while the price swings by 0.2 %"
        script.case(asset, side, at, end + _FLAT_MS, what, fires=False)


def volume_spike(script: Script) -> None:
    """Write a minute of many times the coin's own median minute, of at least $1M, after six hours of history."""
    spike = 6 * _HOUR_MS + script.moment(600, 900)
    for group, minute, times, from_ms, what, fires in (
        ("majors", 300e3, 9.5, 0, "10 x the median minute", True),
        ("others", 40e3, 34.0, 0, "35 x the median minute", True),
        ("majors", 300e3, 6.2, 0, "7 x the median minute", False),
        ("mid_cap", 40e3, 20.0, 0, "20 x the median minute, less than $1M", False),
        ("others", 100e3, 14.0, spike - 5 * _HOUR_MS, "15 x the median minute, after 5 h of history", False),
    ):
        asset = script.coin(group)
        for begin in range(from_ms, spike + 10 * _MINUTE_MS, _MINUTE_MS):
            usd = minute * script.random.uniform(0.95, 1.05)
            script.burst(asset, _BOTH, usd, 6, begin + script.random.randrange(5_000), 50_000)
        script.burst(asset, ("buy", "buy", "sell"), times * minute, 40, spike, 55_000)
        script.case(asset, "neutral", spike, spike + 2 * _MINUTE_MS, what, fires=fires)


def _coin(script: Script, group: str, length_ms: int = 60_000, *, falls: float = 0.0) -> tuple[str, int]:
    """Return a coin that murmurs, and when its case begins. falls: by so many percent meanwhile."""
    asset, at = script.coin(group), script.moment()
    if falls:
        script.course(asset, (0, 0.0), (at + length_ms, -falls))
    script.murmur(asset, 0, at + length_ms)
    return asset, at
