"""Which coin a person means: every spelling, and never another coin."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.symbols import Found, Unknown, near_matches, resolve

LISTED = dict.fromkeys(
    ["BTC", "ETH", "SOL", "XRP", "DOGE", "PEPE", "POL", "1INCH", "AVA", "AS", "SATS", "W", "牛来", "BTCDOM"]
)


@pytest.mark.parametrize(
    ("text", "asset"),
    [("btc", "BTC"), ("BTC", "BTC"), (" $sol ", "SOL"), ("#eth", "ETH"), ("BTCUSDT", "BTC"), ("btcusdt", "BTC"),
     ("BTC-USDT-SWAP", "BTC"), ("btc/usdt", "BTC"), ("btc perp", "BTC"), ("BTCUSD_PERP", "BTC"), ("XBTUSD", "BTC"),
     ("xbt", "BTC"), ("1000pepe", "PEPE"), ("1000PEPEUSDT", "PEPE"), ("kPEPE", "PEPE"), ("kpepe", "PEPE"),
     ("MATIC", "POL"), ("maticusdt", "POL"), ("1inch", "1INCH"), ("1INCHUSDT", "1INCH"), ("w", "W"),
     ("牛来", "牛来"), ("牛来usdt", "牛来"), ("ＢＴＣ", "BTC"), ("btcdom", "BTCDOM"), ("BTCUSDT_261225", "BTC")],
)  # fmt: skip
def test_every_spelling_of_a_coin_is_understood(text, asset):
    """What people copy from any venue, or type on a phone, names the coin."""
    assert resolve(text, LISTED, {"PEPE"}) == Found(asset)


@pytest.mark.parametrize(
    ("text", "near"),
    [("BT", ("BTC",)), ("bitcoins", ()), ("BTCD", ("BTC", "BTCDOM")), ("dgoe", ("DOGE",)), ("kava", ("AVA",)), ("kas", ("AS",)),
     ("ETHBTC", ()), ("", ()), ("$", ()), ("\u0000", ()), ("so1", ("SOL",)), ("BTCDO", ("BTCDOM", "BTC"))],
)  # fmt: skip
def test_unknown_names_are_never_another_coin(text, near):
    """No prefix, no slip and no `k` of a coin that is not sold by the thousand is taken for a coin."""
    answer = resolve(text, LISTED, {"PEPE"})
    assert isinstance(answer, Unknown)
    assert answer.near == near


def test_the_name_of_a_coin_is_offered_as_its_symbol_first():
    """`bitcoin` is no coin's symbol; if one were called so, it would be meant."""
    assert resolve("bitcoin", LISTED) == Unknown("bitcoin", ("BTC",))
    assert resolve("bitcoin", {**LISTED, "BITCOIN": None}) == Found("BITCOIN")
    assert resolve("Stellar", {"BTC": None}).near == ()


def test_multiples_with_capitals_need_no_proof():
    """`kPEPE` is written so on purpose; `kpepe` is not without a venue that sells it so."""
    assert resolve("kPEPE", LISTED) == Found("PEPE")
    assert isinstance(resolve("kpepe", LISTED), Unknown)


def test_a_listed_name_wins_over_every_reading_of_it():
    """A coin whose own name looks like a pair or a multiple is that coin."""
    assert resolve("1000x", {"1000X": 1, "X": 1}) == Found("1000X")
    assert resolve("solbtc", {"SOLBTC": 1, "SOL": 1}) == Found("SOLBTC")


def test_near_matches_are_at_most_four_nearest_first():
    """Swapped neighbours are one slip; ties keep the order of size."""
    listed = ["LINK", "LINA", "LIN", "LINKS", "ILNK", "KLIN"]
    assert near_matches("LINK", listed) == ("LINK", "LINA", "LIN", "LINKS")
    assert near_matches("ab", ["A", "B", "AC", "BA"]) == ("AC", "BA")


def test_three_thousand_coins_are_searched_fast():
    """An unknown name must not hold the loop that serves everyone."""
    listed = {f"C{number}X": None for number in range(3000)}
    began = time.perf_counter()
    resolve("C12Y4", listed)
    assert time.perf_counter() - began < 0.5


@given(st.text(max_size=60), st.sets(st.text("ABCDEFGH123", min_size=1, max_size=6), max_size=30))
def test_any_text_is_answered_and_only_with_listed_coins(text, listed):
    """Whatever is typed: no exception, no coin that nobody lists, no endless echo."""
    answer = resolve(text, listed, listed)
    if isinstance(answer, Found):
        assert answer.asset in listed
    else:
        assert set(answer.near) <= listed
        assert len(answer.near) <= 4
        assert len(answer.text) <= 40


@given(
    st.text("ABCDEFGHIJ", min_size=2, max_size=8),
    st.sets(st.text("ABCDEFGHIJ", min_size=2, max_size=8), max_size=30),
)
def test_a_plain_name_is_that_coin_or_none(name, listed):
    """Plain letters that are no pair mean only the coin of exactly this name."""
    answer = resolve(name.lower(), listed)
    assert answer == Found(name) if name in listed else isinstance(answer, Unknown)
