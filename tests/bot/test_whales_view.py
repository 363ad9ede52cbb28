"""What /whale says where one of its halves is empty."""

from __future__ import annotations

import re

import pytest

from bot.answers import COINGLASS, EXCHANGES, Block, WhalePosition, WhalePositions, WhaleTrade, WhaleTrades
from bot.replies import Whales
from bot.views.card import text
from bot.views.origin import Context
from bot.views.whales import whales
from teleglas.language import load_words
from teleglas.market import PositionSide, TakerSide
from teleglas.telegram.text import plain

NOW = 1_795_262_400_000
HELD = (WhalePosition("SOL", PositionSide.SHORT, 16e6, 142.4, NOW, opened=True),)


TAKERS = (
    WhalePosition("SOL", PositionSide.LONG, 7.68e6, 151.2, NOW, None, "0x9875aa", 140.05, -395e3, 5.0),
    WhalePosition("SOL", PositionSide.SHORT, 1.2e6, 142.4, NOW, None, "0xf3e4bb", None, 2_270.0, 20.0),
)


def shown(positions: tuple[WhalePosition, ...], takers: int | None = None) -> str:
    """Return the card of a coin without a large trade in ten minutes."""
    trades = Block(WhaleTrades((), (), 0.0, 0.0, 0, 50_000.0, NOW - 600_000), source=EXCHANGES, as_of_ms=NOW)
    found = WhalePositions(positions, takers, ("SOL",), 50_000.0)
    held = Block(found, None, EXCHANGES if takers else COINGLASS, ("Hyperliquid",), NOW)
    return text(whales(Whales("SOL", None, trades, held), Context(load_words("bot")["en"], NOW)))


def test_no_trade_is_said_once():
    """That there was none is an answer: under the positions' headline, else as the headline."""
    for positions in (HELD, ()):
        assert shown(positions).count("SOL: no large trade in 10 min") == 1


def test_positions_are_labelled_as_whose_they_are():
    """With a key, what was opened and closed; without, what some takers hold, with every figure of the exchange."""
    assert "Hyperliquid positions opened or closed of late\n" in shown(HELD)
    card = plain(shown(TAKERS, 9))
    assert "Hyperliquid positions of the 9 largest takers among the newest SOL trades\n" in card
    lines = [line.split() for line in card.split("\n")]
    assert ["SOL", "long", "$7.68M", "151.2"] in lines
    assert ["5x", "0x9875", "-$395K", "liq", "140.05"] in lines
    assert ["20x", "0xf3e4", "+$2.27K"] in lines
    assert "Hyperliquid positions: Hyperliquid, just now" in card


def test_small_holders_are_said_and_not_hidden():
    """Who was looked at and found small is an answer."""
    card = plain(shown((), 9))
    assert "the 9 largest takers among the newest SOL trades: none of at least $50.0K." in card


@pytest.mark.parametrize(
    ("amount", "at", "line"),
    [
        (1.9e4, 3.21, "12:00 Binance sell $19.0K 3.21"),
        (2.85e6, 97_223.4, "12:00 Binance sell $2.85M 97,223"),
        (18_900.0, 0.0000046065, "12:00 Binance sell $18.9K"),
    ],
)
def test_no_exchange_s_name_is_cut_for_a_price(amount, at, line):
    """Where a row is too long for a phone the price gives way, digit by digit; who and how much stay whole."""
    row = WhaleTrade("Binance", "BTC", TakerSide.SELL, amount, at, NOW)
    trades = Block(
        WhaleTrades((row,), (row,), 0.0, amount, 1, 1.0, NOW - 600_000), source=EXCHANGES, as_of_ms=NOW
    )
    held = Block(WhalePositions(()), None, COINGLASS, ("Hyperliquid",), NOW)
    card = text(whales(Whales("BTC", None, trades, held), Context(load_words("bot")["en"], NOW)))
    told = re.findall(r"<pre>(.*?)</pre>", card, re.DOTALL)
    assert [" ".join(each.split()) for each in told] == [line]


def test_a_side_without_positions_is_not_shown_as_zero():
    """All that is shown is short, then."""
    assert "All Hyperliquid positions shown are short: $16.0M." in plain(shown(HELD))
    assert "shown are $7.68M long and $1.20M short." in plain(shown(TAKERS, 9))


def test_the_same_trades_are_not_listed_twice():
    """The newest are named where they are others than the largest."""

    def card(count: int) -> str:
        rows = tuple(
            WhaleTrade("OKX", "SOL", TakerSide.BUY, 1e6 + number, 142.0, NOW - number)
            for number in range(count)
        )
        largest = tuple(sorted(rows, key=lambda row: -row.usd))[:5]
        found = WhaleTrades(rows, largest, 1e6 * count, 0.0, count, 50_000.0, NOW - 600_000)
        trades = Block(found, source=EXCHANGES, as_of_ms=NOW)
        nobody = Block(WhalePositions((), None), None, COINGLASS, ("Hyperliquid",), NOW)
        return plain(text(whales(Whales("SOL", None, trades, nobody), Context(load_words("bot")["en"], NOW))))

    assert "Latest" not in card(3)
    assert "Latest" in card(8)
