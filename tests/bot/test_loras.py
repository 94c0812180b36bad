"""How do people learn which adapters there are, and ask for them?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat import CommandError, Tone
from bot.command import specify
from bot.commands.imagine import Imagine
from generation import Lora
from tests.bot.chatroom import ADMIN, Room
from tests.bot.chatroom import settings as made_settings
from tests.generation.lora_files import SDXL, write_lora

LONGEST_MESSAGE = 2000  # on the tightest platform

at_once = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gallery(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """A room whose folder of adapters may be filled, and is empty at first."""
    async with Room(made_settings(tmp_path_factory.mktemp("gallery"))) as room:
        yield room


@pytest.fixture
def folder(gallery: Room) -> Iterator[Path]:
    """The folder of adapters, which is emptied after the test."""
    yield gallery.settings.loras_dir
    for file in gallery.settings.loras_dir.iterdir():
        file.unlink()


def read(typed: str) -> dict[str, object]:
    """Read what was typed after /imagine."""
    return specify(Imagine.imagine).read(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "a cat --lora outline:0.8 --lora ink",
        "--lora outline:0.8 a cat --lora ink",
        "a cat --lora outline:0.8,ink",
        "a cat --lora outline:0.8, ink",
        "--lora outline:0.8 , ink a cat",
        '--lora "outline: 0.8, ink" a cat',
        "—lora=outline:0.8,ink a cat",
        "a cat ―lora outline:0.8 –lora ink",
    ],
)
def test_several_are_typed_by_repeating_the_flag_or_by_commas(typed: str) -> None:
    assert read(typed) == {"prompt": "a cat", "loras": (Lora("outline", 0.8), Lora("ink"))}


@pytest.mark.parametrize("minus", "-−–")
def test_a_scale_below_zero_may_have_any_minus(minus: str) -> None:
    assert read(f"a cat --lora outline:{minus}0.5")["loras"] == (Lora("outline", -0.5),)


@pytest.mark.parametrize("typed", ["outline:strong", ":1", "outline:", "outline:1:2", ",", "a:1e5"])
def test_what_is_no_name_with_a_scale_is_refused_in_words(typed: str) -> None:
    with pytest.raises(CommandError) as error:
        read(f"a cat --lora {typed}")

    assert str(error.value).startswith(f'--lora "{typed}" is not NAME or NAME:SCALE, such as outline or outline:0.8')


@at_once
async def test_the_list_says_for_which_models_and_with_which_words(gallery: Room) -> None:
    view = await gallery.say("/loras")

    assert view.text.startswith("outline: for demo, demo-fast\n   Outline. Say: outline of. ")
    assert "Licence: MIT." in view.text
    assert view.text.endswith("scale from -2 to 2; up to 4 at once, with commas.")


@at_once
async def test_what_an_admin_adds_is_listed_at_once_and_so_is_what_cannot_be_used(gallery: Room, folder: Path) -> None:
    write_lora(folder, "photo", SDXL, {"modelspec.usage_hint": "0.6 to 0.9"})
    (folder / "broken.safetensors").write_bytes(b"half")
    write_lora(folder, "old", {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight": (8, 768)})

    text = (await gallery.say("/loras")).text

    assert "broken: cannot be used, its file is no safetensors file, or cut off.\n" in text
    assert "photo: for sdxl\n   0.6 to 0.9. Rank 4, 0.0 MiB.\n" in text
    assert "old: for Stable Diffusion 1, which no model here is\n" in text
    assert str(folder) not in text


@at_once
async def test_only_models_that_may_be_used_here_are_named(gallery: Room) -> None:
    await gallery.say("/admin models demo-fast flat", ADMIN)
    text = (await gallery.say("/loras")).text
    await gallery.say("/admin models all", ADMIN)

    assert text.startswith("outline: for demo-fast\n")


@at_once
async def test_a_long_list_has_pages_that_fit_a_message_and_name_each_one_once(gallery: Room, folder: Path) -> None:
    for number in range(60):
        write_lora(
            folder, f"ink-{number:02}", metadata={"modelspec.title": "An ink of some kind", "modelspec.license": "MIT"}
        )

    texts, line = [], "/loras ink"
    while line:
        texts.append((await gallery.say(line)).text)
        more = re.search(r"^More: (.*)$", texts[-1], re.MULTILINE)
        line = more[1] if more else ""

    named = re.findall(r"^(ink-\d\d):", "\n".join(texts), re.MULTILINE)
    assert named == [f"ink-{number:02}" for number in range(60)]
    assert len(texts) > 2
    assert max(map(len, texts)) <= LONGEST_MESSAGE
    beyond = await gallery.say(f"/loras ink --page {len(texts) + 1}")
    assert beyond.text == f"--page {len(texts) + 1} is out of range: from 1 to {len(texts)} is allowed."


@at_once
async def test_words_find_names_titles_and_trigger_words(gallery: Room, folder: Path) -> None:
    write_lora(folder, "a", metadata={"modelspec.title": "Wet Ink"})
    write_lora(folder, "b", metadata={"modelspec.trigger_phrase": "wet paint"})

    found = [(await gallery.say(f"/loras {words}")).text for words in ("WET", "ink wet", "outline", "oil")]

    assert [re.findall(r"^(\w+):", text, re.MULTILINE) for text in found] == [["a", "b"], ["a"], ["outline"], []]
    assert found[-1] == "No LoRA matches “oil”. /loras lists all 3."


@at_once
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "--lora outline",
            "--lora outline is made for the demo model, not for flat; it fits demo, demo-fast.",
        ),
        (
            "--model demo --lora outlines",
            "There is no --lora 'outlines', the nearest is outline; LoRAs: outline.",
        ),
        (
            "--model demo --lora outline:3",
            "--lora outline:3 is out of range: a scale from -2 to 2 is allowed.",
        ),
        ("--model demo --lora outline, outline:0.5", "--lora outline is given twice."),
    ],
)
async def test_what_cannot_be_drawn_is_refused_before_it_is_queued(gallery: Room, typed: str, sentence: str) -> None:
    view = await gallery.say(f"/imagine a cat {typed}")

    assert view.text == sentence
    assert view.tone is Tone.REFUSED


@at_once
async def test_help_and_completion_name_those_that_are_there(gallery: Room, folder: Path) -> None:
    write_lora(folder, "ink")

    text = (await gallery.say("/help imagine")).text

    assert "--lora can be ink, outline." in text
    assert "--lora NAME[:SCALE]" in text
