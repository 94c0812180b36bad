"""What a fair queue and limits need: costs, roles, waits, boosts, weights, linked accounts, learned speeds."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Until now the number of pictures stood in the request alone, and a deleted job has none.
COUNT_IMAGES = """
    UPDATE job SET images = json_extract(request, '$.images') WHERE json_extract(request, '$.images') IS NOT NULL
"""

# Alembic cannot add a column that refers to another in SQLite, though SQLite can.
ADD_PERSON = "ALTER TABLE member ADD COLUMN person VARCHAR CONSTRAINT fk_member_person REFERENCES member (key)"

# Older code knows accounts alone: each that was linked goes on as its person stood, blocked if that was.
PART = """
    UPDATE member SET (is_blocked, virtual_time_ms) =
        (SELECT person.is_blocked, person.virtual_time_ms FROM member AS person WHERE person.key = member.person)
    WHERE person IS NOT NULL
"""


def upgrade() -> None:
    """Add columns, which SQLite does in place, a table, and the indexes of the new questions."""
    for column in _job_columns():
        op.add_column("job", column)
    op.execute(COUNT_IMAGES)
    op.create_index("ix_job_pending", "job", ["owner"], sqlite_where=sa.text("state IN ('queued', 'running')"))
    op.create_index("ix_job_owner_created_ms", "job", ["owner", "created_ms"])
    was_brought = sa.text("brought_by IS NOT NULL")
    op.create_index("ix_job_brought_by", "job", ["brought_by", "created_ms"], sqlite_where=was_brought)
    op.create_index("ix_job_recorded", "job", ["created_ms"], sqlite_where=sa.text("deleted_ms IS NULL"))
    op.create_index("ix_job_boosted_ms", "job", ["boosted_ms"], sqlite_where=sa.text("boosted_ms IS NOT NULL"))
    op.create_index("ix_job_foretold", "job", ["started_ms"], sqlite_where=sa.text("foretold_ms IS NOT NULL"))
    op.add_column("member", sa.Column("weight", sa.Float(), server_default=sa.text("1"), nullable=False))
    op.execute(ADD_PERSON)
    op.create_index("ix_member_person", "member", ["person"], sqlite_where=sa.text("person IS NOT NULL"))
    op.create_table(
        "learned",
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("shape", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("card", "model", "shape", name="pk_learned"),
    )


def downgrade() -> None:
    """Take them away; what linked accounts had together stays with their person."""
    op.drop_table("learned")
    op.execute(PART)
    op.drop_index("ix_member_person", "member")
    for column in ("person", "weight"):
        op.drop_column("member", column)
    for index in ("foretold", "boosted_ms", "recorded", "brought_by", "owner_created_ms", "pending"):
        op.drop_index(f"ix_job_{index}", "job")
    for added in _job_columns():
        op.drop_column("job", added.name)


def _job_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("brought_by", sa.String(), nullable=True),
        sa.Column("images", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("expected_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("roles", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("server", sa.String(), server_default="", nullable=False),
        sa.Column("passed_over_ms", sa.BigInteger(), nullable=True),
        sa.Column("boosted_ms", sa.BigInteger(), nullable=True),
        sa.Column("foretold_ms", sa.BigInteger(), nullable=True),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
    )
