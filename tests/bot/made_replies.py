"""Replies of every kind with every kind of figure, for properties of the cards."""

from __future__ import annotations

from hypothesis import strategies as st

from bot import answers, replies
from bot.answers import Block, Missing, Reason
from teleglas import market_view
from teleglas.heartbeat import Feed, Heartbeat
from teleglas.market import PositionSide, TakerSide
from teleglas.tape import Event
from teleglas.track_record import track_record

NOW = 1_795_262_400_000

names = st.one_of(
    st.sampled_from(["BTC", "1000000MOG", "Hyperliquid", "<b>&amp;", "币安人生", "A" * 40]),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=24).filter(
        str.strip
    ),
)
coins = names
usd = st.one_of(st.sampled_from([0.0, 0.004, 1e14]), st.floats(0, 1e13))
signed = st.one_of(st.sampled_from([0.0, -1e13]), st.floats(-1e13, 1e13))
prices = st.one_of(st.sampled_from([1e-12, 97_525.5, 1e11]), st.floats(1e-10, 1e9))
percents = st.one_of(st.sampled_from([0.0, -0.0, 1e9, -100.0]), st.floats(-1e5, 1e5))
times = st.integers(NOW - 10**9, NOW + 10**8)
outcomes = st.sampled_from(["measured", "open", "unseen", "unpriced", "again", "unknown", "later"])
record = st.lists(st.tuples(percents, st.one_of(st.none(), st.floats(0, 1))), max_size=30).map(track_record)
ratios = st.one_of(st.none(), st.floats(0, 1e6))
windows = st.sampled_from(["5m", "15m", "1h", "4h", "12h", "24h"])


def optional(values):
    """Let a value be unknown."""
    return st.one_of(st.none(), values)


def rows(values, most: int = 12):
    """Make a tuple of values."""
    return st.lists(values, max_size=most).map(tuple)


missings = st.builds(
    Missing, st.sampled_from(Reason), names, st.sampled_from(["", "Startup", "region_block"])
)


def block(values):
    """Make a block with a value, or with a reason."""
    known = st.builds(
        Block, values, st.none(), st.sampled_from([answers.COINGLASS, answers.EXCHANGES, answers.TAPE]), rows(names, 6), times,
        st.booleans(), rows(missings, 2), optional(times), optional(st.floats(0, 1)),
    )  # fmt: skip
    return st.one_of(known, st.builds(Block, missing=missings))


by_window = st.dictionaries(windows, percents, max_size=6)
price = st.builds(
    answers.Price, prices, by_window, optional(prices), optional(prices), optional(prices), optional(prices)
)
interest = st.builds(
    answers.OpenInterest, usd, rows(st.builds(answers.VenueAmount, names, usd, optional(percents))), by_window
)
rate = st.builds(
    answers.VenueFunding, names, percents, optional(st.floats(0.5, 24)), optional(percents), optional(times)
)
funding = st.builds(answers.Funding, rows(rate), optional(percents))
sides = st.builds(answers.VenueSides, names, usd, usd)
span = st.builds(answers.Span, windows, usd, usd, rows(sides), st.booleans())
single = st.builds(
    answers.Single, names, usd, optional(prices), times, optional(st.sampled_from(PositionSide)), times
)
liquidated = st.builds(answers.Liquidations, rows(span, 5), optional(single))
candle = st.builds(answers.Candle, times, prices, prices, prices, prices, optional(usd))
candles = st.lists(candle, max_size=8).map(lambda found: tuple(sorted(found, key=lambda row: row.time_ms)))
bars = st.lists(
    st.builds(answers.LiquidationBar, times, usd, usd), max_size=8, unique_by=lambda row: row.time_ms
).map(lambda found: tuple(sorted(found, key=lambda row: row.time_ms)))
points = st.lists(st.builds(answers.Point, times, usd), max_size=8, unique_by=lambda row: row.time_ms).map(
    lambda found: tuple(sorted(found, key=lambda row: row.time_ms))
)
rates = st.lists(
    st.builds(answers.FundingPoint, times, percents), max_size=8, unique_by=lambda row: row.time_ms
).map(lambda found: tuple(sorted(found, key=lambda row: row.time_ms)))
long_short = st.builds(answers.Ratios, names, ratios, ratios, ratios)
flows = rows(st.builds(answers.Flow, windows, usd, usd), 5)
strengths = st.dictionaries(st.sampled_from(["1h", "4h", "1d"]), st.floats(0, 100), max_size=3)
level = st.builds(answers.Level, prices, usd)
book = st.builds(
    answers.Book,
    names,
    names,
    prices,
    prices,
    usd,
    usd,
    st.floats(0, 1),
    rows(level, 4),
    rows(level, 4),
    rows(level, 4),
)
order = st.builds(answers.LargeOrder, st.sampled_from(TakerSide), prices, usd, optional(times))
trade = st.builds(answers.WhaleTrade, names, coins, st.sampled_from(TakerSide), usd, prices, times)
trades = st.builds(
    answers.WhaleTrades, rows(trade, 8), rows(trade, 8), usd, usd, st.integers(1, 10**6), usd, times
)
no_trades = st.builds(
    answers.WhaleTrades, st.just(()), st.just(()), st.just(0.0), st.just(0.0), st.just(0), usd, times
)
position = st.builds(
    answers.WhalePosition,
    coins,
    st.sampled_from(PositionSide),
    usd,
    optional(prices),
    times,
    optional(st.booleans()),
    st.text(max_size=42),
    optional(prices),
    optional(signed),
    optional(st.floats(0, 100)),
)
positions = st.builds(
    answers.WhalePositions, rows(position, 8), optional(st.integers(1, 30)), rows(coins, 3), usd
)
fear = st.builds(answers.FearGreed, st.floats(0, 100), times, rows(st.floats(0, 100), 35))
cents = st.one_of(st.sampled_from([0, 1, 10**16]), st.integers(0, 10**15))
position_sides = st.sampled_from(["long", "short"])
found = st.builds(market_view.Found, names, names, position_sides, times, cents, st.booleans())
event = st.builds(
    Event,
    times,
    names,
    names,
    names,
    st.just("liquidation"),
    position_sides,
    cents,
    st.one_of(st.just(0.0), prices),
)
seen = st.builds(
    market_view.MarketView, times, times, st.sampled_from([300_000, 3_600_000]), cents, cents, st.integers(0, 10**6),
    st.booleans(), st.integers(0, 999), st.integers(0, 999), rows(st.tuples(names, st.integers(1, 10**6))), optional(found),
    optional(event), rows(st.builds(market_view.AssetPart, names, cents, cents), 5),
    rows(st.builds(market_view.Bucket, times, cents, cents)), rows(st.builds(market_view.VenuePart, names, cents, cents)),
    rows(st.builds(market_view.FeedPart, names, st.integers(0, 86_400_000))), rows(st.tuples(times, times)),
    st.sampled_from([0, 86_400_000]),
)  # fmt: skip
market = st.builds(
    answers.Market,
    windows,
    rows(st.builds(answers.MarketRow, coins, usd, usd, optional(prices), optional(percents))),
    usd,
    usd,
)


