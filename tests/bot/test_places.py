"""Does each place use and allow the models that its admins chose, and adult ones only where they belong?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat import Place, Tone
from bot.places import NONE_USABLE
from tests.bot.chatroom import ADMIN, SOMEBODY, STUDIO, RecordedPlatform, Room, settings
from tests.fake_models import entry

pytestmark = pytest.mark.asyncio(loop_scope="module")

GALLERY = Place(platform="recorded", channel="gallery")
THREAD = Place(platform="recorded", channel="studio", thread="7")
FOR_ADULTS = "bare"


def with_adult_model(room: Room) -> Room:
    """Add a model for adults to a room that is not open yet."""
    models = room.settings.generation.models_file
    assert models is not None
    models.write_text(models.read_text() + entry(FOR_ADULTS, room.switches, adult=True))
    return room


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """A room with a model for adults."""
    async with with_adult_model(Room(settings(tmp_path_factory.mktemp("room")))) as room:
        yield room


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def as_it_was(here: Room) -> AsyncIterator[None]:
    yield
    for line in ("/admin models all", "/admin model flat", "/admin adult no", "/admin resume"):
        await here.say(line, ADMIN)


async def test_only_the_models_that_an_admin_allows_may_be_used_there(here: Room) -> None:
    answer = await here.say("/admin models flat, DEMO", ADMIN)

    refused = await here.say("/imagine a cat --model flatter")
    listed = await here.say("/models")
    elsewhere = await here.say("/imagine a cat --model flatter", place=GALLERY)

    assert answer.text == "Models that may be used here: demo, flat. The default is flat."
    assert refused.tone is Tone.REFUSED
    assert refused.text == "flatter may not be used here. Allowed here: demo, flat."
    assert [line.split()[0].rstrip(":") for line in listed.text.splitlines()] == ["demo", "flat"]
    assert elsewhere.tone is Tone.GOOD


async def test_threads_share_what_their_channel_allows(here: Room) -> None:
    await here.say("/admin models flatter", ADMIN, THREAD)

    refused = await here.say("/imagine a cat --model flat", place=STUDIO)

    assert refused.text == "flat may not be used here. Allowed here: flatter."


async def test_a_default_that_is_not_allowed_any_more_is_none(here: Room) -> None:
    await here.say("/admin model flatter", ADMIN)
    await here.say("/admin models flat demo", ADMIN)
    instead = await here.say("/imagine a cat")

    await here.say("/admin models all", ADMIN)
    again = await here.say("/imagine a cat")

    assert "\nflat · " in instead.text
    assert "\nflatter · " in again.text


async def test_where_the_usual_default_is_not_allowed_the_first_that_is_takes_its_place(here: Room) -> None:
    await here.say("/admin models flatter", ADMIN)

    assert "\nflatter · " in (await here.say("/imagine a cat")).text
    assert (await here.say("/admin model", ADMIN)).text == "The default model here is flatter."


async def test_a_model_that_is_not_allowed_cannot_become_the_default(here: Room) -> None:
    await here.say("/admin models flatter", ADMIN)

    refused = await here.say("/admin model flat", ADMIN)

    assert refused.text == "flat may not be used here. Allowed here: flatter."


async def test_no_button_gets_around_what_is_allowed(here: Room) -> None:
    job_id = await here.made("/imagine a cat")
    form = await here.press(f"same:{job_id}")
    await here.say("/admin models flatter", ADMIN)

    pressed = [await here.press_for_view(f"{action}:{job_id}") for action in ("again", "vary", "upscale")]
    typed = [await here.say(f"/rerun {job_id}"), await here.press_for_view(f"same:{job_id}", text=form.text)]

    assert {answer.text for answer in (*pressed, *typed)} == {"flat may not be used here. Allowed here: flatter."}


async def test_a_job_that_was_accepted_before_keeps_its_model(here: Room) -> None:
    await here.say("/admin pause", ADMIN)
    job_id = await here.accept("/imagine a cat")
    await here.say("/admin models flatter", ADMIN)

    await here.say("/admin resume", ADMIN)

    assert "\nflat · " in (await here.end(job_id)).text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/admin models flat nosuch", ["'nosuch'", "flat", "demo"]),
        ("/admin models ,", ['"," names no models', "or all"]),
        ("/admin models all flat", ["names no models"]),
        ("/admin models flat sdxl", ["sdxl needs a GPU"]),
        ("/admin adult maybe", ['"maybe" is neither yes nor no']),
    ],
)
async def test_bad_choices_are_refused_and_change_nothing(here: Room, line: str, words: list[str]) -> None:
    await here.say("/admin models flat", ADMIN)

    refused = await here.say(line, ADMIN)

    assert refused.tone is Tone.REFUSED
    assert all(word in refused.text for word in words), refused.text
    assert (await here.say("/admin models", ADMIN)).text.startswith("Models that may be used here: flat. ")


async def test_adult_models_need_an_admins_word_where_the_platform_knows_no_mark(here: Room) -> None:
    refused = await here.say(f"/imagine a nude --model {FOR_ADULTS}")
    told = await here.say("/admin adult yes", ADMIN)
    allowed = await here.say(f"/imagine a nude --model {FOR_ADULTS}")
    elsewhere = await here.say(f"/imagine a nude --model {FOR_ADULTS}", place=GALLERY)

    assert refused.text == "bare is for adults only: an admin can allow such models here by /admin adult yes."
    assert told.text == "Adult content is allowed here."
    assert allowed.tone is Tone.GOOD
    assert elsewhere.text == refused.text


@pytest.mark.parametrize("is_restricted", [True, False])
async def test_where_the_platform_knows_its_mark_decides_alone(here: Room, *, is_restricted: bool) -> None:
    await here.say("/admin adult yes", ADMIN)

    answer = await here.type(f"/imagine a nude --model {FOR_ADULTS}", is_age_restricted=is_restricted)
    change = await here.type("/admin adult no", ADMIN, is_age_restricted=is_restricted)
    told = await here.type("/admin adult", ADMIN, is_age_restricted=is_restricted)

    if is_restricted:
        assert (await here.end(answer.job_id)).tone is Tone.GOOD
    else:
        assert answer.text == "bare is for adults only: use it in a channel that is marked as age-restricted."
    assert change.text == "Here the channel's own age restriction decides: change it in the channel's settings."
    assert told.text == f"Adult content is {'allowed' if is_restricted else 'not allowed'} here."


async def test_no_button_brings_adult_pictures_where_they_do_not_belong(here: Room) -> None:
    await here.say("/admin adult yes", ADMIN)
    job_id = await here.made(f"/imagine a nude --model {FOR_ADULTS}")
    await here.say("/admin adult no", ADMIN)

    answers = [await here.press_for_view(f"{action}:{job_id}") for action in ("again", "vary", "upscale")]
    rerun = await here.say(f"/rerun {job_id}")

    assert {answer.text.partition(":")[0] for answer in (*answers, rerun)} == {"bare is for adults only"}


async def test_adult_pictures_are_not_shown_where_they_do_not_belong(here: Room) -> None:
    await here.say("/admin adult yes", ADMIN, GALLERY)
    job_id = await here.made(f"/imagine a nude --model {FOR_ADULTS}", place=GALLERY)

    lines = (f"/show {job_id}", "/last", f"/imagine a cat --model flat --strength 0.3 --image {job_id}")
    elsewhere = [await here.say(line) for line in lines]
    pressed = await here.press_for_view(f"original:{job_id}:0")
    there = [await here.say(line, place=GALLERY) for line in lines]

    await here.say("/admin adult no", ADMIN, GALLERY)
    assert {view.text for view in (*elsewhere, pressed)} == {
        "What bare has made is for adults only: an admin can allow such models here by /admin adult yes."
    }
    assert not [view for view in (*elsewhere, pressed) if view.pictures]
    assert {view.tone for view in there} == {Tone.GOOD}


async def test_an_adult_model_is_no_default_where_it_may_not_be_used(here: Room) -> None:
    refused = await here.say(f"/admin model {FOR_ADULTS}", ADMIN)
    await here.say("/admin adult yes", ADMIN)
    await here.say(f"/admin model {FOR_ADULTS}", ADMIN)
    while_allowed = await here.say("/imagine a cat")
    await here.say("/admin adult no", ADMIN)
    then = await here.say("/imagine a cat")

    assert refused.text.startswith("bare is for adults only")
    assert "\nbare · " in while_allowed.text
    assert "\nflat · " in then.text


async def test_where_no_model_may_be_used_it_is_said_who_can_change_that(here: Room) -> None:
    refused = await here.say(f"/admin models {FOR_ADULTS}", ADMIN)
    for line in ("/admin adult yes", f"/admin models {FOR_ADULTS}", "/admin adult no"):
        await here.say(line, ADMIN)

    lines = ("/imagine a cat", "/models", "/imagine a cat --model flat", "/admin models")
    answers = [await here.say(line, ADMIN) for line in lines]

    assert refused.text.startswith("bare is for adults only: ")
    assert {answer.text for answer in answers} == {NONE_USABLE}
    assert {answer.tone for answer in answers} == {Tone.REFUSED}


@pytest.mark.asyncio(loop_scope="function")
async def test_what_a_place_allows_outlives_a_restart(tmp_path: Path) -> None:
    async with with_adult_model(Room(settings(tmp_path))) as room:
        await room.say(f"/admin models {FOR_ADULTS} flatter", ADMIN)
        await room.say("/admin adult yes", ADMIN)
        await room.say(f"/admin model {FOR_ADULTS}", ADMIN)

    async with Room(room.settings, RecordedPlatform()) as room_then:
        assert "\nbare · " in (await room_then.say("/imagine a cat", SOMEBODY)).text
        assert (await room_then.say("/imagine a cat --model flat")).tone is Tone.REFUSED
