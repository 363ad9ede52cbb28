"""What goes into the store and comes out of it, in plain words that both bots understand.

Contents are JSON bytes that the store never looks into. Times are Unix ms UTC.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from teleglas.baselines import BaselineChange
from teleglas.outcomes import NewOutcome

__all__ = ["ALL_CHATS", "Commit", "NewEdit", "NewMessage", "QueueStats", "State", "StoredRow", "VerdictRow"]

ALL_CHATS = "*"
"""In place of a chat: a wait that concerns every chat."""


class State(StrEnum):
    """Where a message of the outbox is.

    pending -> leased -> sent; a sent one is pending again while a newer revision is
    wanted than was told, or while it lacks its picture. buried: refused for good before it was sent. digested: told by a
    line of a later digest instead.
    """

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    BURIED = "buried"
    DIGESTED = "digested"


class NewMessage(msgspec.Struct, frozen=True):
    """A message to be sent. `alert_id` names it for ever: the same id never makes a second row.

    chat: the target without its topic. rank_ms: the smaller, the sooner it is sent.
    reply_to: the alert id of the message it replies to, else empty.
    """

    alert_id: str
    target: str
    chat: str
    tier: int
    content_type: str
    content: bytes
    created_ms: int
    rank_ms: int
    reply_to: str = ""


class NewEdit(msgspec.Struct, frozen=True):
    """A newer content for a message: revision 1, 2, ...; only the newest is ever told."""

    alert_id: str
    revision: int
    content: bytes


class VerdictRow(msgspec.Struct, frozen=True):
    """One decision, field by field, and whole in `body` (JSON). Amounts in cents."""

    decided_ms: int
    action: str
    reason: str
    target: str
    kind: str
    asset: str
    direction: str
    event_ms: int
    episode_ms: int
    usd: int
    count: int
    tier: int
    score: float | None
    release_ms: int | None
    told_usd: int | None
    told_count: int | None
    step: int | None
    alert_id: str | None
    body: bytes


class Commit(msgspec.Struct, frozen=True):
    """What becomes true in one transaction.

    position: the last journal record decided on. baselines: what changed of the assets' own
    normals. outcomes: alerts whose outcome is to be measured.
    """

    verdicts: tuple[VerdictRow, ...]
    messages: tuple[NewMessage, ...]
    edits: tuple[NewEdit, ...]
    memory: bytes
    position: int
    baselines: BaselineChange | None = None
    outcomes: tuple[NewOutcome, ...] = ()


class StoredRow(msgspec.Struct, frozen=True):
    """A message as the store knows it.

    told: the last revision that its target confirmed, -1 before the first.
    reply_to_message: the target's id of the message it replies to, where that one was sent.
    attempts: claims since the last confirmation. why: the last refusal or delay.
    photo: the message has a picture. picture: what is to be drawn for it and added, as JSON, None
    when nothing is; picture_tried: an earlier try to add it may have arrived.
    """

    row_id: int
    alert_id: str
    target: str
    chat: str
    tier: int
    content_type: str
    content: bytes
    created_ms: int
    state: State
    wanted: int
    told: int
    message_id: int | None
    reply_to_message: int | None
    attempts: int
    not_before_ms: int
    maybe_sent: bool
    photo: bool
    sent_ms: int | None
    why: str
    picture: bytes | None = None
    picture_tried: bool = False


class QueueStats(msgspec.Struct, frozen=True):
    """The queue in figures: messages never sent yet, the oldest of them, rows by state, decisions."""

    waiting: int
    oldest_waiting_ms: int | None
    by_state: dict[str, int]
    verdicts: int
