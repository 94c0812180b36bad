"""Is every interaction answered in time, once, where it should be, and by another way where that fails?"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import wording
from tests.bot.platforms.discord_room import CALLBACK, POST, DiscordRoom, is_done, is_thinking, locked, room_of
from tests.standins.discord.drafts import Draft
from tests.standins.discord.errors import unknown_interaction
from tests.standins.discord.people import NO_ANSWER, DiscordPerson
from tests.standins.discord.server import DiscordServer


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def room(server: DiscordServer, tmp_path: Path) -> AsyncIterator[DiscordRoom]:
    async with room_of(server, tmp_path) as room:
        yield room


@pytest.fixture
def ann(server: DiscordServer, room: DiscordRoom) -> DiscordPerson:  # noqa: ARG001 - somebody in an open room
    return server.person("Ann")


async def test_an_answer_that_takes_long_replaces_a_placeholder(server: DiscordServer, room: DiscordRoom) -> None:
    (room.switches / "hold-load").touch()
    await server.owner.invoke("admin load", model="flatter")
    placeholder = await server.owner.until(is_thinking)
    (room.switches / "hold-load").unlink()

    answer = await server.owner.until(lambda seen: seen.text.startswith("flatter loaded"))

    assert answer.id == placeholder.id
    assert len(server.owner.messages()) == 1


async def test_a_refusal_that_takes_long_is_private_all_the_same(server: DiscordServer, room: DiscordRoom) -> None:
    (room.switches / "hold-load").touch()
    (room.switches / "broken").touch()
    await server.owner.invoke("admin load", model="flatter")
    await server.owner.until(is_thinking)
    (room.switches / "hold-load").unlink()

    refusal = await server.owner.until(lambda seen: "checkpoint cannot be read" in seen.text)

    assert refusal.is_private
    assert server.owner.messages() == [refusal]


async def test_a_job_that_takes_long_to_accept_has_the_placeholder_for_its_message(
    room: DiscordRoom, ann: DiscordPerson
) -> None:
    with locked(room):
        await ann.type("/imagine a cat")
        placeholder = await ann.until(is_thinking)

    done = await ann.until(is_done)

    assert done.id == placeholder.id
    assert [seen.id for seen in ann.messages()] == [done.id]


async def test_a_press_that_takes_long_gets_a_message_of_its_own(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
) -> None:
    await ann.type("/imagine a cat")
    first = await ann.until(is_done)
    async with server.faults.held(CALLBACK) as asked:
        with locked(room):
            await ann.press(first, "again:1")
            await asked.wait()

    second = await ann.until(lambda seen: seen.id != first.id and is_done(seen))

    assert [seen.id for seen in ann.messages()] == [first.id, second.id]
    assert server.rest.requests[POST] == 1


async def test_a_private_answer_to_a_press_that_takes_long_stays_private(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)
    async with server.faults.held(CALLBACK) as asked:
        with locked(room):
            await ann.press(done, "star:1")
            await asked.wait()

    answer = await ann.until(lambda seen: "favourites" in seen.text)

    assert answer.is_private


async def test_an_interaction_that_discord_does_not_know_gets_a_message_in_the_channel(
    server: DiscordServer, ann: DiscordPerson
) -> None:
    server.faults.refuse(CALLBACK, unknown_interaction())
    await ann.type("/imagine a cat")

    done = await ann.until(is_done)

    assert [seen.id for seen in ann.messages() if seen.text != NO_ANSWER] == [done.id]
    assert server.rest.requests[POST] == 1


async def test_a_lost_acknowledgement_is_made_up_for_by_a_message_in_the_channel(
    server: DiscordServer, ann: DiscordPerson
) -> None:
    server.faults.drop(CALLBACK)
    await ann.type("/imagine a cat")

    done = await ann.until(is_done)

    assert [seen.id for seen in ann.messages() if seen.text != NO_ANSWER] == [done.id]


@pytest.mark.parametrize("how", ["drop", "fail"])
async def test_an_acknowledgement_whose_confirmation_is_lost_is_not_repeated(
    server: DiscordServer, ann: DiscordPerson, how: str
) -> None:
    getattr(server.faults, how)(CALLBACK, after_acceptance=True)
    await ann.type("/imagine a cat")

    done = await ann.until(is_done)

    assert [seen.id for seen in ann.messages()] == [done.id]
    assert server.rest.requests[POST] == 0


async def test_an_answer_that_nobody_noted_before_a_kill_is_the_message_of_its_job(
    server: DiscordServer, tmp_path: Path
) -> None:
    ann = server.person("Ann")
    async with room_of(server, tmp_path) as room:
        room.hold()
        await ann.type("/imagine a cat")
        await ann.until(lambda seen: seen.text.startswith("Job 1"))
    with contextlib.closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db")) as database, database:
        database.execute("UPDATE job SET message_id = NULL, shown_rev = 0")
    server.clock.advance(600)  # no nonce holds that long
    room.release()

    async with room_of(server, tmp_path):
        done = await ann.until(is_done)

    assert [seen.id for seen in ann.messages()] == [done.id]
    assert server.rest.requests[POST] == 0


async def test_a_private_answer_that_is_lost_is_shown_to_nobody(server: DiscordServer, ann: DiscordPerson) -> None:
    server.faults.refuse(CALLBACK, unknown_interaction())
    await ann.type("/history")
    await ann.until(lambda seen: seen.text == NO_ANSWER)

    assert server.rest.requests[POST] == 0


async def test_an_open_answer_that_is_lost_is_shown_in_the_channel(server: DiscordServer, ann: DiscordPerson) -> None:
    server.faults.refuse(CALLBACK, unknown_interaction())
    await ann.type("/models")

    models = await ann.until(lambda seen: seen.text.startswith("demo"))

    assert not models.is_private


async def test_what_concerns_one_person_is_private(ann: DiscordPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.press(done, "info:1")

    assert (await ann.until(lambda seen: seen.text.startswith("Job 1: done"))).is_private


async def test_buttons_work_after_a_restart(server: DiscordServer, tmp_path: Path) -> None:
    ann = server.person("Ann")
    async with room_of(server, tmp_path):
        await ann.type("/imagine a cat")
        first = await ann.until(is_done)

    async with room_of(server, tmp_path):
        await ann.press(first, "again:1")
        await ann.until(lambda seen: seen.id != first.id and is_done(seen))


async def test_a_form_holds_what_was_typed_and_brings_back_the_edit(ann: DiscordPerson) -> None:
    await ann.type("/imagine a cat --seed 7")
    first = await ann.until(is_done)
    await ann.press(first, "same:1")
    form = await ann.form()

    await ann.fill("a dog --seed 7")
    second = await ann.until(lambda seen: seen.id != first.id and is_done(seen))

    assert form["title"] == "Same seed, with edits: job 1"
    assert "a cat --model flat" in form["components"][0]["component"]["value"]
    assert "\na dog\n" in second.text


async def test_a_form_that_is_open_during_a_restart_works(server: DiscordServer, tmp_path: Path) -> None:
    ann = server.person("Ann")
    async with room_of(server, tmp_path):
        await ann.type("/imagine a cat")
        first = await ann.until(is_done)
        await ann.press(first, "edit:1")
        await ann.form()

    async with room_of(server, tmp_path):
        await ann.fill("a dog")
        second = await ann.until(lambda seen: seen.id != first.id and is_done(seen))

    assert "\na dog\n" in second.text


@pytest.mark.parametrize("payload", ["nonsense:1", "not-ours-at-all"])
async def test_a_button_that_is_not_known_is_answered_in_words(
    server: DiscordServer, ann: DiscordPerson, payload: str
) -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Old", "custom_id": payload}]}
    server._messages.create(server.studio, server.world.bot, Draft({"content": "old", "components": [row]}), 0)
    old = await ann.until(lambda seen: seen.text == "old")

    await ann.press(old, payload)

    answer = await ann.until(lambda seen: seen.is_private)
    assert answer.text == "This button is not known any more."


async def test_a_command_that_discord_remembers_from_before_is_explained(
    server: DiscordServer, ann: DiscordPerson
) -> None:
    server.commands.registered["paint"] = server.commands.registered["imagine"] | {"name": "paint"}
    await ann.type("/paint a cat")

    answer = await ann.until(lambda seen: seen.is_private)

    assert answer.text.startswith("This command has changed since Discord showed it to you")


@pytest.mark.usefixtures("room")
async def test_a_fault_of_ours_is_answered_in_words(server: DiscordServer) -> None:
    admin = server.commands.registered["admin"]
    block = next(option for option in admin["options"] if option["name"] == "block")
    block["options"][0]["type"] = 3  # a text, where the command expects somebody
    await server.owner.invoke("admin block", member="nobody")

    answer = await server.owner.until(lambda seen: seen.is_private)

    assert answer.text == wording.BROKEN


async def test_everything_is_acknowledged_in_time(server: DiscordServer, ann: DiscordPerson) -> None:
    for line in ("/imagine a cat", "/models", "/queue", "/history", "/imagine a cat --seed x", "/help imagine"):
        await ann.type(line)
    await ann.until(is_done)

    assert server.interactions.unanswered == []
    assert max(server.acknowledgements) < 2.5
