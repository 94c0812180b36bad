"""Is only what a mask leaves white drawn anew, whatever file the mask comes in?"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter

from generation import (
    Catalogue,
    ImagineOptions,
    InvalidRequestError,
    JobState,
    UnreadableImageError,
    check_shape,
    read_mask,
    read_metadata,
)
from generation.worker.mask import fit_mask, kept
from generation.worker.start_image import fit
from tests.generation.strange_pictures import BLUE, RED, exif, file_of, opened, quarters
from tests.generation.studio import Studio, job, request

IMAGE, MASK = "0123456789abcdef" * 4, "fedcba9876543210" * 4
CATALOGUE = Catalogue.load()


def half(width: int = 64, height: int = 64) -> Image.Image:
    """Give a mask whose right half is white."""
    mask = Image.new("L", (width, height))
    mask.paste(255, (width // 2, 0, width, height))
    return mask


def whites(png: bytes) -> list[bool]:
    """Tell whether the left and the right half of a clean mask are white."""
    clean = opened(png)
    levels = np.asarray(clean.convert("L"))
    assert set(np.unique(levels)) <= {0, 255}
    middle = clean.width // 2
    return [bool(side.mean() > 127) for side in (levels[:, :middle], levels[:, middle:])]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_mask_is_made_black_and_white(kind: str) -> None:
    blurred = half().filter(ImageFilter.GaussianBlur(3)).convert("RGB")

    mask = read_mask(file_of(blurred, kind))

    assert (mask.width, mask.height) == (64, 64)
    assert whites(mask.png) == [False, True]


def test_what_is_see_through_counts_as_white() -> None:
    hole = half().point(lambda level: 255 - level)
    painted = Image.merge("RGBA", (*Image.new("RGB", (64, 64), "black").split(), hole))

    assert whites(read_mask(file_of(painted)).png) == [False, True]


def test_a_mask_stands_upright_like_the_picture_it_was_painted_on() -> None:
    held = read_mask(file_of(half(64, 32), "JPEG", exif=exif(3)))

    assert whites(held.png) == [True, False]


@pytest.mark.parametrize(
    ("colour", "words"),
    [
        ("black", "The mask is black all over: paint white what is to be drawn anew."),
        ("white", "The mask is white all over: paint black what is to be kept, or leave the mask out."),
    ],
)
def test_a_mask_of_one_colour_is_refused(colour: str, words: str) -> None:
    with pytest.raises(UnreadableImageError) as refusal:
        read_mask(file_of(Image.new("RGB", (64, 64), colour)))

    assert str(refusal.value) == words


@pytest.mark.parametrize("data", [b"", b"no picture at all", file_of(quarters(), "GIF")])
def test_what_is_no_picture_is_no_mask(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"^The mask is not a PNG, JPEG or WEBP file that can be read"):
        read_mask(data)


def test_a_mask_may_be_larger_or_smaller_than_its_picture_but_not_of_another_shape() -> None:
    start = file_of(quarters().resize((640, 480)))

    for size in ((64, 48), (1280, 960), (637, 480)):
        check_shape(read_mask(file_of(half(*size))).png, start)
    with pytest.raises(UnreadableImageError) as refusal:
        check_shape(read_mask(file_of(half(480, 640))).png, start)

    assert str(refusal.value) == (
        "The mask has 480x640 pixels and the start picture 640x480: both need the same shape."
    )


@pytest.mark.parametrize("scale", [1, 2, 0.5])
def test_a_mask_is_cut_as_its_picture_is(scale: float) -> None:
    wide = Image.new("RGB", (300, 100), BLUE)
    wide.paste(RED, (100, 0, 180, 100))
    painted = Image.new("L", wide.size)
    painted.paste(255, (100, 0, 180, 100))
    mask = read_mask(file_of(painted.resize((int(300 * scale), int(100 * scale)))))

    fitted, start = fit_mask(mask.png, file_of(wide), (96, 96)), fit(file_of(wide), (96, 96))

    is_white = np.asarray(fitted) == 255
    is_red = np.asarray(start)[..., 0] > 127
    assert (is_white != is_red).mean() < 0.03


def test_a_mask_whose_white_is_cut_off_is_refused() -> None:
    painted = Image.new("L", (300, 100))
    painted.paste(255, (0, 0, 40, 100))

    with pytest.raises(UnreadableImageError, match=r"^At 96x96 nothing of the mask's white is left: paint larger"):
        fit_mask(read_mask(file_of(painted)).png, file_of(quarters().resize((300, 100))), (96, 96))


def test_outside_of_the_mask_every_pixel_is_the_start_pictures_and_inside_it_fades_in() -> None:
    start = Image.effect_noise((64, 64), 90).convert("RGB")
    drawn = Image.new("RGB", (64, 64), RED)

    found = np.asarray(kept(start, drawn, half()))

    assert np.array_equal(found[:, :32], np.asarray(start)[:, :32])
    assert np.array_equal(found[:, 48:], np.asarray(drawn)[:, 48:])
    assert not np.array_equal(found[:, 33], np.asarray(drawn)[:, 33])


def complete(**options: object) -> object:
    """Complete a request to the demo model."""
    typed = ImagineOptions(prompt="a hat", **options)  # type: ignore[arg-type]
    return CATALOGUE.complete(typed, default_model="demo", seed=1)


def test_within_a_mask_all_is_drawn_anew_unless_a_strength_is_typed() -> None:
    asked = [complete(image=IMAGE, mask=MASK), complete(image=IMAGE, mask=MASK, strength=0.4), complete(image=IMAGE)]

    assert [(each.mask, each.strength) for each in asked] == [(MASK, 1.0), (MASK, 0.4), ("", 0.6)]  # type: ignore[attr-defined]


def test_a_mask_needs_a_picture() -> None:
    with pytest.raises(
        InvalidRequestError, match=r"^--mask says which parts of a start picture .* it needs --image\.$"
    ):
        complete(mask=MASK)


def test_variations_and_larger_ones_of_a_masked_picture_are_of_all_of_it() -> None:
    asked = replace(request(model="demo"), width=256, height=256, image=IMAGE, strength=1.0, mask=MASK)

    remade = CATALOGUE.varied(asked, IMAGE, 5), CATALOGUE.upscaled(asked, 0, IMAGE)

    assert [each.mask for each in remade] == ["", ""]


async def test_the_worker_keeps_what_is_black_in_the_mask(studio: Studio) -> None:
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    image, mask = studio.keep(file_of(noise)), studio.keep(read_mask(file_of(half())).png)
    asked = replace(request(), image=image, strength=1.0, mask=mask)
    async with studio.opened():
        for number, one in enumerate((asked, replace(asked, mask="")), start=1):
            studio.service.submit(job(number, asked=one))
            await studio.ended(number)

    masked, free = (np.asarray(opened(studio.pictures(number)[0].png)) for number in (1, 2))
    start = np.asarray(noise)
    assert np.array_equal(masked[:, :32], start[:, :32])
    assert not (masked[:, 48:] == start[:, 48:]).all(axis=2).any()
    assert not (free == start).all(axis=2).any()
    (studio.folder / "made.png").write_bytes(studio.pictures(1)[0].png)
    assert read_metadata(studio.folder / "made.png").request == asked


async def test_a_mask_that_is_gone_ends_its_job(studio: Studio) -> None:
    image, mask = studio.keep(file_of(quarters(64))), studio.keep(read_mask(file_of(half())).png)
    async with studio.opened(is_paused=True):
        studio.service.submit(job(1, asked=replace(request(), image=image, strength=1.0, mask=mask)))
        studio.picture(mask).unlink()
        studio.service.resume()
        end = await studio.ended(1)

    assert end.state is JobState.FAILED
    assert end.error == "The mask of this job is no longer there, so the job was given up; send the mask anew."


def test_a_clean_mask_is_small() -> None:
    mask = read_mask(file_of(Image.effect_noise((512, 512), 90)))

    with Image.open(BytesIO(mask.png)) as image:
        assert image.mode == "1"
