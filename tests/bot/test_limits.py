"""Is what is over a limit refused, whichever way it is asked for, and is it said when more is possible?"""

from __future__ import annotations

import asyncio
import re
import sqlite3

import pytest

from bot.chat import Accepted, Answer, CommandError, Tone, View
from bot.limits import Limits
from generation import ImagineRequest
from storage import Usage
from tests.bot.chatroom import ADMIN, Room
from tests.bot.people import limited, member

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86400
MIDNIGHT_S = 1000 * DAY_S
NOTHING = Usage(pending=0, images=0)
LEFT = r"until midnight UTC, in (\d+ h )?\d+ min"


def request(width: int = 64, height: int = 64, steps: int = 4, images: int = 1, model: str = "flat") -> ImagineRequest:
    return ImagineRequest(
        model=model,
        prompt="a cat",
        negative_prompt="",
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=3.0,
        seed=1,
        images=images,
    )


def refusal(limits: Limits, asked: ImagineRequest, usage: Usage = NOTHING, now_s: float = MIDNIGHT_S) -> str:
    with pytest.raises(CommandError) as caught:
        limits.check(asked, usage, now_s)
    return str(caught.value)


def is_accepted(answer: Answer) -> bool:
    return isinstance(answer, Accepted)


async def test_a_refusal_says_what_was_asked_for_what_is_left_and_when_the_day_ends() -> None:
    morning_s = MIDNIGHT_S + 18 * 3600 + 48 * 60

    some = refusal(Limits(day=20), request(images=4), Usage(pending=0, images=19), morning_s)
    none = refusal(Limits(day=1), request(), Usage(pending=0, images=1), morning_s)
    over = refusal(Limits(day=2), request(), Usage(pending=0, images=9), MIDNIGHT_S + DAY_S - 0.5)
    never = refusal(Limits(day=0), request())

    assert some == (
        "You may ask for 20 pictures a day here and have asked for 19: 1 is left until midnight UTC, in 5 h 12 min, "
        "and this asks for 4."
    )
    assert "1 picture a day here and have asked for 1: none is left until midnight UTC, in 5 h 12 min" in none
    assert "none is left until midnight UTC, in 1 min" in over
    assert never == "You may not ask for pictures here, until an admin changes that."


async def test_a_size_limits_the_longer_side_and_the_pixels_in_all_however_the_picture_lies() -> None:
    limits = Limits(size=(1024, 768))

    for width, height in ((1024, 768), (768, 1024), (880, 880)):
        limits.check(request(width, height), NOTHING, MIDNIGHT_S)

    assert refusal(limits, request(1088, 512)) == (
        "You may ask for pictures with sides of at most 1024 and at most 786,432 pixels in all here by --size, "
        "not 1088x512, until an admin changes that."
    )
    assert "not 896x896" in refusal(limits, request(896, 896))


async def test_jobs_under_way_that_are_too_many_already_must_all_end_first() -> None:
    assert "and have 5: ask again when 3 of them are done." in refusal(
        Limits(pending=3), request(), Usage(pending=5, images=5)
    )
    assert refusal(Limits(pending=1), request(), Usage(pending=1, images=1)) == (
        "You may have 1 job waiting or running here and have 1: ask again when it is done."
    )


@pytest.mark.parametrize(
    ("limit", "flags", "words"),
    [
        ("--size 64x64", "--size 96x32", ["sides of at most 64", "4,096 pixels", "not 96x32"]),
        ("--steps 3", "", ["at most 3 steps", "not 4"]),
        ("--models flatter", "--model flat", ["only flatter here by --model", "not flat,"]),
        ("1", "--count 2", ["1 picture a day", "asked for 0", "1 is left", "this asks for 2"]),
    ],
)
async def test_what_is_over_a_limit_is_refused_in_one_sentence(
    shared_room: Room, limit: str, flags: str, words: list[str]
) -> None:
    whoever = member(f"over {limit}".replace(" ", "-"))
    await limited(shared_room, f"{whoever.key} {limit}")

    answer = await shared_room.say(f"/imagine a cat {flags}", whoever)

    assert answer.tone is Tone.REFUSED
    assert answer.is_private
    assert "\n" not in answer.text
    assert all(word in answer.text for word in words), answer.text


async def test_what_is_within_the_limits_is_made(shared_room: Room) -> None:
    ann = member("within")
    await limited(shared_room, f"{ann.key} 2 --pending 1 --size 64x64 --steps 4 --models flat")

    ends = [await shared_room.say(f"/imagine a cat --ar 1:1 --seed {seed}", ann) for seed in (1, 2)]
    third = await shared_room.say("/imagine a cat", ann)

    assert [view.tone for view in ends] == [Tone.GOOD, Tone.GOOD]
    assert re.fullmatch(
        rf"You may ask for 2 pictures a day here and have asked for 2: none is left {LEFT}, and this asks for 1\.",
        third.text,
    )


async def test_reruns_buttons_and_edits_meet_the_same_limits(shared_room: Room) -> None:
    ann = member("buttons")
    job_id = await shared_room.made("/imagine a cat", ann)
    await limited(shared_room, f"{ann.key} 1")

    typed = await shared_room.say(f"/rerun {job_id}", ann)
    payloads = (f"again:{job_id}", f"upscale:{job_id}", f"vary:{job_id}:0")
    pressed = [await shared_room.press_for_view(payload, ann) for payload in payloads]
    edited = await shared_room.press(f"same:{job_id}", ann, text="a dog --seed 1")

    views = [typed, *pressed, edited]
    assert all(isinstance(view, View) and "1 picture a day" in view.text for view in views), views


