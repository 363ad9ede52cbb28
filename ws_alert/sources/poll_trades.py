"""Trades by REST while their stream is away, from where it stopped on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

import msgspec

from teleglas.errors import FeedInterrupted, FeedRefused
from teleglas.venues.binance import rest as binance
from ws_alert.messages import Frame, RecordKind
from ws_alert.sources.failover import OVERLAP_MS
from ws_alert.sources.poller import Cycle, Put

__all__ = ["AggTradePolls", "NewestTradePolls", "Tape", "TradeRef"]

_AT_ONCE = 4
_OVERLAP_MS = 2_000
_ROUND_S = 45.0
_MOST_PAGES = 30
_SMALLEST_TAIL = 60

_Rows = TypeVar("_Rows")

Symbols = Callable[[], Sequence[str]]
"""The watched symbols, the most traded first; asked anew at each cycle."""


class AggTradePolls:
    """Binance: contiguous ids, so that pages follow each other without a hole.

    Only as many symbols as the request weight allows within `_ROUND_S` are polled, the
    most traded first; the others are declared missing.
    """

    def __init__(
        self, rest: binance.BinanceRest, symbols: Symbols, put: Put, wall_ms: Callable[[], int]
    ) -> None:
        self._rest = rest
        self._symbols = symbols
        self._put = put
        self._wall_ms = wall_ms
        self._gap_ms = 0
        self._next: dict[str, tuple[int, int]] = {}  # symbol -> (next id, newest row's time)
        self._unknown: set[str] = set()

    def begin(self, gap_ms: int) -> None:
        """Start from the gap, not from ids of an earlier time of polling."""
        self._gap_ms = gap_ms - _OVERLAP_MS
        self._next.clear()
        self._unknown.clear()

    async def cycle(self) -> Cycle:
        """Ask every symbol that fits for what is newer than its last row."""
        started_ms = self._wall_ms()
        symbols = self._symbols()
        polled = symbols[: int(binance.TRADES_PER_S * _ROUND_S)]
        for some in _chunks(polled):
            await _all([self._symbol(symbol) for symbol in some if symbol not in self._unknown])
        return Cycle(started_ms, _left_out(len(polled), len(symbols)))

    async def _symbol(self, symbol: str) -> None:
        oldest_ms = self._wall_ms() - OVERLAP_MS
        next_id, newest_ms = self._next.get(symbol, (None, 0))
        if newest_ms < oldest_ms:
            next_id = None  # what lies between would be dropped as too old
        start_ms = max(self._gap_ms, oldest_ms)
        for _ in range(_MOST_PAGES):
            try:
                body = await self._rest.agg_trades(symbol, from_id=next_id, start_ms=start_ms)
            except FeedRefused as error:
                if error.reason != "bad_request":
                    raise
                self._unknown.add(symbol)
                return
            refs = _read(binance.agg_trade_refs, body)
            if not refs:
                return
            await self._put(Frame(RecordKind.BODY, f"binance:aggTrades:{symbol}", body))
            next_id = refs[-1].id + 1
            self._next[symbol] = (next_id, refs[-1].event_ms)
            if len(refs) < binance.PAGE_ROWS:
                return


class TradeRef(Protocol):
    """What pacing needs of a row."""

    @property
    def id(self) -> str:
        """The venue's id."""

    @property
    def event_ms(self) -> int:
        """The venue's time, Unix ms."""


@dataclass(frozen=True, slots=True)
class Tape:
    """An endpoint that answers with the newest trades only.

    name: `venue:endpoint`. most: rows of the largest answer. per_s: symbols a second.
    """

    name: str
    fetch: Callable[[str, int], Awaitable[bytes]]
    refs: Callable[[bytes], Sequence[TradeRef]]
    most: int
    per_s: float


