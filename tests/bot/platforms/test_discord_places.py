"""Do messages reach wherever a command can be typed: threads, private chats, and places where the bot is no member?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.platforms.discord_room import EDIT, POST, DiscordRoom, is_done, is_thinking, locked, room_of
from tests.fake_models import write_models
from tests.standins.discord.people import DiscordPerson
from tests.standins.discord.server import DiscordServer
from tests.standins.discord.world import NOTHING, Role
from tests.standins.person import Seen

MINUTE_S = 60.0


pytestmark = pytest.mark.usefixtures("room")


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def room(server: DiscordServer, tmp_path: Path) -> AsyncIterator[DiscordRoom]:
    room = room_of(server, tmp_path)
    write_models(tmp_path, adults={"flatter"})
    async with room:
        yield room


def is_under_way(seen: Seen) -> bool:
    return "step 1" in seen.text


async def test_a_thread_has_its_own_messages_and_the_settings_of_its_channel(
    server: DiscordServer, room: DiscordRoom
) -> None:
    await server.owner.type("/admin models flat")
    await server.owner.until(lambda seen: "may be used here: flat." in seen.text)
    thread = server.thread(server.studio, "corner")
    ann = server.person("Ann", thread)

    await ann.type("/imagine a cat --model flatter")
    await ann.until(lambda seen: "flatter may not be used here" in seen.text)
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    assert server.message(done.id)["channel_id"] == thread.id
    job = await room.app.desk.jobs.get(1)
    assert job is not None
    assert job.place == {"platform": "discord", "channel": server.studio.id, "thread": thread.id}


async def test_a_limit_for_everyone_holds_in_all_channels_of_the_server_and_not_in_private(
    server: DiscordServer,
) -> None:
    everyone = Role(server.studio.guild.id, "@everyone", NOTHING)
    await server.owner.invoke("admin quota", who=everyone, n="0")
    await server.owner.until(lambda seen: "0 pictures a day" in seen.text)
    elsewhere = server.channel(server.studio.guild, "elsewhere")
    ann = server.person("Ann", server.thread(elsewhere, "corner"))

    await ann.type("/imagine a cat")
    await ann.until(lambda seen: "You may not ask for pictures here" in seen.text)
    alone = ann.in_private()
    await alone.type("/imagine a cat")

    await alone.until(is_done)


async def test_an_archived_thread_gets_the_result_as_a_new_message_which_wakes_it(
    server: DiscordServer, room: DiscordRoom
) -> None:
    thread = server.thread(server.studio, "corner")
    ann = server.person("Ann", thread)
    room.hold()
    await ann.type("/imagine a cat")
    under_way = await ann.until(is_under_way)
    thread.is_archived = True
    room.release()

    done = await ann.until(is_done)

    assert done.id != under_way.id
    assert not thread.is_archived


async def test_private_chats_work_and_are_edited_by_channel(server: DiscordServer, room: DiscordRoom) -> None:
    ann = server.person("Ann").in_private()
    room.hold()
    await ann.type("/imagine a cat")
    under_way = await ann.until(is_under_way)
    server.clock.advance(16 * MINUTE_S)
    room.release()

    done = await ann.until(is_done)

    assert done.id == under_way.id
    assert server.rest.requests[EDIT] > 0


@pytest.mark.parametrize(("is_marked", "expected"), [(True, " done in "), (False, "for adults only")])
async def test_adult_models_need_a_channel_that_is_marked_so(
    server: DiscordServer, *, is_marked: bool, expected: str
) -> None:
    channel = server.channel(server.studio.guild, "back room", is_age_restricted=is_marked)
    for place in (channel, server.thread(channel, "its corner")):
        ann = server.person("Ann", place)
        await ann.type("/imagine a cat --model flatter")

        await ann.until(lambda seen: expected in seen.text)


async def test_private_chats_are_no_place_for_adult_models(server: DiscordServer) -> None:
    ann = server.person("Ann").in_private()

    await ann.type("/imagine a cat --model flatter")

    await ann.until(lambda seen: "for adults only" in seen.text)


class TestWhereTheBotIsNoMember:
    """Somebody installed it for themselves, and uses it in a server of others or among friends."""

    @pytest.fixture(params=["server", "group"])
    def ann(self, request: pytest.FixtureRequest, server: DiscordServer) -> DiscordPerson:
        ann = server.person("Ann", has_installed=True)
        if request.param == "group":
            return ann.at(server.group(ann, server.person("Bob")))
        foreign = server.channel(server.guild("Elsewhere", is_installed=False), "hall")
        server.join(ann, foreign.guild)
        return ann.at(foreign)

    async def test_the_answer_is_edited_by_its_token(
        self, server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
    ) -> None:
        room.hold()
        await ann.type("/imagine a cat")
        under_way = await ann.until(is_under_way)
        room.release()

        done = await ann.until(is_done)

        assert done.id == under_way.id
        assert server.rest.requests[EDIT] == 0

    async def test_what_comes_too_late_can_be_had_by_last(
        self, server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
    ) -> None:
        room.hold()
        await ann.type("/imagine a cat")
        await ann.until(is_under_way)
        server.clock.advance(16 * MINUTE_S)
        room.release()
        await room.app.delivery.ended(1)

        await ann.type("/last")

        last = await ann.until(is_done)
        assert last.pictures

    async def test_after_a_restart_it_can_be_had_by_last(self, room: DiscordRoom, ann: DiscordPerson) -> None:
        room.hold()
        await ann.type("/imagine a cat")
        await ann.until(is_under_way)
        await room.__aexit__()
        room.release()
        await room.__aenter__()
        await room.app.delivery.ended(1)

        await ann.type("/last")

        assert (await ann.until(is_done)).pictures

    async def test_a_new_connection_goes_on_with_the_old_token(
        self, server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
    ) -> None:
        room.hold()
        await ann.type("/imagine a cat")
        under_way = await ann.until(is_under_way)
        await room.leave()
        await room.serve()
        room.release()

        assert (await ann.until(is_done)).id == under_way.id
        assert server.identifies == 2

    async def test_a_message_that_somebody_deleted_is_made_up_for(
        self, server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
    ) -> None:
        room.hold()
        await ann.type("/imagine a cat")
        under_way = await ann.until(is_under_way)
        server.delete(under_way.id)
        room.release()

        done = await ann.until(is_done)

        assert done.id != under_way.id
        assert server.rest.requests[POST] == 0

    async def test_what_takes_long_to_accept_is_edited_by_its_token_too(
        self, room: DiscordRoom, ann: DiscordPerson
    ) -> None:
        with locked(room):
            await ann.type("/imagine a cat")
            placeholder = await ann.until(is_thinking)

        assert (await ann.until(is_done)).id == placeholder.id

    async def test_a_press_gets_its_own_message(self, ann: DiscordPerson) -> None:
        await ann.type("/imagine a cat")
        first = await ann.until(is_done)

        await ann.press(first, "again:1")

        await ann.until(lambda seen: seen.id != first.id and is_done(seen))


async def test_a_channel_that_the_bot_does_not_see_is_reached_by_token(server: DiscordServer) -> None:
    hidden = server.channel(server.studio.guild, "hidden")
    hidden.bot_permissions = NOTHING
    ann = server.person("Ann", hidden)

    await ann.type("/imagine a cat")

    assert (await ann.until(is_done)).pictures


async def test_a_channel_that_is_gone_ends_its_messages_and_nothing_else(
    server: DiscordServer, room: DiscordRoom
) -> None:
    doomed = server.channel(server.studio.guild, "doomed")
    ann = server.person("Ann", doomed)
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(is_under_way)
    doomed.is_gone = True
    room.release()
    await room.app.delivery.ended(1)

    bob = server.person("Bob")
    await bob.type("/imagine a dog")

    await bob.until(is_done)
