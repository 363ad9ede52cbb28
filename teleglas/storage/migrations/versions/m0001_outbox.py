"""The outbox, the verdicts, the engine's memory and the chats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of the first release."""
    _outbox()
    _verdicts()
    op.create_table(
        "engine_memory",
        sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("memory", sa.LargeBinary, nullable=False),
        sa.Column("journal_position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chats",
        sa.Column("chat", sa.String(128), primary_key=True),
        sa.Column("suspended", sa.String(200)),
        sa.Column("migrated_to", sa.String(128)),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("row_id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("alert_id", sa.String(64), nullable=False, unique=True),
        sa.Column("target", sa.String(128), nullable=False),
        sa.Column("chat", sa.String(128), nullable=False),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("content_type", sa.String(16), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("reply_to", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("rank_ms", sa.BigInteger, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("photo", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger),
        sa.Column("maybe_sent", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("tried_ms", sa.BigInteger),
        sa.Column("sent_ms", sa.BigInteger),
        sa.Column("why", sa.String(200), nullable=False),
    )
    op.create_index("outbox_waiting", "outbox", ["state", "rank_ms"])
    op.create_index("outbox_by_chat", "outbox", ["chat", "state"])
    op.create_index("outbox_by_age", "outbox", ["created_ms"])
    op.create_index("outbox_by_try", "outbox", ["tried_ms"])


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("verdict_id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("decided_ms", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("target", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("asset", sa.String(40), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("event_ms", sa.BigInteger, nullable=False),
        sa.Column("episode_ms", sa.BigInteger, nullable=False),
        sa.Column("usd", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("release_ms", sa.BigInteger),
        sa.Column("told_usd", sa.BigInteger),
        sa.Column("told_count", sa.BigInteger),
        sa.Column("step", sa.Integer),
        sa.Column("alert_id", sa.String(64)),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("verdicts_by_asset", "verdicts", ["asset", "decided_ms"])
    op.create_index("verdicts_by_time", "verdicts", ["decided_ms"])
    op.create_index("verdicts_by_alert", "verdicts", ["alert_id"])
