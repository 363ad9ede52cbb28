"""A sink that keeps what a codec hands over, for tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from teleglas.market import Instrument, Liquidation, Refusal
from teleglas.market_sink import MarketSink


@dataclass
class Tape(MarketSink):
    """Keeps every call in order of its kind, and checks the promises of `MarketSink` on the way."""

    trades: list[tuple] = field(default_factory=list)
    liquidations: list[Liquidation] = field(default_factory=list)
    marks: list[tuple] = field(default_factory=list)
    candles: list[tuple] = field(default_factory=list)
    rates: list[tuple] = field(default_factory=list)
    interest: list[tuple] = field(default_factory=list)
    refusals: list[tuple[Refusal, str]] = field(default_factory=list)

    def trade(self, instrument, trade_id, tag, event_ms, buy, price, quantity) -> None:
        """Keep a trade as plain facts."""
        assert isinstance(instrument, Instrument)
        assert trade_id >= 0
        assert isinstance(tag, str)
        assert event_ms > 0
        assert isinstance(buy, bool)
        assert _positive(price)
        assert _positive(quantity)
        self.trades.append((instrument.symbol, trade_id, tag, event_ms, buy, price, quantity))

    def take_plain(self, frames, kind, known):
        """Keep plain trades, and give back the first other event."""
        for frame in frames:
            row = frame.data
            if type(row) is not kind:
                return row
            instrument = known[row.symbol]
            self.trade(instrument, row.trade_id, "", row.event_ms, not row.sold, row.price, row.quantity)
        return None

    def liquidation(self, row: Liquidation) -> None:
        """Keep a liquidation."""
        assert row.usd_cents > 0
        assert row.event_ms > 0
        assert _positive(row.price) or row.event_id.startswith("delta:")
        self.liquidations.append(row)

    def candle(self, instrument, candle) -> None:
        """Keep a closed candle."""
        assert _positive(candle.close)
        self.candles.append((instrument.symbol, candle))

    def mark(self, instrument, event_ms, price) -> None:
        """Keep a mark price as plain facts."""
        assert event_ms > 0
        assert _positive(price)
        self.marks.append((instrument.symbol, event_ms, price))

    def funding(self, instrument, event_ms, rate, interval_h) -> None:
        """Keep a funding rate as plain facts."""
        assert event_ms > 0
        assert isinstance(rate, float)
        assert -1.0 < rate < 1.0
        assert 0.0 < interval_h <= 24.0
        self.rates.append((instrument.symbol, event_ms, rate, interval_h))

    def open_interest(self, instrument, event_ms, usd_cents) -> None:
        """Keep an open interest as plain facts."""
        assert event_ms > 0
        assert type(usd_cents) is int
        assert usd_cents >= 0
        self.interest.append((instrument.symbol, event_ms, usd_cents))

    def refuse(self, reason, detail) -> None:
        """Keep a refusal."""
        assert isinstance(reason, Refusal)
        assert isinstance(detail, str)
        assert len(detail) <= 100
        self.refusals.append((reason, detail))

    @property
    def reasons(self) -> list[str]:
        """Reasons of the refusals in words."""
        return [reason.value for reason, _ in self.refusals]

    @property
    def orders(self) -> list[tuple]:
        """Liquidations in the words of a table: venue, symbol, asset, side, price, cents, price kind."""
        return [
            (
                row.instrument.venue,
                row.instrument.symbol,
                row.instrument.asset,
                row.side.value,
                row.price,
                row.usd_cents,
                row.price_kind.value,
            )
            for row in self.liquidations
        ]

    @property
    def empty(self) -> bool:
        """Whether nothing at all was handed over."""
        return not (
            self.trades or self.liquidations or self.marks or self.rates or self.interest or self.refusals
        )


def _positive(value: float) -> bool:
    return isinstance(value, float) and math.isfinite(value) and value > 0.0
