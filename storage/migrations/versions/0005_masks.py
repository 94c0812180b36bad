"""The pictures that say which parts of a start picture are to be drawn anew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, which SQLite does in place, and its index."""
    op.add_column("job", sa.Column("mask", sa.String(), server_default="", nullable=False))
    op.create_index("ix_job_mask", "job", ["mask"], sqlite_where=sa.text("mask != ''"))


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_job_mask", "job")
    op.drop_column("job", "mask")
