"""Hand-made frames of the venues, and the engine that reads them, for tests of the whole pure side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from teleglas.market import Instrument
from tests.shelf import Shelf
from ws_alert.alert_engine import WARM_UP_MS, AlertEngine
from ws_alert.messages import FeedNotice, FeedState, JournalRecord, Kind, RecordKind, RefusedNote, Verdict
from ws_alert.rules import Rules
from ws_alert.sources.decoders import decoders

__all__ = [
    "START_MS",
    "Feed",
    "agg_trade",
    "agg_trades_body",
    "bybit_order",
    "bybit_trade",
    "engine",
    "force_order",
    "mark_price",
    "notice",
    "okx_order",
    "okx_trade",
    "refused",
    "restarted",
]

START_MS = 1_790_000_000_000
OKX = Instrument("okx", "BTC-USDT-SWAP", "BTC", multiplier=Decimal("0.01"))


def _raw(frame: Any) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode()


def agg_trade(
    at_ms: int, number: int, usd: float, *, buy: bool = True, symbol: str = "BTCUSDT", price: float = 100.0
) -> bytes:
    """Return Binance's frame of one taker order."""
    data = {"e": "aggTrade", "E": at_ms + 9, "a": number, "s": symbol, "p": f"{price}", "q": f"{usd / price:.10f}",
            "T": at_ms, "m": not buy}  # fmt: skip
    return _raw({"stream": f"{symbol.lower()}@aggTrade", "data": data})


def agg_trades_body(rows: Iterable[tuple[int, int, float]]) -> bytes:
    """Return the REST body of Binance's (time, number, usd) buys at 100."""
    return _raw([{"a": number, "p": "100.0", "q": f"{usd / 100:.10f}", "f": number, "l": number, "T": at_ms, "m": False}
                 for at_ms, number, usd in rows])  # fmt: skip


def force_order(
    at_ms: int, usd: float, *, long: bool = True, symbol: str = "BTCUSDT", price: float = 100.0
) -> bytes:
    """Return Binance's frame of one liquidation."""
    order = {"s": symbol, "S": "SELL" if long else "BUY", "q": f"{usd / price:.10f}", "p": f"{price}",
             "ap": f"{price}", "l": "1", "z": f"{usd / price:.10f}", "T": at_ms, "o": "LIMIT", "f": "IOC",
             "X": "FILLED"}  # fmt: skip
    return _raw({"stream": "!forceOrder@arr", "data": {"e": "forceOrder", "E": at_ms + 5, "o": order}})


def mark_price(at_ms: int, price: float, *, symbol: str = "BTCUSDT") -> bytes:
    """Return Binance's frame of a mark price."""
    data = {"e": "markPriceUpdate", "E": at_ms, "s": symbol, "p": f"{price}", "i": f"{price}", "P": f"{price}",
            "r": "0.0001", "T": at_ms + 1000}  # fmt: skip
    return _raw({"stream": f"{symbol.lower()}@markPrice@1s", "data": data})


