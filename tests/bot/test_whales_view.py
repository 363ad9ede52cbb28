"""What /whale says where one of its halves is empty."""

from __future__ import annotations

from bot.answers import COINGLASS, EXCHANGES, Block, WhalePosition, WhalePositions, WhaleTrades
from bot.replies import Whales
from bot.views.card import text
from bot.views.origin import Context
from bot.views.whales import whales
from teleglas.language import load_words
from teleglas.market import PositionSide

NOW = 1_795_262_400_000
HELD = (WhalePosition("SOL", PositionSide.SHORT, 16e6, 142.4, NOW, opened=True),)


def shown(positions: tuple[WhalePosition, ...]) -> str:
    """Return the card of a coin without a large trade in ten minutes."""
    trades = Block(WhaleTrades((), (), 0.0, 0.0, 0, 50_000.0, NOW - 600_000), source=EXCHANGES, as_of_ms=NOW)
    held = Block(WhalePositions(positions), source=COINGLASS, as_of_ms=NOW)
    return text(whales(Whales("SOL", None, trades, held), Context(load_words("bot")["en"], NOW)))


def test_no_trade_is_said_once():
    """That there was none is an answer: under the positions' headline, else as the headline."""
    for positions in (HELD, ()):
        assert shown(positions).count("SOL: no large trade in 10 min") == 1
