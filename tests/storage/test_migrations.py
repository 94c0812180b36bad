"""Does every start find or make the schema that the code expects?"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection

import storage.migrations
from storage import (
    AccountRecord,
    Database,
    History,
    Jobs,
    LearnedRecord,
    Ledger,
    Measurements,
    Members,
    Pictures,
    Settings,
    StorageError,
)
from storage.tables import Row
from tests.storage.conftest import new_job, outcome
from tests.storage.sqlite_file import is_sound, opened_and_left


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


def turned(path: Path, revision: str) -> None:
    """Bring a database file to a revision, be it older or newer."""
    config = Config()
    config.set_main_option("script_location", str(Path(storage.migrations.__file__).parent))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        is_older = revision < str(connection.exec_driver_sql("SELECT max(version_num) FROM alembic_version").scalar())
        (command.downgrade if is_older else command.upgrade)(config, revision)
    engine.dispose()


def queried(path: Path, query: str) -> list[tuple[object, ...]]:
    """Ask a database file something."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


OLD_ROWS = """
INSERT INTO member (key, is_blocked, virtual_time_ms) VALUES ('console:me', 0, 1500);
INSERT INTO job (id, owner, place, state, model, prompt, request, created_ms, rerun_of, message_id, want_rev, shown_rev)
VALUES (1, 'console:me', '{"platform": "console", "channel": "chat"}', 'done', 'demo', 'a red circle',
        '{"prompt": "a red circle"}', 5, NULL, 'm1', 2, 2),
       (2, 'console:me', '{"platform": "console", "channel": "chat"}', 'queued', 'demo', 'a blue star',
        '{"prompt": "a blue star"}', 6, 1, NULL, 1, 0);
INSERT INTO inbound (key, at_ms, job_id) VALUES ('one', 5, 1), ('two', 6, 2);
INSERT INTO picture (job_id, "index", sha256, seed, width, height, provenance, created_ms)
VALUES (1, 0, 'abc', 7, 64, 48, '{}', 5);
INSERT INTO setting (scope, name, value) VALUES ('console:chat', 'model', 'demo');
"""


@pytest.fixture
async def old(tmp_path: Path) -> Path:
    """A database as the first version left it, with something in every table."""
    path = tmp_path / "fairbrush.db"
    await opened_and_left(path)
    turned(path, "0001")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_ROWS)
    return path


async def test_what_the_first_version_kept_is_found_by_this_one(old: Path) -> None:
    async with Database(old) as database:
        jobs, history = Jobs(database, Pictures(old.parent)), History(database)
        first, waiting = await jobs.get(1), await jobs.unfinished()
        found = await history.page("console:me", words="circle")
        model = await Settings(database).get("model", scope="console:chat")
        again, is_new = await jobs.accept("one", new_job())

    assert first is not None
    assert (first.is_spoiler, first.is_deleted, first.message_id) == (False, False, "m1")
    assert [picture.sha256 for picture in first.pictures] == ["abc"]
    assert [(job.id, job.rerun_of) for job in waiting] == [(2, 1)]
    assert [job.id for job in found.jobs] == [1]
    assert model == "demo"
    assert (again, is_new) == (1, False)


async def test_what_the_first_version_accepted_is_counted_and_recorded_by_this_one(old: Path) -> None:
    many = """
        UPDATE job SET request = json_set(request, '$.images', 3) WHERE id = 2;
        INSERT INTO job (owner, place, state, model, prompt, request, created_ms)
        VALUES ('console:me', '{}', 'done', 'demo', '', '{}', 7)
    """
    with contextlib.closing(sqlite3.connect(old)) as connection:
        connection.executescript(many)

    async with Database(old) as database:
        ledger, (waiting,) = Ledger(database), await Jobs(database, Pictures(old.parent)).unfinished()
        counted = await ledger.pending("console:me"), await ledger.images_since("console:me", 0)
        recorded = await ledger.recorded(0, 10)
        accounts = await Members(database).accounts()

    assert (waiting.id, waiting.images, waiting.expected_ms, waiting.started_ms) == (2, 3, 0, None)
    assert counted == (1, 5)
    assert [(job.images, job.roles, job.server) for job in recorded] == [(1, (), ""), (3, (), "")]
    assert accounts == {"console:me": AccountRecord(virtual_time_ms=1500, weight=1)}


async def test_on_the_way_back_linked_accounts_go_on_as_their_person_stood(old: Path) -> None:
    async with Database(old) as database:
        members = Members(database)
        await members.set_weight("console:me", 2)
        await members.link("discord:1", "console:me")
        await members.set_blocked("discord:1", is_blocked=True)
        await Jobs(database, Pictures(old.parent)).accept("three", new_job(owner="discord:1"))
        await Measurements(database).put([LearnedRecord(card="H100", model="demo", shape="64x48", facts={"a": 1})])

    turned(old, "0002")

    rows = queried(old, "SELECT key, is_blocked, virtual_time_ms FROM member ORDER BY key")
    assert rows == [("console:me", 1, 1500), ("discord:1", 1, 1500)]
    assert queried(old, "SELECT owner, state FROM job WHERE id = 3") == [("console:me", "queued")]
    assert queried(old, "SELECT name FROM sqlite_master WHERE name = 'learned'") == []
    assert is_sound(old)
    async with Database(old) as database:  # and forward again
        assert await Members(database).links() == {}
        assert len(await Jobs(database, Pictures(old.parent)).unfinished()) == 2


async def test_the_way_back_keeps_all_that_the_first_version_can_read(old: Path) -> None:
    before = {table: queried(old, f"SELECT * FROM {table}") for table in ("member", "job", "inbound", "picture")}
    async with Database(old) as database:
        jobs = Jobs(database, Pictures(old.parent))
        gone, _ = await jobs.accept("three", replace(new_job("a secret"), is_spoiler=True, rerun_of=1))
        await jobs.settle([outcome(gone)], virtual_times_ms={"console:me": 1500})
        await History(database).toggle_favourite("console:me", 1)
        await jobs.delete(gone)

    turned(old, "0001")

    after = {table: queried(old, f"SELECT * FROM {table}") for table in before}
    assert after == before
    assert queried(old, "SELECT rowid FROM prompt_search WHERE prompt_search MATCH 'red OR secret'") == [(1,)]
    assert is_sound(old)
    turned(old, "0002")
    async with Database(old) as database:
        assert len(await Jobs(database, Pictures(old.parent)).unfinished()) == 1
