"""What the words after a command mean: a length of time, an amount, or a coin. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["amount_and_names", "name_in", "window_in"]

_LENGTH = re.compile(r"(\d{1,4})(m|min|h|d|w)", re.IGNORECASE)
_MINUTES = {"m": 1, "min": 1, "h": 60, "d": 1_440, "w": 10_080}
_AMOUNT = re.compile(r"\$?(?P<grouped>[1-9]\d{0,2}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*)|"
                     r"\$?(?P<plain>\d{1,12}(?:[.,]\d{1,3})?)(?P<times>[kKmMbB]?)")  # fmt: skip
"""`1,000,000` and `100.000` are thousands in groups, as no dollar has thousandths; `1.5m` is a fraction."""
_TIMES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_IN_WORDS = {"k": "k", "thousand": "k", "ribu": "k", "m": "m", "million": "m", "mio": "m", "juta": "m", "b": "b",
             "billion": "b", "miliar": "b"}  # fmt: skip


def window_in(words: Sequence[str], allowed: Sequence[str], default: str = "24h") -> str:
    """Return the first length of time among the words, or the nearest of those allowed; the default without one."""
    asked = next((minutes for word in words if (minutes := _minutes(word)) is not None), None)
    if not asked:
        return default
    return min(allowed, key=lambda window: _times_apart(_minutes(window) or 1, asked))


def name_in(words: Sequence[str]) -> str:
    """Return the first word that is no length of time, empty without: `4h btc` asks for what `btc 4h` does."""
    return next((word for word in words if _minutes(word) is None), "")


def amount_and_names(words: Sequence[str]) -> tuple[float | None, list[str]]:
    """Return the first amount in USD (`500k`, `$1,000,000`, `5 million`), and the words that are none."""
    joined: list[str] = []
    for word in words:
        unit = _IN_WORDS.get(word.lower())
        if unit is not None and joined and joined[-1][-1:].isdecimal() and _amount(joined[-1]) is not None:
            joined[-1] += unit
        else:
            joined.append(word)
    told = [amount for amount in map(_amount, joined) if amount is not None]
    return (told[0] if told else None), [word for word in joined if _amount(word) is None]


def _minutes(word: str) -> int | None:
    found = _LENGTH.fullmatch(word)
    return None if found is None else int(found[1]) * _MINUTES[found[2].lower()]


def _times_apart(one: int, other: int) -> float:
    return max(one, other) / min(one, other)


def _amount(word: str) -> float | None:
    found = _AMOUNT.fullmatch(word)
    if found is None:
        return None
    if found["grouped"]:
        return float(found["grouped"].replace(found["mark"], ""))
    return float(found["plain"].replace(",", ".")) * _TIMES[found["times"].lower()]
