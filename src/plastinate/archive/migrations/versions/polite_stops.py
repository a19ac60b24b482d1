"""How often a job was given back by a worker that was asked to stop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it to jobs."""
    op.add_column("jobs", sa.Column("polite_stops", sa.Integer(), nullable=False, server_default="0"))
