"""Each kind of alert on demand, with what is true written beside it, and what only looks similar."""

from __future__ import annotations

from collections.abc import Callable

from simulator.patterns.flows import order_flow, volume_spike, whale_accumulation_window, whale_cluster
from simulator.patterns.flushes import liquidation_storm, market_cascade, stop_hunt
from simulator.patterns.positions import funding_extreme, oi_divergence
from simulator.patterns.script import Case, Pattern, Script

__all__ = ["PATTERNS", "Case", "Pattern", "make"]

PATTERNS: dict[str, Callable[[Script], None]] = {
    write.__name__: write
    for write in (
        liquidation_storm,
        whale_cluster,
        market_cascade,
        stop_hunt,
        order_flow,
        whale_accumulation_window,
        funding_extreme,
        oi_divergence,
        volume_spike,
    )
}
"""What writes each pattern, by the kind that it is about."""


def make(name: str, seed: int) -> Pattern:
    """Return a pattern; raises KeyError for an unknown name. Another seed: other coins, times and sizes."""
    script = Script(name, seed)
    PATTERNS[name](script)
    return script.pattern()
