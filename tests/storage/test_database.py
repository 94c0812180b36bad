"""Is what was written on the disk, whole or not at all, whatever happens to callers, disk, lock and file?"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import Database, Jobs, Pictures, StorageError
from storage.database import Unit
from tests.storage.conftest import new_job
from tests.storage.sqlite_file import is_sound, names, put


def failing(unit: Unit[None], error: Exception) -> Unit[None]:
    """Give a unit that fails after it has written."""

    async def half(connection: AsyncConnection) -> None:
        await unit(connection)
        raise error

    return half


async def pragma(connection: AsyncConnection, name: str) -> object:
    """Ask SQLite for one of its settings."""
    return (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()


def files(folder: Path) -> list[str]:
    """Give the names of the files in a folder."""
    return [file.name for file in folder.iterdir()]


async def test_what_is_committed_is_on_the_disk(database: Database) -> None:
    journal = await database.write(lambda connection: pragma(connection, "journal_mode"))
    synchronous = await database.write(lambda connection: pragma(connection, "synchronous"))

    assert (journal, synchronous) == ("wal", 2)


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError):
        await database.read(put("a"))

    assert await names(database) == []


async def test_foreign_keys_are_minded(jobs: Jobs) -> None:
    with pytest.raises(IntegrityError):
        await jobs.accept("event", new_job(rerun_of=99))

    assert await jobs.unfinished() == ()


async def test_units_that_wait_together_are_committed_together(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "fairbrush.db", isolation_level=None)
    before = other.execute("PRAGMA data_version").fetchone()
    versions = set()

    def look(_: object) -> None:
        versions.add(other.execute("PRAGMA data_version").fetchone())

    tasks = [asyncio.create_task(database.write(put(f"{number:02}"))) for number in range(60)]
    for task in tasks:
        task.add_done_callback(look)
    await asyncio.gather(*tasks)

    kept = await names(database)
    other.close()
    assert len(kept) == 60
    assert len(versions - {before}) <= 3


@pytest.mark.parametrize("error", [ValueError("mine"), IntegrityError("mine", {}, Exception())])
async def test_a_unit_that_fails_undoes_only_itself(database: Database, error: Exception) -> None:
    units = [put("a"), failing(put("b"), error), put("c"), put("a"), put("d")]

    results = await asyncio.gather(*(database.write(unit) for unit in units), return_exceptions=True)

    assert await names(database) == ["a", "c", "d"]
    assert results[1] is error
    assert isinstance(results[3], IntegrityError)
    assert [results[number] for number in (0, 2, 4)] == [None, None, None]


async def test_a_caller_that_is_cancelled_stops_nobody_and_its_unit_is_whole(database: Database) -> None:
    writes = [asyncio.create_task(database.write(put(f"{number:02}"))) for number in range(20)]
    await asyncio.wait(writes, timeout=0)

    for write in writes[::2]:
        write.cancel()
    await asyncio.gather(*writes, return_exceptions=True)
    await database.write(put("last"))

    assert await names(database) == [*(f"{number:02}" for number in range(20)), "last"]


async def test_leaving_is_quick_and_clean_however_many_callers_were_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    for round_number in range(15):
        async with asyncio.timeout(20), Database(path) as database:
            tasks: list[asyncio.Task[object]] = []
            for number in range(20):
                tasks.append(asyncio.create_task(database.write(put(f"{round_number} {number}"))))
                tasks.append(asyncio.create_task(names(database)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()

    assert is_sound(path)
    async with Database(path) as database:
        assert len(await names(database)) == 15 * 20


async def test_leaving_finishes_the_writes_that_wait(tmp_path: Path) -> None:
    async with Database(tmp_path / "fairbrush.db") as database:
        writes = [asyncio.create_task(database.write(put(f"{number:03}"))) for number in range(200)]
        await asyncio.wait(writes, timeout=0)

    await asyncio.gather(*writes)
    async with Database(tmp_path / "fairbrush.db") as database:
        assert len(await names(database)) == 200


async def test_leaving_although_cancelled_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"

    async def live(opened: asyncio.Event) -> None:
        async with Database(path) as database:
            await database.write(put("a"))
            opened.set()
            await asyncio.Event().wait()

    opened = asyncio.Event()
    life = asyncio.create_task(live(opened))
    await opened.wait()
    life.cancel()
    await asyncio.wait([life], timeout=0)
    life.cancel()
    await asyncio.wait([life])

    assert life.cancelled()
    assert files(tmp_path) == ["fairbrush.db"]  # the last to leave clears the log away


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    async with Database(tmp_path / "fairbrush.db") as database:
        pass

    with pytest.raises(StorageError, match="The database is closed"):
        await database.write(put("a"))
    with pytest.raises(StorageError, match="The database is closed"):
        await names(database)


@pytest.mark.parametrize("name", ["with space?.db", "100%#1.db", "ünï.db"])
async def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    async with Database(tmp_path / name) as database:
        await database.write(put("a"))

    assert (tmp_path / name).is_file()


async def test_pictures_and_jobs_share_no_fate_with_a_broken_unit(database: Database, pictures: Pictures) -> None:
    jobs = Jobs(database, pictures)

    results = await asyncio.gather(
        jobs.accept("a", new_job()),
        jobs.accept("b", new_job(rerun_of=99)),
        jobs.accept("c", new_job()),
        return_exceptions=True,
    )

    assert isinstance(results[1], IntegrityError)
    assert len(await jobs.unfinished()) == 2
