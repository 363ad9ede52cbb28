"""Which coin a person means. Pure.

A name is a coin or it is not: nothing is completed, and a near match is offered, never taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass

from teleglas.errors import BadFrame
from teleglas.instruments import ALIASES, asset_and_scale, asset_of_symbol

__all__ = ["Found", "Unknown", "near_matches", "resolve"]

_LONGEST = 40
_MOST_NEAR = 4
_FULL_NAMES = {
    "AVALANCHE": "AVAX", "BITCOIN": "BTC", "CARDANO": "ADA", "CHAINLINK": "LINK",
    "COSMOS": "ATOM", "DOGECOIN": "DOGE", "ETHER": "ETH", "ETHEREUM": "ETH", "HYPERLIQUID": "HYPE", "LITECOIN": "LTC",
    "POLKADOT": "DOT", "POLYGON": "POL", "RIPPLE": "XRP", "SHIBA": "SHIB", "SOLANA": "SOL",
    "STELLAR": "XLM", "TONCOIN": "TON", "TRON": "TRX", "UNISWAP": "UNI", "ZCASH": "ZEC",
}  # fmt: skip
"""What beginners type, as an offer only: a coin may bear such a name itself one day."""
_OUTSIDE = re.compile(r"^[\s$#]+|\s+$")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Found:
    """The coin that was meant."""

    asset: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such coin. text: what was typed, short enough to repeat; near: coins spelled alike, nearest first."""

    text: str
    near: tuple[str, ...] = ()


def resolve(text: str, listed: Collection[str], multiplied: Collection[str] = ()) -> Found | Unknown:
    """Return the listed coin that `text` names, or the coins spelled alike.

    listed: every known coin, the larger ones first; a mapping or a set, so that a look-up is
    fast. Coins (`btc`, `$sol`), multiples (`1000pepe`, `kPEPE`), old names (`MATIC`) and any
    venue's contract (`BTCUSDT`, `BTC-USDT-SWAP`, `XBTUSD`) are understood in any case.
    multiplied: coins that a venue prices by the thousand or million: only for these is `kpepe`
    a spelling of `kPEPE`, since otherwise `kava` would become AVA where KAVA is not listed.
    """
    name = _SPACES.sub(" ", _OUTSIDE.sub("", unicodedata.normalize("NFKC", text)))
    if not name or len(name) > _LONGEST:
        return Unknown(name[:_LONGEST])
    for asset in _readings(name):
        if asset in listed:
            return Found(asset)
    thousand = asset_and_scale(f"k{name[1:].upper()}")[0]
    if name[0] in "kK" and thousand in multiplied and thousand in listed:
        return Found(thousand)
    meant = _FULL_NAMES.get(name.upper(), "")
    near = [asset for asset in near_matches(_coin_part(name), listed) if asset != meant]
    return Unknown(name, tuple([meant, *near][:_MOST_NEAR] if meant in listed else near))


def near_matches(name: str, listed: Iterable[str]) -> tuple[str, ...]:
    """Return at most four coins that a slip or two away from `name`, nearest first, then in their order."""
    name = name.upper()
    slips = 1 if len(name) <= 3 else 2
    found: list[tuple[int, int, str]] = []
    for rank, asset in enumerate(listed):
        if abs(len(asset) - len(name)) <= slips:
            distance = _distance(name, asset, slips)
            # Two slips in a coin of two letters are another word.
            if distance <= slips and distance < len(asset):
                found.append((distance, rank, asset))
    return tuple(asset for _, _, asset in sorted(found)[:_MOST_NEAR])


def _readings(name: str) -> list[str]:
    """Return the coins that a name may stand for, the most literal first."""
    upper = name.upper()
    readings = [upper, ALIASES.get(upper, upper), asset_and_scale(name)[0], asset_and_scale(upper)[0]]
    with suppress(BadFrame):
        readings += [asset_of_symbol(name)[0], asset_of_symbol(upper)[0]]
    return readings


def _coin_part(name: str) -> str:
    try:
        return asset_of_symbol(name)[0]
    except BadFrame:
        return re.split(r"[-_/:. ]", name)[0] or name


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be changed, added, dropped or swapped with a neighbour; `most + 1` if more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        previous, before = before, row
        row = [i]
        for j, against in enumerate(other, 1):
            step = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                step = min(step, previous[j - 2] + 1)
            row.append(step)
        if min(row) > most:
            return most + 1
    return row[-1]
