"""Is it said in words what lock, disk or file have against a write, and is nothing half-written?"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from storage import Database, Pictures, StorageError
from tests.storage.sqlite_file import is_sound, mounted, names, opened_and_left, put


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Keep the database locked for writing, as another program would."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


async def read_and_written(path: Path) -> None:
    """Open a database, read all of it and write to it."""
    async with Database(path) as database:
        await names(database)
        await database.write(put("a", "x" * 9000))


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


OPEN = """
import asyncio, pathlib, sys
from storage import Database, StorageError
async def live():
    async with Database(pathlib.Path(sys.argv[1])):
        pass
try:
    asyncio.run(live())
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, None], ids=["junk", "a directory"])
def test_a_refusal_leaves_nothing_behind_that_speaks_later(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path
    if content is not None:
        path = tmp_path / "fairbrush.db"
        path.write_bytes(content)

    run = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True)

    assert run.stdout.startswith("The database ")
    assert not [line for line in run.stderr.splitlines() if not line.startswith("database: SQLITE_")]
