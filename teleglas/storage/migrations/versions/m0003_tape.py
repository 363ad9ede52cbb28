"""Our own market tape, the processes' heartbeats, and the readers of the command bot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables that the command bot reads."""
    _tape()
    op.create_table(
        "heartbeats",
        sa.Column("process", sa.String(16), primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "readers",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("language", sa.String(16)),
        sa.Column("time_zone", sa.String(64)),
    )


def _tape() -> None:
    op.create_table(
        "tape_bars",
        sa.Column("minute_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(40), primary_key=True),
        sa.Column("venue", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("side", sa.String(8), primary_key=True),
        sa.Column("usd", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_index("tape_bars_by_asset", "tape_bars", ["asset", "kind", "minute_ms"])
    op.create_index("tape_bars_by_kind", "tape_bars", ["kind", "minute_ms"])
    op.create_table(
        "tape_events",
        sa.Column("event_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("venue", sa.String(40), primary_key=True),
        sa.Column("symbol", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("side", sa.String(8), primary_key=True),
        sa.Column("usd", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("nth", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(40), nullable=False),
        sa.Column("price", sa.Float, nullable=False),
    )
    op.create_index("tape_events_by_asset", "tape_events", ["asset", "kind", "event_ms"])
    op.create_table(
        "tape_minutes",
        sa.Column("minute_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("venue", sa.String(40), primary_key=True),
        sa.Column("family", sa.String(40), primary_key=True),
        sa.Column("live_ms", sa.Integer, nullable=False),
    )
