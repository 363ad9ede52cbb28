"""The family of the exact windows: single events, storms, clusters, the radar, stop hunts."""

from __future__ import annotations

import random
from heapq import merge
from operator import itemgetter
from typing import Any

from tests.reference.million.events import EventsByDefinition
from tests.reference.million.lives import Line, Machine, Row, only
from tests.reference.million.nasty import assets, events
from ws_alert.rules import Rules

__all__ = ["Spine", "in_order"]

_LOW = {"majors_usd": 500_000, "large_cap_usd": 500_000, "mid_cap_usd": 500_000}
_VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"thresholds": {"liquidation_storm": {**_LOW, "majors_count": 1, "mid_cap_count": 3},
                    "whale_cluster": {**_LOW, "majors_count": 1, "majors_dominance": 0.5, "mid_cap_dominance": 1.0}}},
    {"thresholds": {"whale_cluster": {**_LOW, "floor_btc_eth_usd": 300_000, "floor_usd": 100_000},
                    "whale_trade": {"majors_usd": 50_000, "large_cap_usd": 50_000, "mid_cap_usd": 50_000}}},
    {"radar": {"enabled": False}, "thresholds": {"stop_hunt": {"majority": 0.5, **dict.fromkeys(_LOW, 100_000)}}},
)  # fmt: skip


def in_order(histories: dict[str, list[Row]]) -> list[Row]:
    """Return the rows of all histories in order of receipt; each keeps its own order."""
    return list(merge(*histories.values(), key=itemgetter(0)))


class Spine:
    """Kinds that windows of 30 s and the flush of a coin decide."""

    def __init__(self) -> None:
        on = only("large_liquidation", "whale_trade", "liquidation_storm", "whale_cluster", "stop_hunt")
        self._variants = [Rules.model_validate({**each, "detectors": on}) for each in _VARIANTS]
        self._rules = self._variants[0]

    def batch(self, rng: random.Random) -> dict[str, list[Row]]:
        """Return a history for each of forty coins."""
        self._rules = rng.choice(self._variants)
        return {asset: events(rng, self._rules, asset) for asset in assets(40)}

    def by_engine(self, histories: dict[str, list[Row]], rng: random.Random | None) -> dict[str, list[Line]]:
        """Run them in one engine, restarted once in every third batch."""
        machine, rows = Machine(self._rules), in_order(histories)
        stop = rng.randrange(len(rows)) if rng is not None and rng.random() < 0.33 else -1
        for place, row in enumerate(rows):
            machine.feed(row)
            if place == stop:
                machine.restart()
        machine.rest()
        return machine.take()

    def by_definition(self, histories: dict[str, list[Row]]) -> dict[str, list[Line]]:
        """Judge each by itself."""
        return {asset: EventsByDefinition(self._rules, asset).read(rows) for asset, rows in histories.items()}