def bybit_trade(at_ms: int, number: int, usd: float, *, buy: bool = True) -> bytes:
    """Return Bybit's frame of one taker order."""
    row = {"T": at_ms, "s": "BTCUSDT", "S": "Buy" if buy else "Sell", "v": f"{usd / 100:.8f}", "p": "100.0",
           "L": "PlusTick", "i": f"id-{number}", "BT": False, "RPI": False, "seq": number}  # fmt: skip
    return _raw({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": at_ms + 1, "data": [row]})


def bybit_order(at_ms: int, *usd: float, long: bool = True) -> bytes:
    """Return Bybit's frame of liquidations: `Buy` is a liquidated long."""
    rows = [{"T": at_ms, "s": "BTCUSDT", "S": "Buy" if long else "Sell", "v": f"{amount / 100:.8f}", "p": "100.0"}
            for amount in usd]  # fmt: skip
    return _raw({"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": at_ms + 400, "data": rows})


def okx_trade(at_ms: int, number: int, usd: float, *, buy: bool = True) -> bytes:
    """Return OKX's frame of one taker order: a contract is 0.01 coins."""
    row = {"instId": "BTC-USDT-SWAP", "tradeId": str(number), "px": "100.0", "sz": f"{usd:.6f}",
           "side": "buy" if buy else "sell", "ts": str(at_ms), "count": "1"}  # fmt: skip
    return _raw({"arg": {"channel": "trades", "instId": "BTC-USDT-SWAP"}, "data": [row]})


def okx_order(at_ms: int, usd: float, *, long: bool = True) -> bytes:
    """Return OKX's frame of one liquidation: a contract is 0.01 coins."""
    detail = {"bkLoss": "0", "bkPx": "100.0", "ccy": "", "posSide": "long" if long else "short",
              "side": "sell" if long else "buy", "sz": f"{usd:.6f}", "ts": str(at_ms)}  # fmt: skip
    group = {"details": [detail], "instFamily": "BTC-USDT", "instId": "BTC-USDT-SWAP", "instType": "SWAP"}
    return _raw({"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [group]})


def notice(venue: str, family: str, state: FeedState, at_ms: int, *, complete: bool = True) -> bytes:
    """Return a change of a feed's state."""
    return msgspec.json.encode(FeedNotice(venue, family, state, at_ms, complete=complete))


def refused(verdict: Verdict) -> bytes:
    """Return the note that a message was refused for good."""
    return msgspec.json.encode(
        RefusedNote(verdict.target, Kind(verdict.kind), verdict.asset, verdict.direction, verdict.episode_ms,
                    verdict.step or 0)
    )  # fmt: skip


def engine(
    rules: Rules | None = None, targets: Sequence[str] = ("chat",), *, budget: bool = True
) -> AlertEngine:
    """Return an engine with the decoders of all venues."""
    return AlertEngine(rules or Rules(), decoders({"okx": [OKX]}), targets, budget=budget)


class Feed:
    """Feeds an engine at given times and keeps what it decided, and every record as a journal would.

    at_ms counts from START_MS; `verdicts` grow as they are decided.
    """

    def __init__(self, machine: AlertEngine | None = None) -> None:
        self.engine = machine or engine()
        self.records: list[JournalRecord] = []
        self.shelf = Shelf()
        self.verdicts: list[Verdict] = []

    def frame(self, at: int, source: str, payload: bytes) -> list[Verdict]:
        """Feed a frame received `at` ms after the start; return what it decided."""
        return self.record(at, RecordKind.FRAME, source, payload)

    def binance(self, at: int, payload: bytes) -> list[Verdict]:
        """Feed a frame of Binance."""
        return self.frame(at, "binance", payload)

    def body(self, at: int, source: str, payload: bytes) -> list[Verdict]:
        """Feed the body of a poll."""
        return self.record(at, RecordKind.BODY, source, payload)

    def note(self, at: int, kind: RecordKind, payload: bytes, source: str = "") -> list[Verdict]:
        """Feed a notice, a refusal or a tick."""
        return self.record(at, kind, source, payload)

    def record(self, at: int, kind: RecordKind, source: str, payload: bytes) -> list[Verdict]:
        """Feed any input."""
        record = JournalRecord(len(self.records) + 1, START_MS + at, kind, source, payload)
        self.records.append(record)
        self.engine.receive(record.kind, record.source, record.payload, record.received_ms)
        return self.take()

    def rest(self) -> list[Verdict]:
        """Run all deadlines that remain."""
        while (due := self.engine.next_deadline()) is not None:
            self.engine.advance(due)
        return self.take()

    def take(self) -> list[Verdict]:
        """Return what was decided since the last call."""
        found = self.engine.drain()
        self.verdicts += found
        return found


def restarted(feed: Feed, stop: int, fresh: AlertEngine) -> AlertEngine:
    """Return `fresh` as it stands after a crash behind the first `stop` records of `feed` (SEMANTICS 22).

    `feed.engine` must stand there; its memory is taken, and what it told to store of the normals.
    """
    memory = feed.engine.memory()
    feed.shelf.keep(feed.engine.baselines)
    fresh.remember(feed.shelf.stored())
    since = AlertEngine.time_of(memory) - WARM_UP_MS
    fresh.warming = True
    for record in feed.records[:stop]:
        if record.received_ms >= since:
            fresh.receive(record.kind, record.source, record.payload, record.received_ms)
    fresh.warming = False
    fresh.restore(memory)
    return fresh
