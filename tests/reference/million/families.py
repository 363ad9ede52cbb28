"""Which kinds are judged together."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference.million.adaptive import Adaptive
from tests.reference.million.cascades import Cascades
from tests.reference.million.drive import Family
from tests.reference.million.flow import Flow
from tests.reference.million.interest import Divergence, Funding
from tests.reference.million.spikes import Spikes
from tests.reference.million.spine import Spine

__all__ = ["FAMILIES", "KINDS"]

FAMILIES: dict[str, Callable[[], Family]] = {
    "spine": Spine,
    "flow": Flow,
    "spikes": Spikes,
    "adaptive": Adaptive,
    "cascades": Cascades,
    "funding": Funding,
    "divergence": Divergence,
}
KINDS = {
    "large_liquidation": "spine",
    "whale_trade": "spine",
    "liquidation_storm": "spine",
    "whale_cluster": "spine",
    "global_radar": "spine",
    "stop_hunt": "spine",
    "order_flow": "flow",
    "market_cascade": "cascades",
    "funding_extreme": "funding",
    "oi_divergence": "divergence",
    "volume_spike": "spikes",
    "whale_accumulation_window": "flow",
}
"""Each kind's family."""
