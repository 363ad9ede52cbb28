"""Liquidations from the difference of two totals, for plans that sell no single orders.

`/api/futures/liquidation/exchange-list?range=1h` gives each exchange's totals of a coin over
the last hour, refreshed every 10 s (reference: coinglass 3.5 and 4.6).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from teleglas.errors import BadFrame
from teleglas.instruments import asset_and_scale
from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, Refusal
from teleglas.market_sink import MarketSink
from teleglas.money import cents
from teleglas.venues.coinglass.instruments import key_of, venue_of
from teleglas.venues.rows import DECODE_ERRORS, Exact, RowReader, explain, refuse_error

__all__ = ["MAX_GAP_MS", "ExchangeListDelta"]

MAX_GAP_MS = 60_000
"""Totals further apart are a new beginning: what happened in between has no time of its own."""

_MAX_TOTALS = 20_000


class _Totals(msgspec.Struct, gc=False):
    exchange: str
    long_liquidation_usd: Exact
    short_liquidation_usd: Exact


class _Body(msgspec.Struct, gc=False):
    data: msgspec.Raw = msgspec.Raw()
    code: str | int = "0"
    msg: str = ""


_BODY = msgspec.json.Decoder(_Body)
_ROWS: RowReader[_Totals] = RowReader(_Totals)


class ExchangeListDelta:
    """Remembers the last totals of each coin and hands over what they grew by.

    A growth is a lower bound (`sampled`): the hour rolls, so it also loses its oldest
    minutes, and a shrinking total is simply remembered. The first body of a coin, the first
    row of a venue and a body after a gap above `MAX_GAP_MS` are only remembered. The row
    `All` is their sum and left out. A growth has no price: `Liquidation.price` is 0.0, which
    means unknown and belongs into no price range.
    """

    def __init__(self) -> None:
        self._totals: dict[tuple[str, str, PositionSide], int] = {}
        self._seen_ms: dict[str, int] = {}
        self._instruments: dict[str, Instrument] = {}

    def take(self, body: bytes, coin: str, now_ms: int, sink: MarketSink) -> None:
        """Hand over the growth since the last body of this coin. Never raises.

        coin: as the endpoint takes it (`BTC`). now_ms: when the body was received; it
        becomes the time of the growth, since the totals carry none.
        """
        try:
            answer = _BODY.decode(body)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        if str(answer.code) != "0" or not answer.data:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"code {answer.code}: {answer.msg}"[:80])
            return
        last_ms = self._seen_ms.get(coin)
        fresh = last_ms is None or not 0 <= now_ms - last_ms <= MAX_GAP_MS
        self._seen_ms[coin] = now_ms
        for row in _ROWS.read(answer.data, sink):
            if row.exchange.strip().lower() == "all":
                continue
            try:
                venue = venue_of(row.exchange)
                long, short = _cents(row.long_liquidation_usd), _cents(row.short_liquidation_usd)
            except BadFrame as error:
                refuse_error(sink, error)
                continue
            self._grow(venue, coin, PositionSide.LONG, long, now_ms, fresh, sink)
            self._grow(venue, coin, PositionSide.SHORT, short, now_ms, fresh, sink)

    def _grow(
        self,
        venue: str,
        coin: str,
        side: PositionSide,
        total: int,
        now_ms: int,
        fresh: bool,
        sink: MarketSink,
    ) -> None:
        key = (venue, coin, side)
        before = self._totals.get(key)
        if before is None and len(self._totals) >= _MAX_TOTALS:
            sink.refuse(Refusal.UNKNOWN_INSTRUMENT, f"{venue} {coin}: too many totals")
            return
        self._totals[key] = total
        if fresh or before is None or total <= before:
            return
        sink.liquidation(
            Liquidation(
                instrument=self._instrument(venue, coin),
                event_ms=now_ms,
                side=side,
                price=0.0,
                usd_cents=total - before,
                price_kind=PriceKind.ORDER,
                completeness=Completeness.SAMPLED,
                event_id=f"delta:{venue}:{coin}:{side.value}:{now_ms}",
            )
        )

    def _instrument(self, venue: str, coin: str) -> Instrument:
        key = key_of(venue, coin)
        instrument = self._instruments.get(key)
        if instrument is None:
            instrument = Instrument(venue=venue, symbol=coin, asset=asset_and_scale(coin)[0], inverse=True)
            self._instruments[key] = instrument
        return instrument


def _cents(value: Exact) -> int:
    """Return a total in cents; unlike an order's amount it may be zero."""
    try:
        usd = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except ArithmeticError as error:
        raise BadFrame(Refusal.BAD_NUMBER, repr(value)[:40]) from error
    if not usd.is_finite() or usd < 0:
        raise BadFrame(Refusal.BAD_NUMBER, repr(value)[:40])
    return cents(usd)
