"""Volume spikes: a minute of taker volume many times the asset's own median minute (SPEC 2, SEMANTICS 12).

Judged when a second closes (SEMANTICS 4), over the last 60 whole seconds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ws_alert.detectors.hit import Hit, tier_by_multiple
from ws_alert.messages import Kind, SpikeFacts
from ws_alert.rules import Rules
from ws_alert.windows.baselines import Baselines
from ws_alert.windows.event_aggregator import AssetEvents
from ws_alert.windows.minute_volumes import Median

__all__ = ["SPIKE_MS", "SPIKE_SECONDS", "VolumeSpikeDetector"]

SPIKE_SECONDS: Final = 60
SPIKE_MS: Final = SPIKE_SECONDS * 1000

_LEAST_HISTORY: Final = 360
"""Closed minutes: six hours."""


class VolumeSpikeDetector:
    """Taker volume >= the multiple of the median minute of 24 h, and >= the floor; both sides, all venues.

    With a median of 0 (half of the minutes held no trade) the floor alone decides. floor: in cents;
    near: half of it.
    """

    def __init__(self, rules: Rules, baselines: Baselines) -> None:
        thresholds = rules.thresholds.volume_spike
        self._baselines = baselines
        self._multiple = float(thresholds.multiple)
        self._times, self._parts = Decimal(repr(thresholds.multiple)).as_integer_ratio()
        self.floor = round(thresholds.floor_usd * 100)
        self.near = self.floor // 2

    def may_fire(self, events: AssetEvents) -> bool:
        """Return whether the seconds before the current one, together with it as it is, reach the threshold."""
        tape = events.tape
        return self._reached(events.asset, tape.minute + tape.bought + tape.sold) is not None

    def is_near(self, events: AssetEvents) -> bool:
        """Return whether the minute before the current second holds half of the threshold, so that it may complete it."""
        return self._reached(events.asset, 2 * events.tape.minute) is not None

    def closed(self, events: AssetEvents) -> Hit | None:
        """Judge the minute up to the end of the second that has just closed."""
        tape = events.tape
        return self._judge(events, tape.closed + 1, tape.ended_minute)

    def ended(self, events: AssetEvents) -> Hit | None:
        """Judge the minute up to the end of the open second, which is over."""
        until = events.tape.second + 1
        return self._judge(events, until, sum(events.tape.minute_sides(until)))

    def _judge(self, events: AssetEvents, until: int, usd: int) -> Hit | None:
        """Judge the taker cents of the whole seconds of [until - 60, until); until: a Unix second."""
        tape, median = events.tape, self._reached(events.asset, usd)
        if median is None:
            return None
        buy, sell = tape.minute_sides(until)
        # a threshold in whole cents: what reaches the exact one reaches it too
        threshold = max(self.floor, -(-self._times * median.twice_usd // (2 * self._parts)))
        return Hit(
            kind=Kind.VOLUME_SPIKE,
            asset=events.asset,
            direction="neutral",
            event_ms=until * 1000,
            window_ms=SPIKE_MS,
            usd=usd,
            count=1,
            venues=(),
            threshold_usd=threshold,
            threshold_count=1,
            tier=tier_by_multiple(usd, threshold),
            facts=SpikeFacts(
                buy_usd=buy,
                sell_usd=sell,
                median_usd=median.usd,
                multiple=2 * usd / median.twice_usd if median.twice_usd else None,
                history_minutes=median.minutes,
                multiple_limit=self._multiple,
                floor_usd=self.floor,
            ),
        )

    def _reached(self, asset: str, usd: int) -> Median | None:
        """Return the median if so many cents in a minute reach its multiple and the floor."""
        if usd < self.floor:
            return None
        median = self._baselines.median(asset)
        if median is None or median.minutes < _LEAST_HISTORY:
            return None
        return median if 2 * usd * self._parts >= self._times * median.twice_usd else None
