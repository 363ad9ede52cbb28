"""Where a codec puts what it decoded.

Base classes and not protocols, since compiled code then calls their methods directly (see `ws_alert.compiled`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from mypy_extensions import mypyc_attr

from teleglas.market import Candle, Instrument, Liquidation, Refusal

__all__ = ["MarketSink", "PlainTrade"]

PlainTrade = tuple[int, str, float, float, int, bool]
"""The fields of a decoded trade as `MarketSink.take_plain` reads it: id, symbol, price, quantity, event_ms, and whether
the taker sold; units as in `MarketSink.trade`."""


@mypyc_attr(allow_interpreted_subclasses=True)
class MarketSink(ABC):
    """Where a codec puts what it decoded. The engine is one; a list in a test is another.

    Trades cross as scalars because nine in ten are only added to a second's sums: an
    object for each would halve the throughput.
    """

    @abstractmethod
    def trade(
        self,
        instrument: Instrument,
        trade_id: int,
        tag: str,
        event_ms: int,
        buy: bool,
        price: float,
        quantity: float,
    ) -> None:
        """Take one row of a trade tape.

        trade_id: the venue's number, never decreasing per instrument. tag: tells apart rows
        that share a number (Bybit's `seq`); empty where the number is unique.
        buy: True if the taker bought. price and quantity in the venue's own units, already
        checked to be positive and finite. event_ms: the venue's time.
        """

    @abstractmethod
    def take_plain(
        self,
        frames: Iterator[Any],
        kind: type[Any],
        known: Mapping[str, Instrument],
    ) -> Any:
        """Take decoded frames while each is a trade of a contract that the sink has met; return the first other event.

        The hot path of a busy tape: one call for many trades, each of which does to the sink
        what `trade` does. frames: the event of each is its `data`. kind: the class of a
        trade, a struct whose fields are a `PlainTrade`; its symbol is a key of `known`. Returned is the event, or None when nothing
        is left; the caller hands it to the other methods and calls again. A sink may return everything.
        """

    @abstractmethod
    def liquidation(self, row: Liquidation) -> None:
        """Take one forced order."""

    @abstractmethod
    def mark(self, instrument: Instrument, event_ms: int, price: float) -> None:
        """Take a mark price, of one priced unit, in the venue's own units."""

    @abstractmethod
    def candle(self, instrument: Instrument, candle: Candle) -> None:
        """Take one closed candle; a candle that was taken before is a correction of it."""

    @abstractmethod
    def funding(self, instrument: Instrument, event_ms: int, rate: float, interval_h: float) -> None:
        """Take the current funding rate: a fraction per its own interval of so many hours; positive: longs pay."""

    @abstractmethod
    def open_interest(self, instrument: Instrument, event_ms: int, usd_cents: int) -> None:
        """Take the open interest now: the contracts that are open (one side), in integer cents; may be 0."""

    @abstractmethod
    def refuse(self, reason: Refusal, detail: str) -> None:
        """Count a row or a frame that is skipped; `detail` is sampled to the log."""
