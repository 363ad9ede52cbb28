"""From a venue's symbol to the asset that windows, thresholds and alerts speak of."""

from __future__ import annotations

import re
from functools import lru_cache

from teleglas.errors import BadFrame
from teleglas.market import Refusal

__all__ = ["ALIASES", "QUOTES", "asset_and_scale", "asset_of_symbol"]

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
"""Quotes that count as USD (SEMANTICS 7)."""

ALIASES = {"XBT": "BTC", "MATIC": "POL"}
"""Other names of the same coin (SPEC 0)."""

_OTHER_QUOTES = ("BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "JPY", "AUD", "KRW", "DAI", "TUSD", "UST")
_COINS_NAMED_LIKE_PAIRS = frozenset(
    {"WBTC", "CBBTC", "TBTC", "LBTC", "EBTC", "SOLVBTC", "RENBTC", "WETH", "STETH", "WSTETH", "CBETH", "RETH",
     "WEETH", "EZETH", "RSETH", "METH", "BETH", "WBNB", "XBTC", "BTCB"}
)  # fmt: skip
_DOLLARS = frozenset({"BUSD", "CRVUSD", "FDUSD", "GUSD", "LUSD", "PYUSD", "RLUSD", "SUSD", "TUSD"})
"""Stablecoins whose names end like a pair in USD: alone such a word is the coin, never half of it."""
_DATED = re.compile(r"[_-](\d{6}|\d{1,2}[A-Z]{3}\d{2})$")
_SEPARATORS = re.compile(r"[-_/:. ]")
_BUILDER = re.compile(r"^[a-z0-9]+:(?=.)")
_CONTRACT = re.compile(r"(PERPETUAL|PERP|SWAP)$")
_MULTIPLIED = re.compile(r"^(1M|1(?:0{3,6}))(?=[^\W\d])(.+)$")


def asset_and_scale(base: str) -> tuple[str, int]:
    """Return (asset, coins per priced unit) of a base name as a venue lists it.

    `1000PEPE` and `kPEPE` are (PEPE, 1000), `1MBABYDOGE` is (BABYDOGE, 1000000),
    `XBT` is (BTC, 1), `1INCH` is itself.
    """
    if len(base) > 2 and base[0] == "k" and base[1:] == base[1:].upper():
        name, scale = base[1:], 1000
    else:
        name, scale = base.upper(), 1
        found = _MULTIPLIED.match(name)
        if found:
            scale = 1_000_000 if found[1] == "1M" else int(found[1])
            name = found[2]
    return ALIASES.get(name, name), scale


@lru_cache(maxsize=8192)
def asset_of_symbol(symbol: str) -> tuple[str, int]:
    """Return (asset, coins per priced unit) of any symbol of a recorded tape (SEMANTICS 7).

    Raises BadFrame(`unknown_symbol`) for an empty name, for one with line ends or other signs
    that cannot be printed (they would break records and messages), and for a pair with
    another quote (`ETHBTC`): its USD value would be a guess. `SUSD` is the stablecoin, `S-USD` and
    `SUSD_PERP` are contracts on S.
    """
    text = symbol.strip()
    if not text or len(text) > 40 or not text.isprintable():
        raise BadFrame(Refusal.UNKNOWN_SYMBOL, symbol[:40])
    upper = text.upper()
    if upper in _DOLLARS:
        return upper, 1
    dated = _DATED.search(upper)
    if dated:
        text, upper = text[: dated.start()], upper[: dated.start()]
    contract = _CONTRACT.search(upper)
    if contract and contract.start():
        text, upper = text[: contract.start()], upper[: contract.start()]
    # Hyperliquid's builder markets are named `dex:COIN`
    text = _BUILDER.sub("", text)
    parts = [part for part in _SEPARATORS.split(text) if part]
    text = "".join(parts)
    upper = text.upper()
    if not text:
        raise BadFrame(Refusal.UNKNOWN_SYMBOL, symbol)
    for quote in sorted(QUOTES, key=len, reverse=True):
        if upper.endswith(quote) and len(upper) > len(quote):
            return asset_and_scale(text[: -len(quote)])
    if _is_other_pair(upper) or (len(parts) > 1 and parts[-1].upper() in _OTHER_QUOTES):
        raise BadFrame(Refusal.UNKNOWN_SYMBOL, symbol)
    return asset_and_scale(text)


def _is_other_pair(upper: str) -> bool:
    if upper in _COINS_NAMED_LIKE_PAIRS:
        return False
    return any(upper.endswith(quote) and len(upper) - len(quote) >= 2 for quote in _OTHER_QUOTES)
