"""Who is blocked, who is the same person, and where does each stand in the fair queue?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.records import AccountRecord
from storage.tables import FavouriteRow, JobRow, MemberRow

KNOWN = MemberRow.__table__.alias("known")


class Members:
    """The accounts, by key ("platform:id"). Linked accounts are one person, known by the key of one of them.

    The row of that one counts for all: its block, its place in the fair queue, its weight.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_blocked(self, member: str) -> bool:
        """Tell whether an admin has blocked this account's person."""

        async def unit(connection: AsyncConnection) -> bool:
            return await _is_blocked(connection, member)

        return await self._database.read(unit)

    async def set_blocked(self, member: str, *, is_blocked: bool) -> bool:
        """Block or unblock an account's person, known or not; False if they were so already."""

        async def unit(connection: AsyncConnection) -> bool:
            if await _is_blocked(connection, member) == is_blocked:
                return False
            await _put(connection, member, is_blocked=is_blocked)
            return True

        return await self._database.write(unit)

    async def accounts(self) -> Mapping[str, AccountRecord]:
        """Give each person's place in the fair queue, if they were ever charged or weigh more or less than others."""
        is_known = (MemberRow.virtual_time_ms > 0) | (MemberRow.weight != 1)
        query = select(MemberRow.key, MemberRow.virtual_time_ms, MemberRow.weight)
        query = query.where(MemberRow.person.is_(None), is_known)

        async def unit(connection: AsyncConnection) -> dict[str, AccountRecord]:
            return {
                row.key: AccountRecord(virtual_time_ms=row.virtual_time_ms, weight=row.weight)
                for row in await connection.execute(query)
            }

        return await self._database.read(unit)

    async def set_weight(self, member: str, weight: float) -> None:
        """Let an account's person have more or less of the GPU than others."""

        async def unit(connection: AsyncConnection) -> None:
            await _put(connection, member, weight=weight)

        await self._database.write(unit)

    async def links(self) -> Mapping[str, str]:
        """Give the person of every account that is linked to another one."""
        query = select(MemberRow.key, MemberRow.person).where(MemberRow.person.is_not(None))

        async def unit(connection: AsyncConnection) -> dict[str, str]:
            return {row.key: row.person for row in await connection.execute(query)}

        return await self._database.read(unit)

    async def link(self, account: str, into: str) -> bool:
        """Make the persons of two accounts one, in one transaction; False if they were one already.

        All that was the first one's is the second one's from then on, and if one was blocked, both are. The larger
        use of the GPU stays, and the second one's weight.
        """

        async def unit(connection: AsyncConnection) -> bool:
            joining, person = await _person(connection, account), await _person(connection, into)
            if joining == person:
                return False
            await _join(connection, joining, person)
            return True

        return await self._database.write(unit)

    async def unlink(self, account: str) -> str | None:
        """Make a linked account a person of its own again; gives the person that it leaves, None if it is not linked.

        It starts as its person stands, blocked if they are, and without any more credit. What they have stays theirs;
        where it was the account by whose key they were known, they are known by another one's from then on.
        """

        async def unit(connection: AsyncConnection) -> str | None:
            person = await _person(connection, account)
            if person == account:
                others = select(MemberRow.key).where(MemberRow.person == account).order_by(MemberRow.key).limit(1)
                heir: str | None = (await connection.execute(others)).scalar_one_or_none()
                if heir is None:
                    return None
                await _hand_over(connection, account, heir)
                person = heir
            own, theirs = [(await connection.execute(_row(name))).mappings().one() for name in (account, person)]
            changes = {
                "person": None,
                "is_blocked": theirs["is_blocked"],
                "virtual_time_ms": theirs["virtual_time_ms"],
                "weight": min(own["weight"], theirs["weight"]),
            }
            await connection.execute(update(MemberRow).where(MemberRow.key == account).values(**changes))
            return person

        return await self._database.write(unit)


def person_of(account: str) -> ColumnElement[str]:
    """Give, within a statement, the key of an account's person."""
    linked = select(KNOWN.c.person).where(KNOWN.c.key == account).scalar_subquery()
    return func.coalesce(linked, literal(account))


async def move_account(connection: AsyncConnection, owner: str, virtual_time_ms: int) -> None:
    """Keep, within a unit, where an owner stands in the fair queue.

    What comes late, under the key of an account that was linked meanwhile, never sets its person back.
    """
    later = func.max(MemberRow.virtual_time_ms, virtual_time_ms)
    reached = case((MemberRow.key == owner, virtual_time_ms), else_=later)
    await connection.execute(
        upsert(MemberRow)
        .values(key=person_of(owner), virtual_time_ms=virtual_time_ms)
        .on_conflict_do_update(index_elements=["key"], set_={"virtual_time_ms": reached})
    )


async def _join(connection: AsyncConnection, joining: str, person: str) -> None:
    """Make one person, with all their accounts, a part of another."""
    for key in (joining, person):
        await connection.execute(upsert(MemberRow).values(key=key).on_conflict_do_nothing())
    theirs = (await connection.execute(_row(joining))).mappings().one()
    larger = func.max(MemberRow.virtual_time_ms, theirs["virtual_time_ms"])
    either = MemberRow.is_blocked | theirs["is_blocked"]
    accounts = (MemberRow.key == joining) | (MemberRow.person == joining)
    for change in (
        update(MemberRow).where(MemberRow.key == person).values(virtual_time_ms=larger, is_blocked=either),
        update(MemberRow).where(accounts).values(person=person),
        update(JobRow)
        .where(JobRow.owner == joining)
        .values(owner=person, brought_by=func.coalesce(JobRow.brought_by, JobRow.owner)),
        # They may have marked the same job.
        update(FavouriteRow).prefix_with("OR REPLACE").where(FavouriteRow.member == joining).values(member=person),
    ):
        await connection.execute(change)


async def _hand_over(connection: AsyncConnection, person: str, heir: str) -> None:
    """Make one of a person's accounts the one by whose key they are known."""
    row = (await connection.execute(_row(person))).mappings().one()
    theirs = {name: row[name] for name in ("is_blocked", "virtual_time_ms", "weight")}
    await connection.execute(update(MemberRow).where(MemberRow.key == heir).values(person=None, **theirs))
    await _join(connection, person, heir)


async def _put(connection: AsyncConnection, member: str, **values: Any) -> None:
    await connection.execute(
        upsert(MemberRow)
        .values(key=person_of(member), **values)
        .on_conflict_do_update(index_elements=["key"], set_=values)
    )


async def _person(connection: AsyncConnection, account: str) -> str:
    found: str = (await connection.execute(select(person_of(account)))).scalar_one()
    return found


async def _is_blocked(connection: AsyncConnection, member: str) -> bool:
    found = await connection.execute(select(MemberRow.is_blocked).where(MemberRow.key == person_of(member)))
    return bool(found.scalar_one_or_none())


def _row(key: str) -> Select[Any]:
    return select(MemberRow.__table__).where(MemberRow.key == key)
