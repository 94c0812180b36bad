"""Do the families draw in the real worker process, as entries of an operator's own models file?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generation import Catalogue, ImagineOptions, InvalidRequestError, JobState
from tests.generation.pipelines.tiny_models import FAMILIES, Tiny
from tests.generation.strange_pictures import file_of, quarters
from tests.generation.studio import Studio, job

SERVED = {"tiny-sd3": "sd3", "tiny-flux": "flux dev", "tiny-hidream": "hidream dev"}
ENTRY = """
[{name}]
like = "{like}"
checkpoint = "{checkpoint}"
{parts}
needs_gpu = false
width = 64
height = 96
smallest_side = 64
largest_side = 128
side_multiple = 16
largest_area = 16_384
components = {{ transformer = {{ parameters = 5_000_000 }} }}
costs = {{ pass_tflop = 0.001, gib_per_kilotoken = 0.1, text_tokens = 0 }}
"""


def entry(name: str, tiny: Tiny, checkpoint: Path) -> str:
    """Write a checkpoint, and the entry that an operator would write for it."""
    tiny.write(checkpoint)
    parts = ", ".join(f'{part} = "{checkpoint / folder}"' for part, folder in tiny.parts.items())
    written = f"parts = {{ {parts} }}" if parts else ""
    return ENTRY.format(name=name, like=tiny.entry, checkpoint=checkpoint, parts=written)


@pytest.fixture
def catalogue(studio: Studio) -> Catalogue:
    """The models that ship, and three tiny ones."""
    entries = [entry(name, FAMILIES[family], studio.folder / name) for name, family in SERVED.items()]
    file = studio.folder / "models.toml"
    file.write_text("".join(entries))
    return Catalogue.load(extra=file, default="tiny-flux")


async def test_one_worker_process_draws_with_one_after_the_other(
    studio: Studio, catalogue: Catalogue, capfd: pytest.CaptureFixture[str]
) -> None:
    start = studio.keep(file_of(quarters(300)))
    words = ImagineOptions(prompt="a red circle", num_inference_steps=2, images=2)
    asked = [catalogue.complete(words, default_model=name, seed=5) for name in SERVED]
    more = [
        catalogue.complete(replace(words, image=start, strength=0.5), default_model=name, seed=5)
        for name in ("tiny-sd3", "tiny-flux")
    ]
    async with studio.opened(catalogue):
        for number, each in enumerate(asked + more, start=1):
            studio.service.submit(job(number, asked=each))
        ends = [await studio.ended(number) for number in range(1, 6)]

    assert [(end.state, end.error) for end in ends] == [(JobState.DONE, "")] * 5
    made = [
        [(picture.seed, picture.width, picture.height) for picture in studio.pictures(number)] for number in range(1, 6)
    ]
    assert made == [[(5, 64, 96), (6, 64, 96)]] * 5
    assert [studio.pictures(number)[0].provenance["scheduler"] for number in (1, 2, 3)] == [
        "FlowMatchEulerDiscreteScheduler",
        "FlowMatchEulerDiscreteScheduler",
        "FlowMatchLCMScheduler",
    ]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        ("tiny-hidream", {"image": "0" * 64}, "tiny-hidream cannot start from a picture"),
        ("tiny-hidream", {"size": (64, 72)}, "--size 64x72 is not possible with tiny-hidream"),
        ("tiny-flux", {"negative_prompt": "dogs"}, "--no is not possible with tiny-flux"),
    ],
)
def test_what_a_family_cannot_do_is_refused_in_words(
    catalogue: Catalogue, model: str, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        catalogue.complete(ImagineOptions(prompt="a cat", **options), default_model=model, seed=1)
