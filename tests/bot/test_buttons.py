"""Which buttons stand under a message, and what do those do that make no picture?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.chat import Button, Capabilities, CommandError, Member, Place, Tone, View
from tests.bot.chatroom import ADMIN, SOMEBODY, RecordedPlatform, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = Member(platform="recorded", id="other", name="Other")
ELSEWHERE = Place(platform="recorded", channel="elsewhere")
LOSSY = Capabilities(edit_interval_s=0.0, is_lossless=False)

REMAKE = ["🔄", "♻️ same seed", "✏️"]
KEEP, KEEP_ONE = ["ℹ️", "⭐", "🗑️"], ["⬆️", "ℹ️", "⭐", "🗑️"]
VARY = ["V1", "V2", "V3", "V4"]


def labels(view: View) -> list[list[str]]:
    return [[button.label for button in row] for row in view.buttons]


def payloads(view: View) -> list[str]:
    return [button.payload for row in view.buttons for button in row]


@pytest.fixture(autouse=True)
def released(shared_room: Room) -> Iterator[None]:
    yield
    shared_room.release()


@pytest.fixture
def lossy(shared_room: Room) -> Iterator[Room]:
    """The room, as if its platform compressed what it shows."""
    lossless = shared_room.platform.capabilities
    shared_room.platform.capabilities = LOSSY
    yield shared_room
    shared_room.platform.capabilities = lossless


async def test_a_job_that_waits_or_runs_can_be_cancelled_and_one_that_waits_says_why(shared_room: Room) -> None:
    runs = await shared_room.running("/imagine a cat")
    waits = await shared_room.accept("/imagine a dog")

    views = [shared_room.view_of(job_id) for job_id in (runs, waits)]

    assert [labels(view) for view in views] == [[["Cancel"]], [["Cancel", "Why?"]]]
    assert [payloads(view) for view in views] == [[f"cancel:{runs}"], [f"cancel:{waits}", f"why:{waits}"]]
    for job_id in (waits, runs):
        await shared_room.press(f"cancel:{job_id}")
        await shared_room.end(job_id)


async def test_a_picture_can_be_varied_remade_enlarged_explained_marked_and_deleted(shared_room: Room) -> None:
    view = await shared_room.say("/imagine a cat")

    assert labels(view) == [["V1"], REMAKE, KEEP_ONE]


async def test_of_several_pictures_each_can_be_had_by_itself(shared_room: Room) -> None:
    view = await shared_room.say("/imagine cats --count 4")

    assert labels(view) == [["U1", "U2", "U3", "U4"], VARY, REMAKE, KEEP]


async def test_where_pictures_are_compressed_the_file_of_a_single_one_can_be_had_too(lossy: Room) -> None:
    one, four = await lossy.say("/imagine a cat"), await lossy.say("/imagine cats --count 4")

    assert labels(one) == [["U1"], ["V1"], REMAKE, KEEP_ONE]
    assert labels(four) == [["U1", "U2", "U3", "U4"], VARY, REMAKE, KEEP]


async def test_a_picture_shown_by_itself_has_its_own_buttons(lossy: Room) -> None:
    job_id = await lossy.made("/imagine cats --count 4")

    view = await lossy.press_for_view(f"original:{job_id}:1")

    assert labels(view) == [["V2"], REMAKE, KEEP_ONE]
    assert {payload.rpartition(":")[2] for payload in payloads(view)} == {"1"}


async def test_what_failed_or_was_cancelled_can_be_asked_for_again(shared_room: Room) -> None:
    (shared_room.switches / "error").touch()
    failed = await shared_room.say("/imagine a bad omen")
    (shared_room.switches / "error").unlink()
    job_id = await shared_room.running("/imagine a mistake")
    await shared_room.press(f"cancel:{job_id}")
    cancelled = await shared_room.end(job_id)

    assert [labels(view) for view in (failed, cancelled)] == [[REMAKE, ["ℹ️", "🗑️"]]] * 2


async def test_a_job_that_is_shown_once_more_has_the_same_buttons(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a memory")

    assert payloads(await shared_room.say(f"/show {job_id}")) == payloads(shared_room.view_of(job_id))


async def test_the_very_file_is_handed_over(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine two cats --count 2")
    whole = await shared_room.end(job_id)

    view = await shared_room.press_for_view(f"original:{job_id}:1")

    assert view.as_files
    assert view.pictures == whole.pictures[1:]
    assert view.text.startswith(f"Picture 2 of job {job_id}, seed ")


async def test_a_picture_that_is_not_there_is_told_so(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine two cats --count 2")
    cancelled = await shared_room.running("/imagine two mistakes --count 2")
    await shared_room.press(f"cancel:{cancelled}")
    await shared_room.end(cancelled)

    beyond = [await shared_room.press_for_view(f"{action}:{job_id}:7") for action in ("original", "vary", "upscale")]
    given_up = [await shared_room.press_for_view(f"{action}:{cancelled}:0") for action in ("original", "vary")]

    assert {view.text for view in beyond} == {f"Job {job_id} has no picture 8."}
    assert {view.text for view in given_up} == {f"Job {cancelled} has no pictures: it was cancelled."}
    assert {view.tone for view in (*beyond, *given_up)} == {Tone.REFUSED}


async def test_info_tells_how_a_picture_was_made_and_only_who_asks(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat --seed 7 --count 2 --no dogs")

    view = await shared_room.press_for_view(f"info:{job_id}", OTHER)

    words = ("a cat", "flat · seed 7 · 4 steps · cfg 3 · 64x64 · 2 pictures · no dogs", "Seeds: 7, 8", "Made with ")
    assert all(word in view.text for word in words), view.text
    assert view.is_private


async def test_info_tells_why_a_job_failed(shared_room: Room) -> None:
    (shared_room.switches / "error").touch()
    job_id = await shared_room.made("/imagine a bad omen")
    (shared_room.switches / "error").unlink()

    view = await shared_room.press_for_view(f"info:{job_id}")

    assert "The model failed on this request." in view.text


async def test_a_star_makes_a_job_a_favourite_and_takes_it_back(shared_room: Room) -> None:
    mine, theirs = await shared_room.made("/imagine a plain cat"), await shared_room.made("/imagine a fine cat", OTHER)

    first = await shared_room.press_for_view(f"star:{theirs}")
    listed = await shared_room.say("/history --favourites")
    found = await shared_room.say("/history plain --favourites")
    second = await shared_room.press_for_view(f"star:{theirs}")
    nothing = await shared_room.say("/history --favourites")

    assert mine != theirs
    assert first.text == f"Job {theirs} is now among your favourites: /history --favourites lists them."
    assert [line.split()[0] for line in listed.text.splitlines()] == [str(theirs)]
    assert found.text == "None of your favourites matches “plain”."
    assert second.text == f"Job {theirs} is no favourite of yours any more."
    assert nothing.text == "You have no favourites: ⭐ under a picture makes it one."
    assert all(view.is_private for view in (first, second, listed))


@pytest.mark.parametrize("is_running", [False, True])
async def test_only_the_owner_or_an_admin_cancels(shared_room: Room, *, is_running: bool) -> None:
    first = await shared_room.running("/imagine the one that runs")
    second, third = [await shared_room.accept(f"/imagine {word} --steps {len(word)}") for word in ("to", "three")]
    mine, admins = (first, second) if is_running else (second, third)

    refused = await shared_room.press_for_view(f"cancel:{mine}", OTHER)
    allowed = await shared_room.press_for_view(f"cancel:{mine}")
    by_admin = await shared_room.press_for_view(f"cancel:{admins}", ADMIN)
    ends = [await shared_room.end(job_id) for job_id in (mine, admins)]

    assert refused.text == f"Job {mine} is somebody else's: only they or an admin may do that."
    assert (allowed.tone, by_admin.tone) == (Tone.GOOD, Tone.GOOD)
    assert [end.text.partition("\n")[0] for end in ends] == [f"Job {mine} cancelled.", f"Job {admins} cancelled."]
    shared_room.release()
    for job_id in {first, second, third} - {mine, admins}:
        await shared_room.end(job_id)


@pytest.mark.asyncio(loop_scope="function")
async def test_a_job_that_waits_is_cancelled_after_a_restart_too(room: Room) -> None:
    async with room:
        await room.say("/admin pause", ADMIN)
        job_id = await room.accept("/imagine a cat")
        payload = payloads(room.view_of(job_id))[0]

    async with Room(room.settings, RecordedPlatform()) as room_then:
        answer = await room_then.press_for_view(payload)
        end = await room_then.end(job_id)

    assert answer.text == f"Job {job_id} will not be made."
    assert end.text.startswith(f"Job {job_id} cancelled.")


async def test_what_is_over_cannot_be_cancelled(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat")

    assert (await shared_room.press_for_view(f"cancel:{job_id}")).text == f"Job {job_id} is over already."


@pytest.mark.parametrize(
    "action", ["vary", "again", "same", "edit", "upscale", "info", "star", "original", "delete", "why"]
)
async def test_jobs_of_another_place_are_as_if_they_were_not_there(shared_room: Room, action: str) -> None:
    job_id = await shared_room.made("/imagine a secret", OTHER, ELSEWHERE)

    answer = await shared_room.press_for_view(f"{action}:{job_id}")

    assert answer.text == f"There is no job {job_id} here; /history lists yours."
    assert answer.tone is Tone.REFUSED


async def test_a_blocked_member_cannot_press_either(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat")
    await shared_room.say(f"/admin block {SOMEBODY.key}", ADMIN)

    answers = [await shared_room.press(f"{action}:{job_id}") for action in ("again", "edit", "delete", "info")]
    filled_in = await shared_room.press(f"edit:{job_id}", text="a dog")

    await shared_room.say(f"/admin unblock {SOMEBODY.key}", ADMIN)
    assert {answer.text for answer in (*answers, filled_in) if isinstance(answer, View)} == {
        "An admin has blocked you here."
    }
    assert not (await shared_room.job(job_id)).is_deleted


async def test_a_button_of_a_later_version_is_told_so(shared_room: Room) -> None:
    answer = await shared_room.press_for_view("animate:1:0")

    assert (answer.text, answer.tone) == ("This button is not known any more.", Tone.REFUSED)


@pytest.mark.parametrize(
    "payload",
    ["", "again", "again:", ":1", "again:1:", "again:1:10", "again:-1", "again:1 ", "AGAIN:1", f"again:{'1' * 19}"],
)
async def test_a_payload_that_is_none_of_ours_is_told_so(payload: str) -> None:
    with pytest.raises(CommandError, match=r"This button is not known any more\."):
        Button.from_payload(payload)


async def test_each_payload_comes_back_and_fits_the_smallest_of_the_platforms(shared_room: Room) -> None:
    view = await shared_room.say("/imagine cats --count 4")
    largest = Button(action="a" * 16, number=10**18 - 1, index=9)

    buttons = [*(button for row in view.buttons for button in row), largest]

    assert [Button.from_payload(button.payload) for button in buttons] == buttons
    assert all(len(button.payload.encode()) <= 64 for button in buttons)
    assert all(len(row) <= 5 for row in view.buttons)
    assert len(set(payloads(view))) == len(payloads(view))
