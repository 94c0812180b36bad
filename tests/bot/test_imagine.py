"""Does a line of text lead to a picture, and does a bad one lead to a sentence that helps?"""

from __future__ import annotations

import pytest
from PIL import Image

from bot.chat import Tone, View
from generation import read_metadata
from tests.bot.chatroom import ADMIN, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_line_of_text_becomes_a_picture(shared_room: Room) -> None:
    view = await shared_room.say("/imagine a red circle --seed 7")

    (path,) = view.pictures
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (64, 64))
    assert "done in" in view.text
    assert "a red circle\nflat · seed 7 · 4 steps · cfg 3 · 64x64" in view.text


async def test_every_flag_reaches_the_picture(shared_room: Room) -> None:
    line = "/imagine a cat --model flatter --seed 9 --steps 3 --cfg 2.5 --size 96x64 --no red, blue --count 2"
    view = await shared_room.say(line)

    requests = [read_metadata(path).request for path in view.pictures]
    assert [request and request.to_json() for request in requests] == [
        {
            "model": "flatter",
            "prompt": "a cat",
            "negative_prompt": "red, blue",
            "width": 96,
            "height": 64,
            "num_inference_steps": 3,
            "guidance_scale": 2.5,
            "seed": 9,
            "images": 2,
        }
    ] * 2


async def test_several_pictures_have_seeds_in_a_row(shared_room: Room) -> None:
    view = await shared_room.say("/imagine four cats --seed 4294967294 --count 4")

    assert [read_metadata(path).seed for path in view.pictures] == [4294967294, 4294967295, 0, 1]
    assert len(set(view.pictures)) == 4


async def test_an_aspect_ratio_gives_a_size_of_that_shape(shared_room: Room) -> None:
    view = await shared_room.say("/imagine a wide cat --ar 2:1")

    (path,) = view.pictures
    with Image.open(path) as image:
        assert image.width == 2 * image.height


async def test_the_same_seed_gives_the_same_picture_and_another_gives_another(shared_room: Room) -> None:
    first, second, third = [await shared_room.say(f"/imagine a dog --seed {seed}") for seed in (5, 5, 6)]

    assert first.pictures == second.pictures != third.pictures


async def test_who_names_no_seed_gets_a_new_one_each_time(shared_room: Room) -> None:
    first, second = [await shared_room.say("/imagine a bird") for _ in range(2)]

    assert first.pictures != second.pictures


@pytest.mark.parametrize(
    "prompt",
    [
        "🎨 une pomme rouge 🍎",
        "دائرة حمراء على خلفية زرقاء",
        "two\nlines",
        'a sign that says "hello"',
        "x" * 2000,
        "--- dashes",
    ],
)
async def test_any_prompt_is_kept_as_it_was_typed(shared_room: Room, prompt: str) -> None:
    view = await shared_room.say(f"/imagine {prompt} --seed 1")

    request = read_metadata(view.pictures[0]).request
    assert request is not None
    assert request.prompt == prompt


async def test_control_characters_and_broken_ones_are_left_out(shared_room: Room) -> None:
    view = await shared_room.say("/imagine a\x1b[2J red\x00 circle \ud83d --seed 1")

    request = read_metadata(view.pictures[0]).request
    assert request is not None
    assert request.prompt == "a[2J red circle ?"


