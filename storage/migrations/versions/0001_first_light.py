"""The first schema: events taken in, members, jobs with their search index, pictures, settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# An external-content index keeps only the words; the triggers keep it true. It keeps their places too (detail=full):
# what looks like one word to whoever searches, such as t-shirt, may be a phrase to the index.
SEARCH = (
    """
    CREATE VIRTUAL TABLE prompt_search USING fts5(
        prompt, content='job', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER job_search_insert AFTER INSERT ON job BEGIN
        INSERT INTO prompt_search(rowid, prompt) VALUES (new.id, new.prompt);
    END
    """,
    """
    CREATE TRIGGER job_search_delete AFTER DELETE ON job BEGIN
        INSERT INTO prompt_search(prompt_search, rowid, prompt) VALUES ('delete', old.id, old.prompt);
    END
    """,
)


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "member",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("virtual_time_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_member"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("rerun_of", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("gpu_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("want_rev", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("shown_rev", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["rerun_of"], ["job.id"], name="fk_job_rerun_of"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_owner_id", "job", ["owner", "id"])
    op.create_index("ix_job_open", "job", ["id"], sqlite_where=sa.text("state IN ('queued', 'running')"))
    op.create_index("ix_job_owed", "job", ["id"], sqlite_where=sa.text("shown_rev < want_rev"))
    op.create_table(
        "inbound",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_inbound_job_id"),
        sa.PrimaryKeyConstraint("key", name="pk_inbound"),
    )
    op.create_table(
        "picture",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("provenance", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_picture_job_id"),
        sa.PrimaryKeyConstraint("job_id", "index", name="pk_picture"),
    )
    op.create_index("ix_picture_sha256", "picture", ["sha256"])
    op.create_table(
        "setting",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_setting"),
    )
    for statement in SEARCH:
        op.execute(statement)


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE prompt_search")
    for table in ("setting", "picture", "inbound", "job", "member"):
        op.drop_table(table)
