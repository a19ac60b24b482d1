"""When a job had done which share of its work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it to jobs; of those before nobody knows."""
    document = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column("jobs", sa.Column("pace", document, nullable=True))
