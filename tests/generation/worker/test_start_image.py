"""Does whatever a stranger sends become a clean start picture, or a sentence that says why not?"""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from generation import UnreadableImageError, read_start_image
from generation.worker.start_image import fit
from tests.generation.strange_pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    all_kinds,
    chunk,
    corners,
    damaged,
    exif,
    file_of,
    opened,
    png_that_says,
    quarters,
)

UPRIGHT = ["red", "green", "white", "blue"]
UNREADABLE = "The start picture is not a PNG, JPEG or WEBP file that can be read; one of these is needed."


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "MPO"])  # MPO: a JPEG with more pictures behind it
def test_a_picture_of_each_kind_becomes_a_png_of_its_size(kind: str) -> None:
    found = read_start_image(file_of(quarters(), kind))

    clean = opened(found.png)
    assert (clean.format, clean.mode, clean.size) == ("PNG", "RGB", (32, 32))
    assert (found.width, found.height) == (32, 32)
    assert corners(clean) == UPRIGHT


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO", "PDF"])
def test_another_kind_is_refused(kind: str) -> None:
    with pytest.raises(UnreadableImageError) as refusal:
        read_start_image(file_of(quarters(), kind))

    assert str(refusal.value) == UNREADABLE


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBPVP8 ", b"\xff\xd8\xff\xe0", b"<svg/>" * 9]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImageError) as refusal:
        read_start_image(data)

    assert str(refusal.value) == UNREADABLE


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stands_upright_however_the_camera_was_held(kind: str, orientation: int) -> None:
    tall = ImageOps.expand(quarters(), (0, 0, 0, 32), WHITE)  # 32 wide, 64 high
    sent = file_of(tall, kind, exif=exif(orientation))

    found = read_start_image(sent)

    clean, expected = opened(found.png), ImageOps.exif_transpose(opened(sent))
    assert clean.size == expected.size == ((32, 64) if orientation < 5 else (64, 32))
    assert corners(clean) == corners(expected)


def test_metadata_does_not_survive() -> None:
    profile = b"a profile of the maker" * 9
    for kind in ("JPEG", "PNG", "WEBP"):
        sent = file_of(quarters(), kind, exif=exif(6), icc_profile=profile, dpi=(300, 300), comment=b"of the maker")
        assert b"of the maker" in sent or kind == "PNG"  # which compresses the profile

        found = read_start_image(sent)

        assert opened(found.png).info == {}
        assert b"maker" not in found.png


def half_black(nothing: tuple[int, ...], mode: str) -> Image.Image:
    """Give a picture whose left half is black and whose right half is there not at all."""
    image = Image.new("RGBA" if len(nothing) == 4 else "RGB", (32, 32), "black")
    image.paste(nothing, (16, 0, 32, 32))
    return image.convert(mode)


@pytest.mark.parametrize(
    "sent",
    [
        file_of(half_black((0, 0, 0, 0), "RGBA"), "PNG"),
        file_of(half_black((0, 0, 0, 0), "RGBA"), "WEBP"),
        file_of(half_black((0, 0, 0, 0), "LA"), "PNG"),
        file_of(half_black((9, 9, 200), "RGB"), "PNG", transparency=(9, 9, 200)),
        file_of(half_black((200, 200, 200), "L"), "PNG", transparency=200),
        file_of(half_black((200, 200, 200), "L").convert("P"), "PNG", transparency=200),
        file_of(half_black((200, 200, 200), "L").convert("P"), "PNG", transparency=b"\xff" * 200 + b"\0"),
    ],
    ids=["RGBA", "RGBA as WEBP", "LA", "a colour", "a grey", "a place in the palette", "a palette with alpha"],
)
def test_what_is_transparent_becomes_white(sent: bytes) -> None:
    found = opened(read_start_image(sent).png)

    assert (found.getpixel((4, 4)), found.getpixel((20, 20))) == ((0, 0, 0), WHITE)


def test_half_transparent_paint_is_mixed_with_white() -> None:
    found = read_start_image(file_of(Image.new("RGBA", (8, 8), (0, 0, 0, 128))))

    assert opened(found.png).getpixel((4, 4)) == (127, 127, 127)


def test_of_a_moving_picture_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("PNG", "WEBP", "MPO"):
        found = read_start_image(file_of(frames[0], kind, save_all=True, append_images=frames[1:]))

        assert corners(opened(found.png)) == ["red"] * 4


