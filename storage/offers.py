"""What was offered to somebody in place of a request that could not be run?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.records import OfferRecord
from storage.tables import OfferRow

KEPT_MS = 30 * 24 * 3600 * 1000  # nobody presses a button of a refusal that is older


class Offers:
    """Requests that wait for a button to be pressed, by number; those of more than 30 days are forgotten."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    async def keep(self, request: Mapping[str, Any], *, is_spoiler: bool) -> int:
        """Keep a request and give its number."""
        now_ms = round(1000 * self._now())

        async def unit(connection: AsyncConnection) -> int:
            await connection.execute(delete(OfferRow).where(OfferRow.created_ms < now_ms - KEPT_MS))
            values = {"request": dict(request), "is_spoiler": is_spoiler, "created_ms": now_ms}
            result = await connection.execute(insert(OfferRow).values(**values))
            key = result.inserted_primary_key
            assert key is not None
            return int(key[0])

        return await self._database.write(unit)

    async def get(self, offer_id: int) -> OfferRecord | None:
        """Give an offer, None if there is none of that number any more."""
        query = select(OfferRow.request, OfferRow.is_spoiler).where(OfferRow.id == offer_id)

        async def unit(connection: AsyncConnection) -> OfferRecord | None:
            row = (await connection.execute(query)).one_or_none()
            return None if row is None else OfferRecord(request=row.request, is_spoiler=row.is_spoiler)

        return await self._database.read(unit)
