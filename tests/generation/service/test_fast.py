"""Is a fast picture made alone, refused where nothing can be left out, and told from others afterwards?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from generation import Catalogue, DispatchSettled, ImagineOptions, InvalidRequestError
from generation.queue.speeds import Guess, Speeds
from generation.worker.encoding import encode_png, read_metadata
from tests.generation.studio import Studio, job, request

CATALOGUE = Catalogue.load()
FAST = replace(request(), is_fast=True)


def _completed(model: str) -> bool:
    options = ImagineOptions(prompt="a cat", model=model, is_fast=True)
    return CATALOGUE.complete(options, default_model=model, seed=1).is_fast


@pytest.mark.parametrize("model", ["flux-dev", "sd3.5-large", "hidream"])
def test_models_that_are_a_row_of_blocks_can_be_fast(model: str) -> None:
    assert _completed(model)


@pytest.mark.parametrize("model", ["sdxl", "demo"])
def test_others_are_refused_in_a_sentence(model: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^--fast is not possible with {model}: models of the family sdxl"):
        _completed(model)


async def test_fast_pictures_share_a_call_with_no_other(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=0.7), is_paused=True):
        studio.service.submit(job(1, "ann", asked=replace(FAST, images=2)))
        studio.service.submit(job(2, "bob", asked=FAST))
        studio.service.submit(job(3, "cem"))
        studio.service.resume()
        for job_id in (1, 2, 3):
            await studio.ended(job_id)

    made = [picture.provenance["batch"] for job_id in (1, 2, 3) for picture in studio.pictures(job_id)]
    assert made == ["1 of 1"] * 4
    assert sum(isinstance(event, DispatchSettled) for event in studio.events) == 4


def test_their_speed_is_learned_apart() -> None:
    speeds = Speeds(lambda *_: Guess(picture_s=10.0, load_s=1.0))

    speeds.learn(request(), 1, 10.0)
    speeds.learn(FAST, 1, 5.0)

    assert speeds.picture_s(request()) == 10
    assert speeds.picture_s(FAST) == 5


def test_a_picture_says_that_it_was_made_fast(tmp_path: Path) -> None:
    for asked in (FAST, request()):
        (tmp_path / "picture.png").write_bytes(encode_png(Image.new("RGB", (64, 64)), asked, 0, {}))

        found = read_metadata(tmp_path / "picture.png")

        assert found.request == asked
        assert ("Step cache: first block" in found.parameters) == asked.is_fast
