"""Is it said in words why a checkpoint cannot be used?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from generation import GenerationError
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import load_pipeline
from tests.generation.pipelines.tiny_sdxl import PROCESSOR, WHOLE, spec


def rewrite(file: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """Give a damage that changes a text file."""

    def damage(folder: Path) -> None:
        (folder / file).write_text(change((folder / file).read_text()))

    return damage


def overwrite(file: str, content: bytes) -> Callable[[Path], None]:
    """Give a damage that replaces a file."""

    def damage(folder: Path) -> None:
        (folder / file).write_bytes(content)

    return damage


def as_pickle(folder: Path) -> None:
    """Put a pickle where safetensors were."""
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, folder / "unet/diffusion_pytorch_model.bin")


def with_code(folder: Path) -> None:
    """Let the index name code of the checkpoint's own."""
    rewrite("model_index.json", lambda text: text.replace('"diffusers",\n    "UNet2D', '"evil",\n    "UNet2D'))(folder)
    (folder / "unet/evil.py").write_text("raise SystemExit('ran')\nclass UNet2DConditionModel: pass\n")


UNREADABLE = "sdxl: its checkpoint cannot be read; fetch it anew or ask an admin."


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (shutil.rmtree, "sdxl: its checkpoint directory holds no model_index.json."),
        (overwrite("unet/diffusion_pytorch_model.safetensors", b"junk" * 99), UNREADABLE),
        (overwrite("vae/diffusion_pytorch_model.safetensors", b""), UNREADABLE),
        (overwrite("text_encoder/model.safetensors", b"\x08" + b"\0" * 7 + b"notjson!"), UNREADABLE),
        (lambda folder: (folder / "text_encoder/model.safetensors").unlink(), UNREADABLE),
        (lambda folder: shutil.rmtree(folder / "unet"), "sdxl: its checkpoint lacks the part unet; fetch it anew"),
        (lambda folder: shutil.rmtree(folder / "tokenizer_2"), "sdxl: its checkpoint lacks the part tokenizer_2;"),
        (overwrite("model_index.json", b"[1]"), UNREADABLE),
        (overwrite("model_index.json", b"{"), UNREADABLE),
        (overwrite("unet/config.json", b"{}"), UNREADABLE),
        (
            rewrite("unet/config.json", lambda text: json.dumps(json.loads(text) | {"cross_attention_dim": 48})),
            UNREADABLE,
        ),
        (
            rewrite("model_index.json", lambda text: text.replace("DiffusionXL", "Diffusion")),
            "sdxl: its checkpoint is made for StableDiffusionPipeline, not for StableDiffusionXLPipeline.",
        ),
        (as_pickle, UNREADABLE),
        (with_code, UNREADABLE),
    ],
    ids=[
        "no directory",
        "junk weights",
        "empty weights",
        "bad header",
        "no weights",
        "no denoiser",
        "no tokenizer",
        "index is a list",
        "index is cut",
        "empty config",
        "other shapes",
        "other pipeline",
        "pickle",
        "code",
    ],
)
def test_a_checkpoint_that_cannot_be_used_says_so(
    checkpoint: Path, tmp_path: Path, damage: Callable[[Path], None], text: str
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    damage(damaged)

    with pytest.raises(GenerationError) as refusal:
        load_pipeline(spec(damaged), WHOLE, PROCESSOR, Pantry())

    assert str(refusal.value).startswith(text)
    assert str(tmp_path) not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"scheduler": "NoSuchScheduler"}, "sdxl: diffusers has no scheduler NoSuchScheduler."),
        (
            {"scheduler_options": {"shift": 3}},
            "sdxl: EulerDiscreteScheduler has no option 'shift'; it has num_train_timesteps,",
        ),
        ({"scheduler_options": {"beta_start": "x"}}, "sdxl: its scheduler_options do not suit EulerDiscreteScheduler:"),
    ],
)
def test_a_scheduler_that_cannot_be_used_says_so(checkpoint: Path, changes: dict[str, object], text: str) -> None:
    with pytest.raises(GenerationError) as refusal:
        load_pipeline(spec(checkpoint, **changes), WHOLE, PROCESSOR, Pantry())

    assert str(refusal.value).startswith(text)
