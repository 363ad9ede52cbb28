"""The venues' candle streams: the very rows of their REST, pushed each second and at each close."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from simulator.binance.figures import BinanceFigures
from simulator.bybit.figures import BybitFigures
from simulator.feeds import Push
from simulator.okx.figures import OkxFigures

__all__ = ["CandleStream", "binance_candles", "bybit_candles", "okx_candles"]

_EVERY_MS = 1000
_BINANCE = re.compile(r"(\w+)@kline_(\w+)")
_BYBIT = re.compile(r"kline\.(\w+)\.(\w+)")
_OKX = re.compile(r"candle(\w+):(.+-SWAP)")

Rows = Callable[[str], list[list[Any]]]
"""A channel's two newest rows as REST has them, oldest first: the closed one and the open one."""

Frame = Callable[[str, list[Any], bool, int], dict[str, Any]]
"""(channel, row, closed, Unix ms) to the message."""


class CandleStream:
    """Messages for the channels that somebody reads. now: the venue's Unix ms."""

    def __init__(self, rows: Rows, frame: Frame, now: Callable[[], int]) -> None:
        self._rows = rows
        self._frame = frame
        self._now = now
        self._told: dict[str, int] = {}
        self._next_ms = 0

    def due(self, now_ms: int, channels: Iterable[str]) -> list[Push]:
        """Return what is pushed by `now_ms` (since the start); channels that are no candles are passed over."""
        if now_ms < self._next_ms:
            return []
        self._next_ms = now_ms // _EVERY_MS * _EVERY_MS + _EVERY_MS
        pushes = []
        for channel in channels:
            if any(shape.fullmatch(channel) for shape in (_BINANCE, _BYBIT, _OKX)):
                try:
                    closed, opened = self._rows(channel)
                except (KeyError, ValueError):
                    continue  # Binance acknowledges what does not exist, and it stays silent
                began = int(closed[0])
                if self._told.setdefault(channel, began) < began:
                    self._told[channel] = began
                    pushes.append(Push(channel, self._frame(channel, closed, True, self._now())))
                pushes.append(Push(channel, self._frame(channel, opened, False, self._now())))
        return pushes


def binance_candles(figures: BinanceFigures) -> CandleStream:
    """Return `<symbol>@kline_<interval>`."""
    return CandleStream(lambda channel: figures.klines(_binance_query(channel)), _binance_frame, figures.figures.now)


def bybit_candles(figures: BybitFigures) -> CandleStream:
    """Return `kline.<minutes>.<symbol>`."""

    def rows(channel: str) -> list[list[Any]]:
        minutes, symbol = _parts(_BYBIT, channel)
        listed: list[list[Any]] = figures.klines({"category": "linear", "symbol": symbol, "interval": minutes, "limit": "2"})["list"]
        return listed[::-1]

    return CandleStream(rows, _bybit_frame, figures.figures.now)


def okx_candles(figures: OkxFigures) -> CandleStream:
    """Return channel `candle<bar>` of the business path."""

    def rows(channel: str) -> list[list[Any]]:
        bar, symbol = _parts(_OKX, channel)
        return figures.candles({"instId": symbol, "bar": bar, "limit": "2"})[::-1]

    return CandleStream(rows, _okx_frame, figures.figures.now)


def _parts(shape: re.Pattern[str], channel: str) -> tuple[str, str]:
    found = shape.fullmatch(channel)
    if found is None:
        raise ValueError(channel)
    return found[1], found[2]


def _binance_query(channel: str) -> dict[str, str]:
    symbol, interval = _parts(_BINANCE, channel)
    return {"symbol": symbol.upper(), "interval": interval, "limit": "2"}


def _binance_frame(channel: str, row: list[Any], closed: bool, sent_ms: int) -> dict[str, Any]:
    symbol, interval = _parts(_BINANCE, channel)
    return {"e": "kline", "E": sent_ms, "s": symbol.upper(), "k": {
        "t": row[0], "T": row[6], "s": symbol.upper(), "i": interval, "f": 1, "L": 2, "o": row[1], "c": row[4],
        "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": closed, "q": row[7], "V": row[9], "Q": row[10], "B": "0",
    }}  # fmt: skip


def _bybit_frame(channel: str, row: list[Any], closed: bool, sent_ms: int) -> dict[str, Any]:
    minutes, _ = _parts(_BYBIT, channel)
    length = 1440 if minutes == "D" else int(minutes)
    return {"type": "snapshot", "topic": channel, "ts": sent_ms, "data": [{
        "start": int(row[0]), "end": int(row[0]) + length * 60_000 - 1, "interval": minutes, "open": row[1],
        "close": row[4], "high": row[2], "low": row[3], "volume": row[5], "turnover": row[6], "confirm": closed,
        "timestamp": sent_ms,
    }]}  # fmt: skip


def _okx_frame(channel: str, row: list[Any], closed: bool, _sent_ms: int) -> dict[str, Any]:
    bar, symbol = _parts(_OKX, channel)
    return {"arg": {"channel": f"candle{bar}", "instId": symbol}, "data": [[*row[:8], "1" if closed else "0"]]}
