"""What /orderbook says of large orders that a service sees."""

from __future__ import annotations

from bot.answers import COINGLASS, EXCHANGES, Block, Book, LargeOrder, Reason, missing
from bot.replies import Depth
from bot.views.card import text
from bot.views.depth import depth
from bot.views.origin import Context
from teleglas.language import load_words
from teleglas.market import TakerSide
from teleglas.telegram.text import plain

NOW = 1_795_262_400_000
BOOK = Block(
    Book("Bybit", "BTCUSDT", 99.0, 101.0, 5e6, 4e6, 1.0), None, EXCHANGES, ("Bybit",), NOW
)  # fmt: skip


def shown(orders) -> list[str]:
    """Return the lines of the card, each gap of columns as one space."""
    card = depth(Depth("BTC", "Bybit", ("Bybit",), BOOK, orders), Context(load_words("bot")["en"], NOW))
    return [" ".join(line.split()) for line in plain(text(card)).split("\n")]


def test_the_largest_of_each_side_stand_in_the_order_of_prices():
    """Three asks above, three bids below; an ask below the price, or a bid above, is no order that can rest."""
    sell = [LargeOrder(TakerSide.SELL, 100.0 + i, i * 1e6) for i in range(1, 6)]
    buy = [LargeOrder(TakerSide.BUY, 90.0, 7e6)]
    wrong = [LargeOrder(TakerSide.SELL, 50.0, 9e9), LargeOrder(TakerSide.BUY, 150.0, 9e9)]
    found = Block((*sell, *buy, *wrong), None, COINGLASS, ("Bybit",), NOW)
    lines = shown(found)
    at = lines.index("Large limit orders on Bybit")
    assert lines[at + 1 : at + 5] == [
        "ask 105 $5.00M +5.00%", "ask 104 $4.00M +4.00%", "ask 103 $3.00M +3.00%", "bid 90 $7.00M -10.00%",
    ]  # fmt: skip


def test_none_and_not_known_are_different():
    """An empty list is an answer; a plan that lacks it is said."""
    assert "Large limit orders on Bybit: none" in shown(Block((), None, COINGLASS, ("Bybit",), NOW))
    lacking = shown(missing(Reason.NEEDS_PLAN, COINGLASS, "Standard"))
    assert "Not known: large limit orders (needs the Standard plan of CoinGlass)" in lacking
