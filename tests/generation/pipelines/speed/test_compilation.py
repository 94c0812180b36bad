from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import diffusers
import pytest
import torch
from torch import fx

from generation.pipelines.speed.compilation import Compilation
from tests.generation.pipelines.speed.tiny_denoisers import NAMES, Denoiser, build


@pytest.fixture(autouse=True)
def _forgets_what_was_compiled() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


class Backend:
    """Compiles nothing, but counts how often it is asked to."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: fx.GraphModule, _: Any) -> Callable[..., Any]:
        self.graphs += 1
        return graph.forward


def _compile_all(compilation: Compilation, backend: str | Callable[..., Any]) -> int:
    pieces = 0
    while compilation.compile_next(backend):
        pieces += 1
    return pieces


@torch.inference_mode()
def _step(denoiser: Denoiser, compilation: Compilation, *, is_fixed: bool = True) -> torch.Tensor:
    with compilation.calling(is_fixed=is_fixed):
        return denoiser.step(denoiser.latents)


def test_calls_compile_nothing_and_use_what_was_compiled_between_them() -> None:
    denoiser, backend = build("SD3Transformer2DModel"), Backend()
    expected = denoiser.step(denoiser.latents)
    compilation = Compilation(denoiser.model)

    before = _step(denoiser, compilation)
    state_before, graphs_before = compilation.state, backend.graphs
    pieces = _compile_all(compilation, backend)
    compiled = backend.graphs
    after = _step(denoiser, compilation)

    assert torch.equal(before, expected)
    assert (state_before, graphs_before) == ("no", 0)
    assert pieces == compiled == 2  # two of the three blocks are alike
    assert compilation.state == "yes"
    assert backend.graphs == compiled
    torch.testing.assert_close(after, expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_any_transformer_runs_compiled_and_gives_the_same(name: str) -> None:
    denoiser = build(name)
    expected = denoiser.step(denoiser.latents)
    compilation = Compilation(denoiser.model)

    _step(denoiser, compilation)
    _compile_all(compilation, "aot_eager")
    given = _step(denoiser, compilation)

    assert compilation.state == "yes"
    torch.testing.assert_close(given, expected)


def test_another_size_runs_as_it_is_until_it_was_compiled_too() -> None:
    denoiser, backend = build("SD3Transformer2DModel"), Backend()
    compilation = Compilation(denoiser.model)
    _step(denoiser, compilation)
    _compile_all(compilation, backend)
    small = replace(denoiser, latents=denoiser.latents[:, :, :4, :6])

    _step(small, compilation)
    first = compilation.state
    _compile_all(compilation, backend)
    _step(small, compilation)
    second = compilation.state
    _step(replace(denoiser, latents=denoiser.latents[:, :, :2, :6]), compilation)

    assert (first, second) == ("no", "yes")
    assert compilation.state == "yes"  # from the second size on it is compiled for any


def test_blocks_that_change_run_as_they_are_and_are_not_noted() -> None:
    denoiser, backend = build("FluxTransformer2DModel"), Backend()
    compilation = Compilation(denoiser.model)

    _step(denoiser, compilation, is_fixed=False)

    assert compilation.state == "no"
    assert not compilation.compile_next(backend)


def test_a_compiler_that_fails_is_given_up_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    denoiser = build("SD3Transformer2DModel")
    expected = denoiser.step(denoiser.latents)
    compilation = Compilation(denoiser.model)

    def broken(_: fx.GraphModule, __: Any) -> Callable[..., Any]:
        raise RuntimeError("no compiler on this machine")

    _step(denoiser, compilation)
    with caplog.at_level(logging.WARNING):
        tried = [compilation.compile_next(broken) for _ in range(3)]
    given = _step(denoiser, compilation)

    assert tried == [True, False, False]
    assert compilation.is_broken
    assert len(caplog.records) == 1
    assert "no compiler on this machine" in caplog.text
    assert torch.equal(given, expected)
    assert compilation.state == "no"


def test_blocks_that_give_something_else_when_compiled_run_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    denoiser = build("SD3Transformer2DModel")
    expected = denoiser.step(denoiser.latents)
    compilation = Compilation(denoiser.model)

    def wrong(graph: fx.GraphModule, _: Any) -> Callable[..., Any]:
        return lambda *inputs: tuple(2 * each for each in graph.forward(*inputs))

    _step(denoiser, compilation)
    compilation.compile_next(wrong)

    assert "something else" in caplog.text
    assert torch.equal(_step(denoiser, compilation), expected)


def test_required_the_first_call_compiles() -> None:
    denoiser, backend = build("SD3Transformer2DModel"), Backend()
    compilation = Compilation(denoiser.model)
    compilation.require(backend)

    _step(denoiser, compilation, is_fixed=False)

    assert compilation.state == "yes"
    assert backend.graphs == 2


def test_closed_it_leaves_the_model_as_it_was() -> None:
    denoiser = build("FluxTransformer2DModel")
    compilation = Compilation(denoiser.model)

    compilation.close()

    assert all("forward" not in vars(block) for block in denoiser.blocks)


def _unet() -> Any:
    unet_class: Any = diffusers.UNet2DConditionModel
    return unet_class(
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=16 + 6 * 8,
    ).eval()


@pytest.mark.slow
def test_a_unet_is_compiled_stage_by_stage() -> None:
    torch.manual_seed(0)
    unet = _unet()
    backend = Backend()
    compilation = Compilation(unet)
    stages = len(unet.down_blocks) + len(unet.up_blocks) + 1
    added = {"text_embeds": torch.randn(1, 16), "time_ids": torch.zeros(1, 6)}

    @torch.inference_mode()
    def step() -> torch.Tensor:
        with compilation.calling(is_fixed=True):
            return unet(torch.ones(1, 4, 8, 8), 500, torch.ones(1, 5, 16), added_cond_kwargs=added).sample

    expected = step()
    _compile_all(compilation, backend)
    given = step()

    assert 0 < backend.graphs <= stages
    assert compilation.state == "yes"
    torch.testing.assert_close(given, expected)
