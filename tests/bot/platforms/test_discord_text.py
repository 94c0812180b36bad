"""Is text shown on Discord as it was typed, whole as far as it fits, and without any effect?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.chat import Place, View
from tests.bot.platforms.discord_room import DiscordRoom, is_done, room_of
from tests.standins.discord.people import DiscordPerson
from tests.standins.discord.server import DiscordServer
from tests.standins.discord.world import Channel

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DiscordRoom]:
    """One room for the whole module, in which each test has a server of its own."""
    async with DiscordServer() as server, room_of(server, tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def server(room: DiscordRoom) -> DiscordServer:
    return room.server


@pytest.fixture
def studio(server: DiscordServer) -> Channel:
    return server.channel(server.guild("A server of its own"), "studio")


@pytest.fixture
def place(studio: Channel) -> Place:
    return Place(platform="discord", channel=studio.id)


@pytest.fixture
def ann(server: DiscordServer, studio: Channel) -> DiscordPerson:
    return server.person("Ann", studio)


def as_read(text: str) -> str:
    """Give what a person reads: without escapes and what has no width."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text).replace("\u2060", "")


HOSTILE = (
    "@everyone <@1> <#2> **bold** __under__ ~~gone~~ ||hidden|| `code` [click](https://evil.example/x) "
    "https://evil.example/y discord.gg/abc <t:0:R> </imagine:3> <:wave:4>"
)


async def test_a_prompt_is_shown_as_it_was_typed_and_has_no_effect(server: DiscordServer, ann: DiscordPerson) -> None:
    await ann.invoke("imagine", prompt=HOSTILE)

    text = (await ann.until(is_done)).text

    assert HOSTILE in as_read(text)
    assert server.calls_for == []
    live = re.sub(r"\\.", "", text)  # what an escape does not disarm
    assert not re.search(r"@\w|[<*_~|`\[\]]|://|discord\.gg/", live)


@pytest.mark.parametrize("start", ["# big", "## big", "-# small", "- item", "+ item", "* item", "> quoted", "1. item"])
async def test_no_line_becomes_a_heading_a_list_or_a_quotation(
    room: DiscordRoom, ann: DiscordPerson, place: Place, start: str
) -> None:
    await room.platform.post(place, View(text=f"First\n{start}"), "key")

    text = (await ann.until(lambda seen: seen.text.startswith("First"))).text

    assert as_read(text) == f"First\n{start}"
    assert not re.search(r"^(#|-|\+|\*|>|\d+\. )", text, re.MULTILINE)


async def test_a_text_that_is_too_long_is_cut_at_its_end(ann: DiscordPerson) -> None:
    await ann.invoke("imagine", prompt=("_" * 1990))

    text = (await ann.until(is_done)).text

    assert re.match(r"Job \d+ done in ", text)
    assert text.endswith("\\_…")
    assert 1990 < len(text) <= 2000


async def test_characters_that_discord_may_count_twice_are_counted_twice(
    room: DiscordRoom, ann: DiscordPerson, place: Place
) -> None:
    await room.platform.post(place, View(text="🖌" * 1500), "key")

    text = (await ann.until(lambda seen: "🖌" in seen.text)).text

    assert text == "🖌" * 999 + "…"
