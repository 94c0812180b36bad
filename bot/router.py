"""Which command does a line mean, and how does whatever goes wrong become an answer?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Annotated, TypeAlias, assert_never

import structlog

from bot import listings, wording
from bot.access import Access
from bot.button import Press, collect_buttons
from bot.chat import Accepted, Announced, Answer, Button, Call, CommandError, Form, Member, Reply, Tone, View, plain
from bot.command import Argument, Command, Kind, collect, command
from bot.commands.imagine import EXAMPLE
from bot.links import Links
from generation import GenerationError, WorkerDownError
from storage import StorageError

Offer: TypeAlias = Callable[[], Sequence[str]]

log = structlog.get_logger()


class Router:
    """The front door: a typed line, or a pressed button, in; an answer out, on every platform."""

    def __init__(self, access: Access, links: Links, groups: Sequence[object], offers: Mapping[Kind, Offer]) -> None:
        self._access = access
        self._links = links
        self._commands = {found.name: found for found in collect(*groups, self)}
        self._buttons = {found.action: found for found in collect_buttons(*groups)}
        self._offers = offers

    @property
    def admins(self) -> tuple[str, ...]:
        """The keys of all accounts and roles that have the admin right."""
        return self._access.admins

    def offers(self, kind: Kind) -> Sequence[str]:
        """Give the values of a kind that can be offered while somebody types; at once, without reading a file."""
        return self._offers[kind]() if kind in self._offers else ()

    def commands(self, member: Member | None = None) -> Mapping[str, Command]:
        """Give the commands that the member may use, by name; without one, all."""
        is_admin = member is None or self._access.is_admin(member)
        return {name: found for name, found in self._commands.items() if is_admin or not found.is_admin}

    async def run_line(self, call: Call, line: str) -> Answer:
        """Do what the line says, show the answer, and give it. Nothing that goes wrong gets past this, but as words."""
        return await self._answer(call, self._run(self._links.known(call), plain(line).strip()))

    async def press(self, call: Call, button: Button, text: str | None = None) -> Answer:
        """Do what the button says, with `text` as its form was filled in; else as `run_line`."""
        known = self._links.known(call)
        return await self._answer(call, self._press(known, button, None if text is None else plain(text).strip()))

    async def _answer(self, call: Call, doing: Awaitable[Answer]) -> Answer:
        """The one place where errors become answers."""
        try:
            answer = await doing
        except (StorageError, WorkerDownError) as error:
            log.error("command failed", member=call.member.key, reason=str(error))
            answer = View(text=str(error), tone=Tone.FAILED, is_private=True)
        except (CommandError, GenerationError) as error:
            answer = View(text=str(error), tone=Tone.REFUSED, is_private=True)
        except Exception:
            log.exception("command broke", member=call.member.key)
            answer = View(text=wording.BROKEN, tone=Tone.FAILED, is_private=True)
        try:
            await _show(call.reply, answer)
        except BrokenPipeError:
            raise  # nobody reads the terminal any more: that ends the program
        except Exception:
            log.exception("answer not shown", member=call.member.key)
        return answer

    async def _press(self, call: Call, button: Button, text: str | None) -> Answer:
        found = self._buttons.get(button.action)
        if found is None:
            raise CommandError("This button is not known any more.")
        await self._access.check_member(call.member)
        return await found.handler(Press(call=call, button=button, text=text))

    async def _run(self, call: Call, line: str) -> Answer:
        found, typed = self._find(line, call)
        await self._access.check(found, call.member)
        return await found.run(call, typed)

    def _find(self, line: str, call: Call) -> tuple[Command, str]:
        """Part a line into the command, of one word or two, and the rest."""
        words = re.match(r"/?(\S*)(?:\s+(\S+))?", line)
        assert words is not None  # it matches anything
        first, second = words[1].casefold(), (words[2] or "").casefold()
        if not line.startswith("/"):
            raise CommandError(_without_slash(line, first, self._names(call)))
        for name, end in ((f"{first} {second}", words.end(2)), (first, words.end(1))):
            if name in self._commands:
                return self._commands[name], line[end:].strip()
        raise CommandError(_unknown(first, second, self._names(call)))

    def _names(self, call: Call) -> list[str]:
        """Give the names of all that may be typed here, the platform's own commands included."""
        own = [usage.split()[0].removeprefix("/") for usage in call.platform.capabilities.own_commands]
        return [*self.commands(call.member), *own]

    @command("help", "List the commands, or explain one.")
    async def help(self, call: Call, name: Annotated[str, Argument("COMMAND", "imagine")] = "") -> View:
        """Explain one command with its flags, the commands of a group, or list all."""
        known, own = self.commands(call.member), call.platform.capabilities.own_commands
        wanted = " ".join(name.removeprefix("/").casefold().split())
        if wanted in known:
            choices = {kind: self.offers(kind) for kind in self._offers}
            return View(text=listings.explanation(known[wanted], choices), is_private=True)
        for usage, meaning in own.items():
            if usage.split()[0] == f"/{wanted}":
                return View(text=f"{usage}\n{meaning}", is_private=True)
        listed = [found for key, found in known.items() if not wanted or key.startswith(f"{wanted} ")]
        if not listed:
            first, _, second = wanted.partition(" ")
            raise CommandError(_unknown(first, second, self._names(call)))
        return View(text=listings.command_list(listed, {} if wanted else own), is_private=True)


async def _show(reply: Reply, answer: Answer) -> None:
    """Show an answer; a message that goes on changing is shown by whoever follows what it is about."""
    match answer:
        case View():
            await reply.answer(answer)
        case Form():
            await reply.ask(answer)
        case Accepted() | Announced():
            pass
        case _:
            assert_never(answer)


def _without_slash(line: str, first: str, names: Iterable[str]) -> str:
    if first in {name.split()[0] for name in names}:
        return f"Commands begin with a slash: /{wording.title(line)}"
    return f"To have that drawn, put a command before it: /imagine {wording.title(line) or EXAMPLE}"


def _unknown(first: str, second: str, names: Iterable[str]) -> str:
    """Say that there is no such command, and which one may be meant."""
    names = list(names)
    if parts := [name.split()[1] for name in names if name.startswith(f"{first} ")]:
        possible = f"{', '.join(parts[:-1])} or {parts[-1]}"
        if not second:
            return f"/{first} needs one word more: {possible}."
        near = difflib.get_close_matches(second, parts, n=1)
        hint = f"Did you mean /{first} {near[0]}?" if near else f"Possible: {possible}."
        return f"There is no command /{first} {wording.title(second)}. {hint}"
    near = difflib.get_close_matches(first, {name.split()[0] for name in names}, n=1)
    hint = f" Did you mean /{near[0]}?" if near else ""
    return f"There is no command /{wording.title(first)}.{hint} /help lists them all."
