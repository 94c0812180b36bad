"""How does the stand-in's Telegram lend its groups and its people to the conversation?"""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Self

from tests.bot.platforms.conversation import Journal, Scene
from tests.bot.platforms.telegram_room import BOSS, room_of
from tests.standins.person import Person, Seen
from tests.standins.telegram import Rates, TelegramPerson, TelegramServer

PATIENCE_S = 20.0
CLICKABLE = {"bot_command"}  # the bot's own advice, such as /history
JOINER = "\u2060"
# A day of talk in half a minute is always at the limit of all chats together, which a machine that stalls oversteps.
RATES = Rates(overall_per_s=60)


class TelegramStage:
    """The program, connected to a Telegram of its own."""

    def __init__(self, directory: Path) -> None:
        self._server = TelegramServer(rates=RATES, patience_s=PATIENCE_S)
        self._room = room_of(self._server, directory)
        self._journal = Journal(self._room.settings.data_dir / "fairbrush.log")
        self._numbers = itertools.count(1)
        self._known: list[object] = []
        self.switches = self._room.switches

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        await self._stack.enter_async_context(self._server)
        await self._stack.enter_async_context(self._room)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def scene(self) -> Scene:
        group = self._server.group(f"Scene {next(self._numbers)}")
        boss = self._server.person("Boss", group, id=BOSS)
        return Scene(owner=self._server.person("Ann", group), admin=boss, stranger=self._server.person("Bob", group))

    def in_private(self, person: Person) -> Person:
        return _own(person).in_private()

    def key(self, person: Person) -> str:
        return f"telegram:{_own(person).id}"

    async def form(self, person: Person) -> str:
        """The prompt that asks for a reply holds it, marked to be copied."""
        own = _own(person)
        prompt = await own.until(lambda seen: seen.id in own._prompts)
        return self.read(prompt.text).split("Now it is:\n")[1]

    async def gone(self, person: Person, seen: Seen) -> None:
        await _own(person)._screen.gone(seen.id)

    def read(self, text: str) -> str:
        return text.replace(JOINER, "")

    def effects(self, seen: Seen) -> list[str]:
        if seen.id.startswith("toast"):
            return []
        body = self._server.message(seen.id).body
        entities = [*body.get("entities", ()), *body.get("caption_entities", ())]
        return [entity["type"] for entity in entities if entity["type"] not in CLICKABLE]

    async def repeat(self, person: Person) -> None:
        update_id = _own(person).last_update
        assert update_id is not None
        self._server.send_again(update_id)

    async def restart(self) -> None:
        await self._room.__aexit__(None, None, None)
        await self._room.__aenter__()

    def check(self) -> None:
        found = [*self._server.violations, *self._server.floods]
        new, self._known = found[len(self._known) :], found
        assert not new, "\n".join(map(str, new))
        self._journal.check()


def _own(person: Person) -> TelegramPerson:
    assert isinstance(person, TelegramPerson)
    return person
