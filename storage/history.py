"""What has somebody made so far: newest first, by words, page by page?"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Integer, column, delete, insert, table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.reading import records, select_jobs
from storage.records import HistoryPage
from storage.tables import FavouriteRow, JobRow

PAGE_SIZE = 10

SEARCH = table("prompt_search", column("rowid", Integer))


class History:
    """The past of each owner. Pages go by the last id seen, never by an offset."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, owner: str, *, words: str = "", older_than: int | None = None, is_favourite: bool = False
    ) -> HistoryPage:
        """Give an owner's jobs, or their favourites, whose prompt holds all the words (or their beginnings).

        The newest come first.
        """
        query = select_jobs().where(JobRow.deleted_ms.is_(None)).limit(PAGE_SIZE + 1)
        if is_favourite:
            query = query.join(FavouriteRow, FavouriteRow.job_id == JobRow.id).where(FavouriteRow.member == owner)
        else:
            query = query.where(JobRow.owner == owner)
        newest: ColumnElement[int] = JobRow.__table__.c.id
        if match := _match(words):
            # By the index's own row numbers the search is read newest first and stops after a page.
            newest = SEARCH.c.rowid
            has_words = text("prompt_search MATCH :match").bindparams(match=match)
            query = query.join(SEARCH, SEARCH.c.rowid == JobRow.id).where(has_words)
        if older_than is not None:
            query = query.where(newest < older_than)
        query = query.order_by(newest.desc())

        async def unit(connection: AsyncConnection) -> HistoryPage:
            jobs = await records(connection, query)
            shown = jobs[:PAGE_SIZE]
            return HistoryPage(jobs=shown, older_than=shown[-1].id if len(jobs) > PAGE_SIZE else None)

        return await self._database.read(unit)

    async def toggle_favourite(self, member: str, job_id: int) -> bool:
        """Mark a job as one of somebody's favourites, or take the mark away; tells whether it is marked now."""

        async def unit(connection: AsyncConnection) -> bool:
            mark = (FavouriteRow.member == member, FavouriteRow.job_id == job_id)
            was_marked = (await connection.execute(delete(FavouriteRow).where(*mark))).rowcount > 0
            if not was_marked:
                await connection.execute(insert(FavouriteRow).values(member=member, job_id=job_id))
            return not was_marked

        return await self._database.write(unit)


def _match(words: str) -> str:
    """Quote each word for FTS5: bare, it would be read as a query."""
    return " ".join(f'"{word}"*' for word in words.replace("\0", " ").replace('"', '""').split())