async def test_a_rerun_gives_the_same_bytes_and_says_so(shared_room: Room) -> None:
    first = await shared_room.accept("/imagine a tree --count 2")
    original = await shared_room.end(first)

    again = await shared_room.say(f"/rerun {first}")

    assert again.pictures == original.pictures
    assert f"The same, byte for byte, as job {first}." in again.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/imagine", ["/imagine needs PROMPT"]),
        ('/imagine ""', ["/imagine needs PROMPT"]),
        ("/imagine " + "x" * 2001, ["prompt", "2,001", "2,000"]),
        ("/imagine cat --no " + "x" * 2001, ["--no", "2,001", "2,000"]),
        ("/imagine cat --seed -1", ["--seed -1", "0", "4294967295"]),
        ("/imagine cat --seed 4294967296", ["--seed 4294967296", "0", "4294967295"]),
        ("/imagine cat --seed cat", ['--seed "cat"', "whole number"]),
        ("/imagine cat --steps 0", ["--steps 0", "1", "150"]),
        ("/imagine cat --steps 151", ["--steps 151", "1", "150"]),
        ("/imagine cat --cfg 31", ["--cfg 31", "0", "30"]),
        ("/imagine cat --cfg much", ['--cfg "much"', "number"]),
        ("/imagine cat --count 5", ["--count 5", "1", "4"]),
        ("/imagine cat --count 0", ["--count 0", "1", "4"]),
        ("/imagine cat --size 100x100", ["--size 100x100", "flat", "32", "128"]),
        ("/imagine cat --size 128x128", ["--size 128x128", "flat", "pixels"]),
        ("/imagine cat --size huge", ['--size "huge"', "WxH"]),
        ("/imagine cat --ar 99:1", ["--ar 99:1", "flat", "4:1"]),
        ("/imagine cat --ar 1:2 --size 64x64", ["--size", "--ar"]),
        ("/imagine cat --model nosuch", ["nosuch", "flat", "flatter", "demo"]),
        ("/imagine cat --model sdxl", ["sdxl", "GPU", "What runs here: ", "flat"]),
        ("/imagine cat --size", ["--size needs a value", "WxH"]),
        ("/imagine cat --quality high", ["--quality", "--model", "--count"]),
        ("/rerun", ["/rerun needs ID"]),
        ("/rerun 999", ["no job 999"]),
        ("/rerun soon", ['"soon"', "job number"]),
    ],
)
async def test_bad_input_gets_one_sentence_that_names_what_is_allowed(
    shared_room: Room, line: str, words: list[str]
) -> None:
    answer = await shared_room.type(line)

    assert isinstance(answer, View)
    assert answer.tone is Tone.REFUSED
    assert "\n" not in answer.text
    assert len(answer.text) < 250
    assert all(word in answer.text for word in words), answer.text


async def test_a_refused_line_leaves_no_job(shared_room: Room) -> None:
    before = await shared_room.say("/history", member=ADMIN)

    await shared_room.type("/imagine cat --steps 0", member=ADMIN)

    assert await shared_room.say("/history", member=ADMIN) == before


async def test_an_event_that_comes_twice_makes_one_job(shared_room: Room) -> None:
    first = await shared_room.accept("/imagine an echo", key="the same event")
    await shared_room.end(first)

    assert await shared_room.accept("/imagine an echo", key="the same event") == first
    history = await shared_room.say("/history echo")
    assert history.text.count("an echo") == 1


async def test_a_model_that_fails_fails_the_job_and_not_the_queue(shared_room: Room) -> None:
    (shared_room.switches / "error").touch()
    failed = await shared_room.say("/imagine a bad omen")
    (shared_room.switches / "error").unlink()

    assert failed.tone is Tone.FAILED
    assert failed.pictures == ()
    assert "failed: The model failed on this request." in failed.text
    assert (await shared_room.say("/imagine a good omen")).tone is Tone.GOOD


async def test_a_worker_that_dies_once_is_replaced_and_the_seed_stays(shared_room: Room) -> None:
    (shared_room.switches / "crash").touch()

    view = await shared_room.say("/imagine a phoenix --seed 77")

    assert read_metadata(view.pictures[0]).seed == 77


async def test_progress_names_each_step_and_brings_a_preview(shared_room: Room) -> None:
    shared_room.hold()
    job_id = await shared_room.accept("/imagine a slow cat")

    view = await shared_room.platform.until(lambda v: v.progress is not None and v.progress.preview is not None)

    shared_room.release()
    await shared_room.end(job_id)
    assert view.progress is not None
    assert view.progress.steps == 4
    assert f"Job {job_id}: step 1 of 4" in view.text
    assert not view.is_final
