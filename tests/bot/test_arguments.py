"""The words after a command, as people type them."""

from __future__ import annotations

import pytest

from bot.commands.arguments import amount_and_names, name_in, window_in

WINDOWS = ("1h", "4h", "12h", "24h")


@pytest.mark.parametrize(
    ("words", "window"),
    [
        ("btc", "24h"),
        ("btc 4H", "4h"),
        ("12h btc", "12h"),
        ("btc 5m", "1h"),
        ("btc 2h", "1h"),
        ("btc 7d", "24h"),
        ("btc 1d", "24h"),
        ("btc 15min", "1h"),
        ("btc 0h", "24h"),
    ],
)
def test_a_length_of_time_that_is_not_offered_means_the_nearest(words, window):
    """It is never taken for a coin's name; the card says which one it shows."""
    assert window_in(words.split(), WINDOWS) == window
    assert name_in(words.split()) == "btc"


@pytest.mark.parametrize(("words", "name"), [("7d", ""), ("", ""), ("1inch", "1inch"), ("2z 4h", "2z")])
def test_coins_that_begin_with_a_digit_are_coins(words, name):
    """Only a number with a unit of time is a length of time."""
    assert name_in(words.split()) == name


@pytest.mark.parametrize(
    ("words", "amount", "names"),
    [
        ("btc 500k", 5e5, ["btc"]),
        ("1,000,000", 1e6, []),
        ("btc 5 million", 5e6, ["btc"]),
        ("eth 2 juta", 2e6, ["eth"]),
        ("1.5 m sol", 1.5e6, ["sol"]),
        ("m 5k", 5e3, ["m"]),
        ("5k m", 5e3, ["m"]),
        ("btc", None, ["btc"]),
    ],
)
def test_amounts(words, amount, names):
    """A unit may stand by itself behind its number; alone it is a name (there is a coin M)."""
    assert amount_and_names(words.split()) == (amount, names)
