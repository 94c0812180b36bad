"""Is a request kept as plain values, and refused where no pipeline could be told it?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import ImagineRequest
from tests.generation.studio import request

NAME = "0123456789abcdef" * 4
OLD = {
    "model": "flat",
    "prompt": "red",
    "negative_prompt": "",
    "width": 64,
    "height": 64,
    "num_inference_steps": 4,
    "guidance_scale": 3.0,
    "seed": 1,
    "images": 1,
}


def test_a_request_of_text_alone_is_kept_as_it_was_before_there_were_start_pictures() -> None:
    assert json.dumps(request().to_json()) == json.dumps(OLD)
    assert ImagineRequest.from_json(OLD) == request()


def test_a_request_with_a_start_picture_comes_back_as_it_was() -> None:
    asked = replace(request(), image=NAME, strength=0.35)

    assert ImagineRequest.from_json(json.loads(json.dumps(asked.to_json()))) == asked


@pytest.mark.parametrize(
    "changes",
    [
        {"image": NAME},
        {"strength": 0.5},
        {"image": NAME, "strength": 1.01},
        {"image": NAME, "strength": -0.5},
        {"image": NAME, "strength": float("nan")},
        {"image": "../../etc/passwd", "strength": 0.5},
        {"image": NAME[1:], "strength": 0.5},
        {"image": NAME + "\n", "strength": 0.5},
    ],
)
def test_a_start_picture_has_a_name_by_content_and_a_strength_or_there_is_none(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="do not go together"):
        ImagineRequest.from_json(OLD | changes)


@given(st.integers(1, 150), st.floats(0.001, 1))
def test_image_to_image_takes_its_part_of_the_steps_and_never_more_than_all(steps: int, strength: float) -> None:
    asked = replace(request(steps=steps), image=NAME, strength=strength)

    assert steps * strength - 1 < asked.steps_taken <= steps * strength


def test_text_alone_takes_all_steps() -> None:
    assert request(steps=7).steps_taken == 7
