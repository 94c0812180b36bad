"""Who is blocked, where does each account stand in the fair queue, and what was set from chat?"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.tables import MemberRow, SettingRow

EVERYWHERE = ""


class Members:
    """The accounts, by key ("platform:id")."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_blocked(self, member: str) -> bool:
        """Tell whether an admin has blocked this account."""

        async def unit(connection: AsyncConnection) -> bool:
            found = await connection.execute(select(MemberRow.is_blocked).where(MemberRow.key == member))
            return bool(found.scalar_one_or_none())

        return await self._database.read(unit)

    async def set_blocked(self, member: str, *, is_blocked: bool) -> bool:
        """Block or unblock an account, known or not; False if it was so already."""

        async def unit(connection: AsyncConnection) -> bool:
            found = await connection.execute(select(MemberRow.is_blocked).where(MemberRow.key == member))
            if bool(found.scalar_one_or_none()) == is_blocked:
                return False
            await connection.execute(
                upsert(MemberRow)
                .values(key=member, is_blocked=is_blocked)
                .on_conflict_do_update(index_elements=["key"], set_={"is_blocked": is_blocked})
            )
            return True

        return await self._database.write(unit)

    async def virtual_times_ms(self) -> dict[str, int]:
        """Give every account's place in the fair queue."""

        async def unit(connection: AsyncConnection) -> dict[str, int]:
            query = select(MemberRow.key, MemberRow.virtual_time_ms).where(MemberRow.virtual_time_ms > 0)
            return {row.key: row.virtual_time_ms for row in await connection.execute(query)}

        return await self._database.read(unit)


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
