"""What people measured on a build."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table."""
    document = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "measurements",
        sa.Column("build_id", sa.String(length=20), nullable=False),
        sa.Column("items", document, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"], ["builds.id"], name=op.f("fk_measurements_build_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("build_id", name=op.f("pk_measurements")),
    )
