"""What has everybody asked for and waited, as limits, honest forecasts and replays of the past read it?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, String, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.members import person_of
from storage.records import Boost, RecordedJob, Usage
from storage.tables import IS_OPEN, JobRow, MemberRow, PictureRow

WITHOUT_PICTURES = ("cancelled", "failed")


class Ledger:
    """The jobs by number, cost and time. Deleted ones count: a deletion gives no quota back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, owner: str) -> int:
        """Count an owner's jobs that wait or run."""
        return await self._count(_pending(owner))

    async def images_since(self, owner: str, since_ms: int) -> int:
        """Count the pictures that an owner has asked for since; those of cancelled and failed jobs do not count."""
        return await self._count(_images_since(owner, since_ms))

    async def waits(self, limit: int = 150) -> tuple[tuple[int, int], ...]:
        """Give (foretold, waited) of the jobs that started last, in milliseconds, the newest last."""
        waited = (JobRow.started_ms - JobRow.created_ms).label("waited_ms")
        newest = select(JobRow.foretold_ms, waited).where(JobRow.foretold_ms.is_not(None))
        rows = await self._rows(newest.order_by(JobRow.started_ms.desc(), JobRow.id.desc()).limit(limit))
        return tuple((row["foretold_ms"], row["waited_ms"]) for row in reversed(rows))

    async def recorded(self, since_ms: int, limit: int) -> tuple[RecordedJob, ...]:
        """Give the newest jobs accepted since, the newest last; without those whose request was deleted."""
        columns = [JobRow.__table__.c[name] for name in RecordedJob.__dataclass_fields__ if name != "provenance"]
        has_request = type_coerce(JobRow.request, String) != "{}"
        newest = select(*columns, _first_provenance().label("provenance")).where(
            JobRow.created_ms >= since_ms, JobRow.deleted_ms.is_(None), has_request
        )
        rows = await self._rows(newest.order_by(JobRow.created_ms.desc(), JobRow.id.desc()).limit(limit))
        return tuple(
            RecordedJob(**{**row, "roles": tuple(row["roles"]), "provenance": row["provenance"] or {}})
            for row in reversed(rows)
        )

    async def _count(self, query: Select[Any]) -> int:
        async def unit(connection: AsyncConnection) -> int:
            return (await connection.execute(query)).scalar_one() or 0

        return await self._database.read(unit)

    async def _rows(self, query: Select[*tuple[Any, ...]]) -> list[Any]:
        async def unit(connection: AsyncConnection) -> list[Any]:
            return list((await connection.execute(query)).mappings())

        return await self._database.read(unit)


async def usage(connection: AsyncConnection, owner: str, since_ms: int) -> Usage:
    """Tell, within a unit, what an account's person has asked for, as `Ledger` counts it."""
    query = select(_pending(owner).scalar_subquery(), _images_since(owner, since_ms).scalar_subquery())
    pending, images = (await connection.execute(query)).one()
    return Usage(pending=pending, images=images or 0)


async def boosts(connection: AsyncConnection, since_ms: int) -> tuple[Boost, ...]:
    """Give, within a unit, the boosts since then, oldest first."""
    expected_ms = (JobRow.images * JobRow.expected_ms).label("expected_ms")
    query = select(JobRow.boosted_ms, expected_ms).where(JobRow.boosted_ms >= since_ms).order_by(JobRow.boosted_ms)
    rows = (await connection.execute(query)).all()
    return tuple(Boost(at_ms=row.boosted_ms, expected_ms=row.expected_ms) for row in rows)


def _first_provenance() -> ScalarSelect[Any]:
    pictures = select(PictureRow.provenance).where(PictureRow.job_id == JobRow.id)
    return pictures.order_by(PictureRow.index).limit(1).scalar_subquery()


def _pending(owner: str) -> Select[Any]:
    return _counted(owner, func.count(), IS_OPEN)


def _images_since(owner: str, since_ms: int) -> Select[Any]:
    is_counted = (JobRow.created_ms >= since_ms, JobRow.state.not_in(WITHOUT_PICTURES))
    return _counted(owner, func.coalesce(func.sum(JobRow.images), 0), *is_counted)


def _counted(owner: str, what: ColumnElement[int], *is_counted: ColumnElement[bool]) -> Select[Any]:
    """Count what an account's person owns, and what their accounts have left to others: else that would be no limit."""
    person = person_of(owner)
    accounts = select(MemberRow.key).where((MemberRow.key == person) | (MemberRow.person == person))
    owned = select(what).select_from(JobRow).where(JobRow.owner == person, *is_counted)
    left = select(what).select_from(JobRow)
    left = left.where(JobRow.brought_by.in_(accounts), JobRow.owner != person, *is_counted)
    return select(owned.scalar_subquery() + left.scalar_subquery())
