"""When each target wants its daily digest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of what people chose."""
    op.create_table(
        "digests",
        sa.Column("target", sa.String(128), primary_key=True),
        sa.Column("at", sa.String(80), nullable=False),
        sa.Column("chosen_ms", sa.BigInteger, nullable=False),
    )
