"""What /raw says of an answer that came without some of its parts."""

from __future__ import annotations

import msgspec
import pytest

from bot.answers import COINGLASS, EXCHANGES, Block, Missing, Price, Reason, Volume
from bot.commands.samples import NOW_MS
from bot.replies import Overview
from bot.views.card import text
from bot.views.origin import Context
from bot.views.overview import overview
from teleglas.language import load_words
from teleglas.telegram.text import plain

CONTEXT = Context(load_words("bot")["en"], NOW_MS)
UNKNOWN = Block(missing=Missing(Reason.NO_ANSWER, "Bybit"))


def shown(price: Block, volume: Block) -> str:
    """Return the card of a coin of which only these are known."""
    blocks = dict.fromkeys(Overview.__struct_fields__, UNKNOWN) | {
        "coin": "BTC",
        "price": price,
        "volume": volume,
    }
    return plain(text(overview(Overview(**blocks), CONTEXT)))


def test_a_range_that_did_not_come_is_said():
    """The price is known, its range is not: the reader need not guess whether anybody asked."""
    price = Block(Price(97_500.0, {}, None, None, 103_000.0, 91_000.0), None, COINGLASS, (), NOW_MS)
    card = shown(price, UNKNOWN)
    assert "range of 24 h (CoinGlass has no figures)" in card
    assert "7d low 91,000, high 103,000" in card
    whole = msgspec.structs.replace(price, value=Price(97_500.0, {}, 99_000.0, 95_000.0, 103_000.0, 91_000.0))
    assert "range of" not in shown(whole, UNKNOWN)


@pytest.mark.parametrize(
    ("gaps", "said"),
    [((), "spot volume (Binance has no figures)"), ((Missing(Reason.NO_ANSWER, "Binance", "spot"),), "")],
)
def test_a_spot_volume_that_did_not_come_is_said_once(gaps, said):
    """Where a gap of the block tells it already, the sources do."""
    volume = Block(Volume(45e9, None), None, EXCHANGES, ("Binance",), NOW_MS, gaps=gaps)
    card = shown(UNKNOWN, volume)
    assert ("spot volume" in card) is bool(said)
    assert said in card
