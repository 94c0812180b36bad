"""What was measured so far of each model's shape on each card?"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.records import LearnedRecord
from storage.tables import LearnedRow


class Measurements:
    """What was learned of speeds, by card, model and shape; the newest replaces what was known before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> tuple[LearnedRecord, ...]:
        """Give all that was learned, in a steady order."""
        columns = LearnedRow.__table__.c
        query = select(LearnedRow.__table__).order_by(columns.card, columns.model, columns.shape)

        async def unit(connection: AsyncConnection) -> tuple[LearnedRecord, ...]:
            return tuple(LearnedRecord(**row) for row in (await connection.execute(query)).mappings())

        return await self._database.read(unit)

    async def put(self, records: Sequence[LearnedRecord]) -> None:
        """Keep what was learned outside a dispatch."""

        async def unit(connection: AsyncConnection) -> None:
            await keep_learned(connection, records)

        await self._database.write(unit)


async def keep_learned(connection: AsyncConnection, records: Sequence[LearnedRecord]) -> None:
    """Keep what was learned, within a unit."""
    for record in records:
        facts = dict(record.facts)
        await connection.execute(
            upsert(LearnedRow)
            .values(card=record.card, model=record.model, shape=record.shape, facts=facts)
            .on_conflict_do_update(index_elements=["card", "model", "shape"], set_={"facts": facts})
        )
