"""Patterns of forced orders: liquidation storms, market cascades, stop hunts."""

from __future__ import annotations

from simulator.patterns.script import MARKET, SCALES, Script

__all__ = ["liquidation_storm", "market_cascade", "stop_hunt"]

_AGAINST = {"long": "buy", "short": "sell"}
_FALL = {"long": -0.6, "short": 0.6}
"""How far a flush moves the price, in percent: a closed long is a forced sell."""


def liquidation_storm(script: Script) -> None:
    """Write forced orders of one side, at least two, of so many USD within 30 s."""
    for group, side, times, count in (
        ("majors", "long", 1.3, 6),
        ("large_cap", "long", 1.1, 2),
        ("mid_cap", "short", 4.5, 9),
        ("others", "short", 2.2, 7),
    ):
        asset, at = script.coin(group), script.moment()
        end = _flush(script, group, asset, side, times, count, at)
        script.case(asset, side, at, end, f"{times:g} x the threshold in {count} orders", fires=True)
    _single(script)
    _both_sides(script)
    _slow(script)
    asset, at = script.coin("mid_cap"), script.moment()
    end = _flush(script, "mid_cap", asset, "short", 0.94, 5, at)
    script.case(asset, "short", at, end, "0.94 x the threshold", fires=False)


def _single(script: Script) -> None:
    asset, at = script.coin("others"), script.moment()
    end = _flush(script, "others", asset, "long", 3.0, 1, at)
    script.case(asset, "long", at, end, "one order of 3 x the threshold", fires=False)


def _both_sides(script: Script) -> None:
    asset, at = script.coin("majors"), script.moment()
    script.murmur(asset, 0, at + 60_000)
    end = script.burst(asset, ("long", "short"), 1.7 * SCALES["majors"].forced, 16, at, 20_000)
    script.case(asset, "long", at, end, "1.7 x the threshold, half of it longs, half shorts", fires=False)


def _slow(script: Script) -> None:
    asset, at = script.coin("large_cap"), script.moment()
    end = _flush(script, "large_cap", asset, "long", 1.8, 9, at, span_ms=90_000)
    script.case(asset, "long", at, end, "1.8 x the threshold within 90 s", fires=False)


def market_cascade(script: Script) -> None:
    """Write storms that begin on at least five coins within 60 s. Sections are minutes apart."""
    for at, side, count, every_ms, times, what, fires in (
        (20_000, "long", 5, 9_000, 1.3, "5 storms within 36 s", True),
        (220_000, "short", 6, 4_000, 1.3, "6 storms within 20 s", True),
        (420_000, "long", 4, 9_000, 1.6, "4 storms within 27 s", False),
        (620_000, "short", 6, 20_000, 1.3, "6 storms, one each 20 s: 3 a minute", False),
        (860_000, "long", 7, 6_000, 0.9, "7 coins flushed, each 0.9 x a storm", False),
    ):
        begin = at + script.moment(0, 5)
        for number in range(count):
            group, asset = script.any_coin()
            _flush(script, group, asset, side, times, 2, begin + number * every_ms, span_ms=5_000)
        script.case(MARKET, side, begin, begin + (count - 1) * every_ms + 5_000, what, fires=fires)


def stop_hunt(script: Script) -> None:
    """Write a flush of one side, then large orders against it within 30 s."""
    for group, side in (("majors", "long"), ("large_cap", "short"), ("others", "long"), ("others", "short")):
        asset, at = script.coin(group), script.moment()
        flushed = _flush(script, group, asset, side, 1.4, 6, at)
        end = _absorb(script, group, asset, _AGAINST[side], flushed + 4_000)
        script.case(asset, side, flushed, end, f"{side}s flushed, absorbed by the other side", fires=True)
    for group, side, delay_ms, absorber, times, absorbed, what in (
        ("others", "long", 4_000, "", 1.6, 0.0, "flush without absorption"),
        ("majors", "long", 4_000, "sell", 1.6, 1.5, "large orders on the side of the flush"),
        ("large_cap", "short", 35_000, "sell", 1.6, 1.5, "absorption 35 s after the flush"),
        ("others", "short", 4_000, "sell", 1.6, 0.42, "absorption of half of what is needed"),
        ("mid_cap", "long", 4_000, "buy", 0.92, 4.0, "absorption of a flush that is too small"),
    ):
        asset, at = script.coin(group), script.moment()
        end = _flush(script, group, asset, side, times, 6, at)
        if absorber:
            end = _absorb(script, group, asset, absorber, end + delay_ms, absorbed)
        script.case(asset, side, at, end, what, fires=False)
    _flush_of_both(script)


def _flush_of_both(script: Script) -> None:
    asset, at = script.coin("mid_cap"), script.moment()
    script.murmur(asset, 0, at + 90_000)
    end = script.burst(asset, ("long", "short"), 1.6 * SCALES["mid_cap"].forced, 16, at, 16_000)
    for side in ("buy", "sell"):
        end = _absorb(script, "mid_cap", asset, side, end + 2_000)
    script.case(asset, "long", at, end, "longs and shorts flushed alike", fires=False)


def _flush(
    script: Script,
    group: str,
    asset: str,
    side: str,
    times: float,
    count: int,
    at: int,
    *,
    span_ms: int = 12_000,
) -> int:
    """Write a flush of `times` the threshold with the price that it moves; return when its last order comes."""
    end = at + span_ms
    script.course(asset, (at, 0.0), (end, _FALL[side]), (end + 30_000, _FALL[side] / 2))
    script.murmur(asset, max(0, at - 30_000), end + 45_000)
    return script.burst(asset, side, times * SCALES[group].forced, count, at, span_ms)


def _absorb(script: Script, group: str, asset: str, side: str, at: int, times: float = 1.5) -> int:
    """Write large orders of `times` what absorbs a flush; return when the last one comes."""
    count = 3 if times > 1 else 1
    usd = times * SCALES[group].absorbed
    if times > 1:
        usd = max(usd, 1.05 * count * script.floor(asset))
    return script.burst(asset, side, usd, count, at, 8_000)
