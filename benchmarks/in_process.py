"""Frame bytes to decision with every detector on, against bare msgspec decode of the same fields.

    python benchmarks/in_process.py [--frames 300000] [--rounds 7] [--detectors all|five|both]

All run in turn in one process on the same frames; the median of the rounds counts, in processor time. The
limit decodes into typed structs only what the engine reads and does nothing with it.
Goal (SPEC 10): >= 0.4 of the limit and >= 300,000 frames/s on one core.

five: large liquidations, whale trades, storms, clusters and the radar alone, as the switches DETECTORS__* make it.
both: also prints how much all detectors cost more than the five, for a busy market in batches and for a quiet one
(400 frames/s of market time over the same instruments, so that most trades open a new second of their coin) whose frames
come one at a time, with the recorded amounts and with larger ones; every coin has seven hours of history, so that volume spikes are possible. Goal: growth < 60 %.
"""

from __future__ import annotations

import argparse
import gc
import re
import statistics
import sys
import time
from collections import Counter
from itertools import groupby
from operator import itemgetter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import hot_path  # noqa: F401,I001 - before anything that it compiles

import bare
import frames
import msgspec

from ws_alert.alert_engine import AlertEngine
from ws_alert.rules import Detectors, Rules
from ws_alert.sources.decoders import decoders

BATCH = 64
"""Frames stamped together: at 10,000 frames/s one turn of the event loop brings about as many."""

QUIET_RATE = 400
_FIRST = ("large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster")
RULES = {
    "all": Rules(),
    "five": Rules(detectors=Detectors(**{name: name in _FIRST for name in Detectors.model_fields})),
}
_HISTORY_MINUTES = 420
_FILL_S = 330
"""The longest window, and half a minute."""


def limit(mix: frames.Mix) -> float:
    """Return processor seconds for decoding every frame."""
    decode = bare.decode
    started = time.process_time()
    for _, payload in mix.frames:
        decode(payload)
    return time.process_time() - started


def engine(
    mix: frames.Mix,
    rules: Rules,
    *,
    batch: int = BATCH,
    usual: dict[str, int] | None = None,
) -> tuple[float, AlertEngine]:
    """Return processor seconds for deciding on every frame, and the engine. Frames come in batches, as off a busy socket.

    Its windows are full when the time begins, as a running program's are. usual: cents of every
    minute of each coin before the first frame.
    """
    made = AlertEngine(rules, decoders({"binance": frames.contracts()}), ["benchmark"])
    start = mix.frames[0][0] // 60_000 - 2 - _HISTORY_MINUTES
    for minute in range(start, start + _HISTORY_MINUTES) if usual else ():
        made.baselines.close(minute, usual.items(), looked=True, interest=None)
    for received_ms, full in groupby(frames.before(_FILL_S), key=itemgetter(0)):
        made.receive_frames("binance", [payload for _, payload in full], received_ms)
    batches = [mix.frames[start : start + batch] for start in range(0, len(mix.frames), batch)]
    stamped = [(some[-1][0], [payload for _, payload in some]) for some in batches]
    started = time.process_time()
    for received_ms, payloads in stamped:
        made.receive_frames("binance", payloads, received_ms)
    made.drain()
    return time.process_time() - started, made


def larger(mix: frames.Mix, times: float) -> frames.Mix:
    """Return the mix with every quantity so many times as large: more large orders, more coins with a flow to judge."""

    def grown(found: re.Match[bytes]) -> bytes:
        return b'"q":"%.4f"' % (float(found[1]) * times)

    changed = [(now, re.sub(rb'"q":"([0-9.]+)"', grown, payload)) for now, payload in mix.frames]
    return frames.Mix(changed, mix.origin)


def usual_minutes(mix: frames.Mix) -> dict[str, int]:
    """Return the mean minute of each coin's taker volume in the mix, in cents."""
    total: Counter[str] = Counter()
    for _, payload in mix.frames:
        row = msgspec.json.decode(payload)["data"]
        if row["e"] == "aggTrade":
            total[row["s"].removesuffix("USDT")] += round(float(row["p"]) * float(row["q"]) * 100)
    minutes = max(1.0, (mix.frames[-1][0] - mix.frames[0][0]) / 60_000)
    return {asset: round(usd / minutes) for asset, usd in sorted(total.items())}


def growth(name: str, mix: frames.Mix, rounds: int, batch: int) -> None:
    """Print what the five detectors cost, what all cost, and by how much that is more."""
    usual, seconds = usual_minutes(mix), {name: list[float]() for name in RULES}
    for _ in range(rounds):
        for which, rules in RULES.items():
            seconds[which].append(engine(mix, rules, batch=batch, usual=usual)[0])
    every, five = (statistics.median(seconds[which]) for which in ("all", "five"))
    single = sorted(a / b - 1 for a, b in zip(seconds["all"], seconds["five"], strict=True))
    each = 1e9 / len(mix.frames)
    print(
        f"growth {name}: five {five * each:,.0f} ns/frame, all {every * each:,.0f} ns/frame: "
        f"{every / five - 1:+.0%} (rounds {single[0]:+.0%}..{single[-1]:+.0%})"
    )


def table(mix: frames.Mix, rounds: int, which: str) -> None:
    """Print the engine's speed against the limit."""
    limits, engines = [], []
    for _ in range(rounds):
        limits.append(limit(mix))
        seconds, made = engine(mix, RULES[which])
        engines.append(seconds)
    decode, ours = statistics.median(limits), statistics.median(engines)
    count = len(mix.frames)
    each = 1e9 / count
    print(f"mix: {count:,} Binance frames ({mix.origin}), {frames.INSTRUMENTS} instruments,")
    print(f"     {frames.LIQUIDATIONS:.0%} forceOrder, batches of {BATCH}; {bare.FIELDS}")
    print(f"limit  (msgspec decode)        {decode * each:7.0f} ns/frame  {count / decode:11,.0f} frames/s")
    print(f"engine ({which:4} detectors, policy) {ours * each:6.0f} ns/frame  {count / ours:11,.0f} frames/s")
    ratios = sorted(a / b for a, b in zip(limits, engines, strict=True))
    print(
        f"ratio  {decode / ours:.2f} of the limit (rounds {ratios[0]:.2f}..{ratios[-1]:.2f}), {rounds} rounds"
    )
    print(f"skipped: {dict(made.intake.refused) or 'nothing'}; episodes started: {len(made.phases)}")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=300_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--detectors", choices=("all", "five", "both"), default="all")
    chosen = options.parse_args()
    mix = frames.make(chosen.frames)
    gc.freeze()
    table(mix, chosen.rounds, "all" if chosen.detectors == "both" else chosen.detectors)
    if chosen.detectors == "both":
        quiet = frames.make(chosen.frames // 3, rate=QUIET_RATE)
        for times in (1, 5, 30):
            amounts = f"amounts x{times}"
            growth(f"in batches of {BATCH}, {amounts}", larger(mix, times), chosen.rounds, BATCH)
            growth(
                f"one at a time, {QUIET_RATE}/s of market time, {amounts}",
                larger(quiet, times),
                chosen.rounds,
                1,
            )


if __name__ == "__main__":
    main()
