"""What chats with buttons need: start images, spoilers, deletion, favourites."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The search index follows a prompt that is forgotten, too.
UPDATE = """
    CREATE TRIGGER job_search_update AFTER UPDATE OF prompt ON job BEGIN
        INSERT INTO prompt_search(prompt_search, rowid, prompt) VALUES ('delete', old.id, old.prompt);
        INSERT INTO prompt_search(rowid, prompt) VALUES (new.id, new.prompt);
    END
"""

CLEARING = (
    "DELETE FROM inbound WHERE job_id IN (SELECT id FROM job WHERE deleted_ms IS NOT NULL)",
    "DELETE FROM picture WHERE job_id IN (SELECT id FROM job WHERE deleted_ms IS NOT NULL)",
    "UPDATE job SET rerun_of = NULL WHERE rerun_of IN (SELECT id FROM job WHERE deleted_ms IS NOT NULL)",
    "DELETE FROM job WHERE deleted_ms IS NOT NULL",
)


def upgrade() -> None:
    """Add columns, which SQLite does in place, and a table."""
    op.add_column("job", sa.Column("start_image", sa.String(), server_default="", nullable=False))
    op.add_column("job", sa.Column("is_spoiler", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.add_column("job", sa.Column("deleted_ms", sa.BigInteger(), nullable=True))
    op.create_index("ix_job_start_image", "job", ["start_image"], sqlite_where=sa.text("start_image != ''"))
    op.create_table(
        "favourite",
        sa.Column("member", sa.String(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_favourite_job_id"),
        sa.PrimaryKeyConstraint("member", "job_id", name="pk_favourite"),
        sqlite_with_rowid=False,
    )
    op.execute(UPDATE)


def downgrade() -> None:
    """Take them away, and with them what is left of deleted jobs, which older code cannot read."""
    op.drop_table("favourite")
    for statement in CLEARING:
        op.execute(statement)
    op.execute("DROP TRIGGER job_search_update")
    op.drop_index("ix_job_start_image", "job")
    for column in ("deleted_ms", "is_spoiler", "start_image"):
        op.drop_column("job", column)
