"""Can people see the queue, give up what is theirs, and rely on what was accepted?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.chat import Member, Tone
from tests.bot.chatroom import ADMIN, SOMEBODY, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = Member(platform="recorded", id="other", name="Other")


@pytest.fixture(autouse=True)
def held(shared_room: Room) -> Iterator[None]:
    """The first job of each test runs for as long as the test wants."""
    shared_room.hold()
    yield
    shared_room.release()


async def running(room: Room, line: str, member: Member = SOMEBODY) -> int:
    """Ask for a picture and wait until it is being made."""
    job_id = await room.accept(line, member)
    await room.platform.until(lambda view: view.text.startswith(f"Job {job_id}: step 1"))
    return job_id


async def test_an_empty_queue_says_so(shared_room: Room) -> None:
    assert (await shared_room.say("/queue")).text == "Nobody waits and nothing runs."


async def test_the_queue_shows_the_places_but_not_the_prompts_of_others(shared_room: Room) -> None:
    mine = await running(shared_room, "/imagine my castle")
    theirs = await shared_room.accept("/imagine their secret", OTHER)
    await shared_room.counted(theirs)

    text = (await shared_room.say("/queue")).text

    assert f"Running: job {mine} (my castle)" in text
    assert f"1. job {theirs} of somebody else, 1 run before it, starts in a" in text
    assert "secret" not in text
    for job_id in (mine, theirs):
        await shared_room.type(f"/cancel {job_id}", ADMIN)
        await shared_room.end(job_id)


async def test_people_take_turns_whoever_asked_first(shared_room: Room) -> None:
    first = await running(shared_room, "/imagine one")
    second, third = [await shared_room.accept(f"/imagine {word}") for word in ("two", "three")]
    other = await shared_room.accept("/imagine mine at last", OTHER)
    for job_id in (second, third, other):
        await shared_room.counted(job_id)

    queue = (await shared_room.say("/queue")).text

    assert queue.index(f"job {other} ") < queue.index(f"job {second} ") < queue.index(f"job {third} ")
    for job_id in (first, second, third, other):
        await shared_room.type(f"/cancel {job_id}", ADMIN)
        await shared_room.end(job_id)


async def test_a_waiting_job_is_cancelled_at_once_and_never_runs(shared_room: Room) -> None:
    runs = await running(shared_room, "/imagine the first")
    waits = await shared_room.accept("/imagine the second")

    answer = await shared_room.say(f"/cancel {waits}")

    assert answer.text == f"Job {waits} will not be made."
    assert (await shared_room.end(waits)).text.startswith(f"Job {waits} cancelled.")
    await shared_room.type(f"/cancel {runs}")
    await shared_room.end(runs)


async def test_a_running_job_is_cancelled_at_its_next_step_and_shows_no_picture(shared_room: Room) -> None:
    job_id = await running(shared_room, "/imagine a mistake")

    answer = await shared_room.say("/cancel")
    end = await shared_room.end(job_id)

    assert answer.text == f"Job {job_id} stops at its next step."
    assert end.text.startswith(f"Job {job_id} cancelled.")
    assert end.pictures == ()


async def test_whoever_has_several_jobs_must_say_which(shared_room: Room) -> None:
    jobs = [await running(shared_room, "/imagine one"), await shared_room.accept("/imagine two")]

    answer = await shared_room.say("/cancel")

    assert answer.tone is Tone.REFUSED
    assert all(str(job_id) in answer.text for job_id in jobs)
    for job_id in jobs:
        await shared_room.type(f"/cancel {job_id}")
        await shared_room.end(job_id)


async def test_only_the_owner_or_an_admin_cancels(shared_room: Room) -> None:
    job_id = await running(shared_room, "/imagine my own")

    refused = await shared_room.say(f"/cancel {job_id}", OTHER)
    allowed = await shared_room.say(f"/cancel {job_id}", ADMIN)

    assert refused.text == f"Job {job_id} is somebody else's: only they or an admin may do that."
    assert allowed.tone is Tone.GOOD
    await shared_room.end(job_id)


async def test_what_is_over_or_never_was_cannot_be_cancelled(shared_room: Room) -> None:
    job_id = await running(shared_room, "/imagine a done thing")
    shared_room.release()
    await shared_room.end(job_id)

    assert (await shared_room.say(f"/cancel {job_id}")).text == f"Job {job_id} is over already."
    assert (await shared_room.say("/cancel")).text == "You have no job that waits or runs."
    assert "no job 999" in (await shared_room.say("/cancel 999")).text


async def test_waiting_messages_tell_the_place_and_move_up(shared_room: Room) -> None:
    first = await running(shared_room, "/imagine one")
    second = await shared_room.accept("/imagine two")

    waiting = await shared_room.counted(second)

    assert waiting.text.startswith(f"Job {second} queued, 1 run before yours, starts in a")
    shared_room.release()
    assert [(await shared_room.end(job_id)).tone for job_id in (first, second)] == [Tone.GOOD] * 2


async def test_a_message_is_not_edited_to_say_about_the_same(shared_room: Room) -> None:
    first = await running(shared_room, "/imagine one")
    second = await shared_room.accept("/imagine two --steps 3")
    before = await shared_room.counted(second)
    later = []
    for steps in (5, 6, 7):
        later.append(await shared_room.accept(f"/imagine three --steps {steps}"))
        await shared_room.counted(later[-1])  # so there is a new dry run

    views = shared_room.platform.messages[shared_room.message_of(second)]

    assert views[-1] == before
    assert len(views) <= 2
    for job_id in (first, second, *later):
        await shared_room.type(f"/cancel {job_id}")
        await shared_room.end(job_id)


async def test_of_a_long_queue_the_first_places_and_ones_own_are_listed(shared_room: Room) -> None:
    first = await running(shared_room, "/imagine one")
    theirs = [await shared_room.accept(f"/imagine theirs --seed {seed} --steps 2", OTHER) for seed in range(24)]
    mine = await shared_room.accept("/imagine my own --steps 60")
    await shared_room.counted(mine)

    lines = (await shared_room.say("/queue")).text.splitlines()

    listed = [line for line in lines if " of somebody else" in line]
    assert 19 <= len(listed) <= 20
    assert [line for line in lines if f"job {mine} (my own), " in line]
    assert lines[-2] in ("4 more wait.", "5 more wait.")
    for job_id in (*theirs, mine, first):
        await shared_room.type(f"/cancel {job_id}", ADMIN)
        await shared_room.end(job_id)


async def test_a_job_has_one_message_from_acceptance_to_the_end(shared_room: Room) -> None:
    job_id = await running(shared_room, "/imagine one message")
    shared_room.release()
    await shared_room.end(job_id)

    (views,) = [
        views for views in shared_room.platform.messages.values() if views[0].text.startswith(f"Job {job_id} queued")
    ]
    assert [view.is_final for view in views] == [False] * (len(views) - 1) + [True]
