"""What every codec does with a row: check it in C, name what is wrong with it, keep its neighbours.

Limits stand in the types of the fields, so that msgspec checks them while it decodes
(NaN, infinity, zero and negative numbers included) and a good row costs no Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from teleglas.errors import DECODE_ERRORS, BadFrame
from teleglas.market import Completeness, Instrument, Liquidation, PositionSide, PriceKind, Refusal
from teleglas.market_sink import MarketSink
from teleglas.money import cents, exact_decimal, quick_cents

__all__ = [
    "DECODE_ERRORS",
    "MAX_FRAME_BYTES",
    "MAX_PRICE",
    "Encoded",
    "Exact",
    "Millis",
    "Price",
    "Quantity",
    "RowId",
    "RowReader",
    "Seen",
    "explain",
    "forced_order",
    "quick_amount",
    "refuse_error",
    "too_large",
]

MAX_FRAME_BYTES: Final = 1 << 20
"""A frame above 1 MiB is refused before it is parsed; real ones are below 300 kB."""

MAX_PRICE: Final = 1e12
_DETAIL: Final = 100

Price = Annotated[float, Meta(gt=0.0, lt=MAX_PRICE)]
Quantity = Annotated[float, Meta(gt=0.0, lt=1e18)]
Millis = Annotated[int, Meta(gt=0, lt=10**14)]
"""Unix ms: a time in microseconds is refused here, one in seconds later as too old."""
RowId = Annotated[int, Meta(ge=0, lt=2**63 - 1)]
Exact = str | int | float
"""A number in the spelling of the venue, for exact decimal arithmetic."""

Encoded = Any
"""bytes or msgspec.Raw. Its stubs make Raw a kind of bytes, which it is not: compiled code would take their word for it."""

Seen = dict[tuple[str, int, PositionSide, float, int], int]
"""How often each content occurred in the current frame."""

Row = TypeVar("Row")
_NUMBER_ERRORS: Final = (
    "Number out of range",
    "Expected `float` ",  # a limit: "Expected `float` > 0.0"
    "Expected `int` ",
    "Expected `float`, got `str`",
    "Expected `int`, got `str`",
    "Expected `int`, got `float`",
)
_RAW_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def explain(error: Exception) -> tuple[Refusal, str]:
    """Return (reason, detail) of a decoding error.

    `malformed`: no JSON, or a field is missing; `bad_side`: an unknown word where a side
    stands; `bad_number`: text, NaN, zero, negative or absurd; else `bad_type`.
    """
    text = str(error)[:_DETAIL]
    if not isinstance(error, msgspec.ValidationError) or text.startswith("Object missing"):
        return Refusal.MALFORMED, text
    if text.startswith("Invalid enum value"):
        return Refusal.BAD_SIDE, text
    if text.startswith(_NUMBER_ERRORS):
        return Refusal.BAD_NUMBER, text
    return Refusal.BAD_TYPE, text


def refuse_error(sink: MarketSink, error: BadFrame) -> None:
    """Count a row by the reason that the error carries."""
    sink.refuse(Refusal(error.reason), str(error)[:_DETAIL])


def too_large(payload: bytes, sink: MarketSink) -> bool:
    """Return True, and count it, if a payload is above `MAX_FRAME_BYTES`."""
    if len(payload) <= MAX_FRAME_BYTES:
        return False
    sink.refuse(Refusal.OVERSIZED, f"{len(payload)} bytes")
    return True


class RowReader(Generic[Row]):
    """Reads a list of rows in one go, or one by one where the list holds a bad row."""

    def __init__(self, row: Any) -> None:
        self._list: msgspec.json.Decoder[list[Row]] = msgspec.json.Decoder(list[row], strict=False)
        self._one: msgspec.json.Decoder[Row] = msgspec.json.Decoder(row, strict=False)

    def read(self, rows: Encoded, sink: MarketSink) -> list[Row]:
        """Return the good rows of a list, or of a lone object; refuse the others by name."""
        try:
            return self._list.decode(rows)
        except DECODE_ERRORS:
            return list(self._salvage(rows, sink))

    def _salvage(self, rows: Encoded, sink: MarketSink) -> Iterator[Row]:
        try:
            raws = [rows] if bytes(memoryview(rows)[:1]) == b"{" else _RAW_ROWS.decode(rows)
        except DECODE_ERRORS as error:
            sink.refuse(*explain(error))
            return
        for raw in raws:
            try:
                yield self._one.decode(raw)
            except DECODE_ERRORS as error:
                sink.refuse(*explain(error))


def forced_order(
    sink: MarketSink,
    instrument: Instrument,
    seen: Seen | None,
    *,
    event_ms: int,
    side: PositionSide,
    price: Exact,
    quantity: Exact,
    price_kind: PriceKind,
    completeness: Completeness,
) -> None:
    """Hand over one liquidation with exact cents, or refuse it by name.

    side: of the POSITION. price and quantity: as the venue wrote them, in its own units.
    seen: counts equal rows of one frame (`Liquidation.occurrence`); None for a frame of one row.
    """
    amount = quick_amount(instrument, price, quantity) or _exact_amount(instrument, price, quantity, sink)
    if amount is None:
        return
    coin_price, usd_cents = amount
    if not 0.0 < coin_price < MAX_PRICE or usd_cents == 0:
        sink.refuse(Refusal.BAD_NUMBER, f"price {price}, quantity {quantity}"[:_DETAIL])
        return
    occurrence = 0
    if seen is not None:
        content = (instrument.symbol, event_ms, side, coin_price, usd_cents)
        occurrence = seen.get(content, 0)
        seen[content] = occurrence + 1
    sink.liquidation(
        Liquidation(
            instrument, event_ms, side, coin_price, usd_cents, price_kind, completeness, "", occurrence
        )
    )


def quick_amount(instrument: Instrument, price: Exact, quantity: Exact) -> tuple[float, int] | None:
    """Return (price of one coin, USD cents) where floats tell them exactly: of nearly every order."""
    if type(price) is not str or type(quantity) is not str:
        return None
    try:
        exact_price, amount = float(price), float(quantity) * instrument.factor
    except ValueError:
        return None
    usd_cents = quick_cents(amount if instrument.inverse else exact_price * amount)
    if not usd_cents or not 0.0 < exact_price < MAX_PRICE:
        return None
    return exact_price / instrument.scale, usd_cents


def _exact_amount(
    instrument: Instrument, price: Exact, quantity: Exact, sink: MarketSink
) -> tuple[float, int] | None:
    """Return (price of one coin, USD cents), or refuse the row and return None."""
    try:
        exact_price = exact_decimal(price)
        usd_cents = cents(instrument.usd(exact_price, exact_decimal(quantity)))
    except BadFrame as error:
        refuse_error(sink, error)
        return None
    except ArithmeticError:
        sink.refuse(Refusal.ABSURD_AMOUNT, f"{price} x {quantity}"[:_DETAIL])
        return None
    return float(exact_price) / instrument.scale, usd_cents
