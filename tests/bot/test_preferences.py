"""Do members get what they want without saying it, unless they say something else?"""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat import Tone
from generation import ImagineRequest
from tests.bot.chatroom import ADMIN, SOMEBODY, RecordedPlatform, Room, settings
from tests.bot.test_buttons import OTHER

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTHING = "You have set nothing: this place and the model decide. /help settings tells more."


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def as_it_was(shared_room: Room) -> None:
    await shared_room.say("/settings --reset")
    for line in ("/admin model flat", "/admin models all"):
        await shared_room.say(line, ADMIN)


async def asked(room: Room, line: str) -> ImagineRequest:
    return await room.request(await room.made(line))


async def test_whoever_has_set_nothing_is_told_so(shared_room: Room) -> None:
    view = await shared_room.say("/settings")

    assert (view.text, view.is_private) == (NOTHING, True)


async def test_each_flag_is_kept_listed_and_used(shared_room: Room) -> None:
    view = await shared_room.say("/settings --model flatter --ar 2:1 --count 3 --style photo --spoiler yes")
    again = await shared_room.say("/settings")

    job_id = await shared_room.made("/imagine a cat")

    listed = "--model flatter, --ar 2:1, --count 3, --style photo, --spoiler yes"
    assert view.text == again.text == f"Your own defaults: {listed}. /settings --reset forgets them."
    request = await shared_room.request(job_id)
    assert (request.model, request.width, request.images) == ("flatter", 2 * request.height, 3)
    assert request.prompt.startswith("a cat, ")
    assert (await shared_room.job(job_id)).is_spoiler


async def test_what_is_not_given_stays_and_reset_forgets_the_rest(shared_room: Room) -> None:
    await shared_room.say("/settings --model flatter --count 3")

    more = await shared_room.say("/settings --count 2")
    anew = await shared_room.say("/settings --reset --ar 2:1")
    nothing = await shared_room.say("/settings --reset")

    assert more.text.startswith("Your own defaults: --model flatter, --count 2.")
    assert anew.text.startswith("Your own defaults: --ar 2:1.")
    assert nothing.text == NOTHING


async def test_what_is_typed_goes_before_ones_own_before_the_places_before_the_models(shared_room: Room) -> None:
    of_model = await asked(shared_room, "/imagine a cat")
    await shared_room.say("/admin model flatter", ADMIN)
    of_place = await asked(shared_room, "/imagine a cat")
    await shared_room.say("/settings --model flat --count 3 --ar 2:1")
    own = await asked(shared_room, "/imagine a cat")
    typed = await asked(shared_room, "/imagine a cat --model flatter --count 2 --ar 1:2")

    models = [request.model for request in (of_model, of_place, own, typed)]
    assert models == ["flat", "flatter", "flat", "flatter"]
    assert [request.images for request in (of_model, own, typed)] == [1, 3, 2]
    shapes = [request.width / request.height for request in (of_model, own, typed)]
    assert shapes == [1, 2, 0.5]


async def test_a_size_that_is_typed_goes_before_ones_own_ratio(shared_room: Room) -> None:
    await shared_room.say("/settings --ar 2:1")

    request = await asked(shared_room, "/imagine a cat --size 64x96")

    assert (request.width, request.height) == (64, 96)


@pytest.mark.parametrize("none", ["none", "None"])
async def test_ones_own_style_can_be_left_out_once_and_given_up(shared_room: Room, none: str) -> None:
    await shared_room.say("/settings --style PHOTO")

    styled, plain = (
        await asked(shared_room, "/imagine a cat"),
        await asked(shared_room, f"/imagine a cat --style {none}"),
    )
    other = await asked(shared_room, "/imagine a cat --style ink")
    given_up = await shared_room.say(f"/settings --style {none}")

    assert "photograph" in styled.prompt
    assert plain.prompt == "a cat"
    assert "ink drawing" in other.prompt
    assert given_up.text == NOTHING


async def test_a_picture_can_be_hidden_always_or_once(shared_room: Room) -> None:
    once = await shared_room.made("/imagine a cat --spoiler")
    await shared_room.say("/settings --spoiler yes")
    always = await shared_room.made("/imagine a cat")
    await shared_room.say("/settings --spoiler no")
    never = await shared_room.made("/imagine a cat")

    assert [(await shared_room.job(job_id)).is_spoiler for job_id in (once, always, never)] == [True, True, False]


async def test_names_may_be_typed_in_any_case(shared_room: Room) -> None:
    await shared_room.say("/settings --model FLATTER")

    assert (await asked(shared_room, "/imagine a cat")).model == "flatter"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/settings --model nosuch", ["'nosuch'", "flat"]),
        ("/settings --model sdxl", ["sdxl needs a GPU", "flat"]),
        ("/settings --count 0", ["--count 0", "1", "4"]),
        ("/settings --count 9", ["--count 9", "1", "4"]),
        ("/settings --count many", ['--count "many"', "whole number"]),
        ("/settings --ar wide", ['--ar "wide"', "W:H"]),
        ("/settings --ar 99:1", ["--ar 99:1", "4:1"]),
        ("/settings --style nosuch", ["'nosuch'", "photo"]),
        ("/settings --spoiler perhaps", ['--spoiler "perhaps"', "yes", "no"]),
        ("/settings --reset now", ['takes no text, but got "now"']),
        ("/settings --reset=yes", ["--reset takes no value"]),
        ("/settings flat", ["takes no text", '"flat"', "--model"]),
    ],
)
async def test_what_is_not_possible_is_refused_and_changes_nothing(
    shared_room: Room, line: str, words: list[str]
) -> None:
    before = await shared_room.say("/settings --count 2 --model flat")

    refused = await shared_room.say(line)

    assert refused.tone is Tone.REFUSED
    assert all(word in refused.text for word in words), refused.text
    assert await shared_room.say("/settings") == before


async def test_ones_own_model_counts_only_where_it_is_allowed(shared_room: Room) -> None:
    await shared_room.say("/settings --model flatter")
    await shared_room.say("/admin models flat", ADMIN)

    assert (await asked(shared_room, "/imagine a cat")).model == "flat"


async def test_nobody_gets_what_another_has_set(shared_room: Room) -> None:
    await shared_room.say("/settings --model flatter --count 3")

    job_id = await shared_room.made("/imagine a cat", OTHER)

    assert (await shared_room.say("/settings", OTHER)).text == NOTHING
    request = await shared_room.request(job_id)
    assert (request.model, request.images) == ("flat", 1)


@pytest.mark.asyncio(loop_scope="function")
async def test_what_was_set_outlives_a_restart_and_a_model_that_is_gone_counts_as_none(tmp_path: Path) -> None:
    async with Room(settings(tmp_path)) as room:
        await room.say("/settings --model flatter --ar 2:1 --count 2", SOMEBODY)
    async with Room(room.settings, RecordedPlatform()) as room_then:
        kept = await room_then.say("/settings")
    models = room.settings.generation.models_file
    assert models is not None
    models.write_text(models.read_text().replace('["flatter"]', '["flattest"]'))

    async with Room(room.settings, RecordedPlatform()) as room_then:
        request = await asked(room_then, "/imagine a cat")
        other = await room_then.say("/settings --count 3")

    assert kept.text.startswith("Your own defaults: --model flatter, --ar 2:1, --count 2.")
    assert (request.model, request.images, request.width) == ("flat", 2, 2 * request.height)
    assert other.text.startswith("Your own defaults: --ar 2:1, --count 3.")
