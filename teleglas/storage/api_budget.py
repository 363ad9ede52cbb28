"""The request budget of one API key, shared by every process that uses the database.

The limit belongs to the key, and nobody publishes where the service's minute begins. So calls
are counted in a window that slides: whatever minute the service has in mind, no more than the
limit falls into it. Verbs take the store first, for `StoreThread.run`.
"""

from __future__ import annotations

import hashlib

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from teleglas.storage.store import Store
from teleglas.storage.tables import api_calls, api_limits

__all__ = ["SMALLEST_PLAN", "WINDOW_S", "Turn", "budget", "hush", "key_hash", "learn_limit", "take_call"]

SMALLEST_PLAN = 30
"""Requests a minute assumed until the service told the key's limit (reference: coinglass 2.1)."""

WINDOW_S = 62
"""A minute, the width of a bucket, and a second in which requests may overtake each other."""

_LONGEST_QUIET_MS = 3 * 86_400_000


class Turn(msgspec.Struct, frozen=True):
    """wait_ms: 0 if a call may be made, else how long to wait. used: calls in the window, this one too."""

    wait_ms: int
    used: int
    per_minute: int


def key_hash(key: str) -> str:
    """Return the name of a key in the database, from which the key cannot be found."""
    return hashlib.sha256(b"teleglas api budget " + key.encode()).hexdigest()


def take_call(store: Store, key: str, now_ms: int, *, processes: int = 1) -> Turn:
    """Take one call of the key (its `key_hash`), or tell how long to wait for it.

    processes: by how many the limit is divided, when they cannot see each other's calls.
    """
    with store.transaction() as connection:
        per_minute = _lock(connection, key)
        wait_ms, used = _wait(connection, key, now_ms, _allowed(per_minute) // processes)
        if wait_ms == 0:
            _count(connection, key, now_ms, 1)
            used += 1
        return Turn(wait_ms, used, per_minute)


def learn_limit(store: Store, key: str, now_ms: int, *, per_minute: int, used: int) -> None:
    """Take what the service's answer said: the key's limit, and how much of it is used.

    Calls that others made with the key are counted as if made now.
    """
    with store.transaction() as connection:
        if _lock(connection, key) != per_minute:
            connection.execute(
                api_limits.update().where(api_limits.c.key_hash == key).values(per_minute=per_minute)
            )
        foreign = min(used, per_minute) - sum(count for _, count in _window(connection, key, now_ms))
        if foreign > 0:
            _count(connection, key, now_ms, foreign)


def hush(store: Store, key: str, until_ms: int) -> None:
    """Let nobody call before this time: the service asked for quiet."""
    with store.transaction() as connection:
        _lock(connection, key)
        connection.execute(
            api_limits.update()
            .where(api_limits.c.key_hash == key, api_limits.c.quiet_until_ms < until_ms)
            .values(quiet_until_ms=until_ms)
        )


def budget(store: Store, key: str, now_ms: int) -> Turn:
    """Return how the budget stands, without taking a call."""
    with store.transaction(reads_only=True) as connection:
        per_minute = _known_limit(connection, key)
        wait_ms, used = _wait(connection, key, now_ms, _allowed(per_minute))
        return Turn(wait_ms, used, per_minute)


def _allowed(per_minute: int) -> int:
    """Return the calls we allow ourselves: a twentieth stays for a person's own look."""
    return max(1, per_minute - max(1, per_minute // 20))


def _known_limit(connection: Connection, key: str, *, hold: bool = False) -> int:
    found = sa.select(api_limits.c.per_minute).where(api_limits.c.key_hash == key)
    return connection.scalars(found.with_for_update() if hold else found).first() or SMALLEST_PLAN


def _lock(connection: Connection, key: str) -> int:
    """Hold the key's row to the end of the transaction; return its limit."""
    row = {"key_hash": key, "per_minute": SMALLEST_PLAN, "quiet_until_ms": 0}
    if connection.dialect.name == "sqlite":
        connection.execute(sqlite.insert(api_limits).values(row).on_conflict_do_nothing())
    else:
        connection.execute(postgresql.insert(api_limits).values(row).on_conflict_do_nothing())
    return _known_limit(connection, key, hold=True)


def _window(connection: Connection, key: str, now_ms: int) -> list[tuple[int, int]]:
    """Return (second, calls) of the window, oldest first.

    Seconds far ahead were counted before the clock was set back, and do not count.
    """
    now_s = now_ms // 1000
    found = connection.execute(
        sa.select(api_calls.c.second, api_calls.c.used)
        .where(
            api_calls.c.key_hash == key,
            api_calls.c.second > now_s - WINDOW_S,
            api_calls.c.second <= now_s + WINDOW_S,
        )
        .order_by(api_calls.c.second)
    )
    return [(row.second, row.used) for row in found]


def _wait(connection: Connection, key: str, now_ms: int, allowed: int) -> tuple[int, int]:
    window = _window(connection, key, now_ms)
    used = sum(count for _, count in window)
    quiet = connection.scalar(sa.select(api_limits.c.quiet_until_ms).where(api_limits.c.key_hash == key)) or 0
    wait_ms = quiet - now_ms if 0 < quiet - now_ms <= _LONGEST_QUIET_MS else 0
    left = used
    for second, count in window:
        if left < max(1, allowed):
            break
        left -= count
        wait_ms = max(wait_ms, (second + WINDOW_S) * 1000 - now_ms)
    return wait_ms, used


def _count(connection: Connection, key: str, now_ms: int, calls: int) -> None:
    now_s = now_ms // 1000
    connection.execute(
        api_calls.delete().where(
            api_calls.c.key_hash == key,
            sa.or_(api_calls.c.second <= now_s - WINDOW_S, api_calls.c.second > now_s + WINDOW_S),
        )
    )
    changed = connection.execute(
        api_calls.update()
        .where(api_calls.c.key_hash == key, api_calls.c.second == now_s)
        .values(used=api_calls.c.used + calls)
    )
    if not changed.rowcount:
        connection.execute(api_calls.insert().values(key_hash=key, second=now_s, used=calls))
