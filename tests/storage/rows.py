"""Hand-made records for the tests of the store."""

from __future__ import annotations

from teleglas.outcomes import NewOutcome
from teleglas.storage.records import Commit, NewEdit, NewMessage, VerdictRow

__all__ = ["commit", "edit", "message", "outcome", "verdict"]


def message(alert_id, *, target="42", rank_ms=1_000, created_ms=1_000, **values):
    """Return a message to a private chat."""
    defaults = {
        "alert_id": alert_id,
        "target": target,
        "chat": target.partition(":")[0],
        "tier": 1,
        "content_type": "alert",
        "content": f'"{alert_id} revision 0"'.encode(),
        "created_ms": created_ms,
        "rank_ms": rank_ms,
    }
    return NewMessage(**(defaults | values))


def edit(alert_id, revision):
    """Return an edit whose content names its revision."""
    return NewEdit(alert_id=alert_id, revision=revision, content=f'"{alert_id} revision {revision}"'.encode())


def verdict(**values):
    """Return a decision with every field set."""
    defaults = {
        "decided_ms": 1_000, "action": "send", "reason": "first", "target": "42",
        "kind": "liquidation_storm", "asset": "BTC", "direction": "long", "event_ms": 999,
        "episode_ms": 990, "usd": 250_000_000_00, "count": 12, "tier": 3, "score": None,
        "release_ms": 1_000, "told_usd": 250_000_000_00, "told_count": 12, "step": 0,
        "alert_id": "a", "body": '{"asset":"BTC","why":"größer"}'.encode(),
    }  # fmt: skip
    return VerdictRow(**(defaults | values))


def commit(*messages, edits=(), verdicts=(), memory=b"memory", position=1, baselines=None, outcomes=()):
    """Return a commit of these messages."""
    return Commit(
        verdicts=tuple(verdicts),
        messages=messages,
        edits=tuple(edits),
        memory=memory,
        position=position,
        baselines=baselines,
        outcomes=tuple(outcomes),
    )


def outcome(**values):
    """Return an alert whose outcome begins."""
    defaults = {
        "kind": "liquidation_storm", "asset": "BTC", "direction": "long", "timeframe": "", "episode_ms": 990,
        "event_ms": 999, "tier": 3, "strength": 4.5, "prices": (("BTC", 97_525.5),),
    }  # fmt: skip
    return NewOutcome(**(defaults | values))
