"""A larger event that goes on silences its parts (SPEC 3, SEMANTICS 15)."""

from __future__ import annotations

from ws_alert.facts import MARKET
from ws_alert.messages import Kind
from ws_alert.signals.episodes import Episodes, Key

__all__ = ["RANK", "inhibitor"]

RANK = {
    Kind.MARKET_CASCADE: 11,
    Kind.GLOBAL_RADAR: 10,
    Kind.STOP_HUNT: 9,
    Kind.LIQUIDATION_STORM: 8,
    Kind.WHALE_CLUSTER: 7,
    Kind.ORDER_FLOW: 6,
    Kind.WHALE_ACCUMULATION_WINDOW: 5,
    Kind.VOLUME_SPIKE: 4,
    Kind.OI_DIVERGENCE: 3,
    Kind.FUNDING_EXTREME: 2,
    Kind.LARGE_LIQUIDATION: 1,
    Kind.WHALE_TRADE: 0,
    Kind.CANDLE_CONFLUENCE: -1,
}
"""Order of judgement and of leading a group: largest first."""

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
