"""How does the stand-in's Discord lend its channels and its people to the conversation?"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bot.platforms.conversation import Journal, Scene
from tests.bot.platforms.discord_room import room_of
from tests.standins.discord import DiscordPerson, DiscordServer
from tests.standins.discord.commands import BOOLEAN, STRING
from tests.standins.discord.components import TEXT_INPUT, walk
from tests.standins.discord.keyboard import find
from tests.standins.person import Person, Seen

PATIENCE_S = 20.0
FLAG = re.compile(r"--(\w+)")
ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")
LIVE = re.compile(r"@\w|[<*_~|`\[\]]|://|discord\.gg/|^(?:#{1,3}|-#|[-+*]|>|\d+\.)\s", re.MULTILINE)


@dataclass(frozen=True)
class Typist:
    """A person whose client asks for flags as options of their own, where a command has no text to write them into."""

    person: DiscordPerson

    async def type(self, line: str) -> None:
        found, used = find(self.person.desk.commands.registered, line.removeprefix("/").split())
        if any(option.get("required") for option in found.options) or not FLAG.search(line):
            await self.person.type(line)
            return
        types = {option["name"]: option["type"] for option in found.options}
        options: dict[str, object] = {}
        words = line.removeprefix("/").split()[used:]
        while words:
            flag = FLAG.fullmatch(words[0])
            if flag is None:
                first = next(name for name, kind in types.items() if kind == STRING)
                options[first] = f"{options.get(first, '')} {words.pop(0)}".strip()
            elif types[flag[1]] == BOOLEAN:
                options[flag[1]] = bool(words.pop(0))
            else:
                options[flag[1]] = words[1]
                del words[:2]
        await self.person.invoke(found.name, **options)

    async def press(self, message: Seen, payload: str) -> None:
        await self.person.press(message, payload)

    async def fill(self, text: str) -> None:
        await self.person.fill(text)

    async def until(self, is_it: Callable[[Seen], bool]) -> Seen:
        return await self.person.until(is_it)

    def messages(self) -> list[Seen]:
        return self.person.messages()


class DiscordStage:
    """The program, connected to a Discord of its own."""

    def __init__(self, directory: Path) -> None:
        self._server = DiscordServer(patience_s=PATIENCE_S)
        self._room = room_of(self._server, directory)
        self._journal = Journal(self._room.settings.data_dir / "fairbrush.log")
        self._numbers = itertools.count(1)
        self.switches = self._room.switches

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        await self._stack.enter_async_context(self._server)
        await self._stack.enter_async_context(self._room)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def scene(self) -> Scene:
        channel = self._server.channel(self._server.home, f"scene-{next(self._numbers)}")
        boss = self._server.person("Boss", channel, user=self._server.world.owner)
        ann, bob = (self._server.person(name, channel) for name in ("Ann", "Bob"))
        return Scene(owner=Typist(ann), admin=Typist(boss), stranger=Typist(bob))

    def in_private(self, person: Person) -> Person:
        return Typist(_own(person).in_private())

    def key(self, person: Person) -> str:
        return f"discord:{_own(person).id}"

    async def form(self, person: Person) -> str:
        fields = walk((await _own(person).form())["components"])
        return str(next(field["value"] for field in fields if field["type"] == TEXT_INPUT))

    async def gone(self, person: Person, seen: Seen) -> None:
        await _own(person).screen.gone(seen.id)

    def read(self, text: str) -> str:
        return ESCAPED.sub(r"\1", text).replace("\u2060", "")

    def effects(self, seen: Seen) -> list[str]:
        calls = [str(mentions) for message_id, mentions in self._server.calls_for if message_id == seen.id]
        return calls + LIVE.findall(re.sub(r"\\.", "", seen.text))

    async def repeat(self, person: Person) -> None:
        interaction = _own(person).hands.last
        assert interaction is not None
        self._server.gateway.dispatch("INTERACTION_CREATE", self._server._deeds._json(interaction))

    async def restart(self) -> None:
        await self._room.__aexit__(None, None, None)
        await self._room.__aenter__()

    def check(self) -> None:
        self._server.violations.check()
        self._journal.check()
        assert not self._server.limits.refused
        assert not self._server.interactions.unanswered


def _own(person: Person) -> DiscordPerson:
    assert isinstance(person, Typist)
    return person.person
