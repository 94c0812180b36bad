"""How do admins shut members out, let them in again, and share their right?"""

from __future__ import annotations

from typing import Annotated

from bot.access import Access
from bot.chat import Call, CommandError, View
from bot.command import Argument, Kind, command
from bot.links import Links
from bot.values import account, account_or_role
from storage import Members


class MemberAdmin:
    """The commands that shut members out and let them in again."""

    def __init__(self, members: Members, access: Access, links: Links) -> None:
        self._members = members
        self._access = access
        self._links = links

    @command("admin block", "Refuse all commands of a member.", is_admin=True)
    async def block(
        self, call: Call, member: Annotated[str, Argument("MEMBER", "discord:1234", account, Kind.MEMBER)]
    ) -> View:
        """Block an account, and all that are linked with it."""
        self._check_blockable(member)
        is_new = await self._members.set_blocked(member, is_blocked=True)
        return self._told(member, "is blocked" if is_new else "was blocked already")

    @command("admin unblock", "Let a blocked member use commands again.", is_admin=True)
    async def unblock(
        self, call: Call, member: Annotated[str, Argument("MEMBER", "discord:1234", account, Kind.MEMBER)]
    ) -> View:
        """Unblock an account, and all that are linked with it."""
        is_new = await self._members.set_blocked(member, is_blocked=False)
        return self._told(member, "is no longer blocked" if is_new else "is not blocked")

    def _check_blockable(self, member: str) -> None:
        if member in self._access.admins:
            raise CommandError(f"{member} is an admin: admins cannot be blocked.")
        for other in self._links.accounts(member):
            if other in self._access.admins:
                raise CommandError(f"{member} is linked with {other}, an admin: admins cannot be blocked.")

    def _told(self, member: str, how: str) -> View:
        """Say how somebody stands now, which holds for the whole person."""
        accounts = self._links.accounts(member)
        linked = f", with all linked accounts: {', '.join(accounts)}" if len(accounts) > 1 else ""
        return View(text=f"{member} {how}{linked}.")

    @command("admin grant", "Give a role or an account the admin right.", is_admin=True)
    async def grant(
        self, call: Call, who: Annotated[str, Argument("WHO", "discord:role:1234", account_or_role, Kind.ROLE)]
    ) -> View:
        """Grant the admin right."""
        is_new = await self._access.grant(who)
        return View(text=f"{who} has the admin right now." if is_new else f"{who} has the admin right already.")

    @command("admin revoke", "Take the admin right from a role or an account.", is_admin=True)
    async def revoke(
        self, call: Call, who: Annotated[str, Argument("WHO", "discord:role:1234", account_or_role, Kind.ROLE)]
    ) -> View:
        """Revoke the admin right."""
        was_granted = await self._access.revoke(who)
        return View(text=f"{who} has no admin right any more." if was_granted else f"{who} has no admin right.")

    @command("admin admins", "List who has the admin right.", is_admin=True)
    async def admins(self, call: Call) -> View:
        """List the admins' keys."""
        return View(text=f"Admins: {', '.join(self._access.admins)}.", is_private=True)
