"""How large a share of the GPU has somebody, beside others who wait?"""

from __future__ import annotations

from bot.chat import Member
from bot.links import Links
from bot.values import is_role
from generation import Service
from storage import Members, Settings

NAME = "weight"
USUAL = 1.0


class Weights:
    """The weights that admins have set for accounts and roles, and those that follow for persons in the queue."""

    def __init__(self, settings: Settings, members: Members, links: Links, service: Service) -> None:
        self._settings = settings
        self._members = members
        self._links = links
        self._service = service

    async def get(self, who: str) -> float | None:
        """Tell what was set for an account's person or a role; of several accounts the smallest counts."""
        kept = await self._settings.among(NAME, self._links.accounts(who))
        return min(map(float, kept.values()), default=None)

    async def put(self, who: str, weight: float | None) -> None:
        """Set the weight of an account's person, at once, or of a role; None leaves a person to their roles again.

        Where roles count, they do from the next job on: nobody knows before who has them.
        """
        value = None if weight is None else f"{weight:g}"
        await self._settings.change(NAME, self._links.accounts(who), lambda _: value)
        if weight is not None and not is_role(who):
            await self.weigh(who, weight)

    async def settle(self, member: Member) -> None:
        """Give a member the weight that is due to them: their own, else the largest of their roles', else the usual."""
        own = await self.get(member.key)
        roles = await self._settings.among(NAME, member.roles) if own is None else {}
        await self.weigh(member.key, max(map(float, roles.values()), default=USUAL) if own is None else own)

    async def weigh(self, account: str, weight: float) -> None:
        """Let an account's person weigh so much from now on, and after a restart."""
        owner = self._links.person(account)
        if self._service.weight(owner) != weight:
            await self._members.set_weight(owner, weight)
            self._service.set_weight(owner, weight)
