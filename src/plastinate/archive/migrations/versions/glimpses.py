"""What a running build has found so far, for whoever waits for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns; jobs from before have shown nothing."""
    document = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column("jobs", sa.Column("found", document, nullable=True))
    op.add_column("jobs", sa.Column("glimpse", sa.LargeBinary(), nullable=True))
