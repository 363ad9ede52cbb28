"""Funding and open interest as the venues' REST tells them: what all of their readers share.

| venue | funding | open interest |
|---|---|---|
| Binance | `premiumIndex`, its interval from `fundingInfo` | `openInterest`, base coins of one side, at the mark price |
| Bybit | `tickers` | `tickers`: one side's USD, else half of both sides' |
| OKX | `funding-rate`; the interval is that of its next two settlements | `open-interest`: USD, else contracts |
| Hyperliquid | `metaAndAssetCtxs`, hourly | the same: coins at the mark price |
| CoinGlass | `funding-rate/exchange-list`, in PERCENT | `open-interest/exchange-list`, as each exchange counts |

A journalled body holds the rows of the watched contracts only, each as the venue wrote it
(`keep`), so that what is judged does not depend on what else a venue lists.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from teleglas.errors import BadFrame
from teleglas.market import Instrument, Refusal
from teleglas.market_sink import MarketSink
from teleglas.money import cents
from teleglas.venues.rows import DECODE_ERRORS, Exact, refuse_error

__all__ = [
    "Hours",
    "Rate",
    "as_hours",
    "as_rate",
    "at_least_zero",
    "hand_over_interest",
    "keep",
    "received_ms",
]

Rate = Annotated[float, Meta(gt=-1.0, lt=1.0)]
"""A fraction per interval."""

Hours = Annotated[float, Meta(gt=0.0, le=24.0)]

_DETAIL: Final = 100
_RAWS: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def keep(
    rows: bytes | msgspec.Raw, name_of: Callable[[msgspec.Raw], str], names: frozenset[str]
) -> list[msgspec.Raw]:
    """Return the rows of a list whose name is wanted, each as it came.

    Raises msgspec.MsgspecError for anything but a list of rows with names.
    """
    return [row for row in _RAWS.decode(rows) if name_of(row) in names]


def at_least_zero(value: Exact) -> Decimal:
    """Return an amount exactly as the venue wrote it. Raises BadFrame(`bad_number`) for no number, or a negative one."""
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise BadFrame(Refusal.BAD_NUMBER, repr(value)[:40]) from error
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise BadFrame(Refusal.BAD_NUMBER, repr(value)[:40])
    return number


def as_rate(value: Exact, symbol: str, sink: MarketSink, *, percent: bool = False) -> float | None:
    """Return a rate as a fraction; refuse and return None for what is none. percent: it was written so."""
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return msgspec.convert(float(number / 100 if percent else number), Rate)
    except (*DECODE_ERRORS, InvalidOperation, TypeError):
        sink.refuse(Refusal.BAD_NUMBER, f"{symbol[:40]}: funding rate {value!r}"[:_DETAIL])
        return None


def as_hours(value: object, symbol: str, sink: MarketSink) -> float | None:
    """Return a funding interval; refuse and return None where it was not told: it is never guessed."""
    try:
        return msgspec.convert(value, Hours, strict=False)
    except DECODE_ERRORS:
        sink.refuse(Refusal.UNKNOWN_INTERVAL, f"{symbol[:40]}: funding interval {value!r}"[:_DETAIL])
        return None


def hand_over_interest(
    sink: MarketSink, instrument: Instrument, event_ms: int, quantity: Exact, price: Exact = 1
) -> None:
    """Give an open interest to the sink: quantity x price in USD, half-up to cents; refuse it by name if it is none."""
    try:
        usd_cents = cents(at_least_zero(quantity) * at_least_zero(price))
    except BadFrame as error:
        refuse_error(sink, error)
    except ArithmeticError:
        sink.refuse(Refusal.ABSURD_AMOUNT, f"{quantity} x {price}"[:_DETAIL])
    else:
        sink.open_interest(instrument, event_ms, usd_cents)


def received_ms(argument: str, sink: MarketSink) -> tuple[str, int] | None:
    """Return what stands before the `@` of an argument and the time behind it, for bodies that carry none."""
    subject, _, received = argument.rpartition("@")
    if received.isascii() and received.isdigit() and len(received) <= 14:
        return subject, int(received)
    sink.refuse(Refusal.MALFORMED, f"argument {argument}"[:_DETAIL])
    return None
