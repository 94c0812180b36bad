"""Does the button that deletes take away a job, its pictures and its message, for those who may?"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot.chat import MessageGoneError, NotNowError, Place, Tone, UndeliverableError, View
from tests.bot.chatroom import ADMIN, PATIENCE_S, SOMEBODY, RecordedPlatform, Room, settings
from tests.bot.test_buttons import OTHER

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG_S = 1000.0


async def all_shown(room: Room) -> None:
    """Wait until no message is owed any more."""
    async with asyncio.timeout(PATIENCE_S):
        while await room.app.desk.jobs.owed():
            pass


async def pictures(room: Room, job_id: int) -> list[Path]:
    return list((await room.end(job_id)).pictures)


async def test_a_deleted_job_is_nowhere_any_more(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a peculiar zebra --count 2")
    files = await pictures(shared_room, job_id)
    await shared_room.press(f"star:{job_id}", OTHER)

    message_id = shared_room.message_of(job_id)
    answer = await shared_room.press_for_view(f"delete:{job_id}")
    await shared_room.platform.until_gone(message_id)

    assert (answer.text, answer.is_private) == (f"Job {job_id} is deleted.", True)
    assert [file.exists() for file in files] == [False, False]
    nothing = f"There is no job {job_id} here; /history lists yours."
    for member in (SOMEBODY, ADMIN):
        lines = (f"/show {job_id}", f"/rerun {job_id}", f"/imagine a cat --image {job_id}", f"/cancel {job_id}")
        assert {(await shared_room.say(line, member)).text for line in lines} == {nothing}
    assert "zebra" not in (await shared_room.say("/history")).text
    assert (await shared_room.say("/history zebra")).text == "Nothing of yours matches “zebra”."
    assert "no favourites" in (await shared_room.say("/history --favourites", OTHER)).text
    for action in ("again", "vary", "same", "info", "star", "original", "delete"):
        assert (await shared_room.press_for_view(f"{action}:{job_id}")).text == nothing


async def test_the_owner_and_admins_delete_and_nobody_else(shared_room: Room) -> None:
    mine, admins = await shared_room.made("/imagine a cat"), await shared_room.made("/imagine a dog")

    refused = await shared_room.press_for_view(f"delete:{mine}", OTHER)
    allowed = await shared_room.press_for_view(f"delete:{mine}")
    by_admin = await shared_room.press_for_view(f"delete:{admins}", ADMIN)

    assert refused.text == f"Job {mine} is somebody else's: only they or an admin may do that."
    assert (refused.tone, allowed.tone, by_admin.tone) == (Tone.REFUSED, Tone.GOOD, Tone.GOOD)


async def test_a_job_under_way_has_to_be_cancelled_first(shared_room: Room) -> None:
    runs = await shared_room.running("/imagine a cat")
    waits = await shared_room.accept("/imagine a dog")

    answers = [await shared_room.press_for_view(f"delete:{job_id}") for job_id in (runs, waits)]

    shared_room.release()
    assert [answer.text for answer in answers] == [
        f"Job {job_id} is under way: cancel it first." for job_id in (runs, waits)
    ]
    for job_id in (runs, waits):
        assert (await shared_room.end(job_id)).tone is Tone.GOOD


async def test_a_picture_that_another_job_shows_or_starts_from_stays(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat --seed 7")
    same = await shared_room.made("/imagine a cat --seed 7")
    varied = await shared_room.press_for_job(f"vary:{same}")
    (file,) = await pictures(shared_room, first)

    left = []
    for job_id in (first, same, varied):
        await shared_room.press(f"delete:{job_id}")
        left.append(file.exists())

    assert left == [True, True, False]


async def test_a_variation_of_a_deleted_job_can_be_made_again(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")
    varied = await shared_room.press_for_job(f"vary:{first}")
    await shared_room.press(f"delete:{first}")

    again = await shared_room.press_for_job(f"again:{varied}")

    assert (await shared_room.end(again)).tone is Tone.GOOD


async def test_what_failed_or_was_cancelled_is_deleted_too(shared_room: Room) -> None:
    (shared_room.switches / "error").touch()
    job_id = await shared_room.made("/imagine a bad omen")
    (shared_room.switches / "error").unlink()

    assert (await shared_room.press_for_view(f"delete:{job_id}")).tone is Tone.GOOD


async def test_a_rerun_of_a_deleted_job_says_that_there_is_nothing_to_compare_with(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")
    await shared_room.say("/admin pause", ADMIN)
    again = await shared_room.accept(f"/rerun {first}")
    await shared_room.press(f"delete:{first}")

    await shared_room.say("/admin resume", ADMIN)

    assert (await shared_room.end(again)).text.endswith(f"Job {first} has no picture to compare with.")


async def test_the_message_that_was_pressed_goes_too_if_it_is_another_one(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat")
    shown = await shared_room.say(f"/show {job_id}")
    pressed = next(key for key, views in shared_room.platform.messages.items() if views[0] is shown)

    own = shared_room.message_of(job_id)

    await shared_room.press(f"delete:{job_id}", message_id=pressed)

    for message_id in (own, pressed):
        await shared_room.platform.until_gone(message_id)


class Reluctant(RecordedPlatform):
    """Refuses to remove any message, in the way it is told."""

    refusal: Exception | None = None

    async def remove(self, place: Place, message_id: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        await super().remove(place, message_id)


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("refusal", [NotNowError("busy", after_s=LONG_S), RuntimeError("a fault of the platform's")])
async def test_a_message_that_cannot_be_removed_now_is_removed_after_the_next_start(
    tmp_path: Path, refusal: Exception
) -> None:
    platform = Reluctant()
    async with Room(settings(tmp_path), platform) as room:
        job_id = await room.made("/imagine a cat")
        shown = await room.type(f"/show {job_id}")
        pressed = next(key for key, views in platform.messages.items() if views[0] is shown)
        platform.refusal = refusal
        answer = await room.press_for_view(f"delete:{job_id}", message_id=pressed)
        message_id = room.message_of(job_id)
    platform.refusal = None

    async with Room(room.settings, platform) as room_then:
        await platform.until_gone(message_id)
        await all_shown(room_then)

    assert answer.text == f"Job {job_id} is deleted."


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("refusal", [UndeliverableError("the bot was removed"), MessageGoneError()])
async def test_a_message_that_can_never_be_removed_is_let_be(tmp_path: Path, refusal: Exception) -> None:
    platform = Reluctant()
    async with Room(settings(tmp_path), platform) as room:
        job_id = await room.made("/imagine a cat")
        platform.refusal = refusal
        await room.press(f"delete:{job_id}")
        await all_shown(room)

        assert (await room.say("/imagine a dog")).tone is Tone.GOOD


class Slow(RecordedPlatform):
    """Shows no end as long as it is told so."""

    is_busy = True

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        if view.is_final and self.is_busy:
            raise NotNowError("busy", after_s=0.01)
        await super().edit(place, message_id, view)


@pytest.mark.asyncio(loop_scope="function")
async def test_a_job_that_is_deleted_before_its_end_was_shown_is_never_shown(tmp_path: Path) -> None:
    platform = Slow()
    async with Room(settings(tmp_path), platform) as room:
        room.hold()
        job_id = await room.accept("/imagine a cat")
        message_id = room.message_of(job_id)
        await room.press(f"cancel:{job_id}")
        async with asyncio.timeout(PATIENCE_S):
            while (await room.job(job_id)).state != "cancelled":
                pass
        await room.press(f"delete:{job_id}")
        await platform.until_gone(message_id)
        platform.is_busy = False

        assert await room.app.delivery.ended(job_id) is None


@pytest.mark.asyncio(loop_scope="function")
async def test_a_deletion_that_was_broken_off_is_finished_at_the_next_start(tmp_path: Path) -> None:
    platform = RecordedPlatform()
    async with Room(settings(tmp_path), platform) as room:
        job_id = await room.made("/imagine a cat")
        message_id = room.message_of(job_id)
        files = await pictures(room, job_id)
    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:  # as after a kill in the middle
        database.execute("UPDATE job SET deleted_ms = 1, want_rev = want_rev + 1, prompt = '', request = '{}'")
    database.close()

    async with Room(room.settings, platform) as room_then:
        await platform.until_gone(message_id)
        await all_shown(room_then)

    assert not files[0].exists()
