"""Do the buttons that make a picture once more change what they say, and nothing else?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, reject
from hypothesis import settings as effort
from hypothesis import strategies as st

from bot import wording
from bot.chat import Accepted, CommandError, Form, Tone
from bot.command import TAMED, specify
from bot.commands.imagine import Imagine
from generation import Catalogue, GenerationError, ImagineOptions, ImagineRequest, read_metadata
from storage import JobRecord
from tests.bot.chatroom import ADMIN, SOMEBODY, RecordedPlatform, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def form(room: Room, payload: str) -> Form:
    answer = await room.press(payload)
    assert isinstance(answer, Form)
    return answer


async def test_again_changes_the_seed_alone(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat --steps 3 --cfg 2.5 --size 96x64 --count 2 --no dogs --seed 7")

    second = await shared_room.press_for_job(f"again:{first}")

    before, after = await shared_room.request(first), await shared_room.request(second)
    assert after.seed != before.seed
    assert replace(after, seed=before.seed) == before


async def test_each_time_again_draws_another_seed(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")

    jobs = [await shared_room.press_for_job(f"again:{first}") for _ in range(3)]

    assert len({(await shared_room.request(job_id)).seed for job_id in (first, *jobs)}) == 4


async def test_variations_are_four_start_from_the_chosen_picture_and_say_how_far_they_go(shared_room: Room) -> None:
    first = await shared_room.made("/imagine cats --count 3 --seed 7 --no dogs")
    second = await shared_room.press_for_job(f"vary:{first}:1")
    view = await shared_room.end(second)

    before, after = await shared_room.request(first), await shared_room.request(second)

    assert after.image == (await shared_room.job(first)).pictures[1].sha256
    assert after.seed != before.seed
    assert replace(after, image="", strength=0.0, seed=before.seed, images=before.images) == before
    assert len(set(view.pictures)) == 4
    assert f"4 pictures · from a picture, strength {after.strength:g}" in view.text


async def test_an_enlarged_picture_has_twice_the_size_and_starts_from_the_one_it_was(shared_room: Room) -> None:
    first = await shared_room.made("/imagine cats --count 2 --seed 7")
    second = await shared_room.press_for_job(f"upscale:{first}:1")

    request, (picture,) = await shared_room.request(second), (await shared_room.job(second)).pictures

    assert (picture.width, picture.height) == (128, 128)
    assert request.image == (await shared_room.job(first)).pictures[1].sha256
    assert (request.seed, request.prompt, request.images) == (8, "cats", 1)


async def test_what_is_as_large_as_it_can_be_is_refused_in_words(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")
    large = await shared_room.press_for_job(f"upscale:{first}:0")

    refused = await shared_room.press_for_view(f"upscale:{large}:0")

    assert refused.tone is Tone.REFUSED
    assert refused.text.startswith("Twice the size is 256x256, which is not possible with flat; allowed: sides from 32")


async def test_a_form_shows_all_that_was_asked_for_and_only_one_of_the_two_the_seed(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat --seed 7 --count 2 --no red, blue --spoiler")

    same, edit = await form(shared_room, f"same:{job_id}"), await form(shared_room, f"edit:{job_id}")

    flags = "--model flat --steps 4 --cfg 3 --size 64x64 --count 2"
    assert same.text == f'a cat {flags} --seed 7 --spoiler --no "red, blue"'
    assert edit.text == f'a cat {flags} --spoiler --no "red, blue"'
    assert (same.title, edit.title) == (f"Same seed, with edits: job {job_id}", f"Edit the prompt: job {job_id}")
    assert all(len(shown.title) <= 45 for shown in (same, edit))
    assert same.button.payload == f"same:{job_id}"


@pytest.mark.parametrize(
    "typed",
    [
        "a cat --seed 7",
        "a cat --count 4 --no red, blue --steps 3 --cfg 2.123456789 --size 96x64 --model flatter",
        'a sign that says "use --seed 5 here"',
        '"--seed 5 --nonsense"',
        '“a 5" ruler --count”',
        '"two quotes" and “two more” --no "the “same” here"',
        "'\"a cat\"'",
        "it's a dog's life --no cat's",
        'a 5" ruler --no a 6” one',
        "a —mysterious cat — asleep",
        "two\nlines\n\nand a third",
        "🎨 דائרة حمراء 猫",
        "-- --- – — “ ” ' = %s {prompt} \\",
    ],
)
async def test_an_unchanged_form_gives_the_same_picture(shared_room: Room, typed: str) -> None:
    first = await shared_room.made(f"/imagine {typed}")
    shown = await form(shared_room, f"same:{first}")

    second = await shared_room.press_for_job(f"same:{first}", text=shown.text)

    assert await shared_room.request(second) == await shared_room.request(first)
    assert (await shared_room.job(second)).pictures == (await shared_room.job(first)).pictures


async def test_an_unchanged_form_of_a_variation_starts_from_the_same_picture(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")
    varied = await shared_room.press_for_job(f"vary:{first}")
    enlarged = await shared_room.press_for_job(f"upscale:{first}")

    for job_id in (varied, enlarged):
        shown = await form(shared_room, f"same:{job_id}")
        again = await shared_room.press_for_job(f"same:{job_id}", text=shown.text)
        assert await shared_room.request(again) == await shared_room.request(job_id)


async def test_edits_take_effect_and_the_rest_stays(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat --seed 7 --no dogs")
    shown = await form(shared_room, f"same:{first}")

    text = shown.text.replace("a cat", "a wide cat").replace("--size 64x64", "--ar 2:1").replace(' --no "dogs"', "")
    second = await shared_room.press_for_job(f"same:{first}", text=text)

    before, after = await shared_room.request(first), await shared_room.request(second)
    assert (after.prompt, after.negative_prompt, after.width // after.height) == ("a wide cat", "", 2)
    assert (after.seed, after.model, after.num_inference_steps) == (7, before.model, before.num_inference_steps)


async def test_an_edited_prompt_gets_a_new_seed(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat --seed 7")
    shown = await form(shared_room, f"edit:{first}")

    second = await shared_room.press_for_job(f"edit:{first}", text=shown.text)

    assert (await shared_room.request(second)).seed != 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "/imagine needs PROMPT"),
        ("a cat --sed 7", "Did you mean --seed?"),
        ("a cat --steps 0", "--steps 0 is out of range"),
        ("a cat --size 64x64 --ar 2:1", "--size and --ar exclude each other"),
        ("a cat --image 9999:0", "There is no job 9999 here"),
    ],
)
async def test_bad_edits_are_refused_as_if_they_were_typed(shared_room: Room, text: str, words: str) -> None:
    job_id = await shared_room.made("/imagine a cat")

    answer = await shared_room.press_for_view(f"edit:{job_id}", text=text)

    assert answer.tone is Tone.REFUSED
    assert words in answer.text


async def test_nobodys_own_defaults_leak_into_an_edit(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat --seed 7", ADMIN)
    shown = await form(shared_room, f"same:{first}")
    await shared_room.say("/settings --model flatter --ar 2:1 --count 3 --style photo --spoiler yes")

    second = await shared_room.press_for_job(f"same:{first}", text=shown.text)
    bare = await shared_room.press_for_job(f"same:{first}", text="a cat")
    again = await shared_room.press_for_job(f"again:{first}")

    await shared_room.say("/settings --reset")
    assert await shared_room.request(second) == await shared_room.request(first)
    assert replace(await shared_room.request(bare), seed=7) == await shared_room.request(first)
    assert replace(await shared_room.request(again), seed=7) == await shared_room.request(first)
    assert [(await shared_room.job(job_id)).is_spoiler for job_id in (second, bare, again)] == [False] * 3


async def test_a_picture_that_is_hidden_stays_so_unless_the_form_is_changed(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat --spoiler")
    shown = await form(shared_room, f"same:{first}")

    hidden = [
        await shared_room.press_for_job(f"{action}:{first}", text=text)
        for action, text in (("again", None), ("vary", None), ("upscale", None), ("same", shown.text))
    ]
    open_one = await shared_room.press_for_job(f"same:{first}", text=shown.text.replace(" --spoiler", ""))

    assert [(await shared_room.job(job_id)).is_spoiler for job_id in hidden] == [True] * 4
    assert not (await shared_room.job(open_one)).is_spoiler


async def test_whoever_presses_owns_the_new_job(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat", ADMIN)

    second = await shared_room.press_for_job(f"again:{first}", SOMEBODY)

    assert (await shared_room.job(second)).owner == SOMEBODY.key


async def test_a_press_that_comes_twice_makes_one_job(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")

    answers = [await shared_room.press(f"again:{first}", key="the same press") for _ in range(2)]

    assert answers[0] == answers[1] == Accepted(job_id=first + 1)
    await shared_room.end(first + 1)
    assert await shared_room.app.desk.jobs.get(first + 2) is None


async def test_what_failed_or_was_cancelled_is_made_after_all(shared_room: Room) -> None:
    job_id = await shared_room.running("/imagine a mistake --seed 7")
    await shared_room.press(f"cancel:{job_id}")
    await shared_room.end(job_id)
    shared_room.release()
    shown = await form(shared_room, f"same:{job_id}")

    again = await shared_room.press_for_job(f"same:{job_id}", text=shown.text)

    (picture,) = (await shared_room.end(again)).pictures
    assert read_metadata(picture).seed == 7


@pytest.mark.asyncio(loop_scope="function")
async def test_buttons_work_after_a_restart_and_say_when_their_model_is_gone(room: Room) -> None:
    async with room:
        kept, gone = await room.made("/imagine a cat"), await room.made("/imagine a cat --model flatter")
    models = room.settings.generation.models_file
    assert models is not None
    models.write_text(models.read_text().replace('["flatter"]', '["flattest"]'))

    async with Room(room.settings, RecordedPlatform(first=100)) as room_then:
        again, varied = await room_then.press_for_job(f"again:{kept}"), await room_then.press_for_job(f"vary:{kept}:0")
        shown = await form(room_then, f"same:{kept}")
        same = await room_then.press_for_job(f"same:{kept}", text=shown.text)
        refused = [await room_then.press_for_view(f"{action}:{gone}") for action in ("again", "vary", "upscale")]
        view = await room_then.say(f"/show {gone}")

        assert len({again, varied, same}) == 3
        assert {answer.tone for answer in refused} == {Tone.REFUSED}
        assert all(answer.text.startswith("There is no model 'flatter'.") for answer in refused)
        assert not {"V1", "⬆️"} & {button.label for row in view.buttons for button in row}


IMAGINE = specify(Imagine.imagine)
CATALOGUE = Catalogue.load(default="demo")
ODD = st.text(st.sampled_from("ab \n\"“”'-—="), max_size=12)
ANY = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
SIGNS = ['"--seed 5"', "“--no x”", "'--count", "--no", "--count 2", "—cfg 3.000000001", "—dash", '"', "”"]
TYPED = st.lists(ODD | ANY | st.sampled_from(SIGNS), min_size=1, max_size=6).map(" ".join)


def record(request: ImagineRequest) -> JobRecord:
    """Give the part of a job's record that decides its form."""
    facts = dict.fromkeys(JobRecord.__dataclass_fields__)
    return JobRecord(**{**facts, "id": 12, "is_spoiler": False, "request": request.to_json()})


def completed(typed: str) -> ImagineRequest:
    return CATALOGUE.complete(ImagineOptions(**IMAGINE.read(typed)), default_model="demo", seed=7)


@given(TYPED)
@effort(max_examples=500, deadline=None)
async def test_whatever_was_typed_its_form_asks_for_the_same(typed: str) -> None:
    try:
        request = completed(typed)
    except (CommandError, GenerationError):
        reject()

    text = IMAGINE.written(request.prompt, wording.as_flags(record(request), request, with_seed=True))

    again = completed(text)
    if again != request:  # quotes of all kinds, so that none can hold the others
        quotes = set('"“”') & set(request.prompt), set('"“”') & set(request.negative_prompt)
        assert all(quotes)
        assert again == replace(
            request,
            prompt=request.prompt.translate(TAMED),
            negative_prompt=request.negative_prompt.translate(TAMED),
        )
