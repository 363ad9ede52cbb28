"""The frames that the benchmarks measure on: recorded layout, many instruments, a stated mix."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from teleglas.market import Instrument

__all__ = [
    "INSTRUMENTS",
    "LIQUIDATIONS",
    "START_MS",
    "Large",
    "Mix",
    "before",
    "contracts",
    "make",
    "origin",
    "stream",
]

INSTRUMENTS = 500
LIQUIDATIONS = 0.02
START_MS = 1_795_000_000_000
"""Market time of the first frame: a benchmark's clock starts here too, so that no event is too old."""

_BLOCK = 100_000
_LARGE_PRICE = "150.00"


class Mix(NamedTuple):
    """frames: (received_ms, bytes) in order of time. origin: where their layout and sizes come from."""

    frames: list[tuple[int, bytes]]
    origin: str


class Large(NamedTuple):
    """Every `every` frames `run` liquidations of `usd` each hit one instrument, another one each time."""

    every: int
    run: int
    usd: int


def make(count: int, *, rate: int = 10_000, seed: int = 1) -> Mix:
    """Return `count` Binance USD-M frames at `rate` a second of market time.

    98 % aggTrade, 2 % forceOrder, over 500 instruments of which a few trade most. Prices
    and quantities are those of recorded frames where the machine has them, else drawn
    from a like distribution; ids and times run on, as on a live stream.
    """
    return Mix(list(stream(count, rate=rate, seed=seed)), origin())


def contracts() -> tuple[Instrument, ...]:
    """Return the contracts of the mix: the program asks the venue for them before it reads frames."""
    return tuple(Instrument("binance", f"C{number}USDT", f"C{number}") for number in range(INSTRUMENTS))


def origin() -> str:
    """Say where the layout and the sizes come from."""
    return "recorded aggTrade frames, re-keyed" if _recorded() else "made frames in the recorded layout"


def stream(
    count: int, *, rate: int = 10_000, seed: int = 1, large: Large | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield the frames of `make` one by one: (ms of market time, bytes)."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable mix
    quantities = [(row["p"], row["q"]) for row in _recorded()] or [_made(rng) for _ in range(500)]
    symbols = [f"C{number}USDT" for number in range(INSTRUMENTS)]
    weights = [1 / (number + 1) for number in range(INSTRUMENTS)]
    ids = [1_000_000] * INSTRUMENTS
    chosen: list[int] = []
    for number in range(count):
        if number % _BLOCK == 0:
            chosen = rng.choices(range(INSTRUMENTS), weights, k=min(_BLOCK, count - number))
        now = START_MS + number * 1000 // rate
        if large is not None and number >= large.every and number % large.every < large.run:
            symbol = symbols[number // large.every % INSTRUMENTS]
            quantity = f"{large.usd / float(_LARGE_PRICE):.3f}"
            yield now, _force_order(symbol, _LARGE_PRICE, quantity, now, sell=True)
            continue
        place = chosen[number % _BLOCK]
        price, quantity = quantities[(number + place) % len(quantities)]
        if rng.random() < LIQUIDATIONS:
            yield now, _force_order(symbols[place], price, quantity, now, sell=rng.random() < 0.5)
        else:
            ids[place] += 1
            yield now, _trade(symbols[place], ids[place], price, quantity, now, sold=rng.random() < 0.5)


def before(seconds: int) -> Iterator[tuple[int, bytes]]:
    """Yield what fills the windows before the mix begins: a trade of each instrument in each second."""
    quantities = [(row["p"], row["q"]) for row in _recorded()] or [("150.00", "0.1")]
    for second in range(seconds):
        now = START_MS - (seconds - second) * 1000
        for place in range(INSTRUMENTS):
            price, quantity = quantities[(second + place) % len(quantities)]
            yield (
                now,
                _trade(f"C{place}USDT", second + 1, price, quantity, now, sold=(second + place) % 2 == 0),
            )


def _made(rng: random.Random) -> tuple[str, str]:
    """Return a price and a quantity, never of an alert: those are for `Large` to make."""
    price = rng.lognormvariate(3, 2)
    return f"{price:.4f}", f"{min(rng.lognormvariate(2, 1.5), 5_000 / price):.3f}"


@cache
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
