"""Frame bytes to decision with every detector on, against bare msgspec decode of the same fields.

    python benchmarks/in_process.py [--frames 300000] [--rounds 7]

Both run in turn in one process on the same frames; the median of the rounds counts. The
limit decodes into typed structs only what the engine reads and does nothing with it.
Goal (SPEC 10): >= 0.4 of the limit and >= 300,000 frames/s on one core.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bare
import frames

from ws_alert.alert_engine import AlertEngine
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders

BATCH = 64
"""Frames stamped together: at 10,000 frames/s one turn of the event loop brings about as many."""


def limit(mix: frames.Mix) -> float:
    """Return seconds for decoding every frame."""
    decode = bare.decode
    started = time.perf_counter()
    for _, payload in mix.frames:
        decode(payload)
    return time.perf_counter() - started


def engine(mix: frames.Mix) -> tuple[float, AlertEngine]:
    """Return seconds for deciding on every frame, and the engine. Frames come in batches, as off a busy socket."""
    made = AlertEngine(Rules(), decoders({"binance": frames.contracts()}), ["benchmark"])
    batches = [mix.frames[start : start + BATCH] for start in range(0, len(mix.frames), BATCH)]
    stamped = [(batch[-1][0], [payload for _, payload in batch]) for batch in batches]
    started = time.perf_counter()
    for received_ms, payloads in stamped:
        made.receive_frames("binance", payloads, received_ms)
    made.drain()
    return time.perf_counter() - started, made


def main() -> None:
    """Measure and print one table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=300_000)
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    mix = frames.make(chosen.frames)
    gc.freeze()
    limits, engines = [], []
    for _ in range(chosen.rounds):
        limits.append(limit(mix))
        seconds, made = engine(mix)
        engines.append(seconds)
    decode, ours = statistics.median(limits), statistics.median(engines)
    each = 1e9 / chosen.frames
    print(f"mix: {chosen.frames:,} Binance frames ({mix.origin}), {frames.INSTRUMENTS} instruments,")
    print(f"     {frames.LIQUIDATIONS:.0%} forceOrder, batches of {BATCH}; {bare.FIELDS}")
    print(
        f"limit  (msgspec decode)        {decode * each:7.0f} ns/frame  {chosen.frames / decode:11,.0f} frames/s"
    )
    print(
        f"engine (all detectors, policy) {ours * each:7.0f} ns/frame  {chosen.frames / ours:11,.0f} frames/s"
    )
    ratios = sorted(a / b for a, b in zip(limits, engines, strict=True))
    print(
        f"ratio  {decode / ours:.2f} of the limit (rounds {ratios[0]:.2f}..{ratios[-1]:.2f}), {chosen.rounds} rounds"
    )
    print(f"skipped: {dict(made.intake.refused) or 'nothing'}; episodes started: {len(made.phases)}")


if __name__ == "__main__":
    main()
