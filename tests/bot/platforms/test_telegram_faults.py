"""Is nothing lost and nothing shown twice, whatever befalls the way to Telegram?"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telegram.error import Conflict

from bot.chat import NotNowError, Place, View
from tests.bot.chatroom import PATIENCE_S
from tests.bot.platforms.telegram_room import BOSS, TelegramRoom, calls, has, is_done, room_of
from tests.standins.small_telegram_bot import connected
from tests.standins.telegram import TelegramPerson, TelegramServer

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


async def test_an_update_is_confirmed_only_once_it_was_handled(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    boss, switch = server.person("Boss", id=BOSS), room.switches / "hold-load"
    switch.touch()
    await boss.type("/admin load flat")
    for line, words in (("/queue", "Nobody waits"), ("/history", "You have made nothing yet")):
        await ann.type(line)
        await ann.until(has(words))

    pending, answers = server.cloud.updates.pending, len(ann.messages())
    switch.unlink()
    await boss.until(has("flat loaded in"))

    assert answers == 2
    assert pending == 3  # Telegram keeps those of others too, since they come after the one that is not handled yet
    for line, words in (("/help", "/queue  "), ("/help imagine", "--seed N")):
        await ann.type(line)
        await ann.until(has(words))
    assert server.cloud.updates.pending <= 1


async def test_what_was_not_handled_when_the_bot_stopped_is_handled_by_the_next(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    await room.logged("menu not set")
    with contextlib.closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db", isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        await ann.type("/imagine a cat --seed 7")
        await server.until(lambda: any(call.method == "getUpdates" for call in server.calls))
        await room.leave()
        intruder.execute("ROLLBACK")

    room.serve()

    assert "seed 7" in (await ann.until(is_done)).text
    assert len(ann.messages()) == 1


async def test_an_update_that_comes_twice_makes_one_job(server: TelegramServer, ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    await ann.until(is_done)
    assert ann.last_update is not None

    server.send_again(ann.last_update)
    await ann.type("/history")

    history = await ann.until(lambda seen: not seen.pictures)
    assert history.text.count("a cat") == 1
    assert len(ann.messages()) == 2


async def test_a_job_goes_on_in_its_message_after_a_restart_and_its_buttons_work(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    room.hold()
    await ann.type("/imagine a cat --seed 7")
    running = await ann.until(lambda seen: "step 1" in seen.text and bool(seen.pictures))
    await room.__aexit__()
    room.release()

    async with TelegramRoom(server, room.settings):
        done = await ann.until(is_done)
        await ann.press(done, next(payload for payload in done.buttons if payload.startswith("original")))
        await ann.until(lambda seen: bool(seen.files))

    assert done.id == running.id
    await room.__aenter__()


async def test_the_bot_stops_within_a_second_whatever_it_is_doing(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    bob = server.person("Bob")
    server.faults.hang("sendMessage")
    for person in (ann, bob):
        await person.type("/help")
    answers = [asyncio.create_task(person.until(has("/imagine"))) for person in (ann, bob)]
    await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)  # the other one's hangs

    started = time.monotonic()
    await room.leave()
    took_s = time.monotonic() - started

    assert took_s < 1
    assert not all(answer.done() for answer in answers)
    for answer in answers:
        answer.cancel()


async def test_a_second_poller_is_named_in_the_log_and_the_bot_comes_back(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    async with connected(server) as other:
        polling = asyncio.create_task(other.get_updates(timeout=1))
        await room.logged("Another program polls Telegram")
        with contextlib.suppress(Conflict):
            await polling

    await ann.type("/help")
    await ann.until(has("/imagine"))


async def test_a_webhook_in_the_way_is_named_in_the_log(server: TelegramServer, room: TelegramRoom) -> None:
    server.set_webhook("https://elsewhere.example/")
    server.cloud.updates.close()

    await room.logged("A webhook is set")

    server.set_webhook("")


async def test_a_revoked_token_ends_the_platform_alone_and_is_not_told(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    await ann.type("/help")
    await ann.until(has("/imagine"))
    server.revoke_token()
    server.cloud.updates.close()

    async with asyncio.timeout(PATIENCE_S):
        await room.serving

    assert "does not take the token" in room.log
    assert server.token not in room.log
    with pytest.raises(NotNowError):
        await room.platform.post(private(ann), DONE, "post 1")


async def test_telegram_may_be_away_for_a_while(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(has("queued"))
    async with server.away():
        room.release()
        await room.logged("job ended")
        await room.logged("telegram not polled")

    await ann.until(is_done)
    await ann.type("/help")
    await ann.until(has("/imagine"))
    assert server.token not in room.log


async def test_an_answer_that_cannot_have_arrived_is_sent_once_telegram_is_back(
    server: TelegramServer, room: TelegramRoom
) -> None:
    boss, switch = server.person("Boss", id=BOSS), room.switches / "hold-load"
    switch.touch()
    await boss.type("/help")
    await boss.until(has("/imagine"))
    await boss.type("/admin load flat")
    await server.until(lambda: server.calls[-1].method == "getUpdates")

    async with server.away():
        switch.unlink()
        await room.logged("answer waits")

    await boss.until(has("flat loaded in"))
    assert len(boss.messages()) == 2


@pytest.mark.parametrize("befall", ["drop", "fail"])
async def test_an_edit_that_may_have_arrived_is_repeated(
    server: TelegramServer, ann: TelegramPerson, befall: str
) -> None:
    getattr(server.faults, befall)("editMessageMedia", after=True, times=2)

    await ann.type("/imagine a cat")

    await ann.until(is_done)
    await server.until(lambda: len(calls(server, "editMessageMedia")) == 3)
    assert len([seen for seen in ann.messages() if seen.pictures]) == 1


async def test_an_acknowledgement_that_may_have_arrived_costs_at_most_one_stale_line(
    server: TelegramServer, ann: TelegramPerson
) -> None:
    server.faults.drop("sendMessage", after=True)

    await ann.type("/imagine a cat")

    await ann.until(is_done)
    pictures = [bool(seen.pictures) for seen in ann.messages()]
    assert sorted(pictures) == [False, True]


async def test_an_answer_that_may_have_arrived_is_not_repeated(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    server.faults.drop("sendMessage", after=True)

    await ann.type("/help")
    await ann.type("/queue")

    await ann.until(has("Nobody waits"))
    assert len(ann.messages()) == 2
    assert "answer lost" in room.log


async def test_a_press_that_is_too_old_is_answered_by_a_message(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)
    await room.leave()
    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("star")))
    server.clock.advance(60)

    room.serve()

    answer = await ann.until(has("favourites"))
    assert not answer.id.startswith("toast")


async def test_menus_are_set_when_they_changed_and_taken_back_from_former_admins(
    server: TelegramServer, room: TelegramRoom
) -> None:
    await room.logged("menu not set")
    await room.__aexit__()
    before = len(calls(server, "setMyCommands"))
    boss = server.person("Boss", id=BOSS)
    await boss.type("/queue")

    async with TelegramRoom(server, room.settings):
        await boss.until(has("Nobody waits"))
        await server.until(lambda: "admin_pause" in server.commands_seen_by(boss, boss.private_chat()))
        scopes = [sent.get("scope", "") for sent in calls(server, "setMyCommands")[before:]]

    assert all(str(BOSS) in scope for scope in scopes)
    async with TelegramRoom(server, room.settings.model_copy(update={"admins": frozenset()})):  # the boss is none now
        await server.until(lambda: "admin_pause" not in server.commands_seen_by(boss, boss.private_chat()))
    await room.__aenter__()


async def test_a_platform_that_is_not_connected_asks_to_come_back(room: TelegramRoom, ann: TelegramPerson) -> None:
    await room.leave()

    with pytest.raises(NotNowError):
        await room.platform.post(private(ann), DONE, "post 1")
