"""The same order told twice counts once (SEMANTICS 5), also across reconnects and polling."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from teleglas.market import Liquidation

__all__ = ["REMEMBERED_MS", "LiquidationMemory", "RelayedTrades", "TradeIds"]

REMEMBERED_MS: Final = 120_000
_MOST_GAPS: Final = 16
_FAR: Final = 10**10
"""No venue counts so many trades in a fortnight: an id that lies so far behind is of another numbering."""


class TradeIds:
    """What an instrument's trade ids already were.

    Ids never decrease on a stream. Where they jump after an interruption, the jump is
    remembered as a gap that a backfill may still fill, each row once. A second id in a row
    that lies far behind begins a new numbering, so that one absurd id does not hide all
    trades after it.
    """

    __slots__ = ("_far", "_filled", "_gaps", "_settled", "_tags", "last", "resumed")

    def __init__(self) -> None:
        self.last = -1
        # a contract that was never seen, or only before the warm-up of a restart, begins with a gap:
        # whatever is young enough to count was not told yet
        self.resumed = True
        self._far = -_FAR
        self._tags: set[str] = set()
        self._gaps: list[tuple[int, int]] = []
        self._settled: list[tuple[int, int]] = []
        self._filled: set[tuple[int, str]] = set()

    def is_new(self, trade_id: int, tag: str) -> bool:
        """Return whether the row was not seen before, and remember it.

        tag tells apart rows that share an id (Bybit's `seq`).
        """
        if trade_id > self.last:
            if self.resumed:
                self.resumed = False
                if trade_id > self.last + 1:
                    self._gaps = [*self._gaps[1 - _MOST_GAPS :], (self.last, trade_id)]
            self.last = trade_id
            self._tags.clear()
            if tag:
                self._tags.add(tag)
            return True
        if trade_id == self.last:
            if not tag or tag in self._tags:
                return False
            self._tags.add(tag)
            return True
        if any(low < trade_id < high for low, high in self._gaps):
            is_new = (trade_id, tag) not in self._filled
            self._filled.add((trade_id, tag))
            return is_new
        return self.last - trade_id >= _FAR and self._is_new_numbering(trade_id, tag)

    def took(self, trade_id: int, tag: str) -> None:
        """Note the newest of rows in order that were taken without asking."""
        if trade_id > self.last:
            self.last = trade_id
            self._tags = {tag} if tag else set()

    def _is_new_numbering(self, trade_id: int, tag: str) -> bool:
        known, self._far = self._far, trade_id
        if abs(trade_id - known) >= _FAR:
            return False
        self.last, self._tags = trade_id, {tag}
        self._gaps.clear()
        self._filled.clear()
        return True

    def interrupted(self) -> None:
        """Note that the stream starts anew: a jump of the next id is a gap that may be backfilled."""
        self.resumed = True

    def settle(self) -> None:
        """Forget, when called each minute, gaps known at the last call: too old to be filled by now."""
        if self._gaps:
            self._gaps = [gap for gap in self._gaps if gap not in self._settled]
            self._settled = list(self._gaps)
            if not self._gaps:
                self._filled.clear()


class RelayedTrades:
    """Remembers trades that a relay tells without any id, by their content, for two minutes."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Hashable, int] = {}

    def is_new(self, content: Hashable, now_ms: int) -> bool:
        """Return whether this content was not seen before, and remember it."""
        if content in self._seen:
            return False
        self._seen[content] = now_ms
        return True

    def forget(self, now_ms: int) -> None:
        """Drop what is older than two minutes."""
        _forget(self._seen, now_ms - REMEMBERED_MS)


class LiquidationMemory:
    """Remembers liquidations for two minutes, by the venue's id or by content and occurrence.

    Direct rows wait in `_untold` until the first relayed one asks for them: most programs
    have no relay, and a log is cheaper than a book by place.
    """

    __slots__ = ("_direct", "_relayed", "_seen", "_untold")

    def __init__(self) -> None:
        self._seen: dict[Hashable, int] = {}
        self._direct: dict[Hashable, list[tuple[int, int]]] = {}
        self._relayed: dict[Hashable, list[tuple[int, int]]] = {}
        self._untold: list[Liquidation] = []

    def is_new(self, row: Liquidation, now_ms: int, relayed: bool) -> bool:
        """Return whether this order was not counted yet, and remember it.

        relayed: told by CoinGlass and not by the venue itself. A relayed row and a direct
        one of the same venue, asset and side within one second and one percent are the
        same order.
        """
        found = row.instrument
        key: Hashable = (found.venue, row.event_id) if row.event_id else (
            found.venue, found.symbol, row.side, row.event_ms, row.price, row.usd_cents, row.occurrence, relayed,
        )  # fmt: skip
        if key in self._seen:
            return False
        self._seen[key] = now_ms
        if relayed:
            for each in self._untold:
                _note(self._direct, each)
            self._untold.clear()
        theirs = self._direct if relayed else self._relayed
        if theirs and _told(theirs, row):
            return False
        if relayed:
            _note(self._relayed, row)
        else:
            self._untold.append(row)
        return True

    def forget(self, now_ms: int) -> None:
        """Drop what is older than two minutes."""
        edge = now_ms - REMEMBERED_MS
        _forget(self._seen, edge)
        self._untold = [row for row in self._untold if row.event_ms >= edge]
        for book in (self._direct, self._relayed):
            for place in list(book):
                book[place] = [pair for pair in book[place] if pair[0] >= edge]
                if not book[place]:
                    del book[place]


def _note(book: dict[Hashable, list[tuple[int, int]]], row: Liquidation) -> None:
    found = row.instrument
    book.setdefault((found.venue, found.asset, row.side), []).append((row.event_ms, row.usd_cents))


def _told(book: dict[Hashable, list[tuple[int, int]]], row: Liquidation) -> bool:
    """Return whether the book holds the row as the other source told it, and take it out."""
    found = row.instrument
    pairs = book.get((found.venue, found.asset, row.side), [])
    for pair in pairs:
        if abs(pair[0] - row.event_ms) <= 1000 and abs(pair[1] - row.usd_cents) * 100 <= pair[1]:
            pairs.remove(pair)
            return True
    return False


def _forget(seen: dict[Hashable, int], edge: int) -> None:
    """Drop the oldest entries; they stand in order of arrival."""
    while seen and seen[first := next(iter(seen))] < edge:
        del seen[first]
