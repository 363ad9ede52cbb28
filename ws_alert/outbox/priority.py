"""Which message first: the more urgent, but nothing waits for ever. Pure."""

from __future__ import annotations

from ws_alert.messages import Tier

__all__ = ["HEAD_START_MS", "rank_ms"]

HEAD_START_MS = {Tier.URGENT: 120_000, Tier.WATCH: 60_000, Tier.INFO: 0, Tier.NONE: 0}
"""How much longer than an INFO message a more urgent one counts as having waited."""


def rank_ms(tier: Tier, created_ms: int) -> int:
    """Return the place in the queue: the smaller is sent first, equal ones in the order of their commit.

    Ageing needs no clock: an URGENT message overtakes every INFO message that is less than
    two minutes older, and none that has waited longer. Every send goes before every edit
    (`Store.claim_next`); edits go by when their message was told last.
    """
    return created_ms - HEAD_START_MS[tier]
