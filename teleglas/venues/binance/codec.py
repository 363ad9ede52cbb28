"""Binance USD-M frames and REST bodies to market events (reference: feeds 1, feed-quirks 1-15).

| shape | becomes |
|---|---|
| `aggTrade`, and rows of `/fapi/v1/aggTrades` | trade; `m` true: the buyer was the maker, so the taker SOLD |
| `forceOrder`, one or in a list | liquidation; `S` names the forced ORDER, so `SELL` closed a long |
| `markPriceUpdate`, one or in a list | mark |
| `kline` with `x` true, and rows of `/fapi/v1/klines` | closed candle |
| `premiumIndex`, `fundingInfo`, `openInterest` by REST | funding, open interest (see `interest`) |
| acknowledgements and errors of subscriptions | nothing: the dialogue reads them |
| COIN-M: `st` 2, `BTCUSD_PERP`, `BTCUSD_260327` | refused `other_product` |
| any other stream (book, ticker, ...) | refused `unknown_message` |

A frame of the testnet differs in nothing from a real one. Only the host tells it
apart, so the list of allowed hosts in the dialogue is what keeps it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import length_hint
from typing import Any, Final

import msgspec

from teleglas.errors import BadFrame
from teleglas.instrument_table import InstrumentTable
from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.binance.frames import (
    Envelope,
    Event,
    Force,
    Kind,
    Kline,
    Mark,
    Order,
    RestTrade,
    Trade,
    Wrapped,
    plain_reader,
)
from teleglas.venues.binance.instruments import COIN_M, USD_M
from teleglas.venues.binance.interest import ENDPOINTS as INTEREST
from teleglas.venues.binance.interest import BinanceInterest
from teleglas.venues.candle_rows import TIMEFRAMES, hand_over, rest_rows
from teleglas.venues.codec import Codec
from teleglas.venues.rows import (
    DECODE_ERRORS,
    MAX_FRAME_BYTES,
    Encoded,
    RowReader,
    Seen,
    explain,
    forced_order,
    quick_amount,
    refuse_error,
    too_large,
)

__all__ = ["BinanceCodec"]

_SIDES: Final = {"SELL": PositionSide.LONG, "BUY": PositionSide.SHORT}
# members of an enumeration take a tenth of a microsecond to look up
_FILL: Final = PriceKind.FILL
_ORDER_PRICE: Final = PriceKind.ORDER
_SAMPLED: Final = Completeness.SAMPLED

_MANY: Final = 50
"""Frames that took the long way because their contract is new: then the short way is laid anew."""

_KINDS: Final = ("aggTrade", "forceOrder", "markPriceUpdate", "kline")
_WRAPPED: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Wrapped, strict=False)
_BARE: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Event | list[Event], strict=False)
_EVENT: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Event, strict=False)
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_KIND: Final = msgspec.json.Decoder(Kind)
_RAW_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_REST_TRADES: Final[RowReader[RestTrade]] = RowReader(RestTrade)


class BinanceCodec(Codec):
    """Decodes frames of the routed USD-M streams, wrapped (`/stream`) or bare (`/ws`). Never raises."""

    venue = "binance"

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._table = InstrumentTable(self.venue, instruments)
        self._known = self._table.known
        self._interest = BinanceInterest(self._find)
        # A connection is wrapped or bare for its whole life: the shape that fitted last is tried first.
        self._first = _WRAPPED.decode
        self._second = _BARE.decode
        # nothing is plain before the contracts are known
        self._plain: type[Any] = type(None)
        self._read: Callable[[bytes], Any] = _WRAPPED.decode
        self._missed, self._listed_then = _MANY, 0

    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Take a refreshed table of contracts."""
        self._table.use(instruments)

    def decode(self, payload: bytes, sink: MarketSink) -> None:
        """Hand the events of one frame to `sink`; count what is skipped there too."""
        if len(payload) > MAX_FRAME_BYTES:
            too_large(payload, sink)
            return
        try:
            event = self._first(payload)
        except DECODE_ERRORS:
            event = self._other_shape(payload)
            if event is None:
                self._examine(payload, sink)
                return
        if type(event) is Wrapped:
            event = event.data
        if type(event) is Trade:
            instrument = self._find(event.symbol, sink)
            if instrument is None:
                return
            _hand_over(event, instrument, sink)
        else:
            self._events(event, sink)

    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Do what `decode` does for each frame; most batches are wrapped trades, which take a short way.

        Only the long way looks for frames above MAX_FRAME_BYTES: a trade is one however long its frame is.
        """
        if self._missed >= _MANY and self._known:
            self._plain, self._read = plain_reader(tuple(self._known))
            self._missed, self._listed_then = 0, len(self._known)
        waiting = iter(payloads)
        # each is taken as soon as it is decoded, while it stands in the processor's cache
        frames = map(self._read, waiting)
        while True:
            try:
                event = sink.take_plain(frames, self._plain, self._known)
            except DECODE_ERRORS:
                payload = payloads[-length_hint(waiting) - 1]
                if self._reads(payload):
                    raise  # a mistake of the sink's own code is no bad frame
                self._unread(payload, sink)
                continue
            if event is None:
                return
            if type(event) is Force:
                self._forced(event, None, sink)
            else:
                self._events(event, sink)

    def _reads(self, payload: bytes) -> bool:
        try:
            self._read(payload)
        except DECODE_ERRORS:
            return False
        return True

    def _unread(self, payload: bytes, sink: MarketSink) -> None:
        """Decode a frame that is bad, of no event, or of a contract that is new."""
        self.decode(payload, sink)
        if len(self._known) > self._listed_then:
            self._missed += 1

    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over the rows of a REST body.

        endpoint `aggTrades`, argument the symbol; `klines`, argument symbol and timeframe
        (`BTCUSDT:1m`); or one of a poll of funding and open interest, without argument.
        """
        if too_large(payload, sink):
            return
        if endpoint in INTEREST:
            self._interest.decode(endpoint, payload, sink)
            return
        if endpoint not in {"aggTrades", "klines"}:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"endpoint {endpoint}"[:80])
            return
        if payload.lstrip()[:1] == b"{":
            sink.refuse(Refusal.UNKNOWN_MESSAGE, payload[:80].decode(errors="replace"))
            return
        symbol, _, timeframe = argument.partition(":")
        instrument = self._find(symbol, sink)
        if instrument is None:
            return
        if endpoint == "klines":
            if timeframe in TIMEFRAMES:
                hand_over(rest_rows(payload, sink)[:-1], instrument, TIMEFRAMES[timeframe], sink)
            else:
                sink.refuse(Refusal.UNKNOWN_MESSAGE, f"timeframe {timeframe}"[:80])
            return
        for row in sorted(_REST_TRADES.read(payload, sink), key=lambda row: row.a):
            sink.trade(instrument, row.a, "", row.T, not row.m, row.p, row.q)

    def _other_shape(self, payload: bytes) -> Any:
        try:
            event = self._second(payload)
        except DECODE_ERRORS:
            return None
        self._first, self._second = self._second, self._first
        return event

    def _events(self, found: Any, sink: MarketSink) -> None:
        seen: Seen | None = {} if type(found) is list else None
        for event in found if type(found) is list else (found,):
            if type(event) is Force:
                self._forced(event, seen, sink)
                continue
            instrument = self._find(event.symbol, sink)
            if instrument is None:
                continue
            if type(event) is Mark:
                sink.mark(instrument, event.E, event.p)
            elif type(event) is Kline:
                if event.k.x and event.k.i in TIMEFRAMES:
                    hand_over((event.k,), instrument, TIMEFRAMES[event.k.i], sink)
            else:
                _hand_over(event, instrument, sink)

    def _forced(self, event: Force, seen: Seen | None, sink: MarketSink) -> None:
        order = event.o
        kind = event.st if order.st is None else order.st
        if kind not in {None, 1}:
            sink.refuse(Refusal.OTHER_PRODUCT, f"{order.s[:40]}: symbol type {kind}")
            return
        instrument = self._known.get(order.s) or self._listed(order.s, sink)
        if instrument is None:
            return
        if seen is None and (amount := quick_amount(instrument, order.ap, order.z)) is not None:
            sink.liquidation(Liquidation(instrument, order.T, _SIDES[order.S], *amount, _FILL, _SAMPLED))
            return
        filled = _is_filled(order)
        forced_order(
            sink,
            instrument,
            seen,
            event_ms=order.T,
            side=_SIDES[order.S],
            price=order.ap if filled else order.p,
            quantity=order.z if filled else order.q,
            price_kind=_FILL if filled else _ORDER_PRICE,
            completeness=_SAMPLED,
        )

    def _examine(self, payload: bytes, sink: MarketSink) -> None:
        """Find what is wrong with a frame, and the good rows in it."""
        try:
            rows: Encoded = payload
            if payload.lstrip()[:1] != b"[":
                envelope = _ENVELOPE.decode(payload)
                if envelope.data:
                    rows = envelope.data
                elif not envelope.e:
                    if not (envelope.id or envelope.result or envelope.error or envelope.code):
                        sink.refuse(Refusal.UNKNOWN_MESSAGE, payload[:80].decode(errors="replace"))
                    return
            raws = _RAW_ROWS.decode(rows) if bytes(rows).lstrip()[:1] == b"[" else [rows]
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        good = [event for raw in raws if (event := _event(raw, sink)) is not None]
        self._events(good, sink)

    def _find(self, symbol: str, sink: MarketSink) -> Instrument | None:
        return self._known.get(symbol) or self._listed(symbol, sink)

    def _listed(self, symbol: str, sink: MarketSink) -> Instrument | None:
        """Return a contract that was listed after the table was read, if the name says USD-M."""
        if USD_M.fullmatch(symbol):
            try:
                return self._table.learn(symbol)
            except BadFrame as error:
                refuse_error(sink, error)
                return None
        reason = Refusal.OTHER_PRODUCT if COIN_M.fullmatch(symbol) else Refusal.UNKNOWN_SYMBOL
        sink.refuse(reason, symbol[:40])
        return None


def _hand_over(row: Trade, instrument: Instrument, sink: MarketSink) -> None:
    sink.trade(instrument, row.trade_id, "", row.event_ms, not row.sold, row.price, row.quantity)


def _event(raw: Encoded, sink: MarketSink) -> Event | None:
    try:
        event: Event = _EVENT.decode(raw)
    except DECODE_ERRORS as error:
        kind = _kind(raw)
        if kind in _KINDS:
            sink.refuse(*explain(error))
        else:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, kind[:40] or str(error)[:80])
        return None
    return event


def _kind(raw: Encoded) -> str:
    try:
        return _KIND.decode(raw).e
    except DECODE_ERRORS:
        return ""


def _is_filled(order: Order) -> bool:
    """Return whether average price and filled quantity say more than the order itself: both are 0 at first."""
    try:
        return float(order.ap) != 0.0 and float(order.z) != 0.0
    except (ValueError, OverflowError):
        return True  # no number: the exact arithmetic refuses it by name
