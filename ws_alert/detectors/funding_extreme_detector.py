"""Funding that costs one side unusually much (SPEC 2)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from ws_alert.detectors.hit import Hit, Level, tier_by_multiple
from ws_alert.messages import FundingFacts, FundingRate, Kind
from ws_alert.rules import Rules
from ws_alert.windows.interest import AssetInterest, Rate

__all__ = ["PERIOD_MS", "FundingExtremeDetector"]

PERIOD_MS = 28_800_000
"""All rates are scaled to 8 hours before they are compared."""

_ROUNDING = 1e-9
_SIGNS = {"long": 1, "short": -1}
"""Direction: who pays. Longs pay a positive rate."""


class FundingExtremeDetector:
    """A venue's rate, scaled to 8 hours, is at least the threshold. Exact: no rounding decides.

    The mean that open interest weighs can never exceed the largest of its parts, so it is
    told and never fires by itself.
    """

    def __init__(self, rules: Rules) -> None:
        self._threshold = Fraction(Decimal(repr(rules.thresholds.funding_extreme.percent)))
        self._nearly = float(self._threshold) * (1 - _ROUNDING)

    def may_fire(self, asset: AssetInterest) -> bool:
        """Return False where no rate comes near the threshold: of nearly all assets, at nearly all times."""
        return asset.about() >= self._nearly

    def detect(self, asset: AssetInterest, event_ms: int, now_ms: int) -> tuple[Level, Level]:
        """Return the levels of both directions at `now_ms`; event_ms: of what was told last."""
        rates = asset.rates(now_ms)
        long, short = (
            self._level(asset, direction, sign, rates, (event_ms, now_ms))
            for direction, sign in _SIGNS.items()
        )
        return long, short

    def measure(self, asset: AssetInterest, now_ms: int) -> tuple[Level, Level]:
        """Return how high the levels still are, where nothing new was told."""
        rates = asset.rates(now_ms)
        long, short = (self._level(asset, direction, sign, rates) for direction, sign in _SIGNS.items())
        return long, short

    def _level(
        self,
        asset: AssetInterest,
        direction: str,
        sign: int,
        rates: Sequence[Rate],
        times: tuple[int, int] | None = None,
    ) -> Level:
        top = max((sign * one.percent_8h for one in rates), default=Fraction(0))
        multiple = max(Fraction(0), top / self._threshold)
        hit = self._hit(asset, direction, sign, rates, *times) if times and multiple >= 1 else None
        return Level(Kind.FUNDING_EXTREME, asset.asset, direction, float(multiple), hit)

    def _hit(
        self,
        asset: AssetInterest,
        direction: str,
        sign: int,
        rates: Sequence[Rate],
        event_ms: int,
        now_ms: int,
    ) -> Hit:
        ordered = sorted(rates, key=lambda one: (-abs(one.percent_8h), one.row.venue, one.row.symbol))
        extreme = max(ordered, key=lambda one: sign * one.percent_8h)
        over = {one.row.venue for one in rates if one.percent_8h * sign >= self._threshold}
        venues = tuple((venue, asset.open_interest(venue, now_ms) or 0) for venue in sorted(over))
        multiple = extreme.percent_8h * sign / self._threshold
        weights = [_weight(asset, one, rates, now_ms) for one in ordered]
        return Hit(
            kind=Kind.FUNDING_EXTREME,
            asset=asset.asset,
            direction=direction,
            event_ms=event_ms,
            window_ms=PERIOD_MS,
            usd=sum(usd for _, usd in venues),
            count=len(venues),
            venues=venues,
            threshold_usd=0,
            threshold_count=1,
            tier=tier_by_multiple(multiple.numerator, multiple.denominator),
            facts=FundingFacts(
                rates=tuple(_told(one, usd) for one, usd in zip(ordered, weights, strict=True)),
                extreme_8h=float(extreme.percent_8h),
                extreme_of=extreme.row.venue,
                weighted_8h=_weighted(ordered, weights),
                limit_8h=float(self._threshold),
            ),
        )


def _weight(asset: AssetInterest, one: Rate, rates: Sequence[Rate], now_ms: int) -> int | None:
    """Return the contract's open interest; the venue's, where only one contract of it tells a rate."""
    own = asset.open_interest(one.row.venue, now_ms, one.row.symbol)
    alone = sum(other.row.venue == one.row.venue for other in rates) == 1
    return asset.open_interest(one.row.venue, now_ms) if own is None and alone else own


def _weighted(rates: Sequence[Rate], weights: Sequence[int | None]) -> float | None:
    known = [(one.percent_8h, usd) for one, usd in zip(rates, weights, strict=True) if usd]
    total = sum(usd for _, usd in known)
    return float(sum((percent * usd for percent, usd in known), Fraction(0)) / total) if total else None


def _told(one: Rate, usd: int | None) -> FundingRate:
    row = one.row
    return FundingRate(row.venue, row.symbol, float(one.percent_8h), row.interval_h, row.at_ms, usd)
