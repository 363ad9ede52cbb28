"""Frames of three venues in one stream, as a journal of a day holds them.

Half are Binance's (`frames.stream`), a quarter each Bybit's and OKX's, in the recorded
layouts, on like instruments. A Bybit frame carries one to three trades (two as a mean);
one frame in fifty is a liquidation on every venue. The shares are assumed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import frames

from teleglas.market import Instrument

__all__ = ["stream", "tables"]

_PLACES = 200
"""Instruments of Bybit and of OKX: those that are watched trade $5M a day."""


def tables() -> dict[str, tuple[Instrument, ...]]:
    """Return the contracts that the decoders must know: OKX counts in contracts of a stated size."""
    okx = (
        Instrument("okx", f"C{number}-USDT-SWAP", f"C{number}", multiplier=Decimal("0.1"))
        for number in range(_PLACES)
    )
    return {"okx": tuple(okx)}


def stream(count: int, *, rate: int, seed: int = 1) -> Iterator[tuple[int, str, bytes]]:
    """Yield (ms of market time, venue, frame)."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable mix
    binance = frames.stream(count, rate=rate, seed=seed)
    weights = [1 / (number + 1) for number in range(_PLACES)]
    places = rng.choices(range(_PLACES), weights, k=10_000)
    for number, (now, payload) in enumerate(binance):
        venue = number % 4
        if venue < 2:
            yield now, "binance", payload
            continue
        asset = f"C{places[number // 4 % len(places)]}"
        price, quantity = f"{rng.lognormvariate(3, 0.01):.4f}", f"{0.01 + rng.lognormvariate(1, 1.5):.2f}"
        liquidation, sold = rng.random() < frames.LIQUIDATIONS, rng.random() < 0.5
        if venue == 2:
            make = _bybit_liquidation if liquidation else _bybit_trades
            yield now, "bybit", make(asset, number, price, quantity, now, sold=sold)
        else:
            make = _okx_liquidation if liquidation else _okx_trade
            yield now, "okx", make(asset, number, price, quantity, now, sold=sold)


def _bybit_trades(asset: str, number: int, price: str, quantity: str, now: int, *, sold: bool) -> bytes:
    side = "Sell" if sold else "Buy"
    rows = ",".join(
        f'{{"T":{now - 3},"s":"{asset}USDT","S":"{side}","v":"{quantity}","p":"{price}","L":"ZeroPlusTick",'
        f'"i":"{number:08x}-0000-5000-8000-{row:012x}","BT":false,"RPI":false,"seq":{819_828_135_729 + number}}}'
        for row in range(1 + number // 4 % 3)
    )
    return f'{{"topic":"publicTrade.{asset}USDT","type":"snapshot","ts":{now - 2},"data":[{rows}]}}'.encode()


def _bybit_liquidation(asset: str, _: int, price: str, quantity: str, now: int, *, sold: bool) -> bytes:
    side = "Buy" if sold else "Sell"
    return (
        f'{{"topic":"allLiquidation.{asset}USDT","type":"snapshot","ts":{now},"data":[{{"T":{now - 400},'
        f'"s":"{asset}USDT","S":"{side}","v":"{quantity}","p":"{price}"}}]}}'
    ).encode()


def _okx_trade(asset: str, number: int, price: str, quantity: str, now: int, *, sold: bool) -> bytes:
    symbol, side = f"{asset}-USDT-SWAP", "sell" if sold else "buy"
    return (
        f'{{"arg":{{"channel":"trades","instId":"{symbol}"}},"data":[{{"instId":"{symbol}",'
        f'"tradeId":"{12_883_020 + number}","px":"{price}","sz":"{quantity}","side":"{side}","ts":"{now - 3}",'
        f'"count":"1","source":"0","seqId":{number}}}]}}'
    ).encode()


def _okx_liquidation(asset: str, _: int, price: str, quantity: str, now: int, *, sold: bool) -> bytes:
    position, side = ("long", "sell") if sold else ("short", "buy")
    return (
        f'{{"arg":{{"channel":"liquidation-orders","instType":"SWAP"}},"data":[{{"details":[{{"bkLoss":"0",'
        f'"bkPx":"{price}","ccy":"","posSide":"{position}","side":"{side}","sz":"{quantity}","ts":"{now - 400}"}}],'
        f'"instFamily":"{asset}-USDT","instId":"{asset}-USDT-SWAP","instType":"SWAP","uly":"{asset}-USDT"}}]}}'
    ).encode()
