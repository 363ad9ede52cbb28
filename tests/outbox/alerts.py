"""Hand-made alerts, verdicts and rows."""

from __future__ import annotations

import msgspec

from teleglas.storage.records import State, StoredRow
from ws_alert.messages import Action, Alert, Chart, Decisions, Kind, StormFacts, Tier, Verdict

__all__ = ["alert", "chart", "decisions", "decoded", "edit", "row", "send"]

START_MS = 1_800_000_000_000


def alert(name, *, target="42", tier=Tier.INFO, at_ms=START_MS, **values):
    """Return a storm for a private chat."""
    fields = {
        "alert_id": name, "target": target, "kind": Kind.LIQUIDATION_STORM, "asset": "BTC",
        "direction": "long", "tier": tier, "step": 0, "episode_ms": at_ms, "event_ms": at_ms,
        "received_ms": at_ms, "release_ms": at_ms, "told_usd": 250_000_000, "told_count": 4,
        "window_ms": 30_000, "venues": (("binance", 250_000_000),), "top": (),
        "threshold_usd": 200_000_000, "threshold_count": 2,
        "facts": StormFacts(intensity=1, price_from=60_000.0, price_to=59_000.0),
    }  # fmt: skip
    return Alert(**(fields | values))


def chart():
    """Return a minute of price and liquidations, which makes an alert of WATCH and above a picture."""
    price = tuple((START_MS - 60_000 + n * 5_000, 59_000.0, 60_000.0, 59_500.0) for n in range(12))
    bars = tuple((START_MS - 60_000 + n * 5_000, 0, 10_000_000) for n in range(12))
    return Chart(START_MS - 60_000, START_MS, 5_000, price, bars, "liquidations")


def verdict(what, action):
    """Return the decision that tells an alert."""
    return Verdict(
        action=action, reason="first", target=what.target, kind=what.kind, asset=what.asset,
        direction=what.direction, event_ms=what.event_ms, episode_ms=what.episode_ms, usd=what.told_usd,
        count=what.told_count, tier=what.tier, score=None, venues=what.venues, decided_ms=what.release_ms,
        release_ms=what.release_ms, told_usd=what.told_usd, told_count=what.told_count, step=0, alert=what,
    )  # fmt: skip


def send(name, **values):
    """Return the decision to send a new alert."""
    return verdict(alert(name, **values), Action.SEND)


def edit(name, revision, **values):
    """Return the decision to edit it; the amount shows the revision."""
    return verdict(
        alert(name, revision=revision, told_usd=250_000_000 + revision * 100_000_000, **values), Action.EDIT
    )


def decisions(*verdicts, position=1):
    """Return these decisions with some memory."""
    return Decisions(verdicts=verdicts, memory=b"m", position=position)


def row(what, **values):
    """Return an alert or digest as the store gives it."""
    digest = not isinstance(what, Alert)
    fields = {
        "row_id": 1, "alert_id": what.digest_id if digest else what.alert_id, "target": what.target,
        "chat": what.target.partition(":")[0], "tier": 1 if digest else what.tier,
        "content_type": "digest" if digest else "alert", "content": msgspec.json.encode(what),
        "created_ms": START_MS, "state": State.LEASED, "wanted": 0, "told": -1, "message_id": None,
        "reply_to_message": None, "attempts": 1, "not_before_ms": 0, "maybe_sent": False, "photo": False,
        "sent_ms": None, "why": "",
    }  # fmt: skip
    return StoredRow(**(fields | values))


def decoded(content):
    """Read an alert back."""
    return msgspec.json.decode(content, type=Alert)
