"""Which command does a line mean, and how does whatever goes wrong become an answer?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated

import structlog

from bot import wording
from bot.access import Access
from bot.chat import Answer, Call, CommandError, Member, Tone, View, plain
from bot.command import Argument, Command, collect, command
from bot.commands.imagine import EXAMPLE
from generation import GenerationError, WorkerDownError
from storage import StorageError

log = structlog.get_logger()


class Router:
    """The front door: a typed line in, an answer out, on every platform."""

    def __init__(self, access: Access, groups: Iterable[object]) -> None:
        self._access = access
        self._commands = {found.name: found for found in collect(*groups, self)}

    def commands(self, member: Member) -> Mapping[str, Command]:
        """Give the commands that the member may use, by name."""
        is_admin = self._access.is_admin(member.key)
        return {name: found for name, found in self._commands.items() if is_admin or not found.is_admin}

    async def run_line(self, call: Call, line: str) -> Answer:
        """Do what the line says, show the answer, and give it. Nothing that goes wrong gets past this, but as words."""
        answer = await self._answer(call, plain(line).strip())
        if isinstance(answer, View):
            await call.platform.post(call.place, answer)
        return answer

    async def _answer(self, call: Call, line: str) -> Answer:
        """The one place where errors become answers."""
        try:
            return await self._run(call, line)
        except (StorageError, WorkerDownError) as error:
            log.error("command failed", member=call.member.key, reason=str(error))
            return View(text=str(error), tone=Tone.FAILED)
        except (CommandError, GenerationError) as error:
            return View(text=str(error), tone=Tone.REFUSED)
        except Exception:
            log.exception("command broke", member=call.member.key)
            return View(text=wording.BROKEN, tone=Tone.FAILED)

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
            return View(text=wording.explanation(known[wanted]))
        if f"/{wanted}" in own:
            return View(text=f"/{wanted}\n{own[f'/{wanted}']}")
        listed = [found for key, found in known.items() if not wanted or key.startswith(f"{wanted} ")]
        if not listed:
            first, _, second = wanted.partition(" ")
            raise CommandError(_unknown(first, second, self._names(call)))
        return View(text=wording.command_list(listed, {} if wanted else own))


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
