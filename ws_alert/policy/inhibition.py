"""A larger event that goes on silences its parts (SPEC 3, SEMANTICS 15)."""

from __future__ import annotations

from ws_alert.facts import MARKET
from ws_alert.messages import Kind
from ws_alert.signals.episodes import Episodes, Key

__all__ = ["RANK", "inhibitor"]

RANK = {
    kind: -place
    for place, kind in enumerate(
        (
            Kind.MARKET_CASCADE,
            Kind.GLOBAL_RADAR,
            Kind.LIQUIDATION_STORM,
            Kind.WHALE_CLUSTER,
            Kind.LARGE_LIQUIDATION,
            Kind.WHALE_TRADE,
            Kind.STOP_HUNT,
            Kind.ORDER_FLOW,
            Kind.WHALE_ACCUMULATION_WINDOW,
            Kind.VOLUME_SPIKE,
            Kind.OI_DIVERGENCE,
            Kind.FUNDING_EXTREME,
            Kind.CANDLE_CONFLUENCE,
        )
    )
}
"""Order of judgement and of leading a group: largest first (SEMANTICS 15), then what only joins others."""

_WHOLE_OF = {Kind.LARGE_LIQUIDATION: Kind.LIQUIDATION_STORM, Kind.WHALE_TRADE: Kind.WHALE_CLUSTER}


def inhibitor(key: Key, episodes: Episodes) -> Kind | None:
    """Return the kind that silences this one now, None if nothing does.

    It looks at what is firing, not at what was sent.
    """
    kind, asset, direction = key
    whole = _WHOLE_OF.get(kind)
    if whole is not None:
        return whole if (whole, asset, direction) in episodes.open else None
    for episode in (*episodes.active(MARKET), *episodes.active(asset)):
        if key in episode.parts:
            return episode.kind
    return None
