"""Does an operator's own models file work, and is it told what is wrong with it?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation import Card, Catalogue, GenerationError
from tests.fake_models import entry

ENTRY = entry("mine", "weights", seconds_per_step=0.1, weights_gib=1.5)
LARGE_GPU = Card(device="cuda:0", name="a large card", memory_gib=140)


def load(folder: Path, text: str | bytes, *, default: str | None = None) -> Catalogue:
    """Read the models that ship and a file of one's own."""
    file = folder / "mine.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Catalogue.load(extra=file, default=default)


def test_an_entry_stands_behind_those_that_ship(tmp_path: Path) -> None:
    catalogue = load(tmp_path, ENTRY)

    assert [spec.name for spec in catalogue][-1] == "mine"
    assert catalogue.default == "demo"


def test_a_model_for_adults_is_marked_and_no_other_is(tmp_path: Path) -> None:
    marked = load(tmp_path, ENTRY.replace("adult = false", "adult = true"))

    assert [spec.name for spec in marked if spec.adult] == ["mine"]
    assert not load(tmp_path, ENTRY.replace("adult = false", "")).get("mine").adult


def test_an_entry_may_be_the_default_and_may_replace_one_that_ships(tmp_path: Path) -> None:
    catalogue = load(tmp_path, ENTRY.replace('"mine"', '"SDXL"'), default="sdxl")

    assert catalogue.default == "sdxl"
    assert catalogue.get("sdxl").family == "fake"
    assert len([spec for spec in catalogue if spec.name == "sdxl"]) == 1


