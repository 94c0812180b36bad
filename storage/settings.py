"""What was set from chat?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.tables import SettingRow

EVERYWHERE = ""


class Settings:
    """What was set from chat, by scope: a place, an account, a role, or everywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str, *, scope: str = EVERYWHERE) -> str | None:
        """Give a setting, None if it was never set."""

        async def unit(connection: AsyncConnection) -> str | None:
            query = select(SettingRow.value).where(SettingRow.scope == scope, SettingRow.name == name)
            return (await connection.execute(query)).scalar_one_or_none()

        return await self._database.read(unit)

    async def all(self, name: str) -> dict[str, str]:
        """Give a setting's value in each scope that has one."""

        async def unit(connection: AsyncConnection) -> dict[str, str]:
            query = select(SettingRow.scope, SettingRow.value).where(SettingRow.name == name)
            return {row.scope: row.value for row in await connection.execute(query)}

        return await self._database.read(unit)

    async def among(self, name: str, scopes: Collection[str]) -> Mapping[str, str]:
        """Give a setting's value in each of these scopes that has one."""

        async def unit(connection: AsyncConnection) -> Mapping[str, str]:
            return await _among(connection, name, scopes)

        return await self._database.read(unit)

    async def change(
        self, name: str, scopes: Collection[str], change: Callable[[Mapping[str, str]], str | None]
    ) -> None:
        """In one transaction: make one value for all these scopes of those that they have; None forgets them."""

        async def unit(connection: AsyncConnection) -> None:
            value = change(await _among(connection, name, scopes))
            await connection.execute(delete(SettingRow).where(SettingRow.name == name, SettingRow.scope.in_(scopes)))
            if value is not None:
                rows = [{"scope": scope, "name": name, "value": value} for scope in scopes]
                await connection.execute(insert(SettingRow), rows)

        await self._database.write(unit)

    async def put(self, name: str, value: str, *, scope: str = EVERYWHERE) -> None:
        """Keep a setting."""

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(
                upsert(SettingRow)
                .values(scope=scope, name=name, value=value)
                .on_conflict_do_update(index_elements=["scope", "name"], set_={"value": value})
            )

        await self._database.write(unit)

    async def remove(self, name: str, *, scope: str = EVERYWHERE) -> None:
        """Forget a setting."""

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(delete(SettingRow).where(SettingRow.scope == scope, SettingRow.name == name))

        await self._database.write(unit)


async def _among(connection: AsyncConnection, name: str, scopes: Collection[str]) -> dict[str, str]:
    query = select(SettingRow.scope, SettingRow.value)
    query = query.where(SettingRow.name == name, SettingRow.scope.in_(scopes))
    return {row.scope: row.value for row in await connection.execute(query)}
