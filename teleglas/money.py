"""USD as integer cents: exact where it decides, cheap where it only adds up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from teleglas.errors import BadFrame
from teleglas.market import Refusal

__all__ = ["MAX_CENTS", "cents", "dollars", "exact_decimal", "quick_cents"]

MAX_CENTS = 100_000_000_000_00
"""$100 billion: no single order of any market was near it, so more is a broken frame."""

_CERTAIN_CENTS = 1e11
_NEAR_HALF = 0.499


def exact_decimal(value: str | float | Decimal) -> Decimal:
    """Return a positive, finite number exactly as the venue wrote it.

    A float is taken by its shortest decimal spelling, which is what the venue wrote for
    up to 15 significant digits. Raises BadFrame(`bad_number`) for text, NaN, infinity,
    zero and negative values.
    """
    if isinstance(value, bool):
        raise BadFrame(Refusal.BAD_NUMBER, "a boolean")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise BadFrame(Refusal.BAD_NUMBER, repr(value)[:40]) from error
    if not number.is_finite() or number <= 0:
        raise BadFrame(Refusal.BAD_NUMBER, str(number)[:40])
    return number


def cents(usd: Decimal) -> int:
    """Round a USD amount half-up to integer cents (SEMANTICS 6).

    Raises BadFrame(`absurd_amount`) above `MAX_CENTS`.
    """
    if usd > MAX_CENTS // 100:
        raise BadFrame(Refusal.ABSURD_AMOUNT, f"${usd:.3e}")
    return int(usd.scaleb(2).to_integral_value(ROUND_HALF_UP))


def quick_cents(usd: float) -> int | None:
    """Return the cents that `cents` gives of the exact amount, None where a float cannot tell.

    usd: a product of up to three numbers, each the float next to its exact value. That is at
    most 6 parts in 10^16 off, so below a billion dollars less than 0.0001 of a cent: the
    rounding is certain except next to half a cent.
    """
    scaled = usd * 100
    if not 0.0 < scaled < _CERTAIN_CENTS:
        return None
    near = int(scaled + 0.5)
    return near if -_NEAR_HALF < scaled - near < _NEAR_HALF else None


def dollars(amount: int) -> str:
    """Write integer cents as plain dollars with two decimals, as replay output does."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"
