"""Does an SDXL in one file draw what the same weights draw in their folders, and does any other file say what it is?"""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from generation import Catalogue, JobState, ModelLoadError, ModelSpec, download_bytes, here
from generation.pipelines.hub.weights import weight_files
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, load_pipeline
from tests.generation.pipelines.local_hub import is_large
from tests.generation.pipelines.single_file import single_file_weights, write_single_file
from tests.generation.pipelines.tiny_sdxl import ENTRY, PROCESSOR, REQUEST, STREAMED, WHOLE, spec
from tests.generation.remote_models import hub_of
from tests.generation.studio import Studio, job

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
Weights = Mapping[str, torch.Tensor]


@pytest.fixture(scope="module")
def weights(checkpoint: Path) -> Weights:
    """What such a file holds."""
    return dict(single_file_weights(checkpoint))


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, and beside it configurations and tokenizers without any weights."""
    folder = tmp_path_factory.mktemp("one file")
    write_single_file(checkpoint, folder / "one.safetensors")
    shutil.copytree(checkpoint, folder / "configs", ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def one_file(folder: Path, file: str | Path = "one.safetensors", **changes: object) -> ModelSpec:
    """Give the entry of SDXL with this file."""
    return spec(folder / file, configs=str(folder / "configs"), **changes)


def drawn(pipeline: Pipeline) -> bytes:
    """Draw, and give the bare pixels."""
    return pipeline.render([Row(REQUEST, 5)], lambda _: None)[0].tobytes()


def levels_apart(some: bytes, others: bytes) -> int:
    """Tell how far two pictures differ at most: a processor's last bits depend on where in a file weights lie."""
    both = [np.frombuffer(each, np.uint8).astype(int) for each in (some, others)]
    return int(np.abs(both[0] - both[1]).max())


@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["whole", "streamed"])
def test_it_draws_what_the_same_weights_draw_in_folders(checkpoint: Path, folder: Path, plan: object) -> None:
    in_folders, in_one = (
        load_pipeline(each, plan, PROCESSOR, Pantry())  # type: ignore[arg-type]
        for each in (spec(checkpoint), one_file(folder))
    )

    assert levels_apart(drawn(in_one), drawn(in_folders)) <= 1


def test_its_revision_begins_the_hash_of_the_file(folder: Path) -> None:
    pipeline = load_pipeline(one_file(folder), WHOLE, PROCESSOR, Pantry())

    content = hashlib.sha256((folder / "one.safetensors").read_bytes()).hexdigest()
    assert pipeline.provenance["model_revision"] == content[:12]


def test_two_models_of_the_same_file_have_one_set_of_weights_and_another_file_has_its_own(
    folder: Path, weights: Weights
) -> None:
    other = {**weights, "model.diffusion_model.out.2.bias": torch.ones(4)}
    save_file({name: tensor.contiguous() for name, tensor in other.items()}, folder / "other.safetensors")
    pantry = Pantry()
    first, twin, stranger = (
        load_pipeline(one_file(folder, file, name=name), WHOLE, PROCESSOR, pantry)
        for name, file in (("a", "one.safetensors"), ("b", "one.safetensors"), ("c", "other.safetensors"))
    )

    assert drawn(first) == drawn(twin) != drawn(stranger)


