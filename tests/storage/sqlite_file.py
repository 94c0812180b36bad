"""What do tests write, read and look for in a database file?"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import Database
from storage.database import Unit


def put(name: str, value: str = "x") -> Unit[None]:
    """Give a unit that keeps a setting."""

    async def unit(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO setting VALUES ('', :name, :value)"), {"name": name, "value": value})

    return unit


async def names(database: Database) -> list[str]:
    """Give the settings that are kept."""

    async def unit(connection: AsyncConnection) -> list[str]:
        return list((await connection.execute(text("SELECT name FROM setting ORDER BY name"))).scalars())

    return await database.read(unit)


def is_sound(path: Path) -> bool:
    """Let SQLite look for damage."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


async def opened_and_left(path: Path) -> None:
    """Open a database that is not waited for."""
    async with Database(path, busy_timeout_ms=50):
        pass


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
