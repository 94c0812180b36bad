"""How are jobs read, with their pictures?"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, String, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records import JobRecord, PictureRecord
from storage.tables import JobRow, PictureRow

JOB = JobRow.__table__.c
PICTURE = PictureRow.__table__.c
NAMES = tuple(name for name in JobRecord.__dataclass_fields__ if name not in {"id", "is_deleted", "pictures", "place"})
PICTURE_NAMES = tuple(PictureRecord.__dataclass_fields__)


def select_jobs() -> Select[*tuple[Any, ...]]:
    """Give a query for jobs, to be narrowed; `records` reads what it finds."""
    return select(JOB.id, JOB.deleted_ms.is_not(None), type_coerce(JOB.place, String), *(JOB[name] for name in NAMES))


async def records(connection: AsyncConnection, query: Select[*tuple[Any, ...]]) -> tuple[JobRecord, ...]:
    """Read the jobs of a query, within a unit. A restart reads a hundred thousand: hence rows, and one more query."""
    rows = (await connection.execute(query)).all()
    pictures = await _pictures(connection, [row[0] for row in rows])
    place_of = functools.cache(json.loads)  # many jobs, few places
    return tuple(
        JobRecord(
            id=job_id,
            is_deleted=is_deleted,
            place=place_of(place),
            pictures=tuple(pictures.get(job_id, ())),
            **dict(zip(NAMES, values, strict=True)),
        )
        for job_id, is_deleted, place, *values in rows
    )


async def _pictures(connection: AsyncConnection, job_ids: Sequence[int]) -> dict[int, list[PictureRecord]]:
    """Read the pictures of any number of jobs; a list of values has room for some thousands only, JSON for all."""
    ids = func.json_each(json.dumps(job_ids)).table_valued("value")
    query = select(PICTURE.job_id, *(PICTURE[name] for name in PICTURE_NAMES))
    query = query.where(PICTURE.job_id.in_(select(ids.c.value))).order_by(PICTURE.job_id, PICTURE.index)
    found: dict[int, list[PictureRecord]] = {}
    for job_id, *values in await connection.execute(query):
        found.setdefault(job_id, []).append(PictureRecord(**dict(zip(PICTURE_NAMES, values, strict=True))))
    return found
