"""Pictures that are added to a message after its words were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a message wait for its picture; those of before wait for none."""
    op.add_column("outbox", sa.Column("picture", sa.Text))
    op.add_column("outbox", sa.Column("picture_tried", sa.Boolean, nullable=False, server_default=sa.false()))
