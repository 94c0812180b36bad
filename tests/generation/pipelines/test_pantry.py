"""Is a network in memory once, however many models have it, and gone with the last of them?"""

from __future__ import annotations

import gc
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from generation import ModelSpec, Precision
from generation.errors import ModelLoadError
from generation.pipelines.families.sdxl import FAMILY
from generation.pipelines.memory.hashes import FileHashes
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.opening import load
from generation.pipelines.pipeline import Pipeline, Row
from tests.generation.pipelines.boundary import Boundary
from tests.generation.pipelines.tiny_sdxl import PROCESSOR, REQUEST, STREAMED, WHOLE, placed, spec

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy


SMALL = replace(REQUEST, width=64, height=64, num_inference_steps=2)


def draw(pipeline: Pipeline) -> bytes:
    """Draw, and give the bare pixels."""
    return pipeline.render([Row(SMALL, 5)], lambda _: None)[0].tobytes()


def opened(entry: ModelSpec, pantry: Pantry, plan: object = WHOLE, boundary: Boundary | None = None) -> Pipeline:
    """Load a model out of a pantry."""
    return load(entry, plan, PROCESSOR, pantry, FAMILY, boundary or Boundary())  # type: ignore[arg-type]


def networks() -> dict[str, int]:
    """Count the networks that are alive, by class."""
    gc.collect()
    names = ("UNet2DConditionModel", "CLIPTextModel", "CLIPTextModelWithProjection", "AutoencoderKL")
    alive = [type(thing).__name__ for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module)]
    return {name: alive.count(name) for name in names}


def grown(before: dict[str, int]) -> list[int]:
    """Tell how many more of each there are."""
    return [count - before[name] for name, count in networks().items()]


@pytest.fixture
def other_denoiser(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint of the same parts, saved by another program, but for its denoiser."""
    copy = tmp_path / "other"
    shutil.copytree(checkpoint, copy)
    for part in ("vae", "text_encoder", "text_encoder_2"):
        config = copy / part / "config.json"
        values = json.loads(config.read_text()) | {"_name_or_path": "elsewhere", "transformers_version": "4.0"}
        config.write_text(json.dumps(values))
    config = copy / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"norm_eps": 1e-4}))
    return copy


def test_models_share_the_parts_of_which_weights_and_configuration_are_the_same(
    checkpoint: Path, other_denoiser: Path
) -> None:
    pantry, before = Pantry(), networks()

    one = opened(spec(checkpoint), pantry)
    same = opened(spec(checkpoint, scheduler="DDIMScheduler"), pantry)
    shared = grown(before)
    other = opened(spec(other_denoiser), pantry)

    assert shared == [1, 2, 1, 1]  # a text model with projection has one of the other kind inside
    assert grown(before) == [2, 2, 1, 1]
    assert len({draw(one), draw(same), draw(other)}) == 3


def test_not_in_another_precision(checkpoint: Path) -> None:
    pantry, before = Pantry(), networks()

    pipelines = [
        opened(spec(checkpoint), pantry, placed(precision=each)) for each in (Precision.FLOAT32, Precision.BFLOAT16)
    ]

    assert grown(before)[0] == len(pipelines) == 2


def test_a_part_goes_with_the_last_model_that_has_it(checkpoint: Path, other_denoiser: Path) -> None:
    pantry, before = Pantry(), networks()
    boundary = Boundary()
    one, other = (opened(spec(folder), pantry, boundary=boundary) for folder in (checkpoint, other_denoiser))
    expected = draw(other)

    one.close()

    assert grown(before) == [1, 2, 1, 1]
    assert draw(other) == expected
    other.close()
    assert grown(before) == [0, 0, 0, 0]
    assert (boundary.used, boundary.kept) == (0, 0)


def test_a_model_that_cannot_be_loaded_leaves_nothing_behind(checkpoint: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    (damaged / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"junk")
    pantry, before = Pantry(), networks()

    with pytest.raises(ModelLoadError):
        opened(spec(damaged), pantry)

    assert grown(before) == [0, 0, 0, 0]


@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["resident", "streamed"])
def test_a_model_that_rests_is_off_the_card_and_draws_the_same_when_it_is_back(checkpoint: Path, plan: object) -> None:
    boundary = Boundary()
    pipeline = opened(spec(checkpoint), Pantry(), plan, boundary)
    assert boundary.used == 0
    expected = draw(pipeline)
    resident = boundary.used

    pipeline.rest()
    gc.collect()
    resting = boundary.used
    pipeline.wake()
    awake = boundary.used

    assert (resting, awake) == (0, resident)
    assert draw(pipeline) == expected
    pipeline.rest()
    assert draw(pipeline) == expected


def test_what_a_resting_model_shares_stays_for_the_other(checkpoint: Path, other_denoiser: Path) -> None:
    boundary, pantry = Boundary(), Pantry()
    one, other = (opened(spec(folder), pantry, boundary=boundary) for folder in (checkpoint, other_denoiser))
    one.wake()
    alone = boundary.used
    other.wake()
    both = boundary.used
    boundary.forget()

    one.rest()
    gc.collect()
    draw(other)

    assert alone < both < 2 * alone
    assert boundary.used == alone
    assert boundary.brought == 0


def test_two_plans_for_one_model_leave_its_weights_where_they_are(checkpoint: Path) -> None:
    boundary, pantry, before = Boundary(), Pantry(), networks()
    old = opened(spec(checkpoint), pantry, STREAMED, boundary)
    expected = draw(old)

    old.rest()
    new = opened(spec(checkpoint), pantry, WHOLE, boundary)
    kept = boundary.kept
    old.close()

    assert grown(before) == [1, 2, 1, 1]
    assert draw(new) == expected
    assert boundary.kept == kept


def test_only_one_network_is_built_at_a_time() -> None:
    pantry, building, most = Pantry(), [], []
    started = threading.Barrier(2)

    class Thing:
        def __init__(self, content: str) -> None:
            building.append(content)
            most.append(len(building))
            self.content = content
            building.remove(content)

        def close(self) -> None:
            """Nothing to give back."""

    def fetch(content: str) -> None:
        started.wait(10)
        for number in range(200):
            pantry.fetch(f"{content} {number}", lambda: Thing(content))

    threads = [threading.Thread(target=fetch, args=(content,)) for content in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert max(most) == 1
    assert len(most) == 400


def test_a_file_of_the_hub_is_not_read_to_know_its_hash(tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / ("ab" * 32)
    blob.parent.mkdir()
    blob.write_bytes(b"whatever")
    link = tmp_path / "model.safetensors"
    link.symlink_to(blob)

    assert FileHashes().of_file(link) == "ab" * 32


def test_a_file_is_read_again_once_it_has_changed(tmp_path: Path) -> None:
    hashes, file = FileHashes(), tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    one = hashes.of_file(file)
    file.write_bytes(b"other")

    assert hashes.of_file(file) != one
    file.write_bytes(b"one")
    assert hashes.of_file(file) == one
