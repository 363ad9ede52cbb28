"""The frames that the benchmarks measure on: recorded layout, many instruments, a stated mix."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import NamedTuple

__all__ = ["INSTRUMENTS", "LIQUIDATIONS", "Mix", "make"]

INSTRUMENTS = 500
LIQUIDATIONS = 0.02
_START_MS = 1_795_000_000_000


class Mix(NamedTuple):
    """frames: (received_ms, bytes) in order of time. origin: where their layout and sizes come from."""

    frames: list[tuple[int, bytes]]
    origin: str


def make(count: int, *, rate: int = 10_000, seed: int = 1) -> Mix:
    """Return `count` Binance USD-M frames at `rate` a second of market time.

    98 % aggTrade, 2 % forceOrder, over 500 instruments of which a few trade most. Prices
    and quantities are those of recorded frames where the machine has them, else drawn
    from a like distribution; ids and times run on, as on a live stream.
    """
    rng = random.Random(seed)  # noqa: S311 - a repeatable mix
    recorded = _recorded()
    quantities = [(row["p"], row["q"]) for row in recorded] or [
        (f"{rng.lognormvariate(3, 2):.4f}", f"{rng.lognormvariate(2, 1.5):.3f}") for _ in range(500)
    ]
    symbols = [f"C{number}USDT" for number in range(INSTRUMENTS)]
    weights = [1 / (number + 1) for number in range(INSTRUMENTS)]
    chosen = rng.choices(range(INSTRUMENTS), weights, k=count)
    ids = [1_000_000] * INSTRUMENTS
    frames = []
    for number, place in enumerate(chosen):
        now = _START_MS + number * 1000 // rate
        price, quantity = quantities[(number + place) % len(quantities)]
        if rng.random() < LIQUIDATIONS:
            frames.append((now, _force_order(symbols[place], price, quantity, now, sell=rng.random() < 0.5)))
        else:
            ids[place] += 1
            frames.append((now, _trade(symbols[place], ids[place], price, quantity, now, sold=rng.random() < 0.5)))
    origin = "recorded aggTrade frames, re-keyed" if recorded else "made frames in the recorded layout"
    return Mix(frames, origin)


def _recorded() -> list[dict[str, str]]:
    root = Path(os.environ.get("TELEGLAS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    path = root / "recordings" / "frames" / "binance_usdm_aggTrade.jsonl"
    if not path.is_file():
        return []
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [row.get("data", row) for row in rows]


def _trade(symbol: str, number: int, price: str, quantity: str, now: int, *, sold: bool) -> bytes:
    return (
        f'{{"stream":"{symbol.lower()}@aggTrade","data":{{"e":"aggTrade","E":{now},"a":{number},"s":"{symbol}",'
        f'"p":"{price}","q":"{quantity}","nq":"{quantity}","f":{number * 2},"l":{number * 2 + 1},"T":{now - 3},'
        f'"m":{"true" if sold else "false"},"st":1}}}}'
    ).encode()


def _force_order(symbol: str, price: str, quantity: str, now: int, *, sell: bool) -> bytes:
    return (
        f'{{"stream":"!forceOrder@arr","data":{{"e":"forceOrder","E":{now},"o":{{"s":"{symbol}",'
        f'"S":"{"SELL" if sell else "BUY"}","o":"LIMIT","f":"IOC","q":"{quantity}","p":"{price}","ap":"{price}",'
        f'"X":"FILLED","l":"{quantity}","z":"{quantity}","T":{now - 1000},"ps":"{symbol}","st":1}}}}}}'
    ).encode()
