"""Bybit v5 linear frames and REST bodies to market events (reference: feeds 2, feed-quirks 16-23).

| shape | becomes |
|---|---|
| `publicTrade.*`, and rows of `/v5/market/recent-trade` | trade; `S` is the taker's side; `seq` numbers, `i` tells rows of one `seq` apart |
| a row with `BT` true | refused `other_product`: a block trade was negotiated, it is no flow |
| `allLiquidation.*` | liquidation; `S` names the liquidated POSITION: `Buy` is a long (the opposite of Binance) |
| `tickers.*` | mark, where `markPrice` is given: a delta leaves out what did not change |
| `kline.*` with `confirm` true, and rows of `/v5/market/kline` | closed candle |
| `/v5/market/tickers` by REST | funding, open interest (see `interest`) |
| answers to `subscribe` and `ping` | nothing: the dialogue reads them |
| inverse symbols (`BTCUSD`, `BTCUSDZ26`) | refused `other_product` |
| topics of the protocol before v5, `liquidation.*` | refused `legacy` |
| any other topic (`orderbook`) | refused `unknown_message` |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import astuple

from teleglas.errors import BadFrame
from teleglas.instrument_table import InstrumentTable
from teleglas.market import Completeness, Instrument, PositionSide, PriceKind, Refusal
from teleglas.market_sink import MarketSink
from teleglas.venues.bybit.frames import (
    Candle,
    Envelope,
    Liquidation,
    RestBody,
    RestTrade,
    Ticker,
    Trade,
    Trades,
)
from teleglas.venues.bybit.instruments import INVERSE, LINEAR
from teleglas.venues.bybit.interest import ENDPOINTS as INTEREST
from teleglas.venues.bybit.interest import BybitInterest
from teleglas.venues.candle_rows import BYBIT_INTERVALS, TIMEFRAMES, hand_over, rest_rows
from teleglas.venues.codec import Codec
from teleglas.venues.rows import (
    DECODE_ERRORS,
    MAX_FRAME_BYTES,
    Millis,
    Price,
    RowReader,
    Seen,
    explain,
    forced_order,
    refuse_error,
    too_large,
)

__all__ = ["BybitCodec"]

_fields: Final = astuple  # one call costs less than an attribute each
_TRADES_BEGIN: Final = b'{"topic":"publicTrade.'
_LEGACY: Final = (
    "liquidation.", "trade.", "instrument_info.", "orderBookL2", "orderBook_", "klineV2.", "candle.",
)  # fmt: skip
_SIDES: Final = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT}


_TIMEFRAMES: Final = {interval: TIMEFRAMES[name] for name, interval in BYBIT_INTERVALS.items()}


_decode_trades: Final = msgspec.json.Decoder(Trades, strict=False).decode
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_MILLIS: Final[msgspec.json.Decoder[int]] = msgspec.json.Decoder(Millis, strict=False)
_REST_BODY: Final = msgspec.json.Decoder(RestBody)
_TRADE_ROWS: Final[RowReader[Trade]] = RowReader(Trade)
_REST_ROWS: Final[RowReader[RestTrade]] = RowReader(RestTrade)
_LIQUIDATION_ROWS: Final[RowReader[Liquidation]] = RowReader(Liquidation)
_TICKER_ROWS: Final[RowReader[Ticker]] = RowReader(Ticker)
_CANDLE_ROWS: Final[RowReader[Candle]] = RowReader(Candle)


class BybitCodec(Codec):
    """Decodes frames of the public linear stream. Never raises."""

    venue = "bybit"

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._table = InstrumentTable(self.venue, instruments)
        self._known = self._table.known
        self._interest = BybitInterest(self._find)

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
                self._by_topic(payload, sink)
            else:
                self._trades(rows, sink)
        else:
            self._by_topic(payload, sink)

    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Do what `decode` does for each frame."""
        for payload in payloads:
            self.decode(payload, sink)

    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over the rows of a REST body: endpoint `recent-trade`, argument the symbol.

        Or endpoint `kline`, argument symbol and timeframe (`BTCUSDT:1m`); or `tickers`, without argument.

        The venue lists the newest first; rows are handed over in the order of `seq`. Rows of
        another symbol than the argument are refused.
        """
        if too_large(payload, sink):
            return
        if endpoint in INTEREST:
            self._interest.decode(payload, sink)
            return
        if endpoint not in {"recent-trade", "kline"}:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"endpoint {endpoint}"[:80])
            return
        try:
            body = _REST_BODY.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        if body.result is None or not body.result.rows:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"code {body.retCode}: {body.retMsg}"[:80])
            return
        if endpoint == "kline":
            self._rest_candles(argument, body.result.rows, sink)
            return
        rows = [
            Trade(row.time, row.symbol, row.side, row.size, row.price, row.execId, row.seq, row.isBlockTrade)
            for row in reversed(_REST_ROWS.read(body.result.rows, sink))
        ]
        others = [row.s for row in rows if argument not in {"", row.s}]
        for symbol in others:
            sink.refuse(Refusal.OTHER_PRODUCT, f"asked for {argument[:40]}, got {symbol[:40]}")
        self._trades(sorted((row for row in rows if argument in {"", row.s}), key=_order), sink)

    def _trades(self, rows: list[Trade], sink: MarketSink) -> None:
        for row in rows:
            event_ms, symbol, side, quantity, price, tag, number, is_block = _fields(row)
            instrument = self._known.get(symbol) or self._listed(symbol, sink)
            if instrument is None:
                continue
            if is_block:
                sink.refuse(Refusal.OTHER_PRODUCT, "block trade")
                continue
            sink.trade(instrument, number or event_ms, tag, event_ms, side == "Buy", price, quantity)

    def _by_topic(self, payload: bytes, sink: MarketSink) -> None:
        try:
            frame = _ENVELOPE.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        topic = frame.topic
        if topic.startswith("publicTrade."):
            self._trades(_TRADE_ROWS.read(frame.data, sink), sink)
        elif topic.startswith("allLiquidation."):
            self._liquidations(_LIQUIDATION_ROWS.read(frame.data, sink), sink)
        elif topic.startswith("kline."):
            self._candles(topic, frame.data, sink)
        elif topic.startswith("tickers."):
            for row in _TICKER_ROWS.read(frame.data, sink):
                if row.markPrice:
                    self._mark(row, frame.ts, sink)
        elif topic.startswith(_LEGACY) or frame.request or frame.ret_code:
            sink.refuse(Refusal.LEGACY, topic[:60] or "answer before v5")
        elif topic or not (frame.op or frame.success):
            sink.refuse(Refusal.UNKNOWN_MESSAGE, topic[:60] or payload[:60].decode(errors="replace"))

    def _candles(self, topic: str, data: msgspec.Raw, sink: MarketSink) -> None:
        symbol = topic.rpartition(".")[2]
        instrument = self._known.get(symbol) or self._listed(symbol, sink)
        for row in _CANDLE_ROWS.read(data, sink) if instrument is not None else ():
            if instrument is not None and row.confirm and row.interval in _TIMEFRAMES:
                hand_over((row,), instrument, _TIMEFRAMES[row.interval], sink)

    def _rest_candles(self, argument: str, rows: msgspec.Raw, sink: MarketSink) -> None:
        symbol, _, timeframe = argument.partition(":")
        instrument = self._known.get(symbol) or self._listed(symbol, sink)
        if timeframe not in TIMEFRAMES:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"timeframe {timeframe}"[:80])
        elif instrument is not None:
            hand_over(rest_rows(rows, sink)[:-1], instrument, TIMEFRAMES[timeframe], sink)

    def _liquidations(self, rows: list[Liquidation], sink: MarketSink) -> None:
        seen: Seen = {}
        for row in rows:
            instrument = self._known.get(row.s) or self._listed(row.s, sink)
            if instrument is not None:
                forced_order(
                    sink,
                    instrument,
                    seen,
                    event_ms=row.T,
                    side=_SIDES[row.S],
                    price=row.p,
                    quantity=row.v,
                    price_kind=PriceKind.BANKRUPTCY,
                    completeness=Completeness.ALL,
                )

    def _mark(self, row: Ticker, pushed: msgspec.Raw, sink: MarketSink) -> None:
        instrument = self._known.get(row.symbol) or self._listed(row.symbol, sink)
        if instrument is None:
            return
        try:
            event_ms = _MILLIS.decode(pushed)
            price = msgspec.convert(row.markPrice, Price, strict=False)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
        else:
            sink.mark(instrument, event_ms, price)

    def _find(self, symbol: str, sink: MarketSink) -> Instrument | None:
        return self._known.get(symbol) or self._listed(symbol, sink)

    def _listed(self, symbol: str, sink: MarketSink) -> Instrument | None:
        """Return a contract that was listed after the table was read, if the name says linear."""
        if LINEAR.fullmatch(symbol):
            try:
                return self._table.learn(symbol)
            except BadFrame as error:
                refuse_error(sink, error)
                return None
        reason = Refusal.OTHER_PRODUCT if INVERSE.fullmatch(symbol) else Refusal.UNKNOWN_SYMBOL
        sink.refuse(reason, symbol[:40])
        return None


def _order(row: Trade) -> tuple[int, int]:
    return row.seq or row.T, row.T
