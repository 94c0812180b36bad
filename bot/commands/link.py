"""How does somebody say that several accounts are theirs, and take one of them out again?"""

from __future__ import annotations

import re
from typing import Annotated

from bot.chat import Call, CommandError, View
from bot.command import Argument, command, shortened
from bot.links import ALPHABET, LENGTH, LIFE_S, Links
from bot.wording import title

SHARED = "one share of the GPU, one history, one quota and one block"
IN_PRIVATE = "A code is shown only where nobody else can read it: type /link in private, alone with the bot."


def link_code(text: str) -> str:
    """Read a code, in small letters too and however it is parted."""
    code = re.sub(r"[\s-]", "", text).upper()
    if len(code) != LENGTH or not set(code) <= set(ALPHABET):
        raise CommandError(
            f"{shortened(text)} is no code: a code has {LENGTH} letters and digits, as /link shows it on your "
            "other account."
        )
    return code


class Linking:
    """The commands that join accounts and part them."""

    def __init__(self, links: Links) -> None:
        self._links = links

    @command("link", "Use several accounts as one: show a code, or type the one that your other account shows.")
    async def link(
        self, call: Call, code: Annotated[str | None, Argument("CODE", "ACDEFHJK", link_code)] = None
    ) -> View:
        """Show a code where only the caller reads it, or join the account that has shown this one."""
        text = await (self._show(call) if code is None else self._join(call, code))
        return View(text=text, is_private=True)

    async def _show(self, call: Call) -> str:
        if not call.is_alone:
            raise CommandError(IN_PRIVATE)
        code = await self._links.new_code(call.member)
        lines = [
            f"Type this on your other account, here or on another platform: /link {code}",
            f"Both then have {SHARED}. The code is good once and for {LIFE_S / 60:.0f} min: show it to nobody else.",
        ]
        accounts = self._links.accounts(call.member.key)
        if len(accounts) > 1:
            lines.append(f"Linked already: {', '.join(accounts)}. /unlink takes out the account that types it.")
        return "\n".join(lines)

    async def _join(self, call: Call, code: str) -> str:
        joined = await self._links.join(call.member, code)
        whom = f"{title(joined.name)} ({joined.account})" if call.is_alone else "your other one"
        return f"This account is linked with {whom}: you have {SHARED}. If that is not you, /unlink takes it out again."

    @command("unlink", "Use this account by itself again.")
    async def unlink(self, call: Call) -> View:
        """Take the calling account out; what was shared stays with the others."""
        heir = await self._links.leave(call.member)
        whose = heir if call.is_alone else "your other account"
        return View(
            text=f"This account is by itself again. What was made and waits so far stays with {whose}.", is_private=True
        )
