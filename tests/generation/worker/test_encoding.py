"""Does a PNG remember how it was made, for us and for the tools of the A1111 family?"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generation import GenerationError, ImagineRequest, read_metadata
from generation.worker.encoding import encode_png
from tests.generation.studio import request

PROVENANCE = {"scheduler": "EulerDiscreteScheduler", "model_revision": "abc123", "fairbrush": "0.1.0"}
HARD_PROMPTS = {
    "emoji": "a 🐈‍⬛ on a 🧑🏽‍🚀",
    "right to left": "חתול שחור על כיסא אדום",
    "latin": "café, Zoë & piñata — “quoted”",
    "lines": "one line\nNegative prompt of nothing\nSteps: are not this",
    "long": "word " * 399 + "end!!",
    "commas and colons": 'Steps: 3, Sampler: "none", (weighted:1.3), C:\\path',
}


def saved(folder: Path, png: bytes) -> Path:
    """Write a file."""
    path = folder / "picture.png"
    path.write_bytes(png)
    return path


def png_of(asked: ImagineRequest, *, index: int = 0, provenance: dict[str, str] = PROVENANCE) -> bytes:
    """Encode a small picture."""
    return encode_png(Image.new("RGB", (8, 8), "red"), asked, index, provenance)


def parameters(png: bytes) -> str:
    """Read the text that other tools read, with a library that knows nothing of ours."""
    with Image.open(BytesIO(png)) as image:
        return str(image.info["parameters"])


def read_settings(line: str) -> dict[str, str]:
    """Read `name: value, name: value`, where a value may stand in JSON's quotes."""
    found = {}
    while line:
        name, _, line = line.partition(": ")
        if line.startswith('"'):
            value, end = json.JSONDecoder().raw_decode(line)
        else:
            value, end = line.partition(",")[0], len(line.partition(",")[0])
        found[name] = value
        line = line[end:].removeprefix(",").strip()
    return found


def read_as_others_do(text: str) -> dict[str, str]:
    """Read such a text by the rules of its format: a last line of at least three settings, before it the prompts."""
    *lines, last = text.strip().split("\n")
    found = read_settings(last)
    assert len(found) >= 3
    prompts: dict[str, list[str]] = {"prompt": []}
    for line in lines:
        if line.startswith("Negative prompt:"):
            prompts["negative"] = [line.removeprefix("Negative prompt:").strip()]
        else:
            prompts["negative" if "negative" in prompts else "prompt"].append(line.strip())
    return found | {kind: "\n".join(parts) for kind, parts in prompts.items()}


@pytest.mark.parametrize("prompt", HARD_PROMPTS.values(), ids=HARD_PROMPTS.keys())
def test_any_prompt_comes_back_as_it_was_typed(tmp_path: Path, prompt: str) -> None:
    asked = replace(request(seed=7, images=4), prompt=prompt, negative_prompt=prompt)

    found = read_metadata(saved(tmp_path, png_of(asked, index=2)))

    assert found.request == asked
    assert found.seed == 9
    assert found.provenance == PROVENANCE


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200), st.floats(0, 30))
@settings(max_examples=50)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, prompt: str, guidance: float) -> None:
    asked = replace(request(), prompt=prompt, guidance_scale=guidance)

    assert read_metadata(saved(tmp_path_factory.mktemp("any"), png_of(asked))).request == asked


@pytest.mark.parametrize("prompt", HARD_PROMPTS.values(), ids=HARD_PROMPTS.keys())
def test_other_tools_read_the_settings(prompt: str) -> None:
    asked = replace(request(seed=4_294_967_295), prompt=prompt, negative_prompt="blur, haze", guidance_scale=7.5)

    found = read_as_others_do(parameters(png_of(asked)))

    assert found == {
        "prompt": prompt,
        "negative": "blur, haze",
        "Steps": "4",
        "Sampler": "Euler",
        "CFG scale": "7.5",
        "Seed": "4294967295",
        "Size": "64x64",
        "Model": "flat",
        "Model hash": "abc123",
        "Version": "Fairbrush 0.1.0",
    }


def test_a_picture_made_from_another_says_so_to_us_and_to_other_tools(tmp_path: Path) -> None:
    asked = replace(request(), image="0123456789abcdef" * 4, strength=0.35)

    png = png_of(asked)

    assert read_as_others_do(parameters(png))["Denoising strength"] == "0.35"
    assert read_metadata(saved(tmp_path, png)).request == asked


