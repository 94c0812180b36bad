"""What has somebody made so far: newest first, by words, page by page?"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Integer, column, select, table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.jobs import records
from storage.records import HistoryPage
from storage.tables import JobRow

PAGE_SIZE = 10

SEARCH = table("prompt_search", column("rowid", Integer))


class History:
    """The past of each owner. Pages go by the last id seen, never by an offset."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, owner: str, *, words: str = "", older_than: int | None = None) -> HistoryPage:
        """Give an owner's jobs whose prompt holds all the words (or their beginnings), newest first."""
        query = select(JobRow.__table__).where(JobRow.owner == owner).limit(PAGE_SIZE + 1)
        newest: ColumnElement[int] = JobRow.__table__.c.id
        if match := _match(words):
            # By the index's own row numbers the search is read newest first and stops after a page.
            newest = SEARCH.c.rowid
            query = query.join(SEARCH, SEARCH.c.rowid == JobRow.id).where(text("prompt_search MATCH :match"))
        if older_than is not None:
            query = query.where(newest < older_than)
        query = query.order_by(newest.desc())

        async def unit(connection: AsyncConnection) -> HistoryPage:
            found = await connection.execute(query, {"match": match} if match else {})
            jobs = await records(connection, found.mappings().all())
            shown = jobs[:PAGE_SIZE]
            return HistoryPage(jobs=shown, older_than=shown[-1].id if len(jobs) > PAGE_SIZE else None)

        return await self._database.read(unit)


def _match(words: str) -> str:
    """Quote each word for FTS5: bare, it would be read as a query."""
    return " ".join(f'"{word}"*' for word in words.replace("\0", " ").replace('"', '""').split())
