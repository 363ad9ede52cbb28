"""OKX contract sizes for the case that `/api/v5/public/instruments` is refused.

Used ONLY when the venue's REST is refused (a region block leaves the stream open): without
a size no amount can be told. Sizes in coins as of 2026-11-21, each equal in all of the dated
public listings of 2022-2026 that name it, and named in at least two; a size that changed
in these years (ZEC, ENJ) is left out, and stays `unknown_instrument` like all that is not here.
USD ones: 100 USD for BTC, 10 USD for the others. A REST table always replaces this one.
"""

from __future__ import annotations

from decimal import Decimal

from teleglas.instruments import asset_and_scale
from teleglas.market import Instrument

__all__ = ["AS_OF", "builtin_instruments"]

AS_OF = "2026-11-21"

_COINS_PER_CONTRACT = {
    "0.0001": "YFI",
    "0.01": "BNB BTC ICP MKR TAO XCH",
    "0.1": "AAVE APE AR AXS BCH BERA COMP EGLD ENS ETH ETHW FIL GMX HYPE INJ KSM LPT ORDI SSV TRB TRUMP UMA",
    "1": (
        "1INCH API3 APT ARKM ATOM AVAX BAND CELO CORE CRV CVX DOT DYDX ETHFI FARTCOIN GAS GMT GRASS IMX IP JTO LDO LINK "
        "LTC LUNA MAGIC MASK MINA NEO OP PI QTUM RAY RENDER SNX SOL STRK SUI SUSHI TIA TON UNI VIRTUAL W WIF WLD XTZ YGG ZRO"
    ),
    "10": (
        "ALGO ARB BAT BIGTIME BLUR CFX CHZ CRO ETC FLOW GALA GRT ID IOTA JUP LRC MANA MOODENG NEAR OM ONDO ONT "
        "PNUT POL POPCAT PYTH RESOLV RVN SAHARA SAND STORJ STX THETA WOO ZETA ZRX"
    ),
    "100": "ACH ADA H HBAR HMSTR HUMA JST MEME NOT ONE PENGU PEOPLE RSR XLM XRP ZIL",
    "1000": "BOME DOGE DOGS DOOD IOST MEW NEIRO PUMP TRX",
    "10000": "LUNC TURBO",
    "100000": "BONK CAT FLOKI",
    "1000000": "SHIB",
    "10000000": "PEPE SATS",
}
_USD_PER_CONTRACT = {"100": "BTC", "10": "ADA AVAX BCH DOGE DOT ETC ETH FIL LINK LTC SOL UNI XRP"}


def builtin_instruments() -> dict[str, Instrument]:
    """Return USDT-margined contracts in coins and USD-quoted inverse ones in dollars, by instId."""
    linear = [
        _instrument(f"{coin}-USDT-SWAP", size, inverse=False)
        for size, coins in _COINS_PER_CONTRACT.items()
        for coin in coins.split()
    ]
    inverse = [
        _instrument(f"{coin}-USD-SWAP", size, inverse=True)
        for size, coins in _USD_PER_CONTRACT.items()
        for coin in coins.split()
    ]
    return {instrument.symbol: instrument for instrument in linear + inverse}


def _instrument(symbol: str, size: str, *, inverse: bool) -> Instrument:
    asset, scale = asset_and_scale(symbol.split("-", 1)[0])
    return Instrument(
        venue="okx", symbol=symbol, asset=asset, inverse=inverse, multiplier=Decimal(size), scale=scale
    )
