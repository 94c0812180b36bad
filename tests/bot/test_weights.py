"""Do weights and boosts change whose turn it is, within their bounds, and over restarts?"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from bot.chat import Tone
from bot.settings import QueueSettings
from tests.bot.chatroom import ADMIN, Room, settings
from tests.bot.people import member
from tests.fake_models import write_models

RED, BLUE = "recorded:role:red", "recorded:role:blue"
PICTURE_S = 20  # as the models file has it: four steps of 5 s
ANN, BOB = member("ann"), member("bob")


@pytest.fixture
def slow_room(tmp_path: Path) -> Room:
    """A room that expects pictures to take 20 s, and in which boosts may take 50 s in an hour."""
    wanted = settings(tmp_path).model_copy(update={"queue": QueueSettings(boost_s_per_hour=50)})
    write_models(tmp_path, seconds_per_step=PICTURE_S / 4)
    return Room(wanted)


def begun(room: Room) -> list[int]:
    """The seeds of the pictures in the order in which they were begun."""
    return [int(line) for line in (room.switches / "drawn").read_text().split()]


async def told(room: Room, line: str) -> str:
    return (await room.say(line, ADMIN)).text


async def test_a_weight_is_told_set_at_once_and_forgotten(room: Room) -> None:
    async with room:
        before = await told(room, f"/admin weight {ANN.key}")
        changed = await told(room, f"/admin weight {ANN.key} 2,5")
        weight = room.app.service.weight(ANN.key)
        after = await told(room, f"/admin weight {ANN.key}")
        forgotten = await told(room, f"/admin weight {ANN.key} none")
        await room.say("/imagine a cat", ANN)
        weight_then = room.app.service.weight(ANN.key)

    assert before == forgotten == f"No weight is set for {ANN.key}: the largest of their roles' counts, else 1."
    assert changed == after == f"{ANN.key} gets 2.5 times the usual share of GPU time."
    assert (weight, weight_then) == (2.5, 1.0)


async def test_the_largest_of_somebodys_roles_counts_unless_they_have_a_weight_of_their_own(room: Room) -> None:
    purple, own = member("purple", RED, BLUE), member("own", RED, BLUE)
    async with room:
        said = await told(room, f"/admin weight {RED} 3")
        for line in (f"/admin weight {BLUE} 2", f"/admin weight {own.key} 0.5"):
            await told(room, line)
        for whoever in (purple, own, ANN):
            await room.say("/imagine a cat", whoever)
        weights = [room.app.service.weight(whoever.key) for whoever in (purple, own, ANN)]
        await told(room, f"/admin weight {RED} none")
        await room.say("/imagine a cat", purple)
        weight_then = room.app.service.weight(purple.key)

    assert said == f"Everyone with {RED} gets 3 times the usual share of GPU time from their next job on."
    assert weights == [3.0, 0.5, 1.0]
    assert weight_then == 2.0


async def test_weights_outlive_a_restart_in_the_queue_too(room: Room) -> None:
    purple = member("purple", RED)
    async with room:
        for line in (f"/admin weight {RED} 3", f"/admin weight {ANN.key} 4"):
            await told(room, line)
        await room.say("/imagine a cat", purple)

    async with Room(room.settings) as room_then:
        weights = [room_then.app.service.weight(whoever.key) for whoever in (purple, ANN, BOB)]
        said = await told(room_then, f"/admin weight {RED}")

    assert weights == [3.0, 4.0, 1.0]
    assert said == f"Everyone with {RED} gets 3 times the usual share of GPU time."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["/admin weight needs WHO, such as: /admin weight discord:1234"]),
        ("here 2", ['"here"', "neither an account nor a role"]),
        ("recorded:ann heavy", ['"heavy" is not a number: a weight goes from 0.5 to 4.']),
        ("recorded:ann 5", ['"5" is no weight', "0.5 to 4", "none forgets it"]),
        ("recorded:ann 0", ['"0" is no weight', "0.5 to 4"]),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_bad_weights_get_one_sentence(shared_room: Room, line: str, words: list[str]) -> None:
    answer = await shared_room.say(f"/admin weight {line}".strip(), ADMIN)

    assert answer.tone is Tone.REFUSED
    assert "\n" not in answer.text
    assert all(word in answer.text for word in words), answer.text


async def test_a_boosted_job_is_served_before_all_others_and_after_a_restart_too(slow_room: Room) -> None:
    (slow_room.switches / "drawn").touch()
    async with slow_room as room:
        await told(room, "/admin pause")
        jobs = [await room.accept(f"/imagine a cat --seed {seed}", ANN) for seed in (1, 2, 3, 4)]
        jobs.append(await room.accept("/imagine a dog --seed 5", BOB))
        said = [await told(room, f"/admin boost {jobs[number]}") for number in (3, 2)]
        twice = await told(room, f"/admin boost {jobs[3]}")

    async with Room(slow_room.settings) as room_then:
        await told(room_then, "/admin resume")
        for job_id in jobs:
            await room_then.app.delivery.ended(job_id)

    assert said == [
        f"Job {jobs[number]} is served next; it counts as its owner's GPU time, as always." for number in (3, 2)
    ]
    assert twice == f"Job {jobs[3]} was boosted already."
    assert begun(slow_room)[:2] == [4, 3]


async def test_boosts_take_only_so_much_of_an_hour_however_many_come_at_once(slow_room: Room) -> None:
    async with slow_room as room:
        await told(room, "/admin pause")
        jobs = [await room.accept(f"/imagine a cat --seed {seed}", ANN) for seed in range(5)]
        large = await room.accept("/imagine cats --count 3", BOB)
        never = await told(room, f"/admin boost {large}")
        texts = await asyncio.gather(*(told(room, f"/admin boost {job_id}") for job_id in jobs))
    left_over = next(job_id for job_id, text in zip(jobs, texts, strict=True) if "is served next" not in text)

    async with Room(slow_room.settings) as room_then:
        still = await told(room_then, f"/admin boost {left_over}")
    with sqlite3.connect(slow_room.settings.data_dir / "fairbrush.db") as database:  # as if it had been an hour ago
        database.execute("UPDATE job SET boosted_ms = boosted_ms - 3600000")
    async with Room(slow_room.settings) as room_later:
        later = await told(room_later, f"/admin boost {left_over}")

    assert never == f"Job {large} should take 60 s of GPU time, and boosts may take no more than 50 s in an hour."
    assert sum("is served next" in text for text in texts) == 2
    refused = [text for text in (*texts, still) if "is served next" not in text]
    rest = "should take 20 s of GPU time, but of the 50 s that boosts may take in an hour 10 s are left"
    assert len(refused) == 4
    assert all(rest in text for text in refused), refused
    assert all(re.search(r": there is room for it in (59|60) min\.$", text) for text in refused), refused
    assert "is served next" in later


async def test_only_what_waits_can_be_boosted(room: Room) -> None:
    async with room:
        job_id = await room.made("/imagine a cat", ANN)
        running = await room.running("/imagine a dog", ANN)
        texts = [await told(room, f"/admin boost {number}") for number in (job_id, running, 99)]
        room.release()
        await room.end(running)

    assert texts == [
        f"Job {job_id} does not wait: only a job that waits can be boosted.",
        f"Job {running} does not wait: only a job that waits can be boosted.",
        "There is no job 99 here; /history lists yours.",
    ]
