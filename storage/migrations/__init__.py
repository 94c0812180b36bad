"""How does an older database become today's: alembic, run at every start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from storage.errors import StorageError


def migrate(connection: Connection) -> None:
    """Bring the database to the newest revision, inside the caller's transaction.

    Raises:
        StorageError: the database has a revision that this version does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(
            "The database comes from a newer Fairbrush: update this one, or put an older backup in its place."
        ) from error
