"""The field types of CoinGlass's rows: each accepts whatever the service sends for such a value.

Numbers come as JSON numbers or strings, missing ones as null, "" or "NaN"; times in seconds,
milliseconds or nanoseconds; exchanges under several names (reference: coinglass 1).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

__all__ = ["WINDOWS", "Exchange", "Ms", "Number", "Text", "canonical_exchange", "decode_value"]

WINDOWS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "24h", "1d", "2d", "3d", "5d",
           "7d", "10d", "15d", "30d", "1w")  # fmt: skip
"""Spellings of the lengths of time in names of fields, e.g. `price_change_percent_4h`."""

_NAMES = ("All", "ApeX Omni", "Aster", "Binance", "BingX", "Bitfinex", "Bitget", "Bitmex", "Bitunix", "Bybit",
          "CME", "CoinEx", "Coinbase", "Crypto.com", "Deribit", "Drift", "EdgeX", "Extended", "Gate", "Gemini",
          "HTX", "Hyperliquid", "Kraken", "KuCoin", "Lighter", "MEXC", "OKX", "Paradex", "WhiteBIT", "dYdX")  # fmt: skip
_CANONICAL = {name.casefold(): name for name in _NAMES} | {
    "gate.io": "Gate",
    "gateio": "Gate",
    "huobi": "HTX",
    "okex": "OKX",
    "cryptocom": "Crypto.com",
    "crypto": "Crypto.com",
}
_LONGEST_NAME = 160
_LATEST_MS = 1e14

if TYPE_CHECKING:
    Number = float | None
    Ms = int
    Exchange = str
    Text = str
else:

    class _Kind(type):
        """Lets msgspec check what `decode_value` returned for a field."""

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, cls.accepted)

    class Number(metaclass=_Kind):
        """A finite number, or None for one that is not there. Zero is a number."""

        accepted = (float, type(None))

    class Ms(metaclass=_Kind):
        """A time as Unix ms, whatever its unit was."""

        accepted = (int,)

    class Exchange(metaclass=_Kind):
        """An exchange's name as `supported-exchanges` spells it; `All` for their sum."""

        accepted = (str,)

    class Text(metaclass=_Kind):
        """A name that is there: not empty. Numbers become text, since some ids are numbers."""

        accepted = (str,)


def decode_value(kind: Any, value: Any) -> Any:
    """Convert one value to its field type, as msgspec's `dec_hook`. Raises ValueError."""
    if kind is Number:
        return _number(value)
    if kind is Ms:
        return _milliseconds(value)
    text = _text(value)
    return canonical_exchange(text) if kind is Exchange else text


def canonical_exchange(name: str) -> str:
    """Return the one spelling of an exchange's name; unknown names stay as they are."""
    return _CANONICAL.get(name.strip().casefold(), name.strip())


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | float | str):
        raise ValueError(f"a number was expected, not {type(value).__name__}")  # noqa: TRY004 - msgspec wants it
    if isinstance(value, str) and value.strip().casefold() in {"", "-", "--", "null", "none", "n/a"}:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("a number was expected") from None
    return number if math.isfinite(number) else None


def _milliseconds(value: Any) -> int:
    number = _number(value)
    if number is None or number <= 0:
        raise ValueError("a time was expected")
    # By magnitude: seconds until the year 5138, then ms, and ns since 1973.
    ms = number * 1000 if number < 1e11 else number if number < 1e14 else number / 1e6
    if ms >= _LATEST_MS:
        raise ValueError("a time was expected")
    return round(ms)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a name was expected")  # noqa: TRY004 - msgspec wants it
    text = str(value).strip()
    if not text or len(text) > _LONGEST_NAME:
        raise ValueError("a name was expected")
    return text