def test_a_part_may_be_taken_from_elsewhere(checkpoint: Path, folder: Path, weights: Weights) -> None:
    rest = {name: tensor.contiguous() for name, tensor in weights.items() if not name.startswith("first_stage")}
    save_file(rest, folder / "blind.safetensors")
    mixed = one_file(folder, "blind.safetensors", parts={"vae": str(checkpoint / "vae")})

    pictures = [drawn(load_pipeline(each, WHOLE, PROCESSOR, Pantry())) for each in (mixed, one_file(folder))]

    assert levels_apart(*pictures) <= 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda _: {"lora_unet_mid_block.lora_down.weight": torch.ones(4, 4)}, "no SDXL; it seems to be a LoRA, which"),
        (lambda _: {"double_blocks.0.img_attn.qkv.weight": torch.ones(4)}, "no SDXL; it seems to be a FLUX."),
        (lambda _: {"joint_blocks.0.x_block.bias": torch.ones(4)}, "no SDXL; it seems to be a Stable Diffusion 3."),
        (
            lambda all_: {name.replace("conditioner.embedders.0", "cond_stage_model"): all_[name] for name in all_},
            "no SDXL; it seems to be a Stable Diffusion 1.",
        ),
        (
            lambda all_: {name: all_[name] for name in all_ if name.startswith("model.")},
            "no whole SDXL; it seems to be a denoiser alone.",
        ),
        (
            lambda all_: {name: all_[name] for name in all_ if not name.startswith("first_stage_model.")},
            "no whole SDXL: it lacks vae, which `parts` may take from elsewhere.",
        ),
        (lambda _: {"weight": torch.ones(4)}, "no SDXL, nor anything else that is known here."),
    ],
    ids=["LoRA", "FLUX", "SD 3", "SD 1", "denoiser", "no autoencoder", "anything"],
)
def test_another_file_is_refused_with_what_it_seems_to_be(
    folder: Path, tmp_path: Path, weights: Weights, change: Callable[[Weights], Weights], text: str
) -> None:
    save_file({name: tensor.contiguous() for name, tensor in change(weights).items()}, tmp_path / "x.safetensors")

    assert f"sdxl: its checkpoint file is {text}" in refusal(folder, tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("part", "name", "changed"),
    [
        ("unet", "model.diffusion_model.out.2.bias", torch.ones(9)),
        ("unet", "model.diffusion_model.out.2.bias", None),
        ("text_encoder_2", "conditioner.embedders.1.model.ln_final.bias", None),
    ],
    ids=["other shape", "missing", "missing word"],
)
def test_weights_that_do_not_suit_the_configuration_are_refused(
    folder: Path, tmp_path: Path, weights: Weights, part: str, name: str, changed: torch.Tensor | None
) -> None:
    kept = {each: tensor.contiguous() for each, tensor in weights.items() if each != name}
    save_file(kept if changed is None else {**kept, name: changed}, tmp_path / "x.safetensors")

    assert refusal(folder, tmp_path / "x.safetensors") == (
        f"sdxl: the weights of {part} in its checkpoint file are not those that its configuration asks for."
    )


@pytest.mark.parametrize("content", [pickle.dumps({"a": 1}), b"", b"\x00" * 64], ids=["pickle", "nothing", "zeros"])
def test_a_file_that_is_no_safetensors_is_refused_whatever_its_name(
    folder: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)

    assert "is no safetensors file, whatever its name says" in refusal(folder, tmp_path / "x.safetensors")


def test_a_file_that_is_cut_off_or_missing_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes((folder / "one.safetensors").read_bytes()[:-1])

    assert "or it is cut off." in refusal(folder, tmp_path / "x.safetensors")
    assert refusal(folder, tmp_path / "none.safetensors") == "sdxl: its checkpoint file is not there."


def refusal(folder: Path, file: Path) -> str:
    """Try to load a file, and give the reason why that fails."""
    with pytest.raises(ModelLoadError) as refused:
        load_pipeline(one_file(folder, file), WHOLE, PROCESSOR, Pantry())
    return str(refused.value)


@pytest.mark.slow
async def test_only_its_configurations_are_downloaded_and_then_it_draws(
    studio: Studio, checkpoint: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(folder / "one.safetensors", studio.folder)
    file = studio.folder / "models.toml"
    whole = ENTRY.format(checkpoint="hub:studio/tiny")
    file.write_text(f'{whole}\n[mine]\nlike = "tiny"\ncheckpoint = "one.safetensors"\n')
    catalogue = Catalogue.load(extra=file, default="mine")
    mine = catalogue.get("mine")

    with hub_of(studio.folder, monkeypatch) as hub:
        hub.publish("studio/tiny", checkpoint, {"one.safetensors": b"all in one"})
        before = here([mine]), download_bytes(mine)
        async with studio.opened(catalogue):
            studio.service.submit(job(1, asked=catalogue.default_request(mine)))
            ended = await studio.ended(1)
        after = here(catalogue) & {"tiny", "mine"}
        files = weight_files(mine)

    assert (ended.state, ended.error) == (JobState.DONE, "")
    assert before == (frozenset(), 3_200_000)
    assert after == {"mine"}
    assert files == (studio.folder / "one.safetensors",)
    assert {"model_index.json", "unet/config.json", "scheduler/scheduler_config.json"} <= set(hub.served)
    assert not [path for path in hub.served if is_large(path)]
