"""One made-up answer for each command about a coin: what docs/COMMANDS.md and the tests show. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from bot import replies
from bot.answers import (
    COINGLASS,
    EXCHANGES,
    TAPE,
    Block,
    Book,
    Candle,
    FearGreed,
    Flow,
    Funding,
    FundingPoint,
    HeatMap,
    LargeOrder,
    Level,
    LiquidationBar,
    Liquidations,
    Market,
    MarketRow,
    OpenInterest,
    Point,
    Price,
    Ratios,
    Reason,
    Single,
    Span,
    VenueAmount,
    VenueFunding,
    VenueSides,
    Volume,
    WhalePosition,
    WhalePositions,
    WhaleTrade,
    WhaleTrades,
    known,
    missing,
)
from bot.commands import table
from bot.views import (
    depth,
    heat,
    interest,
    liquidations,
    log,
    market_view,
    mood,
    overview,
    status,
    talk,
    track,
    whales,
)
from bot.views.card import Card
from bot.views.origin import Context
from teleglas.heartbeat import Feed, Heartbeat
from teleglas.market import PositionSide, TakerSide
from teleglas.market_view import Found, MarketRows, view
from teleglas.tape import LIQUIDATION, MINUTE_MS, Bar, Event, FeedMinute
from teleglas.track_record import track_record

__all__ = ["NOW_MS", "samples"]

T = TypeVar("T")

NOW_MS: Final = 1_795_262_400_000
_HOUR_MS: Final = 3_600_000
_THREE: Final = ("Binance", "Bybit", "OKX")


def samples(context: Context) -> Mapping[str, Card]:
    """Return a card for each command, by its name."""
    said: dict[str, Callable[[], Card]] = {
        "raw": lambda: overview.overview(_overview(), context),
        "liq": lambda: liquidations.liquidations(_liquidations(), context),
        "market": lambda: market_view.market_view(_market_view(), context),
        "whale": lambda: whales.whales(_whales(), context),
        "sentiment": lambda: mood.sentiment(_sentiment(), context),
        "orderbook": lambda: depth.depth(
            replies.Depth("BTC", "Binance", _THREE, _exchanges(_book(), "Binance"), _orders()), context
        ),
        "oi": lambda: interest.open_interest(_interest(), context),
        "funding": lambda: interest.funding_card(_funding_reply(), context),
        "rsi": lambda: mood.rsi(replies.Rsi("BTC", _exchanges(_strength(), "Binance"), _price()), context),
        "heat": lambda: heat.heat(_heat(), context),
        "alerts": lambda: log.alerts(_alerts(), context),
        "record": lambda: track.record(_record(), context),
        "status": lambda: status.status(_status(), context),
        "start": lambda: talk.welcome(context),
        "help": lambda: table.help_card(table.find("liq"), context),
        "about": lambda: talk.about("0.1.0", "teleglas_bot", context),
        "lang": lambda: talk.language_chosen(context),
        "tz": lambda: talk.zones(context),
    }
    return {name: make() for name, make in said.items()} | {
        "liq market": liquidations.market(_market(), context)
    }


_DAY: Final = 24 * _HOUR_MS


def _coinglass(value: T, *venues: str) -> Block[T]:
    return known(value, COINGLASS, NOW_MS - 3_000, venues)


def _exchanges(value: T, *venues: str) -> Block[T]:
    return known(value, EXCHANGES, NOW_MS, venues)


def _taped(value: T) -> Block[T]:
    return known(value, TAPE, NOW_MS, _THREE, since_ms=NOW_MS - 3 * _HOUR_MS, coverage=0.987)


def _price() -> Block[Price]:
    changes = {"5m": 0.12, "15m": -0.05, "1h": 0.4, "4h": -1.1, "24h": -2.35}
    return _exchanges(Price(97_525.5, changes, 99_910.0, 96_410.5, 103_370.0, 91_705.2), "Binance")


def _open_interest() -> Block[OpenInterest]:
    rows = (
        VenueAmount("Binance", 8.12e9, -1.2),
        VenueAmount("Bybit", 4.4e9, -2.9),
        VenueAmount("OKX", 2.95e9, 0.4),
    )
    changes = {"5m": 0.02, "15m": -0.1, "1h": -0.6, "4h": -1.4, "24h": -3.2}
    return _coinglass(OpenInterest(15.47e9, rows, changes), *_THREE)


def _funding() -> Block[Funding]:
    settle = NOW_MS + 4 * _HOUR_MS
    rows = (VenueFunding("Binance", 0.0031, 8, 0.0031, settle), VenueFunding("Bybit", 0.01, 8, 0.01, settle),
            VenueFunding("OKX", -0.0012, 8, -0.0012, settle), VenueFunding("Hyperliquid", 0.0013, 1, 0.0104, NOW_MS + _HOUR_MS))  # fmt: skip
    return _exchanges(Funding(rows, 0.0052), "Binance", "Bybit", "OKX", "Hyperliquid")


def _spans() -> Block[Liquidations]:
    sides = (
        VenueSides("Binance", 9.2e6, 2.1e6),
        VenueSides("Bybit", 6.4e6, 1.9e6),
        VenueSides("OKX", 2.7e6, 0.6e6),
    )
    spans = (Span("1h", 6.1e6, 0.4e6, sides), Span("4h", 9.9e6, 1.2e6, sides), Span("12h", 14.0e6, 3.3e6, sides),
             Span("24h", 18.3e6, 4.6e6, sides))  # fmt: skip
    largest = Single("Bybit", 2.15e6, 96_480.0, NOW_MS - _HOUR_MS, PositionSide.LONG, NOW_MS - 24 * _HOUR_MS)
    return _coinglass(Liquidations(spans, largest), *_THREE)


def _candles() -> Block[tuple[Candle, ...]]:
    rows = tuple(
        Candle(
            NOW_MS - (24 - i) * _HOUR_MS,
            99_000 - 60 * i,
            99_400 - 60 * i,
            98_700 - 60 * i,
            98_950 - 60 * i + i % 5 * 40,
        )
        for i in range(24)
    )
    return _exchanges(rows, "Binance")


def _bars() -> Block[tuple[LiquidationBar, ...]]:
    rows = tuple(
        LiquidationBar(NOW_MS - (24 - i) * _HOUR_MS, 1e5 * (1 + i % 7) ** 2, 8e4 * (1 + i % 3))
        for i in range(24)
    )
    return _coinglass(rows, *_THREE)


def _strength() -> dict[str, float]:
    return {"1h": 28.4, "4h": 41.0, "1d": 52.7}


def _book() -> Book:
    bids = (Level(97_100.0, 1.9e6), Level(96_800.0, 4.2e6))
    return Book(
        "Binance",
        "BTCUSDT",
        97_525.4,
        97_525.5,
        31.2e6,
        24.9e6,
        1.0,
        bids,
        (Level(98_000.0, 6.3e6),),
        (Level(97_900.0, 3.1e6),),
    )


def _orders() -> Block[tuple[LargeOrder, ...]]:
    rows = (LargeOrder(TakerSide.SELL, 99_900.0, 12.4e6, NOW_MS - 5 * _HOUR_MS), LargeOrder(TakerSide.SELL, 98_000.0, 6.1e6, NOW_MS - _HOUR_MS),
            LargeOrder(TakerSide.BUY, 95_000.0, 9.8e6, NOW_MS - 7 * _HOUR_MS))  # fmt: skip
    return _coinglass(rows, "Binance")


def _overview() -> replies.Overview:
    flow = (
        Flow("5m", 12.1e6, 15.9e6),
        Flow("15m", 40.2e6, 44.0e6),
        Flow("1h", 181e6, 175e6),
        Flow("4h", 640e6, 702e6),
    )
    return replies.Overview(
        "BTC", _price(), _open_interest(), _coinglass(Volume(45.1e9, 8.3e9), *_THREE), _funding(), _spans(),
        _exchanges(Ratios("Binance", 1.85, 2.1, 1.31), "Binance"), _coinglass(flow, *_THREE), _coinglass(-118e6, *_THREE),
        _exchanges(_strength(), "Binance"), _exchanges(_book(), "Binance"),
        missing(Reason.NEEDS_PLAN, COINGLASS, "Startup"), _candles(),
    )  # fmt: skip


def _liquidations() -> replies.LiquidationReply:
    return replies.LiquidationReply("BTC", "24h", _spans(), _price(), _open_interest(), _bars(), _candles())


def _market() -> replies.MarketReply:
    rows = (MarketRow("BTC", 18.3e6, 4.6e6, 97_525.5, -2.35), MarketRow("ETH", 9.1e6, 3.9e6, 3_420.1, -2.8),
            MarketRow("SOL", 3.3e6, 2.8e6, 142.3, 0.4))  # fmt: skip
    return replies.MarketReply("24h", _coinglass(Market("24h", rows, 52.4e6, 21.3e6)))


def _market_view() -> replies.MarketViewReply:
    from_ms = NOW_MS - _DAY
    sums = {"BTC": (182, 40), "ETH": (71, 28), "SOL": (20, 21), "XRP": (9, 3), "PEPE": (5, 2)}
    usd = 1_000_000_00
    bars = tuple(
        Bar(
            from_ms + at * _HOUR_MS,
            asset,
            venue,
            LIQUIDATION,
            side,
            amount * part * (1 + at % 3) * usd // 1_000,
            part,
        )
        for asset, sides in sums.items()
        for side, amount in zip(("long", "short"), sides, strict=True)
        for venue, part in (("binance", 5), ("bybit", 3), ("okx", 2))
        for at in range(10)
    )
    found = (Found("liquidation_storm", "BTC", "long", NOW_MS - 5 * _HOUR_MS, 18_300_000_00, ended=True),
             Found("liquidation_storm", "ETH", "long", NOW_MS - 90_000, 6_900_000_00),
             Found("whale_cluster", "BTC", "sell", NOW_MS - 5 * _HOUR_MS, 14_900_000_00))  # fmt: skip
    minutes = tuple(
        FeedMinute(at, venue, "liquidations", MINUTE_MS)
        for venue in ("binance", "bybit", "okx")
        for at in range(from_ms, NOW_MS, MINUTE_MS)
    )
    single = Event(
        NOW_MS - 5 * _HOUR_MS, "BTC", "bybit", "BTCUSDT", LIQUIDATION, "long", 2_150_000_00, 96_480.0
    )
    seen = view(MarketRows(from_ms, NOW_MS, _HOUR_MS, NOW_MS, bars, single, found, minutes))
    block = known(seen, TAPE, NOW_MS, _THREE, since_ms=from_ms, coverage=1.0)
    return replies.MarketViewReply("24h", block, known((("ETH", "long"),), TAPE, NOW_MS - 8_000))


def _whales() -> replies.Whales:
    rows = tuple(
        WhaleTrade(_THREE[i % 3], "BTC", TakerSide.SELL if i % 3 else TakerSide.BUY, 2.6e6 - i * 2.5e5, 97_500.0 - i * 20, NOW_MS - i * 240_000)
        for i in range(6)
    )  # fmt: skip
    bought = sum(row.usd for row in rows if row.side is TakerSide.BUY)
    trades = WhaleTrades(
        rows, rows, bought, sum(row.usd for row in rows) - bought, len(rows), 500_000.0, NOW_MS - 3 * _HOUR_MS
    )
    held = (WhalePosition("BTC", PositionSide.SHORT, 14.2e6, 98_210.0, NOW_MS, None, "0x4fe1", 104_350.5, 99_600.0, 20),
            WhalePosition("BTC", PositionSide.LONG, 6.9e6, 96_000.0, NOW_MS, None, "0xb07c", None, 109_000.0, 5))  # fmt: skip
    positions = _exchanges(WhalePositions(held, 9, ("BTC",), 500_000.0), "Hyperliquid")
    return replies.Whales("BTC", 500_000.0, _taped(trades), positions)


def _sentiment() -> replies.Sentiment:
    days = tuple(float(30 + i % 9) for i in range(31))
    return replies.Sentiment(
        "BTC", _coinglass(FearGreed(27.0, NOW_MS, (*days[:-1], 27.0))), _price(), _funding(), _open_interest(),
        _exchanges(Ratios("Binance", 1.85, 2.1, 1.31), "Binance"), _exchanges(_strength(), "Binance"),
    )  # fmt: skip


def _interest() -> replies.InterestReply:
    points = tuple(Point(NOW_MS - (24 - i) * _HOUR_MS, 16.0e9 - i * 2.2e7) for i in range(24))
    return replies.InterestReply("BTC", "24h", _open_interest(), _price(), _coinglass(points), _candles())


def _funding_reply() -> replies.FundingReply:
    points = tuple(FundingPoint(NOW_MS - (21 - i) * 8 * _HOUR_MS, 0.01 - 0.0009 * i) for i in range(21))
    return replies.FundingReply("BTC", _funding(), _coinglass(points), _candles())


def _heat() -> replies.HeatReply:
    times = tuple(NOW_MS - (24 - i) * _HOUR_MS for i in range(24))
    prices = tuple(94_000.0 + 250.0 * i for i in range(24))
    cells = tuple((x, (x * 5) % 24, 1e5 * (1 + x % 6)) for x in range(24))
    rows = _candles().value or ()
    return replies.HeatReply(
        "BTC", "24h", _taped(HeatMap(times, prices, cells, rows, estimated=False, window="24h")), _price()
    )


def _alerts() -> replies.Alerts:
    storm = replies.AlertLine(
        "liquidation_storm", "BTC", "long", 18_300_000_00, NOW_MS - 400_000, "URGENT", "sent", "open"
    )
    whale = replies.AlertLine(
        "whale_cluster", "ETH", "sell", 3_900_000_00, NOW_MS - 4_000_000, "WATCH", "sent", "measured", -0.31
    )
    return replies.Alerts((storm, whale))


def _record() -> replies.Record:
    sixty = [(0.4, 0.51)] * 33 + [(-0.2, 0.51)] * 27
    calls = [(0.2, 0.49)] * 29 + [(-0.4, 0.49)] * 31
    storm = replies.MeasuredKind(track_record(sixty), track_record(calls))
    few = track_record([(0.1, 0.5)] * 3)
    counts = {"liquidation_storm": 66, "whale_cluster": 12}
    measured = {"liquidation_storm": storm, "whale_cluster": replies.MeasuredKind(few, few)}
    return replies.Record(counts, NOW_MS - 9 * _DAY, None, measured)


def _status() -> replies.Status:
    feeds = tuple(
        Feed(venue, family, "live", NOW_MS - 5 * _HOUR_MS) for venue in ("binance", "bybit", "okx") for family in ("liquidations", "trades")
    )  # fmt: skip
    alert = Heartbeat(NOW_MS - 4_000, NOW_MS - 5 * _HOUR_MS, "0.1.0", feeds=feeds, inputs=8_123_456,
                      last_event_ms=NOW_MS - 900, sent=53)  # fmt: skip
    told: dict[str, tuple[int | None, str]] = dict.fromkeys((*_THREE, "Hyperliquid"), (NOW_MS - 2_000, ""))
    return replies.Status("0.1.0", NOW_MS - 5 * _HOUR_MS, NOW_MS - 800, "", alert,
                          replies.Budget(21, 80, {"rsi/list": "Standard"}), told, 0, None, simulated=False)  # fmt: skip
