"""Does each question that is asked while people wait find its answer by an index, never by reading all that is kept?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import Database, History, Jobs, Ledger, Members
from tests.storage.conftest import new_job, outcome


class Room:
    """All that is asked while people wait."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self.jobs = jobs
        self.ledger = Ledger(database)
        self.history = History(database)
        self.members = Members(database)


Question = Callable[[Room], Awaitable[object]]
WHOLE_TABLE = re.compile(r"SCAN (job|member|picture|inbound|known|favourite)$")


@pytest.fixture
async def asked(jobs: Jobs) -> AsyncIterator[list[tuple[str, Any]]]:
    """What SQLite is told from now on, of a database that holds a job already."""
    await jobs.accept("event 1", new_job())
    said: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        _, _, statement, parameters, *_ = told
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            said.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield said
    event.remove(Engine, "before_cursor_execute", note)


async def plan(database: Database, asked: list[tuple[str, Any]]) -> list[str]:
    """Let SQLite say how it finds what it was asked for."""

    async def unit(connection: AsyncConnection) -> list[str]:
        found = []
        for statement, parameters in tuple(asked):
            steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found += [step.detail for step in steps]
        return found

    assert asked
    return await database.read(unit)


BY_INDEX: list[tuple[str, str, Question]] = [
    ("pending jobs", "ix_job_pending", lambda room: room.ledger.pending("console:me")),
    ("pictures", "ix_job_owner_created_ms", lambda room: room.ledger.images_since("console:me", 5)),
    ("what was left", "ix_job_brought_by", lambda room: room.ledger.images_since("console:me", 5)),
    ("waits", "ix_job_foretold", lambda room: room.ledger.waits()),
    ("the past", "ix_job_recorded", lambda room: room.ledger.recorded(5, 10)),
    ("boosts", "ix_job_boosted_ms", lambda room: room.jobs.boost(1, lambda _: None, since_ms=5)),
    ("a limit", "ix_job_owner_created_ms", lambda room: room.jobs.accept("2", new_job(), lambda _: None)),
    ("the unfinished", "ix_job_open", lambda room: room.jobs.unfinished()),
    ("the owed", "ix_job_owed", lambda room: room.jobs.owed()),
    ("the last", "ix_job_owner_id", lambda room: room.jobs.last("console:me")),
    ("a page", "ix_job_owner_id", lambda room: room.history.page("console:me")),
    ("linked accounts", "ix_member_person", lambda room: room.members.links()),
    ("a link", "(owner=?)", lambda room: room.members.link("console:me", "console:you")),
    ("a person", "sqlite_autoindex_member_1", lambda room: room.members.is_blocked("console:me")),
    ("an end", "INTEGER PRIMARY KEY", lambda room: room.jobs.settle([outcome(1)], virtual_times_ms={"a": 1})),
    ("a start", "INTEGER PRIMARY KEY", lambda room: room.jobs.start(1, foretold_ms=5)),
    ("pictures of a job", "sqlite_autoindex_picture_1", lambda room: room.jobs.get(1)),
]


@pytest.mark.parametrize(("index", "ask"), [case[1:] for case in BY_INDEX], ids=[case[0] for case in BY_INDEX])
async def test_a_question_is_answered_by_an_index(
    database: Database, jobs: Jobs, asked: list[tuple[str, Any]], index: str, ask: Question
) -> None:
    await ask(Room(database, jobs))

    steps = await plan(database, asked)
    assert not [step for step in steps if WHOLE_TABLE.match(step)]
    assert [step for step in steps if index in step]


async def test_a_question_that_reads_every_job_would_be_noticed(
    database: Database, asked: list[tuple[str, Any]]
) -> None:
    await database.read(lambda connection: connection.execute(text("SELECT id FROM job WHERE state = 'done'")))

    assert [step for step in await plan(database, asked) if WHOLE_TABLE.match(step)]
