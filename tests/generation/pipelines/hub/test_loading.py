"""Does a real model come from the hub into a picture?"""

from __future__ import annotations

from pathlib import Path

import pytest

from generation import Catalogue
from tests.generation.pipelines.local_hub import COMMIT
from tests.generation.pipelines.tiny_sdxl import ENTRY
from tests.generation.remote_models import hub_of
from tests.generation.studio import Studio, job, request

UNWANTED = {
    "unet/diffusion_pytorch_model.fp16.safetensors": b"half",
    "unet/diffusion_pytorch_model.bin": b"a pickle",
    "sd.safetensors": b"all in one",
}


@pytest.mark.slow
async def test_a_checkpoint_is_fetched_and_drawn_with(
    studio: Studio, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = studio.folder / "hub.toml"
    file.write_text(ENTRY.format(checkpoint="hub:studio/tiny"))
    catalogue = Catalogue.load(extra=file, default="tiny")

    with hub_of(studio.folder, monkeypatch) as hub:
        hub.publish("studio/tiny", checkpoint, UNWANTED)
        async with studio.opened(catalogue):
            studio.service.submit(job(1, asked=request(model="tiny", steps=1)))
            ended = await studio.ended(1)
        (picture,) = studio.pictures(1)

    assert ended.error == ""
    assert picture.provenance["model_revision"] == COMMIT
    assert "unet/diffusion_pytorch_model.safetensors" in hub.served
    assert not set(hub.served) & set(UNWANTED)
