"""Does a typed line become the picture that it asks for, by the model that ships and the real worker process?"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from bot.chat import Accepted, Tone, View
from bot.settings import GenerationSettings, Settings
from generation import Lora, read_metadata
from generation.demo.judge import judge
from generation.models.loras import shipped_loras
from tests.bot.chatroom import ADMIN, Room
from tests.bot.test_start_images import sent
from tests.generation.strange_pictures import file_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """A room with the catalogue that ships, and no other."""
    directory = tmp_path_factory.mktemp("studio")
    async with Room(
        Settings(data_dir=directory, admins=frozenset({ADMIN.key}), generation=GenerationSettings(device="cpu"))
    ) as room:
        yield room


def pixels(view: View) -> list[bytes]:
    """Give the pixels of each picture in an answer, without what the file says about itself."""
    return [Image.open(path).tobytes() for path in view.pictures]


def seen(view: View) -> list[tuple[str, str, str]]:
    """Tell colour, shape and ground of each picture in an answer."""
    verdicts = [judge(Image.open(path)) for path in view.pictures]
    return [(verdict.colour, verdict.shape, verdict.ground) for verdict in verdicts]


async def test_the_picture_shows_what_was_asked_for(studio: Room) -> None:
    view = await studio.say("/imagine a red circle on a blue background --seed 7")

    assert seen(view) == [("red", "circle", "blue")]
    assert "demo · seed 7 · 20 steps · cfg 2 · 256x256" in view.text


async def test_several_pictures_of_one_job_differ_and_all_show_it(studio: Room) -> None:
    view = await studio.say("/imagine —count 3 “a large yellow heart on a black background” —seed 11")

    assert seen(view) == [("yellow", "heart", "black")] * 3
    assert len(set(view.pictures)) == 3


async def test_a_rerun_gives_the_same_pixels(studio: Room) -> None:
    view = await studio.say("/imagine a green cross on a white background")
    number = view.text.split()[1]

    again = await studio.say(f"/rerun {number}")

    assert f"The same, byte for byte, as job {number}." in again.text
    assert again.pictures == view.pictures


async def test_both_entries_of_the_demo_model_draw_and_are_loaded_and_unloaded_for_real(studio: Room) -> None:
    line = "/imagine a blue square on a pink background --seed 4"
    slow = await studio.say(f"{line} --model demo")
    fast = await studio.say(f"{line} --model demo-fast")

    unloaded = await studio.say("/admin unload demo", ADMIN)
    status = await studio.say("/admin status", ADMIN)
    loaded = await studio.say("/admin load demo", ADMIN)

    assert seen(slow) == seen(fast) == [("blue", "square", "pink")]
    assert slow.pictures != fast.pictures
    assert unloaded.text == "demo is unloaded."
    assert "Loaded: demo-fast\n" in status.text
    assert loaded.text.startswith("demo loaded in ")


@pytest.mark.parametrize("model", ["demo", "demo-fast"])
async def test_within_a_mask_the_new_words_are_drawn_and_the_rest_stays(studio: Room, model: str) -> None:
    before = await studio.say("/imagine a red circle on a blue background --seed 3")
    window = Image.new("L", (256, 256))
    window.paste(255, (24, 24, 232, 232))
    line = (
        f"/imagine a yellow star on a blue background --image {before.text.split()[1]} --mask attached --model {model}"
    )

    answer = await studio.type(f"{line} --seed 11", attachments=(sent(file_of(window)),))

    assert isinstance(answer, Accepted)
    after = await studio.end(answer.job_id)
    (old,), (new,) = ([np.asarray(Image.open(path)) for path in view.pictures] for view in (before, after))
    assert seen(after) == [("yellow", "star", "blue")]
    assert np.array_equal(new[np.asarray(window) == 0], old[np.asarray(window) == 0])


async def test_the_picture_file_says_how_it_was_made(studio: Room) -> None:
    view = await studio.say("/imagine a white ring on a purple background --seed 21 --no red")

    metadata = read_metadata(view.pictures[0])

    assert metadata.request is not None
    assert (metadata.request.prompt, metadata.seed) == ("a white ring on a purple background", 21)
    assert metadata.provenance["scheduler"] == "DDIMScheduler"
    assert {"model_revision", "torch", "diffusers"} <= set(metadata.provenance)
    assert "Negative prompt: red" in metadata.parameters


async def test_with_the_adapter_that_ships_it_draws_outlines_and_without_it_filled_shapes(studio: Room) -> None:
    line = "/imagine a yellow heart on a purple background --count 2 --seed 5"
    plain = await studio.say(line)
    outlined = await studio.say(f"{line} --lora outline")
    again = await studio.say(f"{line} —lora outline:0")

    verdicts = [[judge(Image.open(path)) for path in view.pictures] for view in (plain, outlined)]
    assert [[verdict.is_outline for verdict in each] for each in verdicts] == [[False] * 2, [True] * 2]
    assert seen(plain) == seen(outlined) == [("yellow", "heart", "purple")] * 2
    assert pixels(again) == pixels(plain) != pixels(outlined)
    assert "demo · seed 5 · 20 steps · cfg 2 · 256x256 · lora outline · 2 pictures" in outlined.text


async def test_an_adapter_is_told_wherever_a_picture_tells_how_it_was_made(studio: Room) -> None:
    view = await studio.say("/imagine a green ring on a white background --lora outline:0.8 --seed 3")
    number = view.text.split()[1]

    info = await studio.press_for_view(f"info:{number}")
    listed = await studio.say("/history green ring white")
    await studio.press(f"same:{number}")

    metadata = read_metadata(view.pictures[0])
    assert metadata.request is not None
    assert metadata.request.loras == (Lora("outline", 0.8),)
    assert metadata.parameters.startswith("a green ring on a white background <lora:outline:0.8>\n")
    assert f"loras {metadata.provenance['loras']}" in info.text
    assert "· demo · lora outline:0.8 · seed 3" in listed.text
    assert "--lora outline:0.8 " in studio.platform.forms[-1].text


async def test_a_rerun_says_if_the_adapter_has_changed_and_is_refused_if_it_is_gone(studio: Room) -> None:
    mine = studio.settings.loras_dir / "mine.safetensors"
    shutil.copy(shipped_loras() / "outline.safetensors", mine)
    view = await studio.say("/imagine a blue square on a white background --lora mine --seed 8")
    number = view.text.split()[1]
    same = await studio.say(f"/rerun {number}")
    changed = bytearray(mine.read_bytes())
    changed[-200_000:] = bytes(200_000)
    mine.write_bytes(changed)

    other = await studio.say(f"/rerun {number}")
    mine.unlink()
    gone = await studio.say(f"/rerun {number}")

    assert f"The same, byte for byte, as job {number}." in same.text
    assert f"May differ from job {number}: since then changed loras mine " in other.text
    assert gone.text == "There is no --lora 'mine'; LoRAs: outline."


async def test_previews_are_seen_on_the_way(studio: Room) -> None:
    await studio.say("/imagine a large red star on a white background --steps 150 --seed 2")

    previews = [
        view.progress.preview
        for views in studio.platform.messages.values()
        for view in views
        if view.progress is not None and view.progress.preview is not None
    ]

    assert len(set(previews)) >= 2


async def test_the_button_of_a_refusal_makes_the_nearest_picture(studio: Room) -> None:
    refusal = await studio.type("/imagine a red circle on a blue background --model sdxl --seed 7 --spoiler")
    assert isinstance(refusal, View)
    ((button,),) = refusal.buttons
    await studio.press_for_job(button.payload)
    made = await studio.say("/last")

    assert (refusal.tone, refusal.is_private) == (Tone.REFUSED, True)
    assert refusal.text.startswith("sdxl needs a GPU")
    assert button.label.startswith("256x256 by demo, ")
    assert "demo · seed 7" in made.text
    assert seen(made) == [("red", "circle", "blue")]
    assert made.is_spoiler
