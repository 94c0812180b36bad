"""Does the button "Why?" say what goes before a job, truly, and without showing what others asked for?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.chat import Member, Tone, View
from bot.settings import QueueSettings
from tests.bot.chatroom import ADMIN, SOMEBODY, RecordedPlatform, Room, settings
from tests.fake_models import write_models

OTHER = Member(platform="recorded", id="other", name="Other")
PICTURE_S = 0.04  # what the catalogue says of a fake picture


@asynccontextmanager
async def opened(directory: Path, **policy: float) -> AsyncIterator[Room]:
    """A room in which a picture of somebody's is being made for as long as the test wants."""
    chosen = settings(directory).model_copy(update={"queue": QueueSettings(**policy)})
    async with Room(chosen) as room:
        await room.running("/imagine the one that holds up the others")
        yield room
        room.release()


async def why(room: Room, job_id: int, member: Member = SOMEBODY) -> list[str]:
    """Press the button once the runs before the job are counted; gives the lines after the first."""
    await room.counted(job_id)
    view = await room.press_for_view(f"why:{job_id}", member)
    assert view.is_private
    first, *lines = view.text.splitlines()
    assert first.startswith(f"Job {job_id} waits, ")
    return lines


async def test_it_says_that_one_run_is_being_made(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        job_id = await room.accept("/imagine a cat")

        lines = await why(room, job_id)

    assert lines == ["• 1 run being made now: a few seconds more"]


async def test_it_counts_ones_own_jobs_apart(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        for steps in (2, 3):
            await room.counted(await room.accept(f"/imagine a cat --steps {steps}"))
        job_id = await room.accept("/imagine a dog")

        lines = await why(room, job_id)

    assert lines[1:] == ["• 2 runs of your own other jobs: a few seconds"]


async def test_it_names_nobody_who_has_used_less_and_nothing_that_they_asked_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.counted(await room.accept("/imagine a secret --steps 3", OTHER))
        job_id = await room.accept("/imagine a cat")

        lines = await why(room, job_id)

    assert lines[1:] == ["• 1 run of others who have used less GPU time, or as little and asked earlier: a few seconds"]


async def test_it_says_what_a_switch_of_model_costs_and_who_goes_first_without_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.accept("/imagine a dog --steps 3")
        job_id = await room.accept("/imagine a cat --model flatter", OTHER)
        await room.platform.until(lambda view: view.text.startswith(f"Job {job_id} queued, 2 runs before yours"))

        lines = await why(room, job_id, OTHER)

    assert lines[1].startswith("• 1 run whose model is loaded already, which puts off a switch of a")
    assert lines[2].startswith("Its model, flatter, has to be loaded then: a")


async def test_it_tells_of_an_overdue_model_and_its_switch(tmp_path: Path) -> None:
    async with opened(tmp_path, staleness=0) as room:
        await room.accept("/imagine a cat --model flatter", OTHER)
        await room.accept("/imagine a dog --steps 3")
        job_id = await room.accept("/imagine a dog --steps 2")
        await room.platform.until(lambda view: view.text.startswith(f"Job {job_id} queued, 3 runs before yours"))

        lines = await why(room, job_id)

    assert "• 1 run whose model was kept waiting for long enough: a few seconds" in lines
    assert "• 1 run of your own other jobs: a few seconds" in lines
    assert [line.partition(":")[0] for line in lines if "switch" in line] == ["• 1 model switch on the way"]


async def test_it_says_that_little_of_somebody_elses_waits(tmp_path: Path) -> None:
    async with opened(tmp_path, interactive_s=1.5 * PICTURE_S) as room:
        await room.accept("/imagine a small wish --steps 3")
        many = [await room.accept(f"/imagine a wish --steps {steps}", OTHER) for steps in (1, 2, 4)]
        await room.platform.until(lambda view: view.text.startswith(f"Job {many[0]} queued, 2 runs before yours"))

        lines = await why(room, many[0], OTHER)

    assert "• 1 run of others who ask for little and have used hardly more GPU time: a few seconds" in lines


async def test_it_says_that_an_admin_has_put_a_job_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        job_id = await room.accept("/imagine a cat")
        boosted = [await room.accept(f"/imagine a dog --steps {steps}", OTHER) for steps in (20, 21)][-1]
        await room.platform.until(lambda view: view.text.startswith(f"Job {boosted} queued, 3 runs before yours"))
        await room.type(f"/admin boost {boosted}", ADMIN)
        await room.platform.until(lambda view: view.text.startswith(f"Job {boosted} queued, 1 run before yours"))

        lines = await why(room, job_id)

    assert "• 1 run that an admin has put first: a few seconds" in lines


async def test_an_admin_may_ask_for_anybody(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.counted(await room.accept("/imagine a cat --steps 3"))
        job_id = await room.accept("/imagine a dog")

        lines = await why(room, job_id, ADMIN)

    assert lines[1:] == ["• 1 run of its owner's own other jobs: a few seconds"]


async def test_a_stranger_is_told_that_it_is_somebody_elses(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        job_id = await room.accept("/imagine a cat")

        view = await room.press_for_view(f"why:{job_id}", OTHER)

    assert view.tone is Tone.REFUSED
    assert view.text == f"Job {job_id} is somebody else's: only they or an admin may do that."


async def test_it_stands_only_under_a_job_that_waits(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        running = room.view_of(1)
        refused = await room.press_for_view("why:1")
        room.release()
        await room.end(1)
        over = await room.press_for_view("why:1")

    assert [[button.label for button in row] for row in running.buttons] == [["Cancel"]]
    assert refused.text == "Job 1 waits no more: it is being made now."
    assert over.text == "Job 1 is over already."
    assert {refused.tone, over.tone} == {Tone.REFUSED}


async def test_after_a_restart_it_says_what_keeps_the_job_from_starting(room: Room) -> None:
    async with room:
        await room.type("/admin pause", ADMIN)
        job_id = await room.accept("/imagine a cat")

    async with Room(room.settings, RecordedPlatform()) as room_then:
        view = await room_then.press_for_view(f"why:{job_id}")

    assert view.text.startswith(f"Job {job_id} waits. An admin has paused the queue, which /admin resume undoes.")


async def test_two_cards_share_the_work(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    generation = chosen.generation.model_copy(update={"device": "cpu,cpu"})
    async with Room(chosen.model_copy(update={"generation": generation})) as room:
        running = [await room.running(f"/imagine picture {number}") for number in (1, 2)]
        job_id = await room.accept("/imagine a cat")

        lines = await why(room, job_id)
        status = await room.say("/admin status", ADMIN)
        room.release()
        ends = [await room.end(number) for number in (*running, job_id)]

    assert lines == ["• 2 runs being made now: the first of them for a few seconds more", "2 cards share this work."]
    assert [line.partition(": ")[0] for line in status.text.splitlines()[:2]] == ["Card 1", "Card 2"]
    assert [view.tone for view in ends] == [Tone.GOOD] * 3


async def test_a_job_whose_first_pictures_are_made_says_so_while_it_waits_for_the_rest(tmp_path: Path) -> None:
    chosen = settings(tmp_path).model_copy(update={"queue": QueueSettings(longest_dispatch_s=1)})
    write_models(tmp_path, seconds_per_step=1)  # so that a run is for one picture
    async with Room(chosen) as room:
        room.hold()
        first = await room.accept("/imagine two cats --count 2")
        await room.platform.until(lambda view: view.text.startswith(f"Job {first}: picture 1"))
        second = await room.accept("/imagine a dog --seed 7", OTHER)
        (room.switches / "hold").write_text("7")

        again = await room.platform.until(lambda view: view.text.startswith(f"Job {first} queued again"))
        asked = await room.press_for_view(f"why:{first}")
        room.release()
        ends = [await room.end(job_id) for job_id in (first, second)]

    assert again.text.startswith(f"Job {first} queued again: 1 of 2 pictures made")
    assert asked.text.startswith(f"Job {first} waits with 1 of 2 pictures made, ")
    assert labels(again) == ["Cancel", "Why?"]
    assert [view.tone for view in ends] == [Tone.GOOD] * 2


def labels(view: View) -> list[str]:
    return [button.label for row in view.buttons for button in row]
