"""Is a checkpoint fetched from the model hub, once, and is it said in words why it cannot be?"""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from generation import Catalogue, GenerationError
from tests.generation.pipelines.local_hub import COMMIT, LocalHub
from tests.generation.pipelines.tiny_sdxl import ENTRY
from tests.generation.studio import Studio, job, request

UNWANTED = (
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "sd.safetensors",
    "run.py",
)


def catalogue(folder: Path) -> Catalogue:
    """Write and read a catalogue of models that are named as their repositories."""
    file = folder / "hub.toml"
    names = ("tiny", "gated", "none", "old")
    file.write_text(
        "".join(ENTRY.format(checkpoint=f"hub:studio/{name}").replace("[tiny]", f"[{name}]") for name in names)
    )
    return Catalogue.load(extra=file, default="tiny")


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


async def test_a_checkpoint_is_fetched_once_and_works_from_the_cache_when_the_hub_is_gone(
    studio: Studio, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(model="tiny", steps=1)
    with LocalHub(checkpoint, UNWANTED).opened() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        async with studio.opened(catalogue(studio.folder)):
            studio.service.submit(job(1, asked=asked))
            await studio.ended(1)
        first = studio.pictures(1)
    async with studio.opened(catalogue(studio.folder)):
        studio.service.submit(job(2, asked=asked))
        await studio.ended(2)

    assert studio.pictures(2)[0].png == first[0].png
    assert first[0].provenance["model_revision"] == COMMIT
    assert "unet/diffusion_pytorch_model.safetensors" in hub.asked
    assert not hub.asked & set(UNWANTED)


REFUSALS = {
    "gated": "gated is gated: accept its licence at the page of studio/gated on the hub, then set HF_TOKEN to a token",
    "none": "none: there is no repository studio/none on the hub.",
    "old": "old: studio/old has no revision main on the hub.",
}
SILENCE = "tiny could not be downloaded: the hub cannot be reached and the model is not in the local cache."


async def test_what_the_hub_refuses_or_does_not_answer_is_said_in_words(
    studio: Studio, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        with LocalHub(checkpoint, ()).opened() as hub:
            monkeypatch.setenv("HF_ENDPOINT", hub.address)
            await stack.enter_async_context(studio.opened(catalogue(studio.folder)))
            for model, text in REFUSALS.items():
                with pytest.raises(GenerationError, match=re.escape(text)):
                    await studio.service.load(model)

        with pytest.raises(GenerationError, match=re.escape(SILENCE)):
            await studio.service.load("tiny")
