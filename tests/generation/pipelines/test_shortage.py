"""When torch runs out of memory in the real engine: is the picture made at the next lower plan, whatever the phase?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation import ImagineRequest, JobState, Phase
from tests.generation.pipelines.faulty_card import CARD, FaultyCatalogue
from tests.generation.studio import Studio, job, request

WHOLE = {"precision": "bfloat16", "resident_blocks": "4 of 4", "decode": "whole"}


@pytest.fixture
def catalogue(studio: Studio, checkpoint: Path) -> FaultyCatalogue:
    """The tiny SDXL, and torch's faults."""
    return FaultyCatalogue(studio.folder, checkpoint)


def asked(catalogue: FaultyCatalogue, seed: int, side: int = 128) -> ImagineRequest:
    """Give a request for a picture of that size."""
    small = request(model=catalogue.default, seed=seed, steps=2)
    return replace(small, width=side, height=side, guidance_scale=5.0)


# Which phase is to fail how often, at which size (each has an experience of its own), and what comes of it.
CASES = [
    (Phase.ENCODE, 1, 64, {}),  # the text encoders do not stay any more
    # Two buffers take as much as two of the four blocks, so that only the third one that leaves is a gain.
    (Phase.DENOISE, 3, 128, {"resident_blocks": "1 of 4", "precision": "int8"}),
    (Phase.DECODE, 1, 640, {"decode": "tiled"}),
]


@pytest.mark.slow
async def test_a_picture_is_made_at_the_next_lower_plan_that_holds(studio: Studio, catalogue: FaultyCatalogue) -> None:
    async with studio.opened(catalogue, card=CARD):
        for job_id, (phase, times, side, _) in enumerate(CASES, start=1):
            catalogue.fail(phase, times)
            studio.service.submit(job(job_id, asked=asked(catalogue, job_id, side)))
            assert (await studio.ended(job_id)).state is JobState.DONE

    for job_id, (phase, times, side, changes) in enumerate(CASES, start=1):
        (picture,) = studio.pictures(job_id)
        assert studio.started().count(job_id) == times + 1, phase
        assert (picture.seed, picture.width) == (job_id, side)
        assert {name: picture.provenance[name] for name in WHOLE} == WHOLE | changes
    assert studio.worker.starts == 1


@pytest.mark.slow
async def test_when_nothing_is_left_to_give_up_one_sentence_says_so_and_the_worker_goes_on(
    studio: Studio, catalogue: FaultyCatalogue
) -> None:
    catalogue.fail(Phase.DENOISE, 99)
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(job(1, asked=asked(catalogue, 1)))
        end = await studio.ended(1)
        catalogue.fail(Phase.DENOISE, 0)
        studio.service.submit(job(2, asked=asked(catalogue, 2, 64)))
        other = await studio.ended(2)

    assert (end.state, end.gpu_seconds, other.state) == (JobState.FAILED, 0.0, JobState.DONE)
    assert end.error == (
        f"{catalogue.default} ran out of memory at 128x128 on this machine (Like a GPU), "
        "whatever was given up for it: try --size 64x64."
    )
    assert studio.pictures(2)[0].provenance["resident_blocks"] == "4 of 4"  # another size is another matter
