"""What followed the alerts, kept for ever, and the tape of prices that it is read from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of prices and of outcomes."""
    _prices()
    _outcomes()


def _prices() -> None:
    op.create_table(
        "tape_prices",
        sa.Column("asset", sa.String(64), primary_key=True),
        sa.Column("hour_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("tape_prices_by_hour", "tape_prices", ["hour_ms"])


def _outcomes() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "outcomes",
        sa.Column("outcome_id", row_id, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("asset", sa.String(40), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("timeframe", sa.String(8), nullable=False),
        sa.Column("episode_ms", sa.BigInteger, nullable=False),
        sa.Column("event_ms", sa.BigInteger, nullable=False),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("strength", sa.Float),
        sa.Column("prices", sa.Text, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("simulated", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("kind", "asset", "direction", "episode_ms", "timeframe", name="outcomes_once"),
    )
    op.create_index("outcomes_open", "outcomes", ["settled", "event_ms"])
    op.create_index("outcomes_by_kind", "outcomes", ["kind", "event_ms"])
    op.create_table(
        "outcome_moves",
        sa.Column("outcome_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("horizon_min", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("move", sa.Float),
        sa.Column("rise", sa.Float),
        sa.Column("fall", sa.Float),
        sa.Column("up", sa.Float),
        sa.Column("down", sa.Float),
    )
