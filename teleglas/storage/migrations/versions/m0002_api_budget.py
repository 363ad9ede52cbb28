"""The request budget of API keys, shared by the processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the shared budget."""
    op.create_table(
        "api_limits",
        sa.Column("key_hash", sa.String(64), primary_key=True),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("quiet_until_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "api_calls",
        sa.Column("key_hash", sa.String(64), primary_key=True),
        sa.Column("second", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("used", sa.Integer, nullable=False),
    )