def test_a_relative_checkpoint_begins_at_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, ENTRY).get("mine").checkpoint == str(tmp_path / "weights")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("width = 64", 'width = "64"', "mine.width is '64'; allowed: a whole number from 8 to 4096."),
        ("width = 64", "width = true", "mine.width is True; allowed: a whole number from 8 to 4096."),
        (
            "width = 64",
            "width = 48",
            "width is 48; allowed: a multiple of side_multiple (32) from smallest_side (32) to largest_side (128).",
        ),
        ("side_multiple = 32", "side_multiple = 12", "mine.side_multiple is 12; allowed: a multiple of 8."),
        ("guidance_scale = 3.0", "guidance_scale = nan", "mine.guidance_scale is nan; allowed: a number from 0 to 30."),
        (
            "num_inference_steps = 4",
            "num_inference_steps = 4.5",
            "steps is 4.5; allowed: a whole number from 1 to 150.",
        ),
        ("needs_gpu = false", 'needs_gpu = "no"', "mine.needs_gpu is 'no'; allowed: true or false."),
        ("adult = false", 'adult = "yes"', "mine.adult is 'yes'; allowed: true or false."),
        (
            "seconds_per_step = 0.1",
            "seconds_per_step = 0.1\nmost_at_once = 9",
            "mine.most_at_once is 9; allowed: a whole number from 1 to 8.",
        ),
        (
            "batch_fixed_share = 0.0",
            "batch_fixed_share = 1.5",
            "mine.batch_fixed_share is 1.5; allowed: a number from 0 to 1.",
        ),
        (
            "seconds_per_step = 0.1",
            "seconds_per_step = 0",
            "_step is 0; allowed: a number from 1e-06 to 10000.",
        ),
        (
            'family = "fake"',
            'family = "dalle"',
            "'dalle'; allowed: one of sdxl, sd3, flux, hidream, z_image, flux2, qwen_image, chroma, fake.",
        ),
        ('family = "fake"', "family = ['sdxl']", "mine.family is ['sdxl']; allowed: one of sdxl,"),
        (
            'checkpoint = "weights"',
            'checkpoint = "hub:no/such/thing"',
            "mine.checkpoint is 'hub:no/such/thing'; allowed: a directory, or \"hub:OWNER/NAME\".",
        ),
        ('scheduler = "DDIM', 'scheduler = "DDIM ', "'DDIM Scheduler'; allowed: the name of a diffusers scheduler."),
        ('licence = "MIT"', 'license = "MIT"', "mine has an unknown field 'license'; allowed: title, family,"),
        ('licence = "MIT"', "", "mine lacks the field 'licence': one line of text in quotes."),
        ("components = {", "components = 3 # {", "mine.components is 3; allowed: a table of parts by component, such"),
        (
            "{ parameters = 805306368 }",
            '"sdxl9"',
            "mine.components.colour is 'sdxl9'; allowed: one of sdxl, sd3.5-large,",
        ),
        (
            "colour = {",
            "vae = {",
            "mine.components names vae; allowed: one denoiser (unet or transformer), with vae and",
        ),
        (
            "{ parameters",
            "{ weights",
            "mine.components.colour has an unknown field 'weights'; allowed: parameters, linear,",
        ),
        (
            "805306368",
            "805306368, linear = 805306369",
            "colour.linear is 805306369; allowed: at most its parameters, 805",
        ),
        (
            "805306368",
            "805306368, blocks = [{ class = 'B', count = 9, parameters = 805306368, linear = 0 }]",
            "colour.parameters is 805306368, but its blocks alone have 7247757312.",
        ),
        (
            "805306368",
            "805306368, blocks = [{ class = 'B', count = 9, linear = 0 }]",
            "blocks[1] lacks the field 'param",
        ),
        ("pass_tflop = 0.001", "pass_tflop = 'much'", "mine.costs.pass_tflop is 'much'; allowed: a number from 1e-06"),
        (
            "costs = {",
            "costs = 3 # {",
            "mine.costs is 3; allowed: a table with pass_tflop, gib_per_kilotoken and text_",
        ),
        (
            'checkpoint = "weights"',
            'checkpoint = "weights/model.ckpt"',
            "mine.checkpoint is 'weights/model.ckpt'; allowed: safetensors alone, since other files can run code.",
        ),
        ('checkpoint = "weights"', 'checkpoint = "model.PT"', "'model.PT'; allowed: safetensors alone, since other"),
        (
            'checkpoint = "weights"',
            'checkpoint = "model.safetensors"',
            "'model.safetensors'; allowed: a directory with a model_index.json, or \"hub:OWNER/NAME\"; a single file",
        ),
        (
            'checkpoint = "weights"',
            'checkpoint = "weights"\nconfigs = "hub:me/mine"',
            "mine.configs is 'hub:me/mine'; allowed: only with a checkpoint that is a single .safetensors file.",
        ),
        (
            'family = "fake"\ncheckpoint = "weights"',
            'family = "sdxl"\ncheckpoint = "model.safetensors"',
            "mine lacks the field 'configs', which a single file needs; allowed: where its configurations and",
        ),
        ('["mine"]', '["mine"]\nlike = "sdlx"', "mine.like is 'sdlx'; allowed: a model that stands before it: demo,"),
        ('["mine"]', '["mine"]\nlike = "mine"', "mine.like is 'mine'; allowed: a model that stands before it: demo,"),
        ('["mine"]', '["two words"]', "'two words' is no name for a model: letters, digits, dots and hyphens"),
        ('["mine"]', '["../mine"]', "'../mine' is no name for a model"),
        ('["mine"]', "mine = 3\n[other]", "mine is 3; allowed: a table, which begins with [mine]."),
        ('["mine"]', "[mine", "mine.toml is not valid TOML: "),
    ],
)
def test_what_is_wrong_is_named_by_entry_field_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in ENTRY

    with pytest.raises(GenerationError) as refusal:
        load(tmp_path, ENTRY.replace(old, new))

    assert complaint in str(refusal.value)
    assert str(refusal.value).startswith("mine.toml")


def test_a_model_that_is_like_another_says_only_what_differs(tmp_path: Path) -> None:
    catalogue = load(tmp_path, '[dreams]\nlike = "SDXL"\ncheckpoint = "dreams"\nnum_inference_steps = 25\n')

    mine, like = catalogue.get("dreams"), catalogue.get("sdxl")
    assert (mine.family, mine.guidance_scale, mine.licence, mine.costs) == (
        like.family,
        like.guidance_scale,
        like.licence,
        like.costs,
    )
    assert (mine.checkpoint, mine.num_inference_steps) == (str(tmp_path / "dreams"), 25)


