"""The tables, as SQLAlchemy Core knows them; `migrations/` makes and changes them.

Times are Unix ms UTC, amounts integer cents. A test compares these definitions with
what the migrations make, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

__all__ = ["api_calls", "api_limits", "baseline_assets", "baseline_minutes", "chats", "digests", "engine_memory",
           "heartbeats", "metadata", "outbox", "outcome_moves", "outcomes", "readers", "tape_bars", "tape_events",
           "tape_minutes", "tape_prices", "verdicts"]  # fmt: skip

metadata = MetaData()

_RowId = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER key counts by itself in SQLite

outbox = Table(
    "outbox",
    metadata,
    Column("row_id", _RowId, primary_key=True, autoincrement=True),
    Column("alert_id", String(64), nullable=False, unique=True),
    Column("target", String(128), nullable=False),
    Column("chat", String(128), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("content_type", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("reply_to", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("rank_ms", BigInteger, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("message_id", BigInteger),
    Column("photo", Boolean, nullable=False, server_default=false()),
    Column("picture", Text),
    Column("picture_tried", Boolean, nullable=False, server_default=false()),
    Column("attempts", Integer, nullable=False),
    Column("not_before_ms", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger),
    Column("maybe_sent", Boolean, nullable=False, server_default=false()),
    Column("tried_ms", BigInteger),
    Column("sent_ms", BigInteger),
    Column("why", String(200), nullable=False),
    Index("outbox_waiting", "state", "rank_ms"),
    Index("outbox_by_chat", "chat", "state"),
    Index("outbox_by_age", "created_ms"),
    Index("outbox_by_try", "tried_ms"),
)
"""One message of one target each; its states are told in `teleglas.storage.records.State`.

photo: the message has a picture. picture: the one that it still lacks, as JSON, until that is added
or given up. picture_tried: a try to add it may have succeeded.
"""

verdicts = Table(
    "verdicts",
    metadata,
    Column("verdict_id", _RowId, primary_key=True, autoincrement=True),
    Column("position", BigInteger, nullable=False),
    Column("decided_ms", BigInteger, nullable=False),
    Column("action", String(8), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("target", String(128), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("asset", String(40), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("event_ms", BigInteger, nullable=False),
    Column("episode_ms", BigInteger, nullable=False),
    Column("usd", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("score", Float),
    Column("release_ms", BigInteger),
    Column("told_usd", BigInteger),
    Column("told_count", BigInteger),
    Column("step", Integer),
    Column("alert_id", String(64)),
    Column("body", Text, nullable=False),
    Index("verdicts_by_asset", "asset", "decided_ms"),
    Index("verdicts_by_time", "decided_ms"),
    Index("verdicts_by_alert", "alert_id"),
)
"""Every decision with its reason; `body` is the whole verdict as JSON, without the alert."""

engine_memory = Table(
    "engine_memory",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("memory", LargeBinary, nullable=False),
    Column("journal_position", BigInteger, nullable=False),
)
"""One row: what the engine remembers, and the last journal record that it decided on."""

chats = Table(
    "chats",
    metadata,
    Column("chat", String(128), primary_key=True),
    Column("suspended", String(200)),
    Column("migrated_to", String(128)),
    Column("not_before_ms", BigInteger, nullable=False),
)
"""What is known of a chat: why it is suspended, where it moved, until when it must be left alone.

The chat `*` stands for all of them.
"""

api_limits = Table(
    "api_limits",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("per_minute", Integer, nullable=False),
    Column("quiet_until_ms", BigInteger, nullable=False),
)
"""What an API key may do: its requests per minute, and until when the service wants none."""

api_calls = Table(
    "api_calls",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("second", BigInteger, primary_key=True, autoincrement=False),
    Column("used", Integer, nullable=False),
)
"""Calls of each second (Unix s) of the last minute, by whichever process."""

tape_bars = Table(
    "tape_bars",
    metadata,
    Column("minute_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("asset", String(40), primary_key=True),
    Column("venue", String(40), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("side", String(8), primary_key=True),
    Column("usd", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Index("tape_bars_by_asset", "asset", "kind", "minute_ms"),
    Index("tape_bars_by_kind", "kind", "minute_ms"),
)
"""Our own market tape: what happened in a minute, by kind (`liquidation`, `order`) and side."""

tape_events = Table(
    "tape_events",
    metadata,
    Column("event_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("venue", String(40), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("side", String(8), primary_key=True),
    Column("usd", BigInteger, primary_key=True, autoincrement=False),
    Column("nth", Integer, primary_key=True, autoincrement=False),
    Column("asset", String(40), nullable=False),
    Column("price", Float, nullable=False),
    Index("tape_events_by_asset", "asset", "kind", "event_ms"),
)
"""Notable events one by one; `nth` tells apart rows of the same content, which are real."""

tape_minutes = Table(
    "tape_minutes",
    metadata,
    Column("minute_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("venue", String(40), primary_key=True),
    Column("family", String(40), primary_key=True),
    Column("live_ms", Integer, nullable=False),
)
"""How much of a minute (0 to 60,000 ms) a feed was complete: the tape's coverage."""

tape_prices = Table(
    "tape_prices",
    metadata,
    Column("asset", String(64), primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Index("tape_prices_by_hour", "hour_ms"),
)
"""What one coin cost in each minute of an hour (lowest, highest, last), packed."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("outcome_id", _RowId, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("asset", String(40), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("timeframe", String(8), nullable=False),
    Column("episode_ms", BigInteger, nullable=False),
    Column("event_ms", BigInteger, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("strength", Float),
    Column("prices", Text, nullable=False),
    Column("settled", Boolean, nullable=False, server_default=false()),
    Column("simulated", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("kind", "asset", "direction", "episode_ms", "timeframe", name="outcomes_once"),
    Index("outcomes_open", "settled", "event_ms"),
    Index("outcomes_by_kind", "kind", "event_ms"),
)
"""The first alert of each episode, kept for ever; `prices` is JSON. settled: every horizon is measured or given up."""

outcome_moves = Table(
    "outcome_moves",
    metadata,
    Column("outcome_id", BigInteger, primary_key=True, autoincrement=False),
    Column("horizon_min", Integer, primary_key=True, autoincrement=False),
    Column("move", Float),
    Column("rise", Float),
    Column("fall", Float),
    Column("up", Float),
    Column("down", Float),
)
"""What followed it, as `teleglas.outcomes.Move`; an empty `move` was given up: the price was not seen."""

baseline_minutes = Table(
    "baseline_minutes",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
"""What each of the last closed UTC minutes (since 1970) added to the assets' own normals, packed."""

baseline_assets = Table(
    "baseline_assets",
    metadata,
    Column("asset", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""The assets' own normals, each at one of the last sixty minutes, packed."""

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("process", String(16), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""What each process last said of itself, for `/status` of the other; `body` is JSON."""

readers = Table(
    "readers",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("language", String(16)),
    Column("time_zone", String(64)),
)
"""What a person chose for the answers of the command bot; None: not chosen."""

digests = Table(
    "digests",
    metadata,
    Column("target", String(128), primary_key=True),
    Column("at", String(80), nullable=False),
    Column("chosen_ms", BigInteger, nullable=False),
)
"""When each target wants its daily digest, as `08:00 Asia/Jakarta`; empty for never."""
