"""How is SQLite opened, and how do reads and writes reach it?

WAL with synchronous=FULL: what was committed survives a power cut. One connection writes, owned by one task that is
never cancelled, and every read runs in a task of its own: a task cancelled inside a transaction hangs the shutdown,
so callers await a future. Units that wait together are committed together (group commit), each in its own savepoint.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import URL, event
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.errors import StorageError
from storage.migrations import migrate
from storage.reports import in_words

LARGEST_GROUP = 64
BUSY_TIMEOUT_MS = 5000
READERS = 4
WRITER_PRAGMAS = (
    "PRAGMA auto_vacuum=INCREMENTAL",  # of effect only before the first table
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA journal_size_limit=67108864",
)
READER_PRAGMAS = ("PRAGMA query_only=1",)
CLOSED = "The database is closed."

T = TypeVar("T")
Unit = Callable[[AsyncConnection], Awaitable[T]]


@dataclass(slots=True)
class _Work:
    unit: Unit[Any]
    done: asyncio.Future[Any]


class Database:
    """An open, migrated database. Use as an async context manager; leaving it finishes what was begun."""

    def __init__(self, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self._path = path
        wait = f"PRAGMA busy_timeout={busy_timeout_ms}"
        self._work: asyncio.Queue[_Work | None] = asyncio.Queue()
        self._writer = _engine(path, (wait, *WRITER_PRAGMAS), begin="BEGIN IMMEDIATE", pool_size=1)
        self._reader = _engine(path, (wait, *READER_PRAGMAS), begin="BEGIN", pool_size=READERS)
        self._writing: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[Any]] = set()
        self._is_open = False

    async def __aenter__(self) -> Self:
        """Open and migrate.

        Raises:
            StorageError: the file cannot be opened, is locked or damaged, or comes from a newer version.
        """
        opening = asyncio.create_task(self._migrate(), name="database migration")
        try:
            await _to_the_end(opening)
        except BaseException:
            await self._writer.dispose()
            raise
        self._writing = asyncio.create_task(self._write_all(), name="database writer")
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        await _to_the_end(asyncio.create_task(self._close(), name="database close"))

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit of work in a transaction; it is on the disk when this returns.

        A caller that is cancelled meanwhile only stops waiting: the unit is kept as a whole or not at all.

        Raises:
            StorageError: the disk is full, the database is locked, damaged or closed; nothing of the unit was kept.
        """
        if not self._is_open:
            raise StorageError(CLOSED)
        work = _Work(unit, asyncio.get_running_loop().create_future())
        self._work.put_nowait(work)
        result: T = await asyncio.shield(work.done)
        return result

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads, and gives all it needs at once.

        Raises:
            StorageError: the database is locked, damaged or closed.
        """
        if not self._is_open:
            raise StorageError(CLOSED)
        task = asyncio.create_task(self._read(unit), name="database read")
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return await asyncio.shield(task)

    async def _migrate(self) -> None:
        with in_words():
            # The driver cannot clean up after a file that cannot be opened: its thread would outlive the loop.
            await asyncio.to_thread(_try_to_open, self._path)
            async with self._writer.begin() as connection:
                await connection.run_sync(migrate)

    async def _read(self, unit: Unit[T]) -> T:
        with in_words():
            async with self._reader.connect() as connection:
                return await unit(connection)

    async def _close(self) -> None:
        assert self._writing is not None
        self._work.put_nowait(None)
        await asyncio.wait([self._writing, *self._reading])
        await self._reader.dispose()
        await self._writer.dispose()

    async def _write_all(self) -> None:
        is_last = False
        while not is_last:
            group = [await self._work.get()]
            while len(group) < LARGEST_GROUP and not self._work.empty():
                group.append(self._work.get_nowait())
            is_last = None in group
            await self._commit([work for work in group if work is not None])

    async def _commit(self, group: list[_Work]) -> None:
        results: list[tuple[Any, BaseException | None]] = []
        try:
            with in_words():
                async with self._writer.begin() as connection:
                    results.extend([await _in_savepoint(connection, work.unit) for work in group])
        except StorageError as error:
            results = [(None, error)] * len(group)
        for work, (result, failure) in zip(group, results, strict=True):
            if failure is None:
                work.done.set_result(result)
            else:
                work.done.set_exception(failure)


async def _in_savepoint(connection: AsyncConnection, unit: Unit[Any]) -> tuple[Any, BaseException | None]:
    """Run one unit of a group, so that its failure undoes nobody else's work."""
    try:
        async with connection.begin_nested():
            return await unit(connection), None
    except (IntegrityError, DataError, ProgrammingError) as error:
        return None, error
    except DatabaseError:
        raise  # the disk, the lock or the file: the whole group is in doubt
    except Exception as error:  # noqa: BLE001 - it is the caller's, whom it reaches through the future
        return None, error


async def _to_the_end(task: asyncio.Task[None]) -> None:
    """Wait for a task that must not be cancelled; if this is cancelled meanwhile, that counts afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


def _try_to_open(path: Path) -> None:
    sqlite3.connect(path).close()


def _engine(path: Path, pragmas: tuple[str, ...], *, begin: str, pool_size: int) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=str(path))
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        try:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(pragma)
            cursor.close()
        except BaseException:
            connection.close()  # the pool does not know it yet, and its thread would outlive the loop
            raise

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
