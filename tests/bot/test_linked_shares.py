"""Do linked accounts have one turn, one account and one quota, whatever runs and waits while they are linked?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bot.chatroom import ADMIN, Room, settings
from tests.bot.linked_accounts import ANN, ANNA, EVE, asked, code_of, link, rows, said, two_chats


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return two_chats(settings(tmp_path))


async def test_linked_accounts_have_one_turn_where_two_strangers_have_two(room: Room) -> None:
    async with room:
        await room.running("/imagine the one that holds up the others")
        jobs = [
            await asked(room, f"/imagine a cat --steps {steps}", member)  # of shapes that no run can share
            for steps, member in enumerate((ANN, ANNA, EVE), start=1)
        ]
        await link(room, ANN, ANNA)
        room.release()
        for job_id in jobs:
            await room.end(job_id)

    started = [job_id for (job_id,) in rows(room, "SELECT id FROM job ORDER BY started_ms, id")]
    assert started[1:] == [jobs[0], jobs[2], jobs[1]]


async def test_the_one_turn_is_kept_over_a_restart(room: Room) -> None:
    async with room:
        await room.type("/admin pause", ADMIN)
        jobs = [
            await asked(room, f"/imagine a cat --steps {steps}", member)
            for steps, member in enumerate((ANN, ANNA, EVE), start=1)
        ]
        await link(room, ANN, ANNA)

    async with two_chats(room.settings, room) as room_then:
        await room_then.type("/admin resume", ADMIN)
        for job_id in jobs:
            await room_then.end(job_id)

    started = [job_id for (job_id,) in rows(room, "SELECT id FROM job ORDER BY started_ms, id")]
    assert started == [jobs[0], jobs[2], jobs[1]]


async def test_what_runs_and_waits_while_accounts_are_linked_is_shown_where_it_was_asked_for(room: Room) -> None:
    elsewhere = room.others[0]
    async with room:
        room.hold()
        running = await asked(room, "/imagine a cat", ANNA)
        await elsewhere.until(lambda view: view.progress is not None)
        waiting = await asked(room, "/imagine a dog", ANNA)

        await link(room, ANN, ANNA)
        room.release()
        for job_id in (running, waiting):
            await room.end(job_id)

    shown = [views[-1].text for views in elsewhere.messages.values()]
    assert [f"Job {job_id} done" in "".join(shown) for job_id in (running, waiting)] == [True, True]
    assert not any("a cat" in views[-1].text for views in room.platform.messages.values())


async def test_what_ran_while_accounts_were_linked_is_charged_to_their_one_account(room: Room) -> None:
    async with room:
        room.hold()
        jobs = [await asked(room, "/imagine a cat", member) for member in (ANNA, ANN)]
        await room.others[0].until(lambda view: view.progress is not None)
        await link(room, ANN, ANNA)
        room.release()
        for job_id in jobs:
            await room.end(job_id)

    used_ms = sum(gpu_ms for (gpu_ms,) in rows(room, "SELECT gpu_ms FROM job"))
    accounts_ms = dict(rows(room, "SELECT key, virtual_time_ms FROM member"))
    assert accounts_ms["recorded:ann"] == pytest.approx(used_ms, abs=2)
    assert accounts_ms["elsewhere:7"] == 0  # late news of it went to its person
    assert {owner for (owner,) in rows(room, "SELECT owner FROM job")} == {"recorded:ann"}


async def test_what_is_asked_for_in_the_very_moment_of_linking_is_the_persons(room: Room) -> None:
    async def ask_for_more() -> list[int]:
        return [await asked(room, f"/rerun {first}", ANNA) for _ in range(6)]

    async with room:
        first = await asked(room, "/imagine a cat", ANNA)
        await room.end(first)
        await room.type("/admin pause", ADMIN)
        code = await code_of(room, ANN)
        streams = [asyncio.create_task(ask_for_more()) for _ in range(4)]
        await room.others[0].until(lambda view: view.text.startswith(f"Job {first + 3} queued"))
        linked = await said(room, f"/link {code}", ANNA)
        jobs = [job_id for stream in streams for job_id in await stream]
        await room.type("/admin resume", ADMIN)
        for job_id in jobs:
            await room.end(job_id)

    used_ms = sum(gpu_ms for (gpu_ms,) in rows(room, "SELECT gpu_ms FROM job"))
    accounts_ms = dict(rows(room, "SELECT key, virtual_time_ms FROM member"))
    assert "is linked with" in linked.text
    assert {owner for (owner,) in rows(room, "SELECT owner FROM job")} == {"recorded:ann"}
    assert accounts_ms["recorded:ann"] == pytest.approx(used_ms, abs=20)  # each picture takes more than that


async def test_linked_accounts_have_one_quota(room: Room) -> None:
    async with room:
        await said(room, "/admin quota recorded:ann 2", ADMIN)
        await link(room, ANN, ANNA)
        await said(room, "/imagine a cat", ANN)
        await said(room, "/imagine a dog", ANNA)

        refusals = [(await said(room, "/imagine a cow", member)).text for member in (ANN, ANNA)]

    assert all(text.startswith("You may ask for 2 pictures a day here and have asked for 2") for text in refusals)