@dataclass(frozen=True, slots=True)
class _Tail:
    """Where a symbol's last answer ended: the ids of its newest millisecond. rows: to ask for next."""

    newest_ms: int
    ids: frozenset[str]
    rows: int

    def is_new(self, ref: TradeRef) -> bool:
        return ref.event_ms > self.newest_ms or (ref.event_ms == self.newest_ms and ref.id not in self.ids)


class NewestTradePolls:
    """Bybit and OKX: no paging back, so each answer must overlap the one before, or there is a hole."""

    def __init__(self, tape: Tape, symbols: Symbols, put: Put, wall_ms: Callable[[], int]) -> None:
        self._tape = tape
        self._symbols = symbols
        self._put = put
        self._wall_ms = wall_ms
        self._gap_ms = 0
        self._tails: dict[str, _Tail] = {}
        self._unknown: set[str] = set()
        self._holes: set[str] = set()

    def begin(self, gap_ms: int) -> None:
        """Start anew: the first answer of each symbol should reach back to the gap."""
        self._gap_ms = gap_ms
        self._tails.clear()
        self._unknown.clear()

    async def cycle(self) -> Cycle:
        """Ask every symbol once."""
        started_ms = self._wall_ms()
        symbols = self._symbols()
        polled = symbols[: int(self._tape.per_s * _ROUND_S)]
        self._holes.clear()
        for some in _chunks(polled):
            await _all([self._symbol(symbol) for symbol in some if symbol not in self._unknown])
        missing = _left_out(len(polled), len(symbols))
        if self._holes and not missing:
            missing = f"more trades between polls than the {self._tape.most} that one answer holds"
        return Cycle(started_ms, missing, pause_s=2.0)

    async def _symbol(self, symbol: str) -> None:
        tail = self._tails.get(symbol)
        asked = self._tape.most if tail is None else tail.rows
        while True:
            try:
                body = await self._tape.fetch(symbol, asked)
            except FeedRefused as error:
                if error.reason != "bad_request":
                    raise
                self._unknown.add(symbol)
                return
            refs = _read(self._tape.refs, body)
            reaches = self._reaches(tail, refs, asked)
            if reaches or asked >= self._tape.most:
                break
            asked = self._tape.most
        if not reaches:
            self._holes.add(symbol)
        await self._keep(symbol, tail, refs, body)

    def _reaches(self, tail: _Tail | None, refs: Sequence[TradeRef], asked: int) -> bool:
        if len(refs) < asked:
            return True
        if tail is not None:
            return any(ref.id in tail.ids for ref in refs)
        return min(ref.event_ms for ref in refs) <= max(self._gap_ms, self._wall_ms() - OVERLAP_MS)

    async def _keep(self, symbol: str, tail: _Tail | None, refs: Sequence[TradeRef], body: bytes) -> None:
        fresh = len(refs) if tail is None else sum(tail.is_new(ref) for ref in refs)
        if not fresh:
            return
        newest_ms = max(ref.event_ms for ref in refs)
        ids = frozenset(ref.id for ref in refs if ref.event_ms == newest_ms)
        rows = self._tape.most if tail is None else max(_SMALLEST_TAIL, min(self._tape.most, 3 * fresh))
        self._tails[symbol] = _Tail(newest_ms, ids, rows)
        await self._put(Frame(RecordKind.BODY, f"{self._tape.name}:{symbol}", body))


def _left_out(polled: int, watched: int) -> str:
    return "" if polled == watched else f"the request limit allows {polled} of {watched} symbols"


def _chunks(symbols: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rest = iter(symbols)
    while some := tuple(islice(rest, _AT_ONCE)):
        yield some


async def _all(jobs: Sequence[Awaitable[None]]) -> None:
    """Run all jobs to their end, then raise the first error in their order."""
    for result in await asyncio.gather(*jobs, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _read(refs: Callable[[bytes], _Rows], body: bytes) -> _Rows:
    try:
        return refs(body)
    except msgspec.MsgspecError as error:
        raise FeedInterrupted(f"unexpected body: {str(error)[:120]}") from error
