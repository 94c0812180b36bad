from __future__ import annotations

import pytest
import torch

from generation.pipelines.speed.step_cache import StepCache
from tests.generation.pipelines.speed.tiny_denoisers import NAMES, build

# Tiny transformers with random weights change more than real ones from step to step.
PATIENT = 0.3


@torch.inference_mode()
@pytest.mark.parametrize("name", NAMES)
def test_a_step_like_the_one_before_calls_the_first_block_alone_and_comes_out_nearly_the_same(name: str) -> None:
    denoiser = build(name)
    near = denoiser.latents + 0.02 * torch.randn_like(denoiser.latents)
    first, second = denoiser.step(denoiser.latents), denoiser.step(near)
    called = denoiser.count_calls()
    cache = StepCache(denoiser.model, PATIENT)

    with cache.applied():
        whole = denoiser.step(denoiser.latents)
        cache.step_ended()
        called_first = len(called)
        short = denoiser.step(near)

    assert torch.equal(whole, first)
    assert called_first == len(denoiser.blocks)
    assert called[called_first:] == denoiser.blocks[:1]
    assert not torch.equal(short, second)
    assert _distance(short, second) < _distance(first, second)
    assert (cache.skipped, cache.passes) == (1, 2)


@torch.inference_mode()
@pytest.mark.parametrize("name", NAMES)
def test_a_step_that_differs_much_runs_whole(name: str) -> None:
    denoiser = build(name)
    other = 3 * torch.randn_like(denoiser.latents)
    expected = denoiser.step(other)
    cache = StepCache(denoiser.model, 0.0)

    with cache.applied():
        denoiser.step(denoiser.latents)
        cache.step_ended()
        given = denoiser.step(other)

    assert torch.equal(given, expected)
    assert cache.skipped == 0


@torch.inference_mode()
@pytest.mark.parametrize("name", NAMES)
def test_the_same_step_once_more_costs_one_block_and_gives_the_same_but_for_rounding(name: str) -> None:
    denoiser = build(name)
    cache = StepCache(denoiser.model, PATIENT)

    with cache.applied():
        first = denoiser.step(denoiser.latents)
        cache.step_ended()
        again = denoiser.step(denoiser.latents)

    assert cache.skipped == 1
    torch.testing.assert_close(again, first)


@torch.inference_mode()
def test_each_pass_of_a_step_is_compared_with_its_like() -> None:
    denoiser = build("QwenImageTransformer2DModel")
    wanted, unwanted = denoiser.latents, 3 * torch.randn_like(denoiser.latents)
    cache = StepCache(denoiser.model, PATIENT)

    with cache.applied():
        first = denoiser.step(wanted), denoiser.step(unwanted)
        cache.step_ended()
        again = denoiser.step(wanted), denoiser.step(unwanted)

    assert cache.skipped == 2
    torch.testing.assert_close(again, first)


@torch.inference_mode()
def test_a_call_that_is_broken_off_leaves_nothing_behind() -> None:
    denoiser = build("FluxTransformer2DModel")
    blocks = denoiser.blocks
    expected = denoiser.step(denoiser.latents)

    def broken_off() -> None:
        with StepCache(denoiser.model, PATIENT).applied():
            denoiser.step(denoiser.latents)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    assert denoiser.blocks == blocks
    assert torch.equal(denoiser.step(denoiser.latents), expected)
    called = denoiser.count_calls()
    with StepCache(denoiser.model, PATIENT).applied():
        denoiser.step(denoiser.latents)
    assert called == blocks


@torch.inference_mode()
def test_what_is_no_number_is_never_like_the_step_before() -> None:
    denoiser = build("SD3Transformer2DModel")
    broken = torch.full_like(denoiser.latents, torch.nan)
    cache = StepCache(denoiser.model, PATIENT)

    with cache.applied():
        denoiser.step(denoiser.latents)
        cache.step_ended()
        denoiser.step(broken)

    assert cache.skipped == 0


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().mean())
