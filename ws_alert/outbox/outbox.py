"""What decisions, answers and age make of a message. Pure.

A message is *pending* until it is claimed, *leased* while it is being sent, then *sent*;
sent ones are pending again while a newer revision is wanted than was told, or while they lack
their picture: words leave at once, the picture is added to them when it is drawn. It ends
*buried* if its target refuses it for good, *digested* if it grew too old to be told
singly. An unknown outcome makes it pending again, marked as possibly sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeGuard

import msgspec

from teleglas.outcomes import NewOutcome
from teleglas.storage.records import ALL_CHATS, Commit, NewEdit, NewMessage, StoredRow, VerdictRow
from ws_alert.messages import (
    Action,
    Alert,
    Daily,
    Decisions,
    Digest,
    DigestLine,
    Outcome,
    OutcomeKind,
    Tier,
    Verdict,
)
from ws_alert.outbox.gate import chat_of, edit_every_ms
from ws_alert.outbox.priority import rank_ms

__all__ = [
    "STALE_MS",
    "UNKNOWN_WAIT_MS",
    "Bare",
    "GiveUp",
    "Move",
    "Step",
    "Told",
    "Wait",
    "commit_of",
    "content_of",
    "daily_message",
    "late_digests",
    "step_after",
]

STALE_MS = 600_000
"""An alert that could not be sent for so long is told by a line of a digest (SPEC 4)."""

UNKNOWN_WAIT_MS = 60_000
"""Before a possible repeat: a message that Telegram was slow to confirm is then long there."""

_LEAST_WAIT_MS = 1_000


class Told(msgspec.Struct, frozen=True):
    """The target has this revision; it may be edited again at `next_edit_ms`.

    note: for the admin. picture: what the message still lacks (JSON), None if nothing.
    """

    revision: int
    message_id: int | None
    photo: bool
    next_edit_ms: int
    note: str = ""
    picture: bytes | None = None


class Wait(msgspec.Struct, frozen=True):
    """Try again at `until_ms`. Until `hold_ms`, if not 0, nothing at all goes to the chat `hold`."""

    until_ms: int
    why: str
    hold: str
    hold_ms: int = 0
    maybe_sent: bool = False


class GiveUp(msgspec.Struct, frozen=True):
    """Refused for good; `suspend`: so is everything else for this chat."""

    why: str
    suspend: bool


class Move(msgspec.Struct, frozen=True):
    """The chat has become another one; send it there."""

    chat: str


class Bare(msgspec.Struct, frozen=True):
    """The message stands without its picture; it may be edited again at `next_edit_ms`."""

    why: str
    next_edit_ms: int


Step = Told | Wait | GiveUp | Move | Bare


def step_after(row: StoredRow, outcome: Outcome, now_ms: int, picture: bytes | None = None) -> Step:
    """Decide what an answer means for the message that was tried.

    picture: what is to be added once the words are told (JSON), None if nothing is.
    """
    kind = outcome.kind
    edit_ms = now_ms + edit_every_ms(row.chat)
    if kind is OutcomeKind.SENT:
        lacks = picture if row.told < 0 and outcome.message_id is not None and not outcome.photo else None
        # Its picture need not wait for the pace of edits: the chat's gate decides.
        again_ms = edit_ms if lacks is None else now_ms
        # A picture that could only follow its message changed no words: newer ones are still to be told.
        apart = row.picture is not None and not outcome.photo
        revision = row.told if apart else row.wanted
        photo = row.photo or outcome.photo
        return Told(revision, outcome.message_id, photo, again_ms, outcome.why, lacks)
    hold = ALL_CHATS if outcome.scope == "all" else row.chat
    if kind is OutcomeKind.RETRY_AT:
        until_ms = now_ms + max(outcome.wait_ms, _LEAST_WAIT_MS)
        return Wait(until_ms, outcome.why, hold, until_ms)
    if kind is OutcomeKind.UNKNOWN:
        # An edit that is made twice shows once: it needs neither the label nor the long wait. A
        # picture may have gone out as an answer instead.
        unsent = row.told < 0
        until_ms = max(now_ms + outcome.wait_ms, now_ms + UNKNOWN_WAIT_MS if unsent else edit_ms)
        held_ms = now_ms + outcome.wait_ms if outcome.wait_ms else 0
        return Wait(until_ms, outcome.why, hold, held_ms, maybe_sent=unsent or row.picture is not None)
    if kind is OutcomeKind.MIGRATED and outcome.migrated_to not in {"", row.chat}:
        return Move(outcome.migrated_to)
    if row.picture is not None and not outcome.suspend:
        return Bare(outcome.why or "refused", edit_ms)
    return GiveUp(outcome.why or "refused", outcome.suspend)


def commit_of(decisions: Decisions) -> Commit:
    """Turn decisions into what the store commits: verdicts, messages to send, edits to make."""
    decided = decisions.verdicts
    return Commit(
        verdicts=tuple(_verdict_row(verdict) for verdict in decided),
        messages=tuple(message for verdict in decided for message in _messages(verdict)),
        edits=tuple(
            NewEdit(verdict.alert.alert_id, verdict.alert.revision, msgspec.json.encode(verdict.alert))
            for verdict in decided
            if verdict.action is Action.EDIT and verdict.alert is not None
        ),
        memory=decisions.memory,
        position=decisions.position,
        baselines=decisions.baselines,
        outcomes=tuple(outcome for verdict in decided for outcome in _outcomes(verdict)),
    )


def content_of(row: StoredRow) -> Alert | Digest | Daily:
    """Read back what a message tells. Raises msgspec.DecodeError for what this program cannot have written."""
    if row.content_type == "digest":
        return msgspec.json.decode(row.content, type=Digest)
    if row.content_type == "daily":
        return msgspec.json.decode(row.content, type=Daily)
    return msgspec.json.decode(row.content, type=Alert)


def late_digests(rows: Iterable[StoredRow], now_ms: int) -> Iterator[tuple[NewMessage, list[str]]]:
    """Merge alerts that grew too old into one digest per target, with a late one that still waits.

    rows: as `Store.stale` gives them. Yields each digest with the alert ids that it stands for.
    """
    for target, waiting in groupby(sorted(rows, key=lambda row: row.target), key=lambda row: row.target):
        told = [(row, content_of(row)) for row in waiting]
        merged = [(row, what) for row, what in told if _is_merged(what)]
        names = [row.alert_id for row, _ in merged]
        digest = _digest(target, names, [what for _, what in merged])
        tier = Tier(max(row.tier for row, _ in merged))
        yield _new_digest(digest, tier, now_ms), names


def _is_merged(what: Alert | Digest | Daily) -> TypeGuard[Alert | Digest]:
    return isinstance(what, Alert) or (isinstance(what, Digest) and what.why == "late")


def daily_message(daily: Daily, now_ms: int) -> NewMessage:
    """Return the row of a daily digest; it waits behind alerts."""
    return NewMessage(
        alert_id=daily.digest_id,
        target=daily.target,
        chat=chat_of(daily.target),
        tier=Tier.INFO,
        content_type="daily",
        content=msgspec.json.encode(daily),
        created_ms=now_ms,
        rank_ms=rank_ms(Tier.INFO, now_ms),
    )


def _digest(target: str, names: list[str], told: Sequence[Alert | Digest]) -> Digest:
    lines = sorted(
        (line for what in told for line in _lines(what)),
        key=lambda line: (line.event_ms, line.kind, line.asset),
    )
    return Digest(
        digest_id=hashlib.sha256("\n".join(["late", target, *sorted(names)]).encode()).hexdigest(),
        target=target,
        why="late",
        from_ms=lines[0].event_ms,
        to_ms=lines[-1].event_ms,
        lines=tuple(lines),
        simulated=any(what.simulated for what in told),
    )


def _lines(what: Alert | Digest) -> tuple[DigestLine, ...]:
    if isinstance(what, Digest):
        return what.lines
    return (DigestLine(what.kind, what.asset, what.direction, what.event_ms, what.told_usd),)


def _messages(verdict: Verdict) -> Iterator[NewMessage]:
    alert = verdict.alert
    if verdict.action is Action.SEND and alert is not None:
        yield NewMessage(
            alert_id=alert.alert_id,
            target=alert.target,
            chat=chat_of(alert.target),
            tier=alert.tier,
            content_type="alert",
            content=msgspec.json.encode(alert),
            created_ms=alert.release_ms,
            rank_ms=rank_ms(alert.tier, alert.release_ms),
            reply_to=alert.reply_to,
        )
    if verdict.digest is not None:
        yield _new_digest(verdict.digest, Tier.INFO, verdict.decided_ms)


def _outcomes(verdict: Verdict) -> Iterator[NewOutcome]:
    """Note what followed an alert for measuring; the store takes the first of each episode."""
    alert = verdict.alert
    if verdict.action is Action.SEND and alert is not None:
        yield NewOutcome(
            kind=verdict.kind,
            asset=verdict.asset,
            direction=verdict.direction,
            timeframe=verdict.confluence.timeframe if verdict.confluence else "",
            episode_ms=verdict.episode_ms,
            event_ms=verdict.event_ms,
            tier=alert.tier,
            strength=alert.strength,
            prices=alert.prices,
            simulated=alert.simulated,
        )


def _new_digest(digest: Digest, tier: Tier, created_ms: int) -> NewMessage:
    return NewMessage(
        alert_id=digest.digest_id,
        target=digest.target,
        chat=chat_of(digest.target),
        tier=tier,
        content_type="digest",
        content=msgspec.json.encode(digest),
        created_ms=created_ms,
        rank_ms=rank_ms(tier, created_ms),
    )


def _verdict_row(verdict: Verdict) -> VerdictRow:
    named = verdict.alert.alert_id if verdict.alert else None
    return VerdictRow(
        decided_ms=verdict.decided_ms,
        action=verdict.action,
        reason=verdict.reason,
        target=verdict.target,
        kind=verdict.kind,
        asset=verdict.asset,
        direction=verdict.direction,
        event_ms=verdict.event_ms,
        episode_ms=verdict.episode_ms,
        usd=verdict.usd,
        count=verdict.count,
        tier=verdict.tier,
        score=verdict.score,
        release_ms=verdict.release_ms,
        told_usd=verdict.told_usd,
        told_count=verdict.told_count,
        step=verdict.step,
        alert_id=verdict.digest.digest_id if verdict.digest else named,
        # The alert itself is in the outbox; a drawing's data twice would triple the database.
        body=msgspec.json.encode(msgspec.structs.replace(verdict, alert=None, digest=None)),
    )
