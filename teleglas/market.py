"""The words of the market: sides, instruments and events, with their units.

Every adapter converts to these at its edge, so that nobody inside ever meets a venue's
own side codes, contract sizes or time units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

import msgspec

__all__ = [
    "Candle",
    "Completeness",
    "Instrument",
    "Liquidation",
    "PositionSide",
    "PriceKind",
    "Refusal",
    "TakerSide",
]


class PositionSide(StrEnum):
    """The side of a POSITION. A liquidated long is a forced sell, a liquidated short a forced buy."""

    LONG = "long"
    SHORT = "short"


class TakerSide(StrEnum):
    """The side of the order that took liquidity."""

    BUY = "buy"
    SELL = "sell"


class PriceKind(StrEnum):
    """What a liquidation's price is: an average fill, the bankruptcy price, the order's limit, or a mark."""

    FILL = "fill"
    BANKRUPTCY = "bankruptcy"
    ORDER = "order"
    MARK = "mark"


class Completeness(StrEnum):
    """Whether a feed delivers every liquidation or a sample, so that its sums are lower bounds."""

    ALL = "all"
    SAMPLED = "sampled"


class Refusal(StrEnum):
    """Why a frame or a row was skipped. The same word goes to the log, the counters and the summary."""

    MALFORMED = "malformed"
    BAD_TYPE = "bad_type"
    BAD_NUMBER = "bad_number"
    BAD_SIDE = "bad_side"
    ABSURD_AMOUNT = "absurd_amount"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNKNOWN_MESSAGE = "unknown_message"
    OTHER_PRODUCT = "other_product"
    LEGACY = "legacy"
    TESTNET = "testnet"
    OVERSIZED = "oversized"
    UNKNOWN_INTERVAL = "unknown_interval"
    UNKNOWN_PRICE = "unknown_price"
    DUPLICATE = "duplicate"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """A venue's contract on an asset.

    venue: lower-case name as printed to users (`binance`, `bybit`, `okx`, ...).
    symbol: the venue's own spelling (`BTCUSDT`, `BTC-USDT-SWAP`, `1000PEPEUSDT`).
    asset: the coin after aliases (`BTC`, `PEPE`).
    inverse: False: USD = price * quantity * multiplier; True: USD = quantity * multiplier.
    multiplier: base coins (linear) or USD (inverse) per unit of the venue's quantity;
        1 where the venue counts in base coins.
    factor: the multiplier as a float, for the rows that only add up.
    scale: coins per priced unit: 1000 for `1000PEPEUSDT` and `kPEPE`, so that
        price / scale is the price of one coin on every venue.

    Compared and hashed by identity: there is one object for each contract of a session.
    """

    venue: str
    symbol: str
    asset: str
    inverse: bool = False
    multiplier: Decimal = Decimal(1)
    scale: int = 1
    factor: float = field(init=False)

    def __post_init__(self) -> None:
        """Keep the multiplier as a float too: making one of a Decimal takes a fifth of a microsecond."""
        object.__setattr__(self, "factor", float(self.multiplier))

    def usd(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return the exact USD notional of a filled quantity in the venue's own unit."""
        if self.inverse:
            return quantity * self.multiplier
        return price * quantity * self.multiplier


class Liquidation(msgspec.Struct, frozen=True, gc=False):
    """One forced order, as one row of a venue told it.

    event_id: the venue's id, else empty: then the engine knows it again by its content.
    occurrence: how many rows of the same content stood before it in the same frame;
        identical rows in one frame are real, the same row in a later frame is a repeat.
    event_ms: the venue's time, Unix ms UTC.
    side: the side of the POSITION that was closed by force.
    price: of one coin, in USD (already divided by the instrument's scale); 0.0 where the
        source tells amounts only.
    usd_cents: notional, from the filled quantity where the venue gives it.
    """

    instrument: Instrument
    event_ms: int
    side: PositionSide
    price: float
    usd_cents: int
    price_kind: PriceKind
    completeness: Completeness
    event_id: str = ""
    occurrence: int = 0


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One closed candle of one symbol.

    open_ms: when it opened, the venue's time; it closed at open_ms + timeframe_ms. Prices
    are of one priced unit, as the venue's own chart shows them; volume is in the venue's
    unit, which must be the same throughout a series.
    """

    open_ms: int
    timeframe_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def close_ms(self) -> int:
        """When it closed: nothing of it is known before."""
        return self.open_ms + self.timeframe_ms