def test_another_checkpoint_is_of_the_same_network_but_shares_neither_weights_nor_gate(tmp_path: Path) -> None:
    catalogue = load(tmp_path, '[mine]\nlike = "flux-dev"\ncheckpoint = "hub:me/mine"\n')

    mine, like = catalogue.get("mine"), catalogue.get("flux-dev")
    assert (mine.gated, like.gated, mine.revision) == (False, True, "main")
    for component, part in like.components.items():
        assert mine.components[component] == replace(part, name=f"mine/{component}")
    assert catalogue.plan_default(mine, LARGE_GPU).denoise_gib == catalogue.plan_default(like, LARGE_GPU).denoise_gib


def test_the_same_checkpoint_with_other_defaults_shares_all_its_weights(tmp_path: Path) -> None:
    entries = (
        '[quick]\nlike = "flux-dev"\nnum_inference_steps = 12\n[quicker]\nlike = "quick"\nnum_inference_steps = 8\n'
    )

    catalogue = load(tmp_path, entries)

    assert catalogue.get("quicker").components == catalogue.get("flux-dev").components
    assert (catalogue.get("quicker").num_inference_steps, catalogue.get("quicker").gated) == (8, True)


def test_a_single_file_has_the_configurations_of_the_model_that_it_is_like(tmp_path: Path) -> None:
    entries = (
        '[one]\nlike = "sdxl"\ncheckpoint = "one.safetensors"\n[two]\nlike = "one"\ncheckpoint = "two.SafeTensors"\n'
        '[own]\nlike = "sdxl"\ncheckpoint = "own.safetensors"\nconfigs = "settings"\n'
        '[folder]\nlike = "one"\ncheckpoint = "folder"\n'
    )

    catalogue = load(tmp_path, entries)

    sdxl, one = catalogue.get("sdxl"), catalogue.get("one")
    assert (one.checkpoint, one.configs, one.revision) == (
        str(tmp_path / "one.safetensors"),
        sdxl.checkpoint,
        sdxl.revision,
    )
    assert [catalogue.get(name).configs for name in ("two", "own", "folder", "sdxl")] == [
        sdxl.checkpoint,
        str(tmp_path / "settings"),
        "",
        "",
    ]


def test_an_entry_may_be_like_one_in_the_same_file_and_a_known_part_be_named(tmp_path: Path) -> None:
    twin = '[twin]\nlike = "mine"\ncheckpoint = "other"\ncomponents = { colour = "clip-l" }\n'

    catalogue = load(tmp_path, ENTRY + twin)

    assert catalogue.get("twin").components["colour"].name == "clip-l"
    assert catalogue.get("twin").checkpoint == str(tmp_path / "other")


def test_the_most_pixels_are_half_as_many_again_as_the_models_own_if_nothing_is_said(tmp_path: Path) -> None:
    plain, told = (
        load(tmp_path, ENTRY),
        load(tmp_path, ENTRY.replace("height = 64", "height = 64\nlargest_area = 4096")),
    )

    assert (plain.get("mine").largest_area, told.get("mine").largest_area) == (6144, 4096)


def test_an_entry_that_is_there_twice_in_another_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="mine is there twice"):
        load(tmp_path, ENTRY + ENTRY.replace("mine", "Mine"))


def test_a_default_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="There is no model 'yours'"):
        load(tmp_path, ENTRY, default="yours")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match=r"The models file missing\.toml cannot be read: No such file"):
        Catalogue.load(extra=tmp_path / "missing.toml")
    with pytest.raises(GenerationError, match="cannot be read: Is a directory"):
        Catalogue.load(extra=tmp_path)
    with pytest.raises(GenerationError, match=r"mine\.toml is not a text file in UTF-8"):
        load(tmp_path, b"\xff\xfe\x00")
