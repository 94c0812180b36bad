"""Are people told when pictures were made together with others', and does a rerun take that into account?"""

from __future__ import annotations

from pathlib import Path

from bot.chat import Member, Tone
from tests.bot.chatroom import SOMEBODY, Room, settings
from tests.fake_models import write_models

OTHER = Member(platform="recorded", id="other", name="Other")


def sharing(directory: Path) -> Room:
    """A room whose models make the pictures of several people in one call."""
    chosen = settings(directory)
    write_models(directory, batch_fixed_share=0.9)
    return Room(chosen)


async def made_together(room: Room) -> tuple[int, int]:
    """Two people's jobs, made in one call."""
    await room.running("/imagine the one that holds up the others --steps 3")
    mine = await room.accept("/imagine a cat --seed 7")
    theirs = await room.accept("/imagine a secret --seed 8", OTHER)
    await room.counted(mine)
    await room.counted(theirs)
    room.release()
    for job_id in (mine, theirs):
        await room.end(job_id)
    return mine, theirs


async def test_why_says_that_a_job_will_be_made_together_with_others(tmp_path: Path) -> None:
    async with sharing(tmp_path) as room:
        await room.running("/imagine the one that holds up the others --steps 3")
        mine = await room.accept("/imagine a cat")
        theirs = [await room.accept(f"/imagine a secret --seed {seed}", OTHER) for seed in (7, 8)]
        for job_id in (mine, *theirs):
            await room.counted(job_id)

        view = await room.press_for_view(f"why:{mine}")
        room.release()
        ends = [await room.end(job_id) for job_id in (mine, *theirs)]

    assert view.text.splitlines()[-1] == "It is made in one call with 2 other jobs, which saves time."
    assert "secret" not in view.text
    assert [end.tone for end in ends] == [Tone.GOOD] * 3


async def test_a_job_that_is_cancelled_in_a_shared_run_ends_with_it_and_harms_nobody(tmp_path: Path) -> None:
    async with sharing(tmp_path) as room:
        first = await room.running("/imagine the one that holds up the others --steps 3 --seed 1")
        mine = await room.accept("/imagine a cat --seed 7")
        theirs = await room.accept("/imagine a secret --seed 8", OTHER)
        await room.counted(theirs)
        (room.switches / "hold").write_text("8")
        await room.platform.until(lambda view: view.text.startswith(f"Job {mine}: step 1"))

        said = await room.say(f"/cancel {mine}")
        room.release()
        ends = [await room.end(job_id) for job_id in (first, mine, theirs)]

    assert said.text == f"Job {mine} is given up; it ends with the run that it shares with other jobs."
    assert [end.text.split()[2] for end in ends] == ["done", "cancelled.", "done"]
    assert (len(ends[1].pictures), len(ends[2].pictures)) == (0, 1)


async def test_a_result_says_that_it_was_made_with_others_and_where_it_stood(tmp_path: Path) -> None:
    async with sharing(tmp_path) as room:
        mine, theirs = await made_together(room)

        infos = [
            (await room.press_for_view(f"info:{job_id}", member)).text.splitlines()
            for job_id, member in ((mine, SOMEBODY), (theirs, OTHER))
        ]

    assert {lines[-1] for lines in infos} == {
        "Made in one call with other pictures: 1 of 2",
        "Made in one call with other pictures: 2 of 2",
    }
    assert all("batch" not in line for lines in infos for line in lines)


async def test_of_several_pictures_each_one_says_where_it_stood(tmp_path: Path) -> None:
    async with sharing(tmp_path) as room:
        four = await room.made("/imagine cats --count 3")
        one = await room.made("/imagine a cat")

        together, alone = [(await room.press_for_view(f"info:{job_id}")).text for job_id in (four, one)]

    told = "picture 1 as 1 of 3, picture 2 as 2 of 3, picture 3 as 3 of 3"
    assert together.splitlines()[-1] == f"Made in one call with other pictures: {told}"
    assert "one call" not in alone


async def test_a_picture_of_a_batch_is_made_again_the_same_by_itself(tmp_path: Path) -> None:
    async with sharing(tmp_path) as room:
        mine, theirs = await made_together(room)

        again = [await room.say(f"/rerun {mine}"), await room.say(f"/rerun {theirs}", OTHER)]

    assert [view.text.splitlines()[-1] for view in again] == [
        f"The same, byte for byte, as job {job_id}." for job_id in (mine, theirs)
    ]


async def test_a_rerun_whose_batch_does_not_fit_any_more_says_what_differs(tmp_path: Path) -> None:
    async with sharing(tmp_path) as room:
        mine, _ = await made_together(room)
        (room.switches / "oom").write_text("1")

        view = await room.say(f"/rerun {mine}")
        (before,), (after,) = [(await room.job(job_id)).pictures for job_id in (mine, mine + 2)]

    seat = before.provenance["batch"]
    assert after.sha256 != before.sha256
    assert view.text.splitlines()[-1] == f"May differ from job {mine}: since then changed batch {seat} → 1 of 1."
