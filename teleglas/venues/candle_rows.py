"""Candles as all three venues write them: rows of (open, high, low, close, volume) after a time.

| venue | stream | closed | REST |
|---|---|---|---|
| Binance | `<symbol>@kline_1m`, `k` | `x` true | `/fapi/v1/klines`, oldest first |
| Bybit | `kline.1.<symbol>` | `confirm` true | `/v5/market/kline`, newest first |
| OKX | `candle1m`, on `/ws/v5/business` | last column `1` | `/api/v5/market/candles`, newest first |

Only closed candles are handed over. A REST body of Binance or Bybit does not say which row
is open: it is the newest one, so that row is always left out, and nobody's clock is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from teleglas.market import Candle, Instrument
from teleglas.market_sink import MarketSink
from teleglas.venues.rows import DECODE_ERRORS, Millis, Price, RowReader

__all__ = [
    "BYBIT_INTERVALS",
    "OKX_BARS",
    "TIMEFRAMES",
    "CandleRow",
    "Volume",
    "hand_over",
    "open_times",
    "rest_rows",
]

TIMEFRAMES: Final = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000, "4h": 14_400_000,
}  # fmt: skip
"""Names and lengths in ms of what every venue offers, as Binance spells them."""

BYBIT_INTERVALS: Final = {"1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "4h": "240"}
OKX_BARS: Final = {
    "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "4h": "4H",
}  # fmt: skip

Volume = Annotated[float, Meta(ge=0.0, lt=1e18)]


class CandleRow(msgspec.Struct, array_like=True, gc=False):
    """One row of an array. further: the venue's other columns; OKX's last one is `confirm`."""

    t: Millis
    o: Price
    h: Price
    l: Price  # noqa: E741 - the venue's letter
    c: Price
    v: Volume
    volume_in_coins: msgspec.Raw = msgspec.Raw()
    volume_in_quote: msgspec.Raw = msgspec.Raw()
    confirm: str | int = ""


class _Columns(Protocol):
    t: int
    o: float
    h: float
    l: float  # noqa: E741 - as above
    c: float
    v: float


class _Time(msgspec.Struct, array_like=True, gc=False):
    t: Millis


class _List(msgspec.Struct):
    rows: list[_Time] = msgspec.field(default_factory=list, name="list")


class _Body(msgspec.Struct):
    result: _List | None = None
    data: list[_Time] | None = None


_ROWS: RowReader[CandleRow] = RowReader(CandleRow)
_TIMES = msgspec.json.Decoder(list[_Time], strict=False)
_BODY = msgspec.json.Decoder(_Body, strict=False)


def rest_rows(rows: bytes | msgspec.Raw, sink: MarketSink) -> list[CandleRow]:
    """Return the rows of a REST list, ascending; refuse bad ones by name."""
    return sorted(_ROWS.read(rows, sink), key=lambda row: row.t)


def hand_over(rows: Iterable[_Columns], instrument: Instrument, length_ms: int, sink: MarketSink) -> None:
    """Give closed candles to the sink."""
    for row in rows:
        sink.candle(instrument, Candle(row.t, length_ms, row.o, row.h, row.l, row.c, row.v))


def open_times(body: bytes) -> list[int]:
    """Return the opening times in a REST body of any of the venues, ascending; empty if it has none.

    Raises msgspec.MsgspecError for anything else.
    """
    try:
        rows = _TIMES.decode(body)
    except DECODE_ERRORS:
        found = _BODY.decode(body)
        rows = found.data or (found.result.rows if found.result else [])
    return sorted(row.t for row in rows)