def test_values_that_hold_signs_of_the_format_are_quoted_for_other_tools() -> None:
    odd = PROVENANCE | {"scheduler": 'Odd, "very": odd\nScheduler'}

    found = read_as_others_do(parameters(png_of(request(), provenance=odd)))

    assert found["Sampler"] == odd["scheduler"]
    assert found["Seed"] == "1"


def test_a_prompt_without_a_negative_one_has_no_such_line() -> None:
    assert "Negative" not in parameters(png_of(request()))


def test_a_picture_made_from_text_alone_says_nothing_of_image_to_image() -> None:
    png = png_of(request())

    assert b"Denoising" not in png
    assert b"strength" not in png


def test_equal_pictures_give_equal_bytes() -> None:
    assert png_of(request()) == png_of(request())


def chunk(kind: bytes, body: bytes) -> bytes:
    """Write a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes, width: int = 1, height: int = 1) -> bytes:
    """Write a PNG of other chunks, without pixels worth the name."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0" * 4)) + chunk(b"IEND", b"")
    )


def test_a_picture_of_another_tool_shows_its_parameters(tmp_path: Path) -> None:
    foreign = png_with(chunk(b"tEXt", b"parameters\0a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7"))

    found = read_metadata(saved(tmp_path, foreign))

    assert found.request is None
    assert found.parameters.startswith("a cat\nSteps: 20")


def test_a_huge_picture_is_read_without_its_pixels(tmp_path: Path) -> None:
    huge = png_with(chunk(b"tEXt", b"parameters\0a cat"), width=60_000, height=60_000)

    assert read_metadata(saved(tmp_path, huge)).parameters == "a cat"


@pytest.mark.parametrize(
    "record",
    [
        "[1, 2]",
        "{",
        "[" * 100_000,
        '{"request": {}, "seed": 1, "provenance": {}}',
        json.dumps({"request": request().to_json() | {"prompt": {"x": 1}}, "seed": 1, "provenance": {}}),
        json.dumps({"request": request().to_json() | {"images": "4"}, "seed": 1, "provenance": {}}),
        json.dumps({"request": request().to_json() | {"more": 1}, "seed": 1, "provenance": {}}),
        json.dumps({"request": request().to_json(), "seed": "x", "provenance": {}}),
        json.dumps({"request": request().to_json(), "seed": 1, "provenance": [1]}),
    ],
)
def test_a_record_that_is_not_ours_counts_as_none(tmp_path: Path, record: str) -> None:
    edited = png_with(chunk(b"tEXt", b"fairbrush\0" + record.encode()), chunk(b"tEXt", b"parameters\0a cat"))

    found = read_metadata(saved(tmp_path, edited))

    assert (found.request, found.seed, found.provenance) == (None, None, {})


BOMB = zlib.compress(b"a" * 80_000_000)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + b"\0" * 100,
        bytes(range(256)) * 4,
        png_of(request())[:60],
        png_of(request())[:200].replace(b"parameters", b"parametexs"),
        png_with(chunk(b"zTXt", b"parameters\0\0" + BOMB)),
        png_with(chunk(b"iTXt", b"parameters\0\1\0\0\0" + BOMB)),
        png_with(*[chunk(b"zTXt", b"k%d\0\0" % number + zlib.compress(b"a" * 900_000)) for number in range(100)]),
    ],
    ids=[
        "empty",
        "signature only",
        "gif",
        "noise",
        "cut short",
        "wrong checksum",
        "zTXt bomb",
        "iTXt bomb",
        "many bombs",
    ],
)
def test_what_is_no_readable_png_is_refused_in_words(tmp_path: Path, damaged: bytes) -> None:
    with pytest.raises(GenerationError, match=r"^picture\.png is not a PNG file that can be read\.$"):
        read_metadata(saved(tmp_path, damaged))


def test_a_png_that_says_nothing_is_told_from_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="says nothing about how it was made"):
        read_metadata(saved(tmp_path, png_with()))


def test_what_is_not_there_or_no_file_is_refused_in_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("missing.png", "pipe.png", "."):
        with pytest.raises(GenerationError, match="There is no file"):
            read_metadata(tmp_path / name)
