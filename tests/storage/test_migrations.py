"""Does every start find or make the schema that the code expects?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import Database, Jobs, Pictures, StorageError
from storage.tables import Row
from tests.storage.conftest import new_job
from tests.storage.sqlite_file import opened_and_left


async def test_the_migrations_lead_to_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        def is_ours(name: str | None, kind: str, *_: object) -> bool:
            return not (kind == "table" and str(name).startswith("prompt_search"))

        context = MigrationContext.configure(connection, opts={"include_name": is_ours, "compare_type": True})
        return list(compare_metadata(context, Row.metadata))

    async def unit(connection: AsyncConnection) -> list[object]:
        return await connection.run_sync(differences)

    assert await database.read(unit) == []


async def test_an_existing_database_is_opened_with_all_it_holds(tmp_path: Path) -> None:
    for number in range(3):
        async with Database(tmp_path / "fairbrush.db") as database:
            jobs = Jobs(database, Pictures(tmp_path))
            assert len(await jobs.unfinished()) == number
            await jobs.accept(f"event {number}", new_job())


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    await opened_and_left(path)
    other = sqlite3.connect(path)
    with other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()

    with pytest.raises(StorageError, match="The database comes from a newer Fairbrush: update this one"):
        await opened_and_left(path)


async def test_a_migration_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fairbrush.db"
    foreign = sqlite3.connect(path)
    with foreign:
        foreign.execute("CREATE TABLE setting (mine TEXT)")  # the last table of the migration is in the way
    foreign.close()

    with pytest.raises(StorageError, match="The database refused this; the log has the reason"):
        await opened_and_left(path)

    after = sqlite3.connect(path)
    tables = after.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    after.close()
    assert tables == [("setting",)]
