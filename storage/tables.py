"""Which tables are there? The schema that migrations lead to."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    bindparam,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OPEN_STATES = ("queued", "running")


class Row(DeclarativeBase):
    """What all tables share: constraint names, so that migrations can name them. Times are Unix milliseconds."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class InboundRow(Row):
    """An event of a platform that has been taken in; a repeat of its key changes nothing."""

    __tablename__ = "inbound"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))


class MemberRow(Row):
    """An account: "platform:id", with its place and weight in the fair queue.

    One that is linked names its person, which is the account whose row counts for both.
    """

    __tablename__ = "member"
    __table_args__ = (Index("ix_member_person", "person", sqlite_where=text("person IS NOT NULL")),)
    key: Mapped[str] = mapped_column(String, primary_key=True)
    is_blocked: Mapped[bool] = mapped_column(Boolean, server_default=text("0"))
    virtual_time_ms: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    weight: Mapped[float] = mapped_column(Float, server_default=text("1"))
    person: Mapped[str | None] = mapped_column(ForeignKey("member.key"))


class JobRow(Row):
    """A request with its fate. `request` is opaque here; the columns beside it are what queries need.

    `brought_by` is whose it was before accounts were linked, if it was not its owner's. `expected_ms` is what one of
    its pictures was expected to take, `foretold_ms` the wait that its owner was told.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_owner_id", "owner", "id"),
        Index("ix_job_open", "id", sqlite_where=text("state IN ('queued', 'running')")),
        Index("ix_job_owed", "id", sqlite_where=text("shown_rev < want_rev")),
        Index("ix_job_start_image", "start_image", sqlite_where=text("start_image != ''")),
        Index("ix_job_mask", "mask", sqlite_where=text("mask != ''")),
        Index("ix_job_pending", "owner", sqlite_where=text("state IN ('queued', 'running')")),
        Index("ix_job_owner_created_ms", "owner", "created_ms"),
        Index("ix_job_brought_by", "brought_by", "created_ms", sqlite_where=text("brought_by IS NOT NULL")),
        Index("ix_job_recorded", "created_ms", sqlite_where=text("deleted_ms IS NULL")),
        Index("ix_job_boosted_ms", "boosted_ms", sqlite_where=text("boosted_ms IS NOT NULL")),
        Index("ix_job_foretold", "started_ms", sqlite_where=text("foretold_ms IS NOT NULL")),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner: Mapped[str] = mapped_column(String)
    brought_by: Mapped[str | None] = mapped_column(String)
    place: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String)
    model: Mapped[str] = mapped_column(String)
    prompt: Mapped[str] = mapped_column(Text)
    request: Mapped[dict[str, object]] = mapped_column(JSON)
    rerun_of: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    start_image: Mapped[str] = mapped_column(String, server_default="")
    mask: Mapped[str] = mapped_column(String, server_default="")
    is_spoiler: Mapped[bool] = mapped_column(Boolean, server_default=text("0"))
    deleted_ms: Mapped[int | None] = mapped_column(BigInteger)
    images: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    expected_ms: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    roles: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    server: Mapped[str] = mapped_column(String, server_default="")
    passed_over_ms: Mapped[int | None] = mapped_column(BigInteger)
    boosted_ms: Mapped[int | None] = mapped_column(BigInteger)
    foretold_ms: Mapped[int | None] = mapped_column(BigInteger)
    started_ms: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str] = mapped_column(Text, server_default="")
    created_ms: Mapped[int] = mapped_column(BigInteger)
    ended_ms: Mapped[int | None] = mapped_column(BigInteger)
    gpu_ms: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    message_id: Mapped[str | None] = mapped_column(String)
    want_rev: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    shown_rev: Mapped[int] = mapped_column(Integer, server_default=text("0"))


# Spelled out in the statement: SQLite does not recognise a partial index's condition in values that are bound to it.
IS_OPEN = JobRow.state.in_(bindparam("open_states", OPEN_STATES, expanding=True, literal_execute=True))


class PictureRow(Row):
    """A finished picture; its file is found by `sha256`. `provenance` names what, besides the request, decided it."""

    __tablename__ = "picture"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    index: Mapped[int] = mapped_column(Integer, primary_key=True)
    sha256: Mapped[str] = mapped_column(String, index=True)
    seed: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    provenance: Mapped[dict[str, str]] = mapped_column(JSON)
    created_ms: Mapped[int] = mapped_column(BigInteger)


class FavouriteRow(Row):
    """A job that a member has marked to find it again."""

    __tablename__ = "favourite"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy reads it as it is
    member: Mapped[str] = mapped_column(String, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)


class SettingRow(Row):
    """What was set from chat: a value for a scope, which is a place, an account, a role, or "" for everywhere."""

    __tablename__ = "setting"
    scope: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(String)


class LearnedRow(Row):
    """What was measured of a model's shape on a card. `facts` is opaque here."""

    __tablename__ = "learned"
    card: Mapped[str] = mapped_column(String, primary_key=True)
    model: Mapped[str] = mapped_column(String, primary_key=True)
    shape: Mapped[str] = mapped_column(String, primary_key=True)
    facts: Mapped[dict[str, object]] = mapped_column(JSON)


class OfferRow(Row):
    """A request that is offered in place of one that could not be run. `request` is opaque here."""

    __tablename__ = "offer"
    __table_args__ = (Index("ix_offer_created_ms", "created_ms"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    request: Mapped[dict[str, object]] = mapped_column(JSON)
    is_spoiler: Mapped[bool] = mapped_column(Boolean)
    created_ms: Mapped[int] = mapped_column(BigInteger)