@st.composite
def heat_map(draw):
    """Columns and rows ascending, cells inside."""
    columns, lines = draw(st.integers(1, 60)), draw(st.integers(1, 80))
    low = draw(prices)
    cells = draw(rows(st.tuples(st.integers(0, columns - 1), st.integers(0, lines - 1), usd), 20))
    return answers.HeatMap(
        tuple(NOW - (columns - i) * 60_000 for i in range(columns)), tuple(low * (1 + i / 100) for i in range(lines)),
        cells, draw(candles), draw(st.booleans()), draw(windows),
    )  # fmt: skip


feed = st.builds(
    Feed,
    names,
    st.sampled_from(["trades", "liquidations"]),
    st.sampled_from(["live", "down"]),
    times,
    st.text(max_size=40),
)
heartbeat = st.builds(Heartbeat, times, times, st.just("0.1.0"), st.booleans(), rows(feed, 8), st.integers(0, 10**12), optional(times),
                      st.integers(0, 10**6), st.text(max_size=60))  # fmt: skip
frames = st.sampled_from(["1h", "4h", "12h", "24h"])

REPLIES = {
    "overview": st.builds(
        replies.Overview, coins, block(price), block(interest), block(st.builds(answers.Volume, optional(usd), optional(usd))),
        block(funding), block(liquidated), block(long_short), block(flows), block(signed), block(strengths), block(book),
        block(st.floats(-1e6, 1e6)), block(candles),
    ),
    "liquidations": st.builds(
        replies.LiquidationReply, coins, frames, block(liquidated), block(price), block(interest), block(bars), block(candles)
    ),
    "market": st.builds(replies.MarketReply, frames, block(market)),
    "market_view": st.builds(
        replies.MarketViewReply, st.sampled_from(["1h", "24h"]), block(seen), block(rows(st.tuples(names, position_sides)))
    ),
    "whales": st.builds(replies.Whales, optional(coins), optional(st.floats(0, 1e12)), block(st.one_of(trades, no_trades)), block(positions)),
    "sentiment": st.builds(replies.Sentiment, coins, block(fear), block(price), block(funding), block(interest), block(long_short), block(strengths)),
    "depth": st.builds(replies.Depth, coins, names, rows(names, 4), block(book), block(rows(order, 8))),
    "open_interest": st.builds(replies.InterestReply, coins, st.sampled_from(["4h", "24h", "7d"]), block(interest), block(price), block(points), block(candles)),
    "funding": st.builds(replies.FundingReply, coins, block(funding), block(rates), block(candles)),
    "rsi": st.builds(replies.Rsi, coins, block(strengths), block(price)),
    "heat": st.builds(replies.HeatReply, coins, frames, block(heat_map()), block(price)),
    "alerts": st.builds(
        replies.Alerts,
        optional(rows(st.builds(replies.AlertLine, names, coins, names, st.integers(0, 10**15), times, names, names, outcomes, optional(percents)))),
        optional(coins),
    ),
    "record": st.builds(
        replies.Record, st.dictionaries(names, st.integers(0, 10**9), max_size=6), optional(times), optional(st.one_of(names, st.just("stop_hunt"))),
        st.dictionaries(st.sampled_from(["stop_hunt", "BTC", "whale_accumulation_window"]), st.builds(
            replies.MeasuredKind, record, record, rows(st.tuples(names, st.sampled_from([5, 15, 60]), record))
        )),
    ),
    "status": st.builds(
        replies.Status, st.just("0.1.0"), times, optional(times), st.text(max_size=60), optional(heartbeat),
        optional(st.builds(replies.Budget, st.integers(0, 1200), st.integers(30, 1200), st.dictionaries(names, names, max_size=9))),
        st.dictionaries(names, st.tuples(optional(times), st.sampled_from(["", "no_answer"])), max_size=5), st.integers(0, 99), optional(times),
        st.booleans(), st.text(max_size=60),
    ),
}  # fmt: skip
