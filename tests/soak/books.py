"""What does the program's own database say of its jobs, while it runs, while it is dead and in the end?"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.platforms.discord.identifies import NOTE

LOOK_AGAIN_S = 0.05
OVER = ("done", "cancelled", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A finished picture."""

    index: int
    sha256: str
    seed: int
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A job."""

    id: int
    platform: str
    state: str
    request: Mapping[str, Any]
    message_id: str | None
    is_confirmed: bool
    pictures: tuple[Kept, ...]

    @property
    def prompt(self) -> str:
        """Give what was asked for."""
        return str(self.request["prompt"])

    @property
    def is_over(self) -> bool:
        """Tell whether nothing happens to it any more."""
        return self.state in OVER


class Books:
    """Reads the database of a data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def jobs(self) -> dict[int, Record]:
        """Give all jobs, while the program runs or after it was stopped in order."""
        with _opened(self._data / "fairbrush.db") as database:
            return self._read(database)

    def of_the_dead(self) -> dict[int, Record]:
        """Give all jobs right after a kill, and check the database; on a copy, so that the next start finds it so."""
        with tempfile.TemporaryDirectory() as directory:
            for file in self._data.glob("fairbrush.db*"):
                shutil.copy(file, directory)
            if not (copy := Path(directory) / "fairbrush.db").exists():
                return {}  # it was killed before that
            with _opened(copy) as database:
                _check(database)
                is_migrated = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'job'").fetchone()[0]
                return self._read(database) if is_migrated else {}

    def check(self) -> None:
        """Raise if the database is damaged."""
        with _opened(self._data / "fairbrush.db") as database:
            _check(database)

    async def settled(self, patience_s: float) -> None:
        """Wait until every job is over and its message confirmed. Nobody tells of that, so it is looked up."""
        async with asyncio.timeout(patience_s):
            while True:
                if all(job.is_over and job.is_confirmed for job in self.jobs().values()):
                    return
                await asyncio.sleep(LOOK_AGAIN_S)

    def let_an_hour_pass(self) -> None:
        """Let the running program forget the sessions that it began with Discord: after five, it waits for minutes."""
        with _opened(self._data / "fairbrush.db") as database:
            database.execute("DELETE FROM setting WHERE name = ?", (NOTE,))

    def _read(self, database: sqlite3.Connection) -> dict[int, Record]:
        kept: dict[int, list[Kept]] = {}
        query = 'SELECT job_id, "index", sha256, seed FROM picture ORDER BY job_id, "index"'
        for job_id, index, sha256, seed in database.execute(query):
            file = self._data / "pictures" / sha256[:2] / f"{sha256}.png"
            kept.setdefault(job_id, []).append(Kept(index=index, sha256=sha256, seed=seed, file=file))
        columns = "id, place, state, request, message_id, shown_rev = want_rev AS is_confirmed"
        return {
            row["id"]: Record(
                id=row["id"],
                platform=json.loads(row["place"])["platform"],
                state=row["state"],
                request=json.loads(row["request"]),
                message_id=row["message_id"],
                is_confirmed=bool(row["is_confirmed"]),
                pictures=tuple(kept.get(row["id"], ())),
            )
            for row in database.execute(f"SELECT {columns} FROM job ORDER BY id")
        }


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file, timeout=10.0, isolation_level=None)) as database:
        database.row_factory = sqlite3.Row
        yield database


def _check(database: sqlite3.Connection) -> None:
    found = [row[0] for row in database.execute("PRAGMA integrity_check")]
    assert found == ["ok"], found