async def test_of_ten_commands_at_once_as_many_are_accepted_as_the_limit_has_room_for(shared_room: Room) -> None:
    ann = member("burst")
    await limited(shared_room, f"{ann.key} 9 --pending 3")
    await shared_room.say("/admin pause", ADMIN)

    answers = await asyncio.gather(*(shared_room.type(f"/imagine cat {number}", ann) for number in range(10)))

    accepted = [answer for answer in answers if isinstance(answer, Accepted)]
    refused = {answer.text for answer in answers if isinstance(answer, View)}
    await shared_room.say("/admin resume", ADMIN)
    for job in accepted:
        await shared_room.end(job.job_id)
    assert len(accepted) == 3
    assert refused == {"You may have 3 jobs waiting or running here and have 3: ask again when one of them is done."}
    assert is_accepted(await shared_room.type("/imagine one more", ann))


async def test_of_many_pictures_at_once_as_many_are_accepted_as_the_day_has_room_for(shared_room: Room) -> None:
    ann = member("daily-burst")
    await limited(shared_room, f"{ann.key} 5")

    answers = await asyncio.gather(*(shared_room.type("/imagine cats --count 2", ann) for _ in range(6)))

    assert sum(map(is_accepted, answers)) == 2


async def test_the_repeat_of_an_event_is_not_refused_by_a_limit_that_it_has_reached_itself(shared_room: Room) -> None:
    ann = member("repeat")
    await limited(shared_room, f"{ann.key} 1 --pending 1")
    job_id = await shared_room.made("/imagine a cat", ann)
    first = await shared_room.accept("/imagine another", member("repeat-2"), key="an event")
    await limited(shared_room, "recorded:repeat-2 0 --size 32x32 --steps 1 --models flatter")

    again = await shared_room.accept("/imagine another", member("repeat-2"), key="an event")

    assert again == first != job_id


async def test_a_job_that_was_cancelled_or_failed_costs_nothing_of_the_day(shared_room: Room) -> None:
    ann = member("unlucky")
    await limited(shared_room, f"{ann.key} 1")
    (shared_room.switches / "error").touch()
    failed = await shared_room.say("/imagine a cat", ann)
    (shared_room.switches / "error").unlink()
    await shared_room.say("/admin pause", ADMIN)
    job_id = await shared_room.accept("/imagine a cat", ann)
    await shared_room.say(f"/cancel {job_id}", ann)
    await shared_room.end(job_id)
    await shared_room.say("/admin resume", ADMIN)

    third = await shared_room.say("/imagine a cat", ann)

    assert (failed.tone, third.tone) == (Tone.FAILED, Tone.GOOD)


async def test_a_deleted_job_still_counts(shared_room: Room) -> None:
    ann = member("tidy")
    await limited(shared_room, f"{ann.key} 1")
    job_id = await shared_room.made("/imagine a cat", ann)
    await shared_room.press_for_view(f"delete:{job_id}", ann)

    assert "none is left" in (await shared_room.say("/imagine a cat", ann)).text


@pytest.mark.asyncio(loop_scope="function")
async def test_limits_and_what_was_used_outlive_a_restart_and_a_new_day_begins_anew(room: Room) -> None:
    ann = member("ann")
    async with room:
        await limited(room, f"{ann.key} 1 --size 64x32")
        await room.say("/imagine a cat --size 64x32", ann)

    async with Room(room.settings) as room_then:
        today = await room_then.say("/imagine a cat --size 64x32", ann)
        told = await limited(room_then, ann.key)
    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:  # as if it had been yesterday
        database.execute("UPDATE job SET created_ms = created_ms - ?", (1000 * DAY_S,))
    async with Room(room.settings) as room_tomorrow:
        tomorrow = await room_tomorrow.say("/imagine a cat --size 64x32", ann)

    assert "none is left" in today.text
    assert told.text.endswith("1 picture a day; pictures with sides of at most 64 and at most 2,048 pixels in all.")
    assert tomorrow.tone is Tone.GOOD


@pytest.mark.asyncio(loop_scope="function")
async def test_linked_accounts_have_one_quota_and_linking_gets_around_no_limit(room: Room) -> None:
    phone, desk = member("phone"), member("desk")
    async with room:
        await limited(room, f"{phone.key} 2")
        shown = await room.type("/link", desk, is_alone=True)
        assert isinstance(shown, View)
        code = re.search(r"/link (\w+)", shown.text)
        assert code is not None
        await room.type(f"/link {code[1]}", phone, is_alone=True)

        ends = [await room.say("/imagine a cat", whoever) for whoever in (phone, desk, phone, desk)]
        told = await limited(room, desk.key)
        await limited(room, f"{desk.key} none")
        lifted = await room.say("/imagine a cat", phone)

    assert [view.tone for view in ends] == [Tone.GOOD, Tone.GOOD, Tone.REFUSED, Tone.REFUSED]
    assert told.text == f"Limits for {desk.key}: 2 pictures a day."
    assert lifted.tone is Tone.GOOD
