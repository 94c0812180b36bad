"""Are hidden pictures hidden wherever they are shown, and is one's newest picture found from anywhere?"""

from __future__ import annotations

import pytest

from bot.chat import Member, Place, Tone, View
from tests.bot.chatroom import Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE = Place(platform="recorded", channel="elsewhere")


def person(name: str) -> Member:
    return Member(platform="recorded", id=name, name=name)


async def test_all_that_shows_a_hidden_picture_hides_it_previews_too(shared_room: Room) -> None:
    shared_room.hold()
    job_id = await shared_room.accept("/imagine a secret --spoiler")
    preview = await shared_room.platform.until(lambda view: bool(view.progress and view.progress.preview))
    shared_room.release()
    end = await shared_room.end(job_id)

    shown = await shared_room.say(f"/show {job_id}")
    last = await shared_room.say("/last")
    single = await shared_room.press_for_view(f"original:{job_id}:0")
    rerun = await shared_room.say(f"/rerun {job_id}")

    views = (preview, end, shown, last, single, rerun)
    assert [view.is_spoiler for view in views] == [True] * 6
    own = shared_room.platform.messages[shared_room.message_of(job_id)]
    assert {view.is_spoiler for view in own} == {True}


async def test_an_open_picture_is_not_hidden(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat")

    own = shared_room.platform.messages[shared_room.message_of(job_id)]
    assert {view.is_spoiler for view in own} == {False}


async def test_the_newest_result_is_found_from_anywhere(shared_room: Room) -> None:
    ann = person("ann")
    older = await shared_room.made("/imagine a cat", ann)
    newest = await shared_room.made("/imagine a dog", ann, ELSEWHERE)
    end = await shared_room.end(newest)

    assert older < newest
    assert await shared_room.say("/last", ann) == end


async def test_what_gave_no_picture_is_not_the_newest_result(shared_room: Room) -> None:
    ben = person("ben")
    done = await shared_room.made("/imagine a cat", ben)
    running = await shared_room.running("/imagine a slow dog", ben)
    while_running = await shared_room.say("/last", ben)
    await shared_room.press(f"cancel:{running}", ben)
    await shared_room.end(running)
    shared_room.release()

    then = await shared_room.say("/last", ben)

    assert while_running.text.startswith(f"Job {done} done")
    assert then == while_running


async def test_whoever_made_nothing_is_told_so(shared_room: Room) -> None:
    view = await shared_room.say("/last", person("cleo"))

    assert view == View(
        text="You have no pictures yet; /queue shows what is under way.", is_private=True, tone=Tone.REFUSED
    )


async def test_where_messages_cannot_be_edited_for_long_the_way_out_is_told(shared_room: Room) -> None:
    shared_room.hold()
    running = await shared_room.accept("/imagine a cat")
    answer = await shared_room.type("/imagine a dog", reach_s=0.001)
    soon = await shared_room.type("/imagine a bird", reach_s=900.0)
    assert not isinstance(answer, View)
    assert not isinstance(soon, View)

    first = shared_room.platform.messages[shared_room.message_of(answer.job_id)][0]
    second = shared_room.platform.messages[shared_room.message_of(soon.job_id)][0]

    shared_room.release()
    for job_id in (running, answer.job_id, soon.job_id):
        await shared_room.end(job_id)
    assert "/last" in first.text
    assert "/last" not in second.text