@pytest.mark.parametrize(
    ("image", "kind", "level"),
    [
        (Image.new("I;16", (8, 8), 0x8000), "PNG", 128),
        (Image.new("L", (8, 8), 100), "PNG", 100),
        (Image.new("1", (8, 8), 1), "PNG", 255),
        (Image.new("CMYK", (8, 8), (0, 0, 0, 155)), "JPEG", 100),
    ],
    ids=["16 bits", "grey", "1 bit", "for print"],
)
def test_pictures_in_other_scales_keep_their_brightness(image: Image.Image, kind: str, level: int) -> None:
    found = opened(read_start_image(file_of(image, kind)).png)

    assert found.getpixel((4, 4)) == pytest.approx((level,) * 3, abs=2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "becomes"), [((3000, 1500), (2048, 1024)), ((9000, 3), (2048, 1)), ((2048, 2048), (2048, 2048))]
)
def test_a_large_picture_is_made_smaller_and_keeps_its_ratio(
    kind: str, size: tuple[int, int], becomes: tuple[int, int]
) -> None:
    found = read_start_image(file_of(Image.new("RGB", size, RED), kind))

    assert opened(found.png).size == (found.width, found.height) == becomes
    assert corners(opened(found.png).resize((8, 8))) == ["red"] * 4


def test_equal_files_give_equal_bytes_in_any_thread() -> None:
    sent = file_of(Image.effect_noise((3000, 2000), 90), "JPEG")

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(read_start_image, [sent] * 4))

    assert len(found) == 1


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(UnreadableImageError, match=r"^The start picture has 20\.5 MiB; at most 20 MiB are allowed\.$"):
        read_start_image(b"\x89PNG" + bytes(20 * 2**20 + 2**19))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (
            (8000, 5001),
            "The start picture has 8000x5001 pixels, which is 40.0 megapixels; at most 40 are allowed.",
        ),
        (
            (12_000, 10_000),  # where Pillow warns
            "The start picture has 12000x10000 pixels, which is 120.0 megapixels; at most 40 are allowed.",
        ),
        ((60_000, 60_000), "The start picture has far too many pixels; at most 40 megapixels are allowed."),
    ],
)
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(size: tuple[int, int], text: str) -> None:
    with pytest.raises(UnreadableImageError) as refusal:
        read_start_image(png_that_says(*size))

    assert str(refusal.value) == text


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"acTL", b"\0" * 8),  # an animation of no frames: Pillow warns
        chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\x7f\xff"),  # cut short: Pillow warns
        chunk(b"eXIf", b"no exif"),
    ],
    ids=["empty animation", "exif cut short", "exif of nothing"],
)
def test_metadata_that_makes_no_sense_does_no_harm(extra: bytes) -> None:
    whole = file_of(quarters())
    sent = whole[:33] + extra + whole[33:]  # behind the signature and the header

    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        found = read_start_image(sent)

    assert corners(opened(found.png)) == UPRIGHT
    assert leaked == []


KINDS = list(all_kinds())


@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_in_words(data: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    outcome = ""
    try:
        found = read_start_image(damaged(data, changes, cut))
    except UnreadableImageError as refusal:
        outcome = str(refusal)

    assert outcome.startswith("The start picture ") or opened(found.png).size == (found.width, found.height)


@pytest.mark.parametrize(("size", "cut"), [((64, 32), "above and below"), ((32, 64), "left and right"), ((48, 48), "")])
def test_a_start_picture_covers_the_size_and_is_cut_evenly(size: tuple[int, int], cut: str) -> None:
    framed = ImageOps.expand(quarters(128), 16, "black")  # 160 wide, an eighth of black at each side

    fitted = fit(file_of(framed), size)

    assert fitted.size == size
    across = [fitted.getpixel((x, size[1] // 2 - 3)) for x in (0, size[0] - 1)]
    down = [fitted.getpixel((size[0] // 2 - 3, y)) for y in (0, size[1] - 1)]
    assert all(sum(pixel) < 30 for pixel in across) is (cut != "left and right")  # type: ignore[arg-type]
    assert all(sum(pixel) < 30 for pixel in down) is (cut != "above and below")  # type: ignore[arg-type]
