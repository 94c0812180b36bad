"""Which tables are there? The schema that migrations lead to."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, MetaData, String, Text, text
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
    """An account: "platform:id", with its place in the fair queue."""

    __tablename__ = "member"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    is_blocked: Mapped[bool] = mapped_column(Boolean, server_default=text("0"))
    virtual_time_ms: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class JobRow(Row):
    """A request with its fate. `request` is opaque here; the columns beside it are what queries need."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_owner_id", "owner", "id"),
        Index("ix_job_open", "id", sqlite_where=text("state IN ('queued', 'running')")),
        Index("ix_job_owed", "id", sqlite_where=text("shown_rev < want_rev")),
        Index("ix_job_start_image", "start_image", sqlite_where=text("start_image != ''")),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner: Mapped[str] = mapped_column(String)
    place: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String)
    model: Mapped[str] = mapped_column(String)
    prompt: Mapped[str] = mapped_column(Text)
    request: Mapped[dict[str, object]] = mapped_column(JSON)
    rerun_of: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    start_image: Mapped[str] = mapped_column(String, server_default="")
    is_spoiler: Mapped[bool] = mapped_column(Boolean, server_default=text("0"))
    deleted_ms: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str] = mapped_column(Text, server_default="")
    created_ms: Mapped[int] = mapped_column(BigInteger)
    ended_ms: Mapped[int | None] = mapped_column(BigInteger)
    gpu_ms: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    message_id: Mapped[str | None] = mapped_column(String)
    want_rev: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    shown_rev: Mapped[int] = mapped_column(Integer, server_default=text("0"))


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
