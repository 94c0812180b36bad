"""Does the bot keep to the pace that each chat on Telegram bears, while results come soon?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.chat import NotNowError, Place, Progress, View
from tests.bot.platforms.telegram_room import TelegramRoom, calls, has, is_done, room_of
from tests.standins.telegram import TelegramPerson, TelegramServer

QUEUED = View(text="Job 1 queued.", is_final=False)
DONE = View(text="Job 1 done.")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=30) as server:
        yield server


@pytest.fixture
async def room(server: TelegramServer, tmp_path: Path) -> AsyncIterator[TelegramRoom]:
    async with room_of(server, tmp_path) as room:
        yield room


@pytest.fixture
def ann(room: TelegramRoom) -> TelegramPerson:
    return room.server.person("Ann")


def private(person: TelegramPerson) -> Place:
    return Place(platform="telegram", channel=str(person.place_id))


def step(number: int) -> View:
    progress = Progress(picture=1, pictures=1, step=number, steps=4)
    return View(text=f"Job 1: step {number} of 4", progress=progress, is_final=False)


async def test_answers_keep_their_order_when_telegram_wants_a_pause(
    server: TelegramServer, ann: TelegramPerson
) -> None:
    server.faults.flood("sendMessage", retry_after=1)

    for line in ("/help", "/queue", "/models"):
        await ann.type(line)

    await ann.until(has("Flat colours"))
    assert ["/imagine" in seen.text for seen in ann.messages()][:1] == [True]
    assert "Nobody waits" in ann.messages()[1].text


async def test_after_a_flood_that_chat_alone_gets_no_progress_for_a_good_while(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    bob = server.person("Bob")
    await ann.type("/help")
    await ann.until(has("/imagine"))
    first, second = [await room.platform.post(private(who), QUEUED, f"post to {who.id}") for who in (ann, bob)]
    server.faults.flood("editMessageText", retry_after=1)

    with pytest.raises(NotNowError) as pause:
        await room.platform.edit(private(ann), first, step(1))
    with pytest.raises(NotNowError) as refusal:
        await room.platform.edit(private(ann), first, DONE)
    with pytest.raises(NotNowError) as quiet:
        await room.platform.edit(private(ann), first, step(2))
    await room.platform.edit(private(bob), second, step(1))
    await room.edited(private(ann), first, DONE)

    assert pause.value.after_s == 1
    assert refusal.value.after_s <= 1
    assert quiet.value.after_s > 100
    assert ann.messages()[-1].text == "Job 1 done."


async def test_progress_in_a_group_is_slow_and_results_are_not(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    group = server.group("Painters")
    place = Place(platform="telegram", channel=str(group.id))
    await ann.at(group).type("/help")
    await ann.until(has("/imagine"))
    first, second = [await room.platform.post(place, QUEUED, f"post {number}") for number in (1, 2)]
    await room.platform.edit(place, first, step(1))

    for message_id in (first, second):
        with pytest.raises(NotNowError) as refusal:
            await room.platform.edit(place, message_id, step(2))
        assert 5 < refusal.value.after_s < 6.5
    for message_id in (first, second):
        await room.platform.edit(place, message_id, DONE)

    assert server.floods == []


async def test_a_crowd_is_served_without_a_single_flood(server: TelegramServer, room: TelegramRoom) -> None:
    people = [room.server.person(f"Person{number}") for number in range(15)]
    for person in people:
        for number in range(3):
            await person.type(f"/imagine cat {number}")

    for person in people:
        for number in range(3):
            await person.until(lambda seen, number=number: is_done(seen) and f"cat {number}\n" in seen.text)  # type: ignore[misc]

    assert server.floods == []
    assert all(len(person.messages()) == 3 for person in people)


async def test_a_private_chat_sees_that_a_picture_is_coming_until_there_is_a_preview(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    await ann.type("/help")
    await ann.until(has("/imagine"))
    message_id = await room.platform.post(private(ann), QUEUED, "post 1")

    await room.platform.edit(private(ann), message_id, step(1))
    before = len(calls(server, "sendChatAction"))
    await room.platform.edit(private(ann), message_id, View(text="Job 1 done.", pictures=()))

    assert (before, len(calls(server, "sendChatAction"))) == (1, 1)


async def test_a_job_that_waits_leaves_a_groups_progress_to_the_one_under_way(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    place = Place(platform="telegram", channel=str(server.group("Painters").id))
    await ann.type("/help")
    await ann.until(has("/imagine"))
    first, second = [await room.platform.post(place, QUEUED, f"post {number}") for number in (1, 2)]
    await room.platform.edit(place, first, step(1))

    with pytest.raises(NotNowError) as under_way:
        await room.platform.edit(place, first, step(2))
    with pytest.raises(NotNowError) as waiting:
        await room.platform.edit(place, second, View(text="Job 2 queued, number 3.", is_final=False))

    assert waiting.value.after_s > under_way.value.after_s + 10
