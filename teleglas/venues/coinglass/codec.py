"""CoinGlass v4 frames and REST bodies to market events (reference: coinglass 3.5 and 4).

| shape | becomes |
|---|---|
| `liquidationOrders` and `liquidation_orders`, camelCase or snake_case | liquidation; side 1 = long, 2 = short |
| `futures_trades@...` | trade; side 1 = the taker SOLD, 2 = BOUGHT |
| REST `liquidation/order` | liquidation, once the meaning of its side was calibrated; else refused `bad_side` |
| REST `liquidation/exchange-list` | liquidation: growth of the totals (`ExchangeListDelta`) |
| REST `funding-rate/exchange-list`, `open-interest/exchange-list` | funding, open interest (see `interest`) |
| text `ping` and `pong`, frames without a channel that answer something | nothing: the dialogue reads them |
| `spot_trades@...` | refused `other_product` |
| any other channel | refused `unknown_message` |

Amounts are in USD, so the quantity of a trade IS its USD amount (see `instruments`). Trades
carry no id: their number is the time, and price, amount and side tell rows of one
millisecond apart; two equal orders within one millisecond are therefore taken for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from teleglas.errors import BadFrame
from teleglas.instrument_table import InstrumentTable
from teleglas.market import Completeness, Instrument, PositionSide, PriceKind, Refusal
from teleglas.market_sink import MarketSink
from teleglas.money import exact_decimal
from teleglas.venues.codec import Codec
from teleglas.venues.coinglass.delta import ExchangeListDelta
from teleglas.venues.coinglass.instruments import build_instrument, key_of, venue_of
from teleglas.venues.coinglass.interest import ENDPOINTS as INTEREST
from teleglas.venues.coinglass.interest import CoinglassInterest
from teleglas.venues.rows import (
    DECODE_ERRORS,
    MAX_PRICE,
    Exact,
    Millis,
    RowReader,
    Seen,
    explain,
    forced_order,
    refuse_error,
    too_large,
)

__all__ = ["CoinGlassCodec"]

_LIQUIDATIONS = frozenset({"liquidationOrders", "liquidation_orders"})
_STREAM_SIDES = {1: PositionSide.LONG, 2: PositionSide.SHORT}
_CALIBRATED = {
    "calibrated:1=long": {1: PositionSide.LONG, 2: PositionSide.SHORT},
    "calibrated:1=short": {1: PositionSide.SHORT, 2: PositionSide.LONG},
}
_TAKER_BOUGHT = {1: False, 2: True}
_MAX_USD = 1e12
_ROOM = 20_000
"""Contracts of all exchanges together: without a table every one of them is built from a row."""


class _Row(msgspec.Struct, gc=False):
    """One row in either spelling; `exchange_name` and `usd_value` are the REST names."""

    price: Exact
    side: int | str
    symbol: str
    time: Millis
    baseAsset: str = ""  # noqa: N815  # the venue's name
    base_asset: str = ""
    exName: str = ""  # noqa: N815  # the venue's name
    exchange: str = ""
    exchange_name: str = ""
    volUsd: Exact = 0  # noqa: N815  # the venue's name
    volume_usd: Exact = 0
    usd_value: Exact = 0

    def usd(self) -> Exact:
        return self.volUsd or self.volume_usd or self.usd_value


_ABSENT = msgspec.Raw()


class _Envelope(msgspec.Struct, gc=False):
    channel: str = ""
    data: msgspec.Raw = _ABSENT
    code: msgspec.Raw = _ABSENT
    msg: msgspec.Raw = _ABSENT
    event: msgspec.Raw = _ABSENT
    method: msgspec.Raw = _ABSENT
    success: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT

    def is_answer(self) -> bool:
        return bool(self.code or self.event or self.method or self.success or self.error)


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ROWS: RowReader[_Row] = RowReader(_Row)


class CoinGlassCodec(Codec):
    """Decodes CoinGlass' stream and its REST substitutes for several venues at once. Never raises."""

    venue = "coinglass"

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._table = InstrumentTable(self.venue, instruments, room=_ROOM)
        self._known = self._table.known
        self._delta = ExchangeListDelta()
        self._interest = CoinglassInterest()

    def use(self, instruments: Mapping[str, Instrument]) -> None:
        """Take a refreshed table of contracts, keyed `venue:symbol`."""
        self._table.use(instruments)

    def decode(self, payload: bytes, sink: MarketSink) -> None:
        """Hand the events of one frame to `sink`; count what is skipped there too."""
        if too_large(payload, sink) or payload in {b"pong", b"ping"}:
            return
        try:
            frame = _ENVELOPE.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        channel = frame.channel
        if channel in _LIQUIDATIONS:
            self._liquidations(_ROWS.read(frame.data, sink), _STREAM_SIDES, sink)
        elif channel.startswith("futures_trades@"):
            for row in _ROWS.read(frame.data, sink):
                self._trade(row, sink)
        elif channel.startswith("spot_"):
            sink.refuse(Refusal.OTHER_PRODUCT, channel[:60])
        elif channel or not frame.is_answer():
            sink.refuse(Refusal.UNKNOWN_MESSAGE, channel[:60] or payload[:60].decode(errors="replace"))

    def decode_many(self, payloads: Sequence[bytes], sink: MarketSink) -> None:
        """Do what `decode` does for each frame."""
        for payload in payloads:
            self.decode(payload, sink)

    def decode_body(self, endpoint: str, argument: str, payload: bytes, sink: MarketSink) -> None:
        """Hand over the rows of a REST body.

        `liquidation/order`: argument `calibrated:1=long` or `calibrated:1=short`, the
        measured meaning of side 1. `liquidation/exchange-list`: argument `BTC@<received
        ms>`, the coin of a 1h body and when it came; so for `open-interest/exchange-list`, and
        without the coin for `funding-rate/exchange-list`.
        """
        if too_large(payload, sink):
            return
        if endpoint in INTEREST:
            self._interest.decode(endpoint, argument, payload, sink)
        elif endpoint == "liquidation/order":
            self._orders(argument, payload, sink)
        elif endpoint == "liquidation/exchange-list":
            coin, _, received = argument.rpartition("@")
            if coin and received.isascii() and received.isdigit():
                self._delta.take(payload, coin, int(received), sink)
            else:
                sink.refuse(Refusal.MALFORMED, f"argument {argument}"[:80])
        else:
            sink.refuse(Refusal.UNKNOWN_MESSAGE, f"endpoint {endpoint}"[:80])

    def _orders(self, argument: str, payload: bytes, sink: MarketSink) -> None:
        try:
            body = _ENVELOPE.decode(payload)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        if bytes(body.code) not in {b'"0"', b"0", b""} or not body.data:
            detail = bytes(body.code) + b" " + bytes(body.msg)
            sink.refuse(Refusal.UNKNOWN_MESSAGE, detail[:80].decode(errors="replace"))
            return
        rows = _ROWS.read(body.data, sink)
        sides = _CALIBRATED.get(argument)
        if sides is not None:
            self._liquidations(rows, sides, sink)
            return
        for _ in rows:
            sink.refuse(Refusal.BAD_SIDE, "direction not calibrated")

    def _liquidations(self, rows: list[_Row], sides: Mapping[int, PositionSide], sink: MarketSink) -> None:
        seen: Seen = {}
        for row in rows:
            instrument = self._instrument(row, sink)
            if instrument is None:
                continue
            side = sides.get(_code(row.side))
            if side is None:
                sink.refuse(Refusal.BAD_SIDE, f"side {row.side}"[:60])
                continue
            forced_order(
                sink,
                instrument,
                seen,
                event_ms=row.time,
                side=side,
                price=row.price,
                quantity=row.usd(),
                price_kind=PriceKind.ORDER,
                completeness=Completeness.SAMPLED,
            )

    def _trade(self, row: _Row, sink: MarketSink) -> None:
        instrument = self._instrument(row, sink)
        if instrument is None:
            return
        bought = _TAKER_BOUGHT.get(_code(row.side))
        if bought is None:
            sink.refuse(Refusal.BAD_SIDE, f"side {row.side}"[:60])
            return
        try:
            price, usd = float(exact_decimal(row.price)), float(exact_decimal(row.usd()))
        except BadFrame as error:
            refuse_error(sink, error)
            return
        if 0.0 < price < MAX_PRICE and 0.0 < usd < _MAX_USD:
            tag = f"{row.price}:{row.usd()}:{row.side}"
            sink.trade(instrument, row.time, tag, row.time, bought, price, usd)
        else:
            sink.refuse(Refusal.BAD_NUMBER, f"price {row.price}, USD {row.usd()}"[:80])

    def _instrument(self, row: _Row, sink: MarketSink) -> Instrument | None:
        try:
            venue = venue_of(row.exName or row.exchange or row.exchange_name)
            key = key_of(venue, row.symbol)
            known = self._known.get(key)
            if known is not None:
                return known
            built = build_instrument(venue, row.symbol, row.baseAsset or row.base_asset)
            return self._table.add(key, built)
        except BadFrame as error:
            refuse_error(sink, error)
            return None


def _code(side: int | str) -> int:
    """Return a side's number; 0, which is no side, for anything else."""
    if isinstance(side, int):
        return side
    return int(side) if side in {"1", "2"} else 0
