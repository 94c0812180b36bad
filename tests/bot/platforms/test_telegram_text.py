"""Does text on Telegram have no effect and keep to its limits, and do pictures?"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.platforms.telegram import pictures
from bot.platforms.telegram.text import MOST_CAPTION, MOST_TEXT, as_typed, neutral, shown, units
from tests.standins.telegram.formatting import formatted

HARMLESS = {"bot_command"}  # whoever taps one says it themselves
NAMES = ["@ann", "@everyone", "#cat", "#12", "a@b.org", "/help", "/help@fairbrush_bot"]
LINKS = ["https://a.b/c", "tg://resolve?domain=x", "t.me/x", "www.evil.com", "http://127.0.0.1/", "1.2.3.4", "co.uk"]
MARKUP = ["*b*", "<a href='x'>", "[a](http://b.me)", "🎨", "é", " ", "\n", "!", ".", ":", "/", "@", "#", "cfg 2.5"]
PIECES = st.sampled_from([*NAMES, *LINKS, *MARKUP])
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=60).map("".join)


@given(TEXTS)
def test_no_text_has_any_effect(text: str) -> None:
    kinds = {entity["type"] for entity in formatted(neutral(text)).entities}

    assert kinds <= HARMLESS


@given(TEXTS)
def test_what_is_copied_is_what_was_typed(text: str) -> None:
    typed = as_typed(text)  # nobody types what cannot be seen

    assert as_typed(neutral(typed)).replace(" ", "") == "".join(
        character for character in typed if character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    ).replace(" ", "")


@pytest.mark.parametrize(
    "text", ["cfg 2.5 · 64x64", "done in 0.3 s. Next", "--ar 4:3", "12:1", "job #12", "torch 2.13.0"]
)
def test_numbers_and_settings_are_left_as_they_are(text: str) -> None:
    assert neutral(text) == text


@given(st.text(max_size=6000), st.sampled_from([MOST_TEXT, MOST_CAPTION]))
def test_every_text_fits(text: str, limit: int) -> None:
    cut = shown(text, limit)

    assert 0 < units(cut) <= limit
    cut.encode("utf-16-le", "surrogatepass")


def test_the_longest_line_gives_way_before_the_others() -> None:
    cut = shown(f"Job 1 done.\n{'🎨' * 2000}\nflat · seed 7", MOST_CAPTION)

    first, prompt, last = cut.split("\n")
    assert (first, last) == ("Job 1 done.", "flat · seed 7")
    assert prompt.endswith("🎨…")
    assert units(cut) >= MOST_CAPTION - 1


def test_direction_marks_do_not_turn_the_bots_own_words() -> None:
    assert neutral("a \u202egnp.exe\u2066 cat") == "a gnp.exe cat".replace(".e", ".\u2060e")


def picture(directory: Path, size: tuple[int, int], name: str = "a.png") -> Path:
    path = directory / name
    Image.effect_noise(size, 90).convert("RGB").save(path, compress_level=1)
    return path


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_picture_that_fits_is_sent_as_it_is(tmp_path: Path) -> None:
    path = picture(tmp_path, (64, 64))

    assert pictures.photo(path) == path.read_bytes()


@pytest.mark.parametrize("size", [(2400, 1600), (10_200, 100), (64, 2000), (1, 900)])
def test_a_picture_beyond_telegrams_limits_is_brought_within_them(tmp_path: Path, size: tuple[int, int]) -> None:
    data = pictures.photo(picture(tmp_path, size))

    width, height = opened(data).size
    assert len(data) <= 10_000_000
    assert width + height <= 10_000
    assert max(width, height) <= 20 * min(width, height)


@pytest.mark.parametrize(
    ("sizes", "layout"),
    [
        ([(64, 64)] * 2, (136, 64)),
        ([(64, 32)] * 2, (64, 72)),
        ([(64, 64)] * 3, (136, 136)),
        ([(64, 64)] * 4, (136, 136)),
        ([(1500, 1500)] * 4, (2056, 2056)),
        ([(4000, 100)] * 4, None),
    ],
)
def test_a_sheet_is_as_square_as_its_pictures_allow(
    tmp_path: Path, sizes: list[tuple[int, int]], layout: tuple[int, int] | None
) -> None:
    paths = [picture(tmp_path, size, f"{number}.png") for number, size in enumerate(sizes)]

    data = pictures.sheet(paths)

    width, height = opened(data).size
    assert layout in (None, (width, height))
    assert len(data) <= 10_000_000
    assert max(width, height) <= 20 * min(width, height)


def test_each_cell_has_its_number(tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (200, 200), "red").save(paths[-1])

    sheet = opened(pictures.sheet(paths)).convert("RGB")

    corners = [sheet.crop((x, y, x + 50, y + 50)).tobytes() for y in (0, 208) for x in (0, 208)]
    assert len(set(corners)) == 4
