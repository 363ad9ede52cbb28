"""What a chart shows, as plain values: complete, picklable, and without matplotlib."""

from __future__ import annotations

import msgspec

__all__ = [
    "AnyPicture",
    "BarRow",
    "CandlePicture",
    "Clock",
    "Curve",
    "HeatPicture",
    "Level",
    "LinePicture",
    "MarketPicture",
    "MarketRow",
    "OverviewPicture",
    "Picture",
    "RateRow",
    "RatesPicture",
    "RowsPicture",
    "Tile",
]


class Level(msgspec.Struct, frozen=True):
    """A price that is marked. tone: 1 the target's colour, -1 the stop's, 0 neither."""

    name: str
    price: float
    tone: int


class Clock(msgspec.Struct, frozen=True):
    """The zone that the time axis is told in: how far it is ahead of UTC, and its name, which stands beside."""

    ahead_ms: int = 0
    name: str = "UTC"


class Picture(msgspec.Struct, frozen=True, tag="bars"):
    """Everything that one square chart draws; times are Unix ms UTC, amounts cents, prices USD of one coin.

    title, subtitle, sources, footer: finished text. price: rows (open_ms, low, high, close) of
    `bucket_ms` each, ascending, without rows where nothing traded. bars: rows (open_ms,
    up_cents, down_cents). up, down: what the bars above and below zero are (`shorts`,
    `longs` or `buys`, `sells`). from_ms..to_ms: the span of the time axis.
    shade_from_ms..shade_to_ms: the window that fired. callout: said beside the shaded
    bars, above zero if `callout_up`. simulated: marks the picture as not of a real market.
    levels: prices that are marked. zone: a range of prices (low, high) that is shaded. sampled: the bars are
    lower bounds, so that their totals are cut off instead of rounded.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    from_ms: int
    to_ms: int
    bucket_ms: int
    price: tuple[tuple[int, float, float, float], ...]
    bars: tuple[tuple[int, int, int], ...]
    up: str
    down: str
    shade_from_ms: int
    shade_to_ms: int
    callout: str
    callout_up: bool
    simulated: bool = False
    levels: tuple[Level, ...] = ()
    zone: tuple[float, float] | None = None
    clock: Clock = Clock()
    sampled: bool = True


class LinePicture(msgspec.Struct, frozen=True, tag="lines"):
    """A price above, and below it a figure that goes with it; times are Unix ms UTC.

    price: points (ms, price), empty if it is not known. figure: points (ms, value), USD or
    percent as `unit` says (`usd`, `percent`). as_bars: drawn from zero, two colours.
    name: what the figure is. latest: its last value as finished text.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    from_ms: int
    to_ms: int
    price: tuple[tuple[int, float], ...]
    figure: tuple[tuple[int, float], ...]
    unit: str
    name: str
    latest: str
    as_bars: bool = False
    simulated: bool = False
    clock: Clock = Clock()


class HeatPicture(msgspec.Struct, frozen=True, tag="heat"):
    """USD over time and price. columns: Unix ms of their beginnings, ascending; rows: prices, ascending.

    cells: (column, row, USD). price: points (ms, price) drawn over it. low, high: finished
    texts of the scale's ends. marks: (price, finished text), the most important first; as
    many are written as have room.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    columns: tuple[int, ...]
    to_ms: int
    rows: tuple[float, ...]
    cells: tuple[tuple[int, int, float], ...]
    price: tuple[tuple[int, float], ...]
    low: str
    high: str
    marks: tuple[tuple[float, str], ...] = ()
    simulated: bool = False
    clock: Clock = Clock()


class Tile(msgspec.Struct, frozen=True):
    """One figure of an overview. tone: 1 good for the price, -1 bad, 0 neither."""

    label: str
    value: str
    tone: int = 0


class OverviewPicture(msgspec.Struct, frozen=True, tag="overview"):
    """A price line and up to eight tiles below it; price as `LinePicture`."""

    title: str
    subtitle: str
    sources: str
    footer: str
    from_ms: int
    to_ms: int
    price: tuple[tuple[int, float], ...]
    tiles: tuple[Tile, ...]
    simulated: bool = False
    clock: Clock = Clock()


class Curve(msgspec.Struct, frozen=True):
    """A mean over candles, one value for each; None where it is not known."""

    name: str
    values: tuple[float | None, ...]


class CandlePicture(msgspec.Struct, frozen=True, tag="candles"):
    """Candles with means over them, volume below, and the levels of the last candle.

    candles: rows (open_ms, open, high, low, close, volume) of `bucket_ms` each, ascending,
    at least one; the last one is what fired. Prices are of one priced unit of the symbol.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    bucket_ms: int
    candles: tuple[tuple[int, float, float, float, float, float], ...]
    curves: tuple[Curve, ...]
    levels: tuple[Level, ...]
    simulated: bool = False
    clock: Clock = Clock()


class MarketRow(msgspec.Struct, frozen=True):
    """One asset among those with the most; value: finished text of both sides together."""

    label: str
    value: str
    up_cents: int
    down_cents: int


class MarketPicture(msgspec.Struct, frozen=True, tag="market"):
    """What was liquidated in the market over a span, by time and by asset; amounts cents, times Unix ms UTC.

    bars: rows (open_ms, up_cents, down_cents) of `bucket_ms` each, ascending. up, down: what
    stands above and below zero, finished text with its sum. gaps: (from, to) in which nothing was
    recorded, said as `gap`. ticks: (ms, label) of the time axis, in the reader's zone, whose name
    `zone` stands beside it. The bucket
    at shade_ms is marked and said as `callout`; None marks none. heading: of the rows.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    from_ms: int
    to_ms: int
    bucket_ms: int
    bars: tuple[tuple[int, int, int], ...]
    up: str
    down: str
    gaps: tuple[tuple[int, int], ...]
    gap: str
    ticks: tuple[tuple[int, str], ...]
    shade_ms: int | None
    callout: str
    heading: str
    rows: tuple[MarketRow, ...]
    simulated: bool = False
    zone: str = ""


class BarRow(msgspec.Struct, frozen=True):
    """One bar from zero. note: its value as finished text. tone: 1 or -1, two colours; 0 neither."""

    label: str
    note: str
    value: float
    tone: int = 0


class RowsPicture(msgspec.Struct, frozen=True, tag="rows"):
    """Things beside each other as horizontal bars, the most important first; at most eight are drawn.

    legend: what the colours mean, as (finished text, tone). marks: values at which a line is
    drawn over all bars, with its name.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    rows: tuple[BarRow, ...]
    legend: tuple[tuple[str, int], ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    simulated: bool = False


AnyPicture = (
    Picture | LinePicture | HeatPicture | OverviewPicture | CandlePicture | MarketPicture | RowsPicture
)


class RateRow(msgspec.Struct, frozen=True):
    """One share, 0..1, with its interval and what it would have to be to break even; above 1: no share would do."""

    label: str
    note: str
    rate: float
    low: float
    high: float
    needed: float


class RatesPicture(msgspec.Struct, frozen=True):
    """Measured shares; par: what would break even without costs; more: rows that did not fit.

    Drawn by the backtest itself, not by the worker.
    """

    title: str
    subtitle: str
    sources: str
    footer: str
    rows: tuple[RateRow, ...]
    par: float
    more: int = 0
