"""How does a job become durable, move through its states and get its pictures?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, case, delete, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.errors import StorageError
from storage.ledger import boosts, usage
from storage.measurements import keep_learned
from storage.members import move_account, person_of
from storage.pictures import Pictures
from storage.reading import records, select_jobs
from storage.records import Boost, JobOutcome, JobRecord, LearnedRecord, NewJob, NewPicture, Usage
from storage.tables import IS_OPEN, OPEN_STATES, FavouriteRow, InboundRow, JobRow, PictureRow, SettingRow


class Jobs:
    """The jobs and their pictures, durable from acceptance on. What has ended is never changed again."""

    def __init__(self, database: Database, pictures: Pictures) -> None:
        self._database = database
        self._pictures = pictures

    async def accept(
        self, key: str, job: NewJob, admit: Callable[[Usage], None] | None = None, *, since_ms: int = 0
    ) -> tuple[int, bool]:
        """Keep a job under the key of the event that asked for it; gives its id, and False if it was kept before.

        `admit` is told what the owner has asked for, since then, before a job that was not kept before. By raising it
        refuses the job, and as nobody else writes meanwhile, of two jobs that a limit has room for one is kept.

        Raises:
            StorageError: what it starts from or its mask was deleted, or the database refuses; nothing was kept.
        """

        async def unit(connection: AsyncConnection) -> tuple[int, bool]:
            fresh = await connection.execute(
                upsert(InboundRow).values(key=key, at_ms=_now_ms()).on_conflict_do_nothing()
            )
            if not fresh.rowcount:
                known = await connection.execute(select(InboundRow.job_id).where(InboundRow.key == key))
                known_id = known.scalar_one()
                assert known_id is not None  # both were written at once
                return known_id, False
            for name, what in ((job.start_image, "picture to start from"), (job.mask, "mask")):
                if name and not self._pictures.path(name).exists():
                    raise StorageError(f"The {what} was deleted. Nothing was kept; choose another one.")
            if admit is not None:
                admit(await usage(connection, job.owner, since_ms))
            inserted = await connection.execute(insert(JobRow).values(**_columns(job)).returning(JobRow.id))
            job_id = inserted.scalar_one()
            await connection.execute(update(InboundRow).where(InboundRow.key == key).values(job_id=job_id))
            return job_id, True

        return await self._database.write(unit)

    async def start(self, job_id: int, *, foretold_ms: int | None = None) -> None:
        """Note that a worker has taken the job up; the first time, also when, and after what wait it was foretold."""
        is_first = JobRow.started_ms.is_(None)
        await self._move(
            job_id,
            state="running",
            started_ms=func.coalesce(JobRow.started_ms, _now_ms()),
            foretold_ms=case((is_first, foretold_ms), else_=JobRow.foretold_ms),
        )

    async def pass_over(self, job_id: int) -> None:
        """Note since when its model's switch is put off for others, which never starts anew."""
        await self._move(job_id, passed_over_ms=func.coalesce(JobRow.passed_over_ms, _now_ms()))

    async def boost(self, job_id: int, admit: Callable[[Sequence[Boost]], None], *, since_ms: int) -> None:
        """Note when an admin boosted the job; a second time changes nothing.

        `admit` is told the boosts since then, oldest first, and refuses this one by raising, as in `accept`.
        """

        async def unit(connection: AsyncConnection) -> None:
            admit(await boosts(connection, since_ms))
            is_it = (JobRow.id == job_id, IS_OPEN, JobRow.boosted_ms.is_(None))
            await connection.execute(update(JobRow).where(*is_it).values(boosted_ms=_now_ms()))

        await self._database.write(unit)

    async def move_account(self, owner: str, virtual_time_ms: int) -> None:
        """Note where an owner stands in the fair queue."""
        await self.settle((), virtual_times_ms={owner: virtual_time_ms})

    async def settle(
        self,
        outcomes: Sequence[JobOutcome],
        *,
        virtual_times_ms: Mapping[str, int],
        learned: Sequence[LearnedRecord] = (),
    ) -> None:
        """In one transaction: what a dispatch led to for its jobs, whom it charged, and what it taught.

        The message of a job that is over is owed from then on.
        """

        async def unit(connection: AsyncConnection) -> None:
            for outcome in outcomes:
                is_it = (JobRow.id == outcome.job_id, IS_OPEN)
                await connection.execute(update(JobRow).where(*is_it).values(**_changes(outcome)))
            for owner, virtual_time_ms in virtual_times_ms.items():
                await move_account(connection, owner, virtual_time_ms)
            await keep_learned(connection, learned)

        await self._database.write(unit)

    async def _move(self, job_id: int, **values: Any) -> None:
        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(update(JobRow).where(JobRow.id == job_id, IS_OPEN).values(**values))

        await self._database.write(unit)

    async def add_picture(self, picture: NewPicture) -> str:
        """Keep a finished picture, file first, then row; gives its SHA-256. A second one of that index is dropped."""
        sha256 = await asyncio.to_thread(self._pictures.save, picture.png)

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(
                upsert(PictureRow)
                .values(
                    job_id=picture.job_id,
                    index=picture.index,
                    sha256=sha256,
                    seed=picture.seed,
                    width=picture.width,
                    height=picture.height,
                    provenance=dict(picture.provenance),
                    created_ms=_now_ms(),
                )
                .on_conflict_do_nothing()
            )

        await self._database.write(unit)
        if not self._pictures.path(sha256).exists():  # another job's deletion of the same picture came in between
            await asyncio.to_thread(self._pictures.save, picture.png)
        return sha256

    async def note_shown(self, job_id: int, revision: int, message_id: str | None) -> None:
        """Remember which message is the job's own, if any, and that it shows this revision, which never goes back."""

        async def unit(connection: AsyncConnection) -> None:
            shown = func.max(JobRow.shown_rev, func.min(revision, JobRow.want_rev))
            await connection.execute(
                update(JobRow).where(JobRow.id == job_id).values(shown_rev=shown, message_id=message_id)
            )

        await self._database.write(unit)

    async def delete(self, job_id: int) -> None:
        """Forget a job that is over: first what it says, then its files, unless another job shows or needs one.

        The names of the files go last, so that a deletion that was broken off can be taken up: twice does no harm.
        """
        is_it = JobRow.id == job_id

        async def forget(connection: AsyncConnection) -> None:
            await connection.execute(
                update(JobRow)
                .where(is_it, JobRow.deleted_ms.is_(None))
                .values(deleted_ms=_now_ms(), want_rev=JobRow.want_rev + 1, prompt="", request={})
            )
            await connection.execute(delete(FavouriteRow).where(FavouriteRow.job_id == job_id))

        async def finish(connection: AsyncConnection) -> None:
            shown = select(PictureRow.sha256).where(PictureRow.job_id == job_id)
            given = (select(column).where(is_it) for column in (JobRow.start_image, JobRow.mask))
            names = await connection.execute(shown.union(*given))
            for name in filter(None, names.scalars().all()):
                if not await _is_used(connection, name):  # nor will it be: within a unit nobody else writes
                    await asyncio.to_thread(self._pictures.remove, name)
            await connection.execute(delete(PictureRow).where(PictureRow.job_id == job_id))
            await connection.execute(update(JobRow).where(is_it).values(start_image="", mask=""))

        await self._database.write(forget)
        await self._database.write(finish)

    async def move_place(self, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """A channel has got a new address: take its jobs and settings there, threads included."""

        async def unit(connection: AsyncConnection) -> None:
            channel = JobRow.place["channel"].as_string()
            platform = JobRow.place["platform"].as_string()
            await connection.execute(
                update(JobRow)
                .where(platform == old["platform"], channel == old["channel"])
                .values(place=func.json_set(JobRow.place, "$.channel", new["channel"]))
            )
            settings = update(SettingRow).prefix_with("OR REPLACE").where(SettingRow.scope == _scope(old))
            await connection.execute(settings.values(scope=_scope(new)))

        await self._database.write(unit)

    async def get(self, job_id: int) -> JobRecord | None:
        """Find a job by its number."""
        found = await self._find(select_jobs().where(JobRow.id == job_id))
        return found[0] if found else None

    async def last(self, owner: str) -> JobRecord | None:
        """Find the newest job of somebody that has given pictures."""
        has_pictures = (JobRow.owner == owner, JobRow.state == "done", JobRow.deleted_ms.is_(None))
        found = await self._find(select_jobs().where(*has_pictures).order_by(JobRow.id.desc()).limit(1))
        return found[0] if found else None

    async def unfinished(self) -> tuple[JobRecord, ...]:
        """Give the jobs that wait or run, oldest first."""
        return await self._find(select_jobs().where(IS_OPEN).order_by(JobRow.id))

    async def owed(self) -> tuple[JobRecord, ...]:
        """Give the jobs that are over or deleted, and whose message does not show it yet, oldest first."""
        is_owed = (JobRow.shown_rev < JobRow.want_rev, ~IS_OPEN)
        return await self._find(select_jobs().where(*is_owed).order_by(JobRow.id))

    async def keys(self) -> Mapping[int, str]:
        """Give the keys of the events that asked for the jobs whose message nobody knows."""
        is_asked_for = JobRow.id == InboundRow.job_id
        is_unknown = (JobRow.message_id.is_(None), JobRow.shown_rev < JobRow.want_rev)
        query = select(InboundRow.job_id, InboundRow.key).join(JobRow, is_asked_for).where(*is_unknown)

        async def unit(connection: AsyncConnection) -> dict[int, str]:
            return {row.job_id: row.key for row in await connection.execute(query)}

        return await self._database.read(unit)

    async def _find(self, query: Select[*tuple[Any, ...]]) -> tuple[JobRecord, ...]:
        async def unit(connection: AsyncConnection) -> tuple[JobRecord, ...]:
            return await records(connection, query)

        return await self._database.read(unit)


def _columns(job: NewJob) -> dict[str, Any]:
    """Give the row of a new job. It is the person's, even if the account was linked a moment ago."""
    names = ("model", "prompt", "images", "expected_ms", "server", "rerun_of", "start_image", "mask", "is_spoiler")
    return {
        **{name: getattr(job, name) for name in names},
        "owner": person_of(job.owner),
        "place": dict(job.place),
        "request": dict(job.request),
        "roles": list(job.roles),
        "state": "queued",
        "created_ms": _now_ms(),
    }


def _changes(outcome: JobOutcome) -> dict[str, Any]:
    """Give what an outcome changes of a job that is not over."""
    changes: dict[str, Any] = {"state": outcome.state, "gpu_ms": outcome.gpu_ms}
    if outcome.attempts is not None:
        changes["attempts"] = outcome.attempts
    if outcome.state not in OPEN_STATES:
        changes |= {"error": outcome.error, "ended_ms": _now_ms(), "want_rev": JobRow.want_rev + 1}
    return changes


async def _is_used(connection: AsyncConnection, sha256: str) -> bool:
    """Tell whether a job that is not deleted shows the picture, starts from it or has it for a mask."""
    is_kept = JobRow.deleted_ms.is_(None)
    shown = exists().where(PictureRow.sha256 == sha256, PictureRow.job_id == JobRow.id, is_kept)
    started_from = exists().where(JobRow.start_image == sha256, JobRow.start_image != "", is_kept)
    masked_by = exists().where(JobRow.mask == sha256, JobRow.mask != "", is_kept)
    return bool((await connection.execute(select(shown | started_from | masked_by))).scalar_one())


def _scope(place: Mapping[str, str]) -> str:
    return f"{place['platform']}:{place['channel']}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
