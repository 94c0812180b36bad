"""Does a style become part of the prompt, and is its file read with care?"""

from __future__ import annotations

import pytest

from generation import Catalogue, GenerationError, ImagineOptions, ImagineRequest, InvalidRequestError
from generation.models.styles import read_styles

CATALOGUE = Catalogue.load()
ENTRY = '[chalk]\nprompt = "{prompt} in chalk"\nnegative_prompt = "ink"\n'


def styled(style: str, model: str = "sdxl", **options: object) -> ImagineRequest:
    """Complete a request for a cat in a style."""
    typed = ImagineOptions(**{"prompt": "a cat", "style": style} | options)  # type: ignore[arg-type]
    return CATALOGUE.complete(typed, default_model=model, seed=1)


def test_about_ten_styles_ship() -> None:
    assert 8 <= len(CATALOGUE.styles) <= 14
    assert "watercolour" in CATALOGUE.styles


@pytest.mark.parametrize("style", CATALOGUE.styles)
def test_every_style_keeps_the_persons_words_and_adds_its_own(style: str) -> None:
    asked = styled(style, negative_prompt="haze")

    assert asked.prompt.startswith("a cat, ")
    assert len(asked.prompt) > len("a cat, a style")
    assert asked.negative_prompt.startswith("haze, ")


def test_the_words_stand_where_the_template_says_and_may_hold_braces() -> None:
    asked = styled("INK", prompt=" a {prompt} {0} % cat ")

    assert asked.prompt.startswith("a {prompt} {0} % cat, ink drawing")


def test_each_style_gives_another_picture() -> None:
    assert len({styled(style).prompt for style in CATALOGUE.styles}) == len(CATALOGUE.styles)


def test_a_style_brings_its_negative_words_where_none_were_typed() -> None:
    assert styled("ink").negative_prompt == "colour, photograph"


@pytest.mark.parametrize(
    ("model", "options"), [("flux-dev", {}), ("sdxl", {"guidance_scale": 1.0})], ids=["no such words", "no guidance"]
)
def test_negative_words_are_left_out_where_they_have_no_effect(model: str, options: dict[str, object]) -> None:
    asked = styled("ink", model, **options)

    assert asked.negative_prompt == ""
    assert "ink drawing" in asked.prompt


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("watercolor", "There is no --style 'watercolor', the nearest is watercolour; styles: photo, cinematic, "),
        ("zzz", "There is no --style 'zzz'; styles: photo, cinematic, "),
    ],
)
def test_an_unknown_style_is_answered_by_the_nearest_and_by_all(style: str, text: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        styled(style)

    assert str(refusal.value).startswith(text)
    assert all(name in str(refusal.value) for name in CATALOGUE.styles)


def test_a_prompt_that_a_style_makes_too_long_is_refused() -> None:
    with pytest.raises(
        InvalidRequestError, match=r"^The prompt with --style ink has 2,\d\d\d characters; at most 2,000"
    ):
        styled("ink", prompt="x" * 1990)
    with pytest.raises(InvalidRequestError, match=r"^--no with --style ink has 2,\d\d\d characters; at most 2,000"):
        styled("ink", negative_prompt="x" * 1990)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "{prompt}",
            "prompt",
            "mine.toml: chalk.prompt is 'prompt in chalk'; allowed: one line of text in quotes, with",
        ),
        ("{prompt}", "{prompt} {prompt}", "with {prompt} in it once."),
        ('"ink"', "7", "mine.toml: chalk.negative_prompt is 7; allowed: one line of text in quotes, or none in them."),
        ('negative_prompt = "ink"', "", "mine.toml: chalk lacks the field 'negative_prompt': one line"),
        ("negative_prompt", "no", "mine.toml: chalk has an unknown field 'no'; allowed: prompt, negative_prompt."),
        (
            "[chalk]",
            "['two words']",
            "mine.toml: 'two words' is no name for a style: letters, digits, dots and hyphens",
        ),
        ("[chalk]", "[chalk", "mine.toml is not valid TOML: "),
    ],
)
def test_what_is_wrong_in_a_styles_file_is_named(old: str, new: str, complaint: str) -> None:
    assert old in ENTRY

    with pytest.raises(GenerationError) as refusal:
        read_styles(ENTRY.replace(old, new), source="mine.toml")

    assert complaint in str(refusal.value)
