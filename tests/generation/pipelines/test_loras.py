"""Does a model draw with adapters as diffusers' own pipeline does, and without them as if there had been none?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import diffusers
import numpy as np
import pytest
import torch

from generation import Lora, ModelSpec, Precision, VramPlan
from generation.errors import LoraError
from generation.lora import MOST_LORAS
from generation.pipelines.memory.embeddings import Embeddings
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, load_pipeline
from tests.generation.pipelines import tiny_loras, tiny_sdxl
from tests.generation.pipelines.tiny_loras import TEXT, adapted, as_peft, weights
from tests.generation.pipelines.tiny_sdxl import BLOCKS, PROCESSOR, REQUEST, WHOLE, placed

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"  # diffusers' schedulers hand tensors to numpy
)

Levels: TypeAlias = np.ndarray[Any, Any]

SEED = 5
ASKED = replace(REQUEST, width=64, height=64, num_inference_steps=2)
ROUNDING = 1  # level of 255: weights that lie elsewhere in memory are summed up in another order


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tiny")
    tiny_sdxl.write_checkpoint(directory)
    return directory


@pytest.fixture(scope="module")
def spec(checkpoint: Path) -> ModelSpec:
    return tiny_sdxl.spec(checkpoint)


@pytest.fixture(scope="module")
def whole(checkpoint: Path) -> Any:
    """diffusers' own pipeline, for its networks and to compare with; each test leaves it without adapters."""
    pipeline_class: Any = diffusers.StableDiffusionXLPipeline
    pipe = pipeline_class.from_pretrained(checkpoint, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def pipeline(spec: ModelSpec) -> Pipeline:
    return load_pipeline(spec, WHOLE, PROCESSOR, Pantry())


@pytest.fixture(scope="module")
def folder(whole: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with adapters of all kinds for the tiny model."""
    directory = tmp_path_factory.mktemp("loras")
    tiny_loras.write_many(directory, whole)
    return directory


def drawn(pipeline: Pipeline, folder: Path, *loras: Lora, prompt: str = "a cat") -> Levels:
    """Draw with adapters and give the levels of the picture."""
    asked = replace(ASKED, prompt=prompt, loras=loras)
    (image,) = pipeline.render([Row(asked, SEED, loras=weights(folder, *loras))], lambda _: None)
    return np.asarray(image).astype(int)


def drawn_whole(whole: Any, folder: Path, *loras: Lora, prompt: str = "a cat") -> Levels:
    """Draw the same by diffusers' own pipeline with its own way to load adapters."""
    for lora in loras:
        whole.load_lora_weights(folder / f"{lora.name}.safetensors", adapter_name=lora.name)
    whole.set_adapters([lora.name for lora in loras], [lora.scale for lora in loras])
    size = {"width": ASKED.width, "height": ASKED.height}
    generator = [torch.Generator().manual_seed(SEED)]
    result = whole(
        prompt,
        num_inference_steps=ASKED.num_inference_steps,
        guidance_scale=ASKED.guidance_scale,
        generator=generator,
        **size,
    )
    whole.unload_lora_weights()
    return np.asarray(result.images[0]).astype(int)


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")  # by diffusers' own way
@pytest.mark.parametrize(
    "loras",
    [
        [Lora("peft")],
        [Lora("peft", -0.4)],
        [Lora("kohya", 0.7)],
        [Lora("weak")],
        [Lora("text")],
        [Lora("peft", 0.5), Lora("text", 1.5), Lora("ink1", -1.0)],
    ],
    ids=str,
)
def test_it_draws_what_diffusers_own_pipeline_draws_with_them(
    loras: list[Lora], pipeline: Pipeline, whole: Any, folder: Path
) -> None:
    found = drawn(pipeline, folder, *loras)

    assert np.abs(found - drawn_whole(whole, folder, *loras)).max() <= ROUNDING
    assert np.abs(found - drawn(pipeline, folder)).max() > 10 * ROUNDING


def test_the_spelling_of_a_file_makes_no_difference_but_its_alpha_does(pipeline: Pipeline, folder: Path) -> None:
    peft, kohya, quarter, weak, told = [
        drawn(pipeline, folder, lora)
        for lora in (Lora("peft"), Lora("kohya"), Lora("peft", 0.25), Lora("weak"), Lora("quarter"))
    ]

    assert (peft == kohya).all()
    assert (weak == quarter).all()
    assert (told == quarter).all()
    assert (peft != quarter).any()


def test_after_a_call_with_them_pictures_are_byte_for_byte_what_they_were(pipeline: Pipeline, folder: Path) -> None:
    before = drawn(pipeline, folder)
    with_it = drawn(pipeline, folder, Lora("text"))

    assert (drawn(pipeline, folder) == before).all()
    assert (drawn(pipeline, folder, Lora("text")) == with_it).all()
    assert (with_it != before).any()


def test_outside_of_such_a_call_the_network_is_the_very_one_that_was_loaded(spec: ModelSpec, folder: Path) -> None:
    pantry = Pantry()
    fresh = load_pipeline(spec, WHOLE, PROCESSOR, pantry)
    network: Any = fresh._denoiser.module
    modules = dict(network.named_modules())

    drawn(fresh, folder, Lora("peft"), Lora("text"))

    assert list(network.named_modules()) == list(modules.items())


def test_a_prompt_is_encoded_again_only_under_adapters_that_change_text_encoders(spec: ModelSpec, folder: Path) -> None:
    counted = _Counted()
    pipeline = load_pipeline(spec, WHOLE, PROCESSOR, Pantry(counted))

    for loras in (
        [],
        [Lora("peft")],
        [Lora("text")],
        [Lora("text", 0.5)],
        [Lora("peft"), Lora("text")],
        [Lora("ink0")],
    ):
        drawn(pipeline, folder, *loras)

    assert counted.kept == 3


class _Counted(Embeddings):
    """Counts how often something new was encoded."""

    kept = 0

    def keep(self, key: Any, conditioning: Any) -> None:
        self.kept += 1
        super().keep(key, conditioning)


def test_two_models_that_share_a_network_share_its_adapters_and_disturb_each_other_never(
    spec: ModelSpec, folder: Path
) -> None:
    pantry = Pantry()
    one, other = (load_pipeline(spec, WHOLE, PROCESSOR, pantry) for _ in range(2))
    plain, with_it = drawn(one, folder), drawn(one, folder, Lora("peft"))

    assert (drawn(other, folder) == plain).all()
    assert (drawn(other, folder, Lora("peft")) == with_it).all()
    one.close()
    assert (drawn(other, folder) == plain).all()
    assert (drawn(other, folder, Lora("peft")) == with_it).all()


def test_many_in_turn_and_again_draw_the_same_though_only_a_few_stay_loaded(pipeline: Pipeline, folder: Path) -> None:
    names = [f"ink{number}" for number in range(MOST_LORAS + 1)]
    first = [drawn(pipeline, folder, Lora(name)) for name in names]

    again = [drawn(pipeline, folder, Lora(name)) for name in reversed(names)]

    assert all((one == other).all() for one, other in zip(first, reversed(again), strict=True))
    together = drawn(pipeline, folder, *(Lora(name, 0.5) for name in names[:MOST_LORAS]))
    assert (together == drawn(pipeline, folder, *(Lora(name, 0.5) for name in names[:MOST_LORAS]))).all()
    assert len({picture.tobytes() for picture in (*first, together)}) == len(names) + 1


def test_a_file_that_was_exchanged_is_read_anew(pipeline: Pipeline, whole: Any, tmp_path: Path) -> None:
    tiny_loras.write(tmp_path, "ink", as_peft("unet", adapted(whole.unet, "to_v", seed=1)))
    before = drawn(pipeline, tmp_path, Lora("ink"))

    tiny_loras.write(tmp_path, "ink", as_peft("unet", adapted(whole.unet, "to_v", seed=2)))

    assert (drawn(pipeline, tmp_path, Lora("ink")) != before).any()


@pytest.mark.parametrize("spoil", ["width", "layer", "part", "half"])
def test_what_is_made_for_another_network_is_refused_and_leaves_the_model_as_it_was(
    spoil: str, pipeline: Pipeline, whole: Any, folder: Path, tmp_path: Path
) -> None:
    before = drawn(pipeline, folder)
    matrices = as_peft("unet", adapted(whole.unet, "to_v"))
    first = next(iter(matrices))
    match spoil:
        case "width":
            matrices[first] = torch.zeros(4, 2048)
        case "layer":
            matrices["unet.mid_block.more.lora_A.weight"] = torch.zeros(4, 32)
        case "part":
            matrices |= as_peft("text_encoder_3", adapted(whole.text_encoder, *TEXT))
        case "half":
            del matrices[first]
    tiny_loras.write(tmp_path, "alien", matrices, {"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"})

    with pytest.raises(LoraError) as error:
        drawn(pipeline, tmp_path, Lora("alien"))

    assert str(error.value) in {
        "The LoRA alien does not fit sdxl: its layers are those of another model.",
        "The LoRA alien is written in a form that this version does not understand.",
    }
    assert (drawn(pipeline, folder) == before).all()


def test_a_file_that_is_gone_or_spoilt_by_the_time_it_is_needed_is_told_as_that(
    pipeline: Pipeline, whole: Any, tmp_path: Path
) -> None:
    path = tiny_loras.write(tmp_path, "ink", as_peft("unet", adapted(whole.unet, "to_v", seed=9)))
    found = weights(tmp_path, Lora("ink"))
    path.write_bytes(path.read_bytes()[:-10])

    for _ in range(2):
        with pytest.raises(LoraError, match=r"The LoRA ink cannot be read; an admin can put its file there anew\."):
            pipeline.render([Row(ASKED, SEED, loras=found)], lambda _: None)
        path.unlink(missing_ok=True)


STREAMED = placed(dict.fromkeys(BLOCKS, 0))
HALF = placed({**BLOCKS, "unet": 1})


@pytest.mark.parametrize("plan", [STREAMED, HALF], ids=["streamed", "half streamed"])
def test_blocks_that_pass_through_draw_with_them_as_those_that_stay(
    plan: VramPlan, spec: ModelSpec, pipeline: Pipeline, folder: Path
) -> None:
    streaming = load_pipeline(spec, plan, PROCESSOR, Pantry())

    for loras in ([Lora("peft", 0.5), Lora("text")], [], [Lora("ink0")]):
        assert np.abs(drawn(streaming, folder, *loras) - drawn(pipeline, folder, *loras)).max() <= ROUNDING
    assert (drawn(streaming, folder) == drawn(streaming, folder)).all()


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.NF4])
def test_quantised_networks_draw_with_them_and_without_them_as_before(
    precision: Precision, spec: ModelSpec, folder: Path
) -> None:
    quantised = load_pipeline(spec, placed(precision=precision), PROCESSOR, Pantry())
    before = drawn(quantised, folder)

    with_it = drawn(quantised, folder, Lora("peft"))

    assert (with_it != before).any()
    assert (drawn(quantised, folder, Lora("peft", 0.5)) != with_it).any()
    assert (drawn(quantised, folder) == before).all()


def test_an_adapter_acts_on_a_quantised_network_nearly_as_on_a_whole_one(
    spec: ModelSpec, pipeline: Pipeline, folder: Path
) -> None:
    quantised = load_pipeline(spec, placed(precision=Precision.INT8), PROCESSOR, Pantry())

    difference = np.abs(drawn(quantised, folder, Lora("peft")) - drawn(pipeline, folder, Lora("peft"))).mean()

    assert difference < 0.1 * np.abs(drawn(pipeline, folder, Lora("peft")) - drawn(pipeline, folder)).mean()


def test_what_breaks_a_call_off_takes_the_adapters_off(pipeline: Pipeline, folder: Path) -> None:
    before = drawn(pipeline, folder)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.render([Row(ASKED, SEED, loras=weights(folder, Lora("text")))], stop)

    assert (drawn(pipeline, folder) == before).all()
