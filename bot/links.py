"""Which accounts are one person's, and how does a code prove that two of them are?"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from bot.chat import Call, CommandError, Member
from bot.turns import about
from generation import Service
from storage import Members, Settings

CODE = "link code"  # the setting that keeps an account's code over a restart
ALPHABET = "ACDEFHJKMNPRTVWXY34679"  # no two of them look alike
LENGTH = 8
LIFE_S = 600.0
MOST_WRONG = 5
WRONG_S = 3600.0

USELESS = (
    "This code is wrong, was used already or is more than 10 minutes old: "
    "/link on your other account shows a new one, which is good for one use."
)
OWN_CODE = "This account has shown this code itself: type it on your other account."
LINKED_ALREADY = "These two accounts are linked already, and the code can still be used for another one."
NOT_LINKED = "This account is not linked with another one; /link tells how that is done."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """A code that an account has shown, as its hash alone."""

    sha256: str
    until_s: float
    name: str  # of whoever showed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Whom an account has joined: the account that showed the code, and the name that it goes by."""

    account: str
    name: str


class Links:
    """Who is who, from memory and at once; what is kept in the database changes first.

    Linked accounts share an owner, which is the key of one of them: one share of the GPU, one history, one block.
    """

    def __init__(
        self, members: Members, settings: Settings, service: Service, now: Callable[[], float] = time.time
    ) -> None:
        self._members = members
        self._settings = settings
        self._service = service
        self._now = now
        self._persons: dict[str, str] = {}  # of the linked accounts
        self._codes: dict[str, _Code] = {}  # by the account that showed it
        self._wrong_s: dict[str, list[float]] = {}  # when an account typed wrong codes

    async def load(self) -> None:
        """Read who is linked and which codes are out; once, at the start."""
        self._persons = dict(await self._members.links())
        for account, kept in (await self._settings.all(CODE)).items():
            code = _Code(**json.loads(kept))
            if code.until_s > self._now():
                self._codes[account] = code
            else:
                await self._settings.remove(CODE, scope=account)

    def person(self, account: str) -> str:
        """Give the key that stands for all accounts of an account's person: its own, unless it is linked."""
        return self._persons.get(account, account)

    def accounts(self, account: str) -> tuple[str, ...]:
        """Give all accounts of an account's person, at least itself."""
        person = self.person(account)
        return (person, *sorted(other for other, whose in self._persons.items() if whose == person))

    def known(self, call: Call) -> Call:
        """Give a call with its member's person filled in."""
        return replace(call, member=replace(call.member, person=self.person(call.member.key)))

    async def new_code(self, member: Member) -> str:
        """Draw a code for an account; the one that it may have shown before is good no longer."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        kept = _Code(sha256=_sha256(code), until_s=self._now() + LIFE_S, name=member.name)
        self._codes[member.key] = kept
        await self._settings.put(CODE, json.dumps(asdict(kept)), scope=member.key)
        return code

    async def join(self, member: Member, code: str) -> Joined:
        """Make an account and the one that showed the code one person's; the code is used up.

        Raises:
            CommandError: the code is of no use to this account; the text says why.
        """
        self._check_tries(member.key)
        account, kept = self._find(code, member.key)
        if account == member.key:
            raise CommandError(OWN_CODE)
        if self.person(account) == self.person(member.key):
            raise CommandError(LINKED_ALREADY)
        del self._codes[account]  # before anything is waited for: whoever else types it comes too late
        await self._settings.remove(CODE, scope=account)
        if await self._members.is_blocked(account):
            raise CommandError(USELESS)
        if await self._members.link(member.key, account):
            self._merge(self.person(member.key), self.person(account))
        return Joined(account=account, name=kept.name)

    async def leave(self, member: Member) -> str:
        """Make an account a person of its own again; gives the key of the one that keeps what was shared.

        Raises:
            CommandError: it is not linked.
        """
        heir = await self._members.unlink(member.key)
        if heir is None:
            raise CommandError(NOT_LINKED)
        was_name = self.person(member.key) == member.key  # by whose key the others were known
        if was_name:
            self._merge(member.key, heir)
            del self._persons[heir]
        del self._persons[member.key]
        kept = await self._members.accounts()
        if member.key in kept:
            self._service.restore(member.key, kept[member.key].virtual_time_ms, kept[member.key].weight)
        if was_name and heir in kept:
            self._service.set_weight(heir, kept[heir].weight)
        return heir

    def _merge(self, person: str, into: str) -> None:
        """Let the queue and all who ask from now on know one person less; without a pause in between."""
        for account in self.accounts(person):
            self._persons[account] = into
        self._service.merge(person, into)

    def _check_tries(self, account: str) -> None:
        """Let an account try a code. A restart forgets wrong ones: there are too many codes for that to help."""
        recent = [at_s for at_s in self._wrong_s.pop(account, ()) if at_s > self._now() - WRONG_S]
        if recent:
            self._wrong_s[account] = recent
        if len(recent) >= MOST_WRONG:
            pause = about(recent[0] + WRONG_S - self._now())
            raise CommandError(f"{MOST_WRONG} codes from this account were wrong within an hour: try again in {pause}.")

    def _find(self, code: str, typed_by: str) -> tuple[str, _Code]:
        for account, kept in self._good_codes():
            if kept.sha256 == _sha256(code):
                return account, kept
        self._wrong_s.setdefault(typed_by, []).append(self._now())
        raise CommandError(USELESS)

    def _good_codes(self) -> Iterator[tuple[str, _Code]]:
        return ((account, kept) for account, kept in self._codes.items() if kept.until_s > self._now())


def _sha256(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
