"""Which limits hold for whom: as admins have set them for accounts, roles and servers?"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from bot.access import Access
from bot.chat import Call
from bot.limits import NAMES, Limits, Rules, chosen, strictest
from bot.links import Links
from bot.values import EVERYWHERE
from storage import Settings

NAME = "limits"


class Quotas:
    """The limits, kept by account, role or server, or for everywhere, private chats included.

    Those of an account count for all that its person has linked.
    """

    def __init__(self, settings: Settings, access: Access, links: Links) -> None:
        self._settings = settings
        self._access = access
        self._links = links

    async def of(self, call: Call) -> Limits:
        """Give the limits that hold for the caller there. Admins are bound by their own alone."""
        accounts = self._links.accounts(call.member.key)
        is_admin = self._access.is_admin(call.member)
        roles = frozenset() if is_admin else call.member.roles
        server, rest = ((), ()) if is_admin else ((call.server_key,), (EVERYWHERE,))
        kept = await self._kept((*accounts, *roles, *server, *rest))
        own, of_roles, of_server, others = (
            [kept[scope] for scope in scopes if scope in kept] for scopes in (accounts, roles, server, rest)
        )
        return chosen(own, of_roles, of_server, others)

    async def rules(self, scope: str) -> Rules:
        """Tell what is set for an account, a role or a server."""
        return strictest(list((await self._kept(self._links.accounts(scope))).values()))

    async def change(self, scope: str, changes: Rules, *, is_reset: bool) -> Rules:
        """Set some limits, with `is_reset` after all the others were forgotten; gives what is set then."""

        def change(kept: Mapping[str, str]) -> str | None:
            before = {} if is_reset else strictest([_read(rules) for rules in kept.values()])
            rules = {**before, **changes}
            return json.dumps(rules) if rules else None

        await self._settings.change(NAME, self._links.accounts(scope), change)
        return await self.rules(scope)

    async def _kept(self, scopes: Collection[str]) -> dict[str, Rules]:
        kept = await self._settings.among(NAME, scopes)
        return {scope: _read(rules) for scope, rules in kept.items()}


def _read(kept: str) -> Rules:
    """Read what was kept, maybe by a version that knew more; JSON has lists in place of tuples."""
    values = json.loads(kept)
    known = {name: values[name] for name in NAMES if name in values}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
