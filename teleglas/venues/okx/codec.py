"""OKX v5 SWAP frames and REST bodies to market events (reference: feeds 3, feed-quirks 24-30).

| shape | becomes |
|---|---|
| channel `trades`, and rows of `/api/v5/market/trades` | trade; `side` is the taker's; `sz` in contracts |
| channel `liquidation-orders`, and the REST body of that name | liquidation; `posSide`, or the order's `side` for `net` |
| channel `mark-price` | mark |
| channels `candle*` with `confirm` 1, and rows of `/api/v5/market/candles` | closed candle |
| `funding-rate` and `open-interest` by REST | funding, open interest (see `interest`) |
| `event` frames, text `pong` | nothing: the dialogue reads them |
| a SWAP that the table lacks | refused `unknown_instrument`: a contract's size is never guessed |
| spot, dated futures, options | refused `other_product` |
| `table` frames of the v3 protocol | refused `legacy` |
| any other channel (`books`, `tickers`, ...) | refused `unknown_message` |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import astuple

from teleglas.instrument_table import InstrumentTable
from teleglas.market import Completeness, Instrument, PositionSide, PriceKind, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.candle_rows import OKX_BARS, TIMEFRAMES, hand_over, rest_rows
from teleglas.venues.codec import Codec
from teleglas.venues.okx.frames import Envelope, Mark, Order, Orders, Trade, Trades
from teleglas.venues.okx.interest import ENDPOINTS as INTEREST
from teleglas.venues.okx.interest import OkxInterest
from teleglas.venues.rows import (
    DECODE_ERRORS,
    MAX_FRAME_BYTES,
    RowReader,
    Seen,
    explain,
    forced_order,
    too_large,
)

__all__ = ["OkxCodec"]

_fields: Final = astuple  # one call costs less than an attribute each
_TRADES_BEGIN: Final = b'{"arg":{"channel":"trades"'
_POSITIONS: Final = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
_ORDERS: Final = {"sell": PositionSide.LONG, "buy": PositionSide.SHORT}


_BARS: Final = {bar: TIMEFRAMES[name] for name, bar in OKX_BARS.items()}
_decode_trades: Final = msgspec.json.Decoder(Trades, strict=False).decode
_ENVELOPE: Final = msgspec.json.Decoder(Envelope, strict=False)
_TRADE_ROWS: Final[RowReader[Trade]] = RowReader(Trade)
_ORDERS_ROWS: Final[RowReader[Orders]] = RowReader(Orders)
_ORDER_ROWS: Final[RowReader[Order]] = RowReader(Order)
_MARK_ROWS: Final[RowReader[Mark]] = RowReader(Mark)


class OkxCodec(Codec):
    """Decodes frames of the public stream for SWAP contracts. Never raises."""

    venue = "okx"

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._table = InstrumentTable(self.venue, instruments)
        self._known = self._table.known
        self._interest = OkxInterest(self._find)

    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Take a refreshed table of contracts."""
        self._table.use(instruments)

    def decode(self, payload: bytes, sink: MarketSink) -> None:
        """Hand the events of one frame to `sink`; count what is skipped there too."""
        if len(payload) > MAX_FRAME_BYTES:
            too_large(payload, sink)
        elif payload.startswith(_TRADES_BEGIN):
            try:
                rows = _decode_trades(payload).data
            except DECODE_ERRORS:
                self._by_channel(payload, sink)
            else:
                self._trades(rows, sink)
        elif payload not in {b"pong", b"ping"}:
            self._by_channel(payload, sink)

    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Do what `decode` does for each frame."""
        for payload in payloads:
            self.decode(payload, sink)

    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over the rows of a REST body: `trades`, `candles`, `liquidation-orders`, `funding-rate`, `open-interest`.

        argument: the instId of `trades`, with the timeframe for `candles` (`BTC-USDT-SWAP:1m`), with
        the time of receipt for `funding-rate` (`BTC-USDT-SWAP@1790000000000`), else unused: rows name it. The
        venue lists the newest trades first; they are handed over in the order of their ids.
        """
        if too_large(payload, sink):
            return
        try:
            body = _ENVELOPE.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        if body.code not in {"", "0", 0} or not body.data:
            text = bytes(body.msg).decode(errors="replace")
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"code {body.code}: {text}"[:80])
        elif endpoint == "trades":
            rows = _TRADE_ROWS.read(body.data, sink)
            self._trades(sorted(rows, key=lambda row: row.tradeId), sink)
        elif endpoint == "candles":
            symbol, _, timeframe = argument.partition(":")
            self._candles(symbol, TIMEFRAMES.get(timeframe, 0), body.data, sink)
        elif endpoint == "liquidation-orders":
            self._liquidations(_ORDERS_ROWS.read(body.data, sink), sink)
        elif endpoint in INTEREST:
            self._interest.decode(endpoint, argument, body.data, sink)
        else:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"endpoint {endpoint} {argument}"[:80])

    def _trades(self, rows: list[Trade], sink: MarketSink) -> None:
        for row in rows:
            symbol, trade_id, price, quantity, side, event_ms = _fields(row)
            instrument = self._known.get(symbol)
            if instrument is None:
                _refuse_instrument(symbol, sink)
            else:
                sink.trade(instrument, trade_id, "", event_ms, side == "buy", price, quantity)

    def _by_channel(self, payload: bytes, sink: MarketSink) -> None:
        try:
            frame = _ENVELOPE.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        channel = frame.arg.channel if frame.arg is not None else ""
        if frame.event:
            return
        if frame.table:
            sink.refuse(Refusal.LEGACY, bytes(frame.table)[:60].decode(errors="replace"))
        elif channel == "trades":
            self._trades(_TRADE_ROWS.read(frame.data, sink), sink)
        elif channel == "liquidation-orders":
            self._liquidations(_ORDERS_ROWS.read(frame.data, sink), sink)
        elif channel.startswith("candle") and frame.arg is not None:
            self._candles(frame.arg.instId, _BARS.get(channel[6:], 0), frame.data, sink)
        elif channel == "mark-price":
            for row in _MARK_ROWS.read(frame.data, sink):
                instrument = self._find(row.instId, sink)
                if instrument is not None:
                    sink.mark(instrument, row.ts, row.markPx)
        else:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, channel[:60] or payload[:60].decode(errors="replace"))

    def _candles(self, symbol: str, length_ms: int, data: msgspec.Raw, sink: MarketSink) -> None:
        instrument = self._find(symbol, sink)
        if not length_ms:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"another timeframe of {symbol}"[:80])
        elif instrument is not None:
            closed = [row for row in rest_rows(data, sink) if str(row.confirm) == "1"]
            hand_over(closed, instrument, length_ms, sink)

    def _liquidations(self, groups: list[Orders], sink: MarketSink) -> None:
        seen: Seen = {}
        for group in groups:
            if group.instType != "SWAP":
                sink.refuse(Refusal.OTHER_PRODUCT, f"{group.instType} {group.instId}"[:80])
                continue
            instrument = self._find(group.instId, sink)
            if instrument is None:
                continue
            for order in _ORDER_ROWS.read(group.details, sink):
                _forced(instrument, order, seen, sink)

    def _find(self, symbol: str, sink: MarketSink) -> Instrument | None:
        instrument = self._known.get(symbol)
        if instrument is None:
            _refuse_instrument(symbol, sink)
        return instrument


def _forced(instrument: Instrument, order: Order, seen: Seen, sink: MarketSink) -> None:
    # `net` accounts hold one position per contract: there only the order tells its direction.
    side = _POSITIONS.get(order.posSide) or _ORDERS.get(order.side)
    if side is None or order.posSide not in {"long", "short", "net", ""}:
        sink.refuse(Refusal.BAD_SIDE, f"posSide {order.posSide}, side {order.side}"[:80])
        return
    forced_order(
        sink,
        instrument,
        seen,
        event_ms=order.ts,
        side=side,
        price=order.bkPx,
        quantity=order.sz,
        price_kind=PriceKind.BANKRUPTCY,
        completeness=Completeness.SAMPLED,
    )


def _refuse_instrument(symbol: str, sink: MarketSink) -> None:
    swap = symbol.endswith("-SWAP")
    sink.refuse(Refusal.UNKNOWN_INSTRUMENT if swap else Refusal.OTHER_PRODUCT, symbol[:40])
