"""What do words do to a picture: those that others of its call have, and those that it is drawn away from?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Row, load_pipeline
from tests.generation.pipelines.tiny_flux2 import write_flux2
from tests.generation.pipelines.tiny_models import CATALOGUE, FAMILIES, PROCESSOR

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

SEED = 5
Z_IMAGE, KLEIN = FAMILIES["z_image"], replace(FAMILIES["flux2 klein"], write=partial(write_flux2, is_distilled=False))


@pytest.mark.parametrize(
    "name", [name for name, tiny in FAMILIES.items() if CATALOGUE.get(tiny.entry).most_at_once > 1]
)
def test_a_picture_is_the_same_whatever_words_the_others_of_its_call_have(tmp_path: Path, name: str) -> None:
    tiny = FAMILIES[name]
    tiny.write(tmp_path)
    pipeline = load_pipeline(tiny.spec(tmp_path), tiny.plan(), PROCESSOR, Pantry())
    others = (replace(tiny.request(), prompt=prompt) for prompt in ("sea", "word " * 100))

    beside = [pipeline.render([Row(tiny.request(), SEED), Row(other, SEED)], lambda _: None)[0] for other in others]

    assert beside[0].tobytes() == beside[1].tobytes()


def test_what_pads_words_to_the_longest_of_a_call_makes_one_picture_a_call() -> None:
    assert CATALOGUE.get("z-image-turbo").most_at_once == 1


@pytest.mark.parametrize(
    ("tiny", "words", "told"),
    [(Z_IMAGE, "haze", {"negative_prompt": "haze"}), (KLEIN, "", {})],  # klein's pipeline knows only the empty words
    ids=["Z-Image, not Turbo", "klein, not distilled"],
)
def test_a_guided_picture_is_what_diffusers_own_pipeline_draws(
    tmp_path: Path, tiny: Any, words: str, told: dict[str, str]
) -> None:
    tiny.write(tmp_path)
    pipeline = load_pipeline(tiny.spec(tmp_path), tiny.plan(), PROCESSOR, Pantry())
    whole = tiny.whole(tmp_path)
    asked = replace(tiny.request(), guidance_scale=4.0, negative_prompt=words)

    def drawn(request: Any) -> np.ndarray[Any, Any]:
        return np.asarray(pipeline.render([Row(request, SEED)], lambda _: None)[0])

    expected: Image.Image = whole(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        generator=[torch.Generator().manual_seed(SEED)],
        **told,
    ).images[0]

    assert (drawn(asked) == np.asarray(expected)).all()
    assert (drawn(asked) != drawn(tiny.request())).any()
    assert (drawn(asked) != drawn(replace(asked, negative_prompt="a sea"))).any()
