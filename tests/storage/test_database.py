"""Is what was written on the disk, whole or not at all, whatever happens to callers, disk, lock and file?"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import Database, Jobs, Pictures, StorageError
from storage.database import Unit
from tests.storage.conftest import new_job


def put(name: str, value: str = "x") -> Unit[None]:
    """Give a unit that keeps a setting."""

    async def unit(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO setting VALUES ('', :name, :value)"), {"name": name, "value": value})

    return unit


def failing(unit: Unit[None], error: Exception) -> Unit[None]:
    """Give a unit that fails after it has written."""

    async def half(connection: AsyncConnection) -> None:
        await unit(connection)
        raise error

    return half


async def names(database: Database) -> list[str]:
    """Give the settings that are kept."""

    async def unit(connection: AsyncConnection) -> list[str]:
        return list((await connection.execute(text("SELECT name FROM setting ORDER BY name"))).scalars())

    return await database.read(unit)


async def opened_and_left(path: Path) -> None:
    """Open a database that is not waited for."""
    async with Database(path, busy_timeout_ms=50):
        pass


async def read_and_written(path: Path) -> None:
    """Open a database, read all of it and write to it."""
    async with Database(path) as database:
        await names(database)
        await database.write(put("a", "x" * 9000))


async def pragma(connection: AsyncConnection, name: str) -> object:
    """Ask SQLite for one of its settings."""
    return (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Keep the database locked for writing, as another program would."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def files(folder: Path) -> list[str]:
    """Give the names of the files in a folder."""
    return [file.name for file in folder.iterdir()]


def is_sound(path: Path) -> bool:
    """Let SQLite look for damage."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


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


async def test_a_locked_database_refuses_in_words_and_recovers(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    async with Database(path, busy_timeout_ms=50) as database:
        with held(path), pytest.raises(StorageError, match=r"Another program holds the database\. Nothing was kept"):
            await database.write(put("a"))
        await database.write(put("b"))

        assert await names(database) == ["b"]


async def test_a_database_that_is_locked_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    async with Database(path, busy_timeout_ms=30_000) as database:
        with held(path) as other:
            write = asyncio.create_task(database.write(put("a")))
            assert await names(database) == []  # readers do not mind
            other.execute("ROLLBACK")
        await write

        assert await names(database) == ["a"]


async def test_a_locked_database_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    await opened_and_left(path)

    with held(path), pytest.raises(StorageError, match="Another program holds the database"):
        await opened_and_left(path)


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a small disk of memory, if this process may."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", ",".join(("size=1m", *options)), "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only the superuser of a real machine may mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def fill(database: Database) -> list[str]:
    """Write until the disk refuses; gives what was kept."""
    kept: list[str] = []

    async def write_on() -> None:
        while len(kept) < 1000:
            name = f"{len(kept):03}"
            await database.write(put(name, "x" * 4000))
            kept.append(name)

    with pytest.raises(StorageError, match="The disk is full"):
        await write_on()
    return kept


async def test_a_full_disk_refuses_in_words_and_loses_nothing_that_was_kept(
    tmp_path: Path, small_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "fairbrush.db"
    async with Database(path) as database:
        with small_disk(400_000):
            kept = await fill(database)
        during = await names(database)
        await database.write(put("later"))

        assert await names(database) == [*kept, "later"]
    assert during == kept
    assert len(kept) > 5
    assert is_sound(path)


async def test_a_disk_that_is_really_full_is_gone_on_with_once_there_is_space(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        ballast = Pictures(disk).path(Pictures(disk).save(b"\0" * 300_000))
        async with Database(disk / "fairbrush.db") as database:
            kept = await fill(database)
            await asyncio.to_thread(ballast.unlink)
            await database.write(put("later"))

            assert await names(database) == [*kept, "later"]
        assert is_sound(disk / "fairbrush.db")


async def test_a_disk_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "disk", "ro") as disk,
        pytest.raises(StorageError, match="The database cannot be opened for writing"),
    ):
        await opened_and_left(disk / "fairbrush.db")


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fairbrush.db"
    path.write_bytes(content)

    with pytest.raises(StorageError, match=r"The database is damaged\. Move fairbrush\.db out of the data directory"):
        await opened_and_left(path)

    assert path.read_bytes() == content


async def test_a_database_that_is_damaged_inside_says_so_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    async with Database(path) as database:
        for number in range(50):
            await database.write(put(f"{number}", "x" * 4000))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\x55" * (len(whole) // 2))

    with pytest.raises(StorageError, match="The database is damaged"):
        await read_and_written(path)


async def test_a_path_that_is_a_directory_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="The database cannot be opened for writing"):
        await opened_and_left(tmp_path)


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
