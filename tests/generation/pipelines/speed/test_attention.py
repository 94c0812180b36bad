from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from generation.pipelines.speed.attention import OWN, Attention
from tests.generation.pipelines.speed.tiny_denoisers import NAMES, Denoiser, build

FILE = "attention.json"
# A processor has this kernel, and none of the others.
HERE = "flash"


@torch.inference_mode()
def _step(denoiser: Denoiser, attention: Attention) -> torch.Tensor:
    with attention.calling() as step_ended:
        given = denoiser.step(denoiser.latents)
        step_ended()
        return given


def _clock(seconds: dict[int, float]) -> Callable[[Callable[[], object], torch.device], float]:
    """Run what is timed, and say that the first, second ... thing that ran took so long."""
    runs = iter(seconds.values())

    def timed(attend: Callable[[], object], _: torch.device) -> float:
        attend()
        return next(runs)

    return timed


@pytest.mark.parametrize("name", NAMES)
def test_any_transformers_attention_is_seen_and_measured(name: str, tmp_path: Path) -> None:
    denoiser, attention = build(name), Attention("a card")
    expected = denoiser.step(denoiser.latents)

    given = _step(denoiser, attention)

    assert torch.equal(given, expected)
    assert attention.choose(tmp_path / FILE)
    [shapes] = json.loads((tmp_path / FILE).read_text()).values()
    assert len(shapes) == 1


def test_the_fastest_kernel_is_used_from_then_on(tmp_path: Path) -> None:
    denoiser, attention = build("FluxTransformer2DModel"), Attention("a card")
    expected = denoiser.step(denoiser.latents)
    _step(denoiser, attention)

    attention.choose(tmp_path / FILE, _clock({0: 1.0, 1: 0.5}))

    assert attention.kernel == HERE
    torch.testing.assert_close(_step(denoiser, attention), expected)


def test_a_kernel_that_is_hardly_faster_is_not_chosen(tmp_path: Path) -> None:
    denoiser, attention = build("FluxTransformer2DModel"), Attention("a card")
    _step(denoiser, attention)

    attention.choose(tmp_path / FILE, _clock({0: 1.0, 1: 0.99}))

    assert attention.kernel == OWN


def test_what_was_chosen_holds_after_a_restart_without_measuring(tmp_path: Path) -> None:
    denoiser, attention = build("FluxTransformer2DModel"), Attention("a card")
    _step(denoiser, attention)
    attention.choose(tmp_path / FILE, _clock({0: 1.0, 1: 0.5}))
    later, other_card = Attention("a card"), Attention("another card")
    _step(denoiser, later)
    _step(denoiser, other_card)

    has_measured = later.choose(tmp_path / FILE, _clock({}))
    other_card.choose(tmp_path / FILE, _clock({0: 1.0, 1: 2.0}))

    assert not has_measured
    assert later.kernel == HERE
    assert other_card.kernel == OWN
    assert len(json.loads((tmp_path / FILE).read_text())) == 2


def test_a_broken_file_is_measured_anew(tmp_path: Path) -> None:
    denoiser, attention = build("FluxTransformer2DModel"), Attention("a card")
    _step(denoiser, attention)
    (tmp_path / FILE).write_text('{"a card": ')

    assert attention.choose(tmp_path / FILE)
    assert json.loads((tmp_path / FILE).read_text())


def test_there_is_nothing_to_choose_before_a_call(tmp_path: Path) -> None:
    attention = Attention("a card")

    assert not attention.choose(tmp_path / FILE)


def test_a_call_that_is_broken_off_stops_watching() -> None:
    attention = Attention("a card")

    with pytest.raises(KeyboardInterrupt), attention.calling():
        raise KeyboardInterrupt

    assert torch.overrides._len_torch_function_stack() == 0
