"""Can admins see, try and set the policy by which the queue chooses, and does a replay give what really happened?"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bot.chat import Member, Tone
from bot.settings import QueueSettings
from bot.trials import past_job
from generation import Learned, Past, Policy, play_again
from storage import Database, Ledger, Measurements
from tests.bot.chatroom import ADMIN, SOMEBODY, Room, settings

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MEMBERS = [Member(platform="recorded", id=name, name=name) for name in ("ann", "bob", "cem", "dee")]
GUILD = frozenset({"recorded:role:guild"})
NAMES = "There are W window, K staleness, H longest, L interactive, B boost"


def room_with(folder: Path, **queue: float) -> Room:
    """Give a room whose operator has set some of the queue's parameters."""
    return Room(settings(folder).model_copy(update={"queue": QueueSettings(**queue)}))


async def told(room: Room, line: str) -> str:
    """Say something as an admin and give the text of a good answer."""
    answer = await room.say(line, ADMIN)
    assert answer.tone is Tone.GOOD, answer
    return answer.text


async def a_busy_hour(room: Room, jobs: int) -> None:
    """Write that many jobs of forty members into the past: on two models, more than one card can make in time."""
    await room.made("/imagine a cat")  # whose row is taken as the pattern
    chance = random.Random(jobs)
    now_ms = time.time_ns() // 1_000_000
    with closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db")) as database, database:
        database.row_factory = sqlite3.Row
        pattern = dict(database.execute("SELECT * FROM job").fetchone())
        for number in range(jobs):
            request = json.loads(pattern["request"]) | {"model": chance.choice(("flat", "flatter"))}
            at_ms = now_ms - HOUR_MS + number * HOUR_MS // (2 * jobs)
            row = pattern | {
                "id": None,
                "owner": f"recorded:{int(chance.paretovariate(0.7)) % 40:018}",
                "roles": json.dumps([f"recorded:role:{chance.randrange(8)}"]),
                "model": request["model"],
                "request": json.dumps(request),
                "created_ms": at_ms,
                "started_ms": at_ms,
                "expected_ms": 10_000,
                "gpu_ms": chance.randrange(1000, 4 * HOUR_MS // jobs),
            }
            names = ", ".join(f'"{name}"' for name in row)
            database.execute(f"INSERT INTO job ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


async def test_an_admin_sees_each_parameter_with_its_meaning(room: Room) -> None:
    async with room:
        text = await told(room, "/admin policy")

    for start in (
        "W window, 30 s: ",
        "K staleness, 4: ",
        "H longest, 60 s: ",
        "L interactive, 60 s: ",
        "B boost, 600 s: ",
    ):
        assert f"\n{start}" in text
    assert "/admin policy try W=60 quota=20\n" in text
    assert "/admin policy set defaults " in text


async def test_the_policy_is_for_admins_only(room: Room) -> None:
    async with room:
        answer = await room.say("/admin policy set W=60")

        assert (answer.tone, answer.text) == (Tone.REFUSED, "/admin policy is for admins only.")
        assert room.app.service.policy == Policy()


@pytest.mark.parametrize(
    "typed", ["W=45 longest=30,5", "LONGEST=30.5 window=45", "w = 45, h =30.5", "  H=30.5   W=45;"]
)
async def test_parameters_are_set_by_letter_or_word_in_any_order(room: Room, typed: str) -> None:
    async with room:
        text = await told(room, f"/admin policy set {typed}")

        assert text == "In force from the next run on: W=45 K=4 H=30.5 L=60 B=600."
        assert room.app.service.policy == Policy(window_s=45, longest_dispatch_s=30.5)
        assert "\nW window, 45 s (the operator's is 30 s): " in await told(room, "/admin policy")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("now", '"now" is neither try nor set: write /admin policy try W=60 quota=20'),
        ("try", "Say which values, such as /admin policy try W=60"),
        ("SET", "Say which values, such as /admin policy set W=60"),
        ("set W", '"W" cannot be read: write NAME=VALUE, such as window=60.'),
        ("set W=", '"W=" cannot be read: write NAME=VALUE, such as window=60.'),
        ("set W=60 60", '"60" cannot be read: write NAME=VALUE, such as window=60.'),
        ("set W=soon", "W=soon is not a number: window can be 0 to 600 s."),
        ("set window=601", "window=601 is not possible: window can be 0 to 600 s."),
        ("set W=-1", "W=-1 is not possible: window can be 0 to 600 s."),
        ("set K=51", "K=51 is not possible: staleness can be 0 to 50."),
        ("set H=0", "H=0 is not possible: longest can be 1 to 3600 s."),
        ("set W=60 window=30", "window is given twice."),
        ("set windwo=60", 'There is no parameter "windwo". Did you mean window?'),
        ("set X=60", f'There is no parameter "X". {NAMES}.'),
        ("try X=60", f'There is no parameter "X". {NAMES}, quota, gpus.'),
        ("set quota=5", "A quota is no part of the policy: /admin quota here N sets it."),
        ("set GPUS=2", "How many cards serve is for the operator to set, by FAIRBRUSH_GENERATION__DEVICE."),
        ("try quota=1.5", "quota=1.5 is not possible: quota can be a whole number, 0 to 10000 or none."),
        ("try gpus=0", "gpus=0 is not possible: gpus can be a whole number, 1 to 16."),
        ("try gpus=none", "gpus=none is not a number: gpus can be a whole number, 1 to 16."),
        ("try W=30", "Just that is in force already: try other values, such as /admin policy try W=60"),
        ("try quota=none", "Just that is in force already: try other values, such as /admin policy try W=60"),
        ("try B=300", "Boosts are not played again: try other values, such as /admin policy try W=60"),
        ("try W=60", "No job of the last 7 days is recorded, so there is nothing to play again."),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_is_said_in_a_sentence_and_changes_nothing(
    shared_room: Room, typed: str, answer: str
) -> None:
    said = await shared_room.say(f"/admin policy {typed}", ADMIN)

    assert (said.tone, said.text) == (Tone.REFUSED, answer)
    assert shared_room.app.service.policy == Policy()


async def test_what_was_set_from_chat_outlives_a_restart_and_the_operators_own_change(tmp_path: Path) -> None:
    async with room_with(tmp_path, window_s=10, staleness=3) as room:
        before = room.app.service.policy
        await told(room, "/admin policy set W=60 B=0.000001")
        await told(room, "/admin policy set H=20")

    async with room_with(tmp_path, window_s=15, staleness=2) as room:
        after = room.app.service.policy
        text = await told(room, "/admin policy set defaults")
        back = room.app.service.policy

    async with room_with(tmp_path) as room:
        later = room.app.service.policy

    assert before == Policy(window_s=10, staleness=3)
    assert after == Policy(window_s=60, staleness=2, longest_dispatch_s=20, boost_s_per_hour=0.000001)
    assert text == "The operator's policy is in force again: W=15 K=2 H=60 L=60 B=600."
    assert (back, later) == (Policy(window_s=15, staleness=2), Policy())


async def test_a_policy_of_another_version_that_is_not_possible_here_leaves_the_operators(room: Room) -> None:
    async with room:
        await told(room, "/admin policy set W=60")
    with closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db")) as database, database:
        database.execute("UPDATE setting SET value = 'window=9000' WHERE name = 'policy'")

    async with Room(room.settings) as room_then:
        assert room_then.app.service.policy == Policy()


async def test_a_try_shows_everybody_under_both_policies_and_changes_nothing(room: Room) -> None:
    guild = [replace(member, roles=GUILD) for member in MEMBERS[:2]]
    async with room:
        for member in (*guild, SOMEBODY):
            await room.made("/imagine two cats --count 2", member)
            await room.made("/imagine a cat --model flatter", member)
        answer = await room.say("/admin policy try quota=2 K=1 gpus=2", ADMIN)

        assert room.app.service.policy == Policy()
    lines = answer.text.splitlines()
    assert (answer.tone, answer.is_private) == (Tone.GOOD, True)
    assert lines[0].startswith("Played again: 6 jobs of ")
    assert lines[0].endswith("(9 pictures, 3 members).")
    assert lines[1:4] == [
        "That is little to go by: fewer than 50 jobs say hardly anything about waits.",
        "In force: W=30 K=4 H=60 L=60 B=600, 1 card.",
        "Tried: K=1, at most 2 pictures a day for each, 2 cards.",
    ]
    assert "Refused by the quota: 3 jobs" in lines
    roles, members = lines.index("Roles:"), lines.index("Members:")
    assert lines[roles + 1 : roles + 3] == ["recorded:role:guild · 6 pictures", "0 s / 0 s → 0 s / 0 s, 2 refused"]
    assert lines[members + 1 : -2 : 2] == [f"{key} · 3 pictures" for key in sorted([*keys(guild), SOMEBODY.key])]
    assert lines[-1].endswith(" Nothing was changed: /admin policy set K=1 would do that.")


def keys(members: Sequence[Member]) -> list[str]:
    return [member.key for member in members]


async def test_what_never_took_gpu_time_is_not_played_again(room: Room) -> None:
    async with room:
        await room.made("/imagine a cat")
        await told(room, "/admin pause")
        given_up = await room.accept("/imagine a dog")
        await room.say(f"/cancel {given_up}")
        await room.end(given_up)
        text = await told(room, "/admin policy try quota=none W=60")

    assert text.startswith("Played again: 1 job of ")


async def test_a_long_report_fits_a_message_and_puts_the_worst_change_first(room: Room) -> None:
    async with room:
        await a_busy_hour(room, 400)
        text = await told(room, "/admin policy try W=300 quota=12")

    assert len(text) < 1900
    lines = text.splitlines()
    members = lines[lines.index("Members:") + 1 : -3]
    refused = [int(line.partition(", ")[2].removesuffix(" refused") or 0) for line in members[1::2]]
    assert len(members) > 10
    assert refused == sorted(refused, reverse=True)
    assert refused[0] > 0
    assert lines[-3] == f"and {int(lines[0].partition('pictures, ')[2].split()[0]) - len(members) // 2} more"
    assert all(len(line) < 60 for line in members)


async def test_other_commands_are_answered_while_one_replay_at_a_time_goes_on(room: Room) -> None:
    async with room:
        await a_busy_hour(room, 2000)
        tries = [asyncio.create_task(room.say(f"/admin policy try W={seconds}", ADMIN)) for seconds in (60, 90)]
        refused, played = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
        listed = await told(room, "/queue")

        assert not any(each.done() for each in played)
        assert listed == "Nobody waits and nothing runs."
        refusals, reports = [each.result().text for each in refused], [(await each).text for each in played]
        assert refusals == ["A replay is under way: try again when it has been answered."]
        assert [report.startswith("Played again: 2,001 jobs ") for report in reports] == [True]
        assert "Tried: W=120." in await told(room, "/admin policy try W=120")


async def test_a_replay_of_what_really_happened_gives_the_order_in_which_it_did(tmp_path: Path) -> None:
    """The first job is held until all others wait, so that everything depends on the policy and nothing on typing."""
    chance = random.Random(4)
    async with room_with(tmp_path, staleness=0) as room:
        room.hold()
        jobs = [await room.running("/imagine a cat --steps 150", MEMBERS[0])]
        for _ in range(40):
            model = chance.choice(("flat", "flatter"))
            jobs.append(await room.accept(f"/imagine a cat --steps 150 --model {model}", chance.choice(MEMBERS)))
        room.release()
        for job_id in jobs:
            await room.end(job_id)
        service = room.app.service

    async with Database(room.settings.data_dir / "fairbrush.db") as database:
        recorded = await Ledger(database).recorded(0, 100)
        learned = [Learned(**asdict(record)) for record in await Measurements(database).all()]
    (card,) = service.status().cards
    assert card is not None
    guesses, past_jobs = service.guesses, [past_job(job) for job in recorded]
    past = Past(jobs=past_jobs, guess=guesses, filling=guesses.filling, learned=learned)

    played = play_again(past, policy=Policy(staleness=0), cards=[card.name])

    started = [recorded[number].started_ms or 0 for number in played.order]
    assert len(played.order) == len(jobs)
    assert started == sorted(started)
    assert played.order != sorted(played.order)  # they really were not made as they came
