"""Does the queue go on after a restart as if there had been none?"""

from __future__ import annotations

import sqlite3
import time

import pytest

from tests.bot.chatroom import ADMIN, Room
from tests.bot.people import member

ANN, BOB = member("ann"), member("bob")


@pytest.mark.parametrize(("put_off_for_s", "order"), [(None, [1, 2]), (-3600, [1, 2]), (3600, [2, 1])])
async def test_the_switch_to_a_model_is_put_off_no_longer_than_if_there_had_been_no_restart(
    room: Room, put_off_for_s: int | None, order: list[int]
) -> None:
    (room.switches / "drawn").touch()
    async with room:
        await room.say("/admin pause", ADMIN)
        jobs = [
            await room.accept("/imagine a cat --seed 2 --model flatter", BOB),
            await room.accept("/imagine a cat --seed 1 --model flat", ANN),
        ]
    if put_off_for_s is not None:
        with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:
            since_ms = round(1000 * (time.time() - put_off_for_s))
            database.execute("UPDATE job SET passed_over_ms = ? WHERE id = ?", (since_ms, jobs[0]))

    async with Room(room.settings) as room_then:
        await room_then.say("/admin load flat", ADMIN)
        await room_then.say("/admin resume", ADMIN)
        for job_id in jobs:
            await room_then.end(job_id)

    assert [int(seed) for seed in (room.switches / "drawn").read_text().split()] == order


async def test_what_a_job_was_expected_to_take_and_who_asked_are_kept_with_it(room: Room) -> None:
    async with room:
        await room.say("/admin pause", ADMIN)
        job_id = await room.accept("/imagine cats --count 3", member("eve", "recorded:role:5", "recorded:role:4"))
        expected_s = room.app.service.expected_s(await room.request(job_id))
        job = await room.job(job_id)

    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:
        kept = database.execute("SELECT roles, server, images FROM job").fetchone()
    assert job.expected_ms == round(1000 * expected_s)
    assert kept == ('["recorded:role:4", "recorded:role:5"]', "recorded:studio", 3)
