"""What a key's plan allows, learned from refusals (reference: coinglass 2.1 and 2.3)."""

from __future__ import annotations

import math
import re

from teleglas.venues.answer import KeyRefused, NeedsPlan, SourceChanged, SourceError, UnknownSymbol
from teleglas.venues.coinglass.api.cache import Key
from teleglas.venues.coinglass.api.endpoints import Endpoint
from teleglas.venues.coinglass.rest import CoinglassRefused

__all__ = ["INTERVALS", "SOURCE", "IntervalRefused", "Refusals", "explain", "larger", "widened"]

SOURCE = "CoinGlass"

INTERVALS = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
             "1d": 1440, "1w": 10080}  # fmt: skip
"""Spelling -> minutes, rising."""

_PLAN_REFUSAL_S = 6 * 3600.0
_SYMBOL_REFUSAL_S = 600.0
_KEY_REFUSAL_S = 60.0
_SHAPE_REFUSAL_S = 30.0
_MOST = 2000
_EVERYTHING: Key = ("", ())
_FLOORS = {30: "4h", 80: "30m"}
"""Requests a minute, by which a plan is known -> its shortest period."""
_INTERVAL_WORDS = re.compile(r"\binterval\b", re.IGNORECASE)
_SYMBOL_WORDS = re.compile(r"\b(pair|coin|symbol|exchange|instrument|exist)", re.IGNORECASE)


class IntervalRefused(SourceError):
    """The plan offers this history in longer periods only."""


class Refusals:
    """Remembers what need not be asked again for a while. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[Key, tuple[float, SourceError]] = {}

    def find(self, key: Key, now_s: float) -> SourceError | None:
        """Return why this question need not be asked now."""
        for candidate in (key, (key[0], ()), _EVERYTHING):
            until, error = self._until.get(candidate, (0.0, None))
            if error is not None and now_s < until:
                return error
        return None

    def remember(self, key: Key, error: SourceError, now_s: float) -> None:
        """Keep a refusal: of the key for everything, of a plan for its endpoint, else of this question."""
        if isinstance(error, NeedsPlan):
            key, lasts_s = (key[0], ()), _PLAN_REFUSAL_S
        elif isinstance(error, UnknownSymbol):
            lasts_s = _SYMBOL_REFUSAL_S
        elif isinstance(error, KeyRefused):
            key, lasts_s = _EVERYTHING, _KEY_REFUSAL_S
        elif isinstance(error, SourceChanged):
            lasts_s = _SHAPE_REFUSAL_S
        else:
            return
        self._until.pop(key, None)
        self._until[key] = (now_s + lasts_s, error)
        while len(self._until) > _MOST:
            del self._until[next(iter(self._until))]

    def plans(self, now_s: float) -> dict[str, str]:
        """Return endpoint -> plan of what the key's plan does not include, for people."""
        current = (error for until, error in self._until.values() if now_s < until)
        return {error.endpoint: error.plan for error in current if isinstance(error, NeedsPlan)}


def explain(endpoint: Endpoint[object], symbol: str, refused: CoinglassRefused) -> SourceError:
    """Return what a refusal in the body means (reference: coinglass 2.3)."""
    if refused.reason == "plan":
        if _INTERVAL_WORDS.search(refused.message):
            return IntervalRefused(SOURCE, refused.message)
        return NeedsPlan(SOURCE, endpoint.name, endpoint.plan)
    if refused.reason == "invalid_key":
        return KeyRefused(SOURCE, "the key is missing, wrong or expired")
    if refused.code in {"400", "422"} and symbol and _SYMBOL_WORDS.search(refused.message):
        return UnknownSymbol(SOURCE, symbol)
    return SourceChanged(SOURCE, f"{endpoint.name}: {refused}"[:200])


def larger(interval: str, per_minute: int) -> str | None:
    """Return the next longer period that a plan may offer, None after the longest or for an unknown one.

    per_minute: the plan's requests, 0 if they are not known.
    """
    if interval not in INTERVALS:
        return None
    floor = INTERVALS[_FLOORS.get(per_minute, "1m")]
    longer = (name for name, minutes in INTERVALS.items() if minutes > INTERVALS[interval] and minutes >= floor)
    return next(longer, None)


def widened(query: dict[str, str | int], interval: str) -> dict[str, str | int]:
    """Return the query with longer periods, and as many of them as cover the same span."""
    factor = INTERVALS[interval] / INTERVALS[str(query["interval"])]
    return query | {"interval": interval, "limit": max(1, math.ceil(int(query["limit"]) / factor))}
