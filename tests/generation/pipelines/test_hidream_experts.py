"""Do HiDream's experts give the same as the original ones, without asking the host?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode

from generation.pipelines.families.hidream_experts import PROJECTIONS, install, multiplied, stacked
from generation.pipelines.memory.segments import segments_of
from tests.generation.pipelines.tiny_hidream import transformer
from tests.generation.pipelines.tiny_parts import CLIP_WIDTH, LLAMA_LAYERS, LLAMA_WIDTH, T5_WIDTH

WIDTH = 64
TOKENS = 40
WORDS = 20


@pytest.fixture(scope="module")
def original() -> Any:
    """A denoiser as diffusers makes it; not to be changed."""
    torch.manual_seed(0)
    return transformer()


@pytest.fixture(scope="module")
def changed(original: Any) -> Any:
    """The same weights with the other dispatch; not to be changed."""
    denoiser = copy.deepcopy(original)
    install(denoiser)
    return denoiser


def experts(denoiser: Any) -> Any:
    """Give the experts of the first block."""
    return denoiser.double_stream_blocks[0].block.ff_i


def latents(*, rows: int = 2, height: int = 8, width: int = 8) -> dict[str, torch.Tensor]:
    """Give all that a pass takes."""
    torch.manual_seed(1)
    return {
        "hidden_states": torch.randn(rows, 16, height, width),
        "timesteps": torch.full((rows,), 500.0),
        "encoder_hidden_states_t5": torch.randn(rows, WORDS, T5_WIDTH),
        "encoder_hidden_states_llama3": torch.randn(LLAMA_LAYERS, rows, WORDS, LLAMA_WIDTH),
        "pooled_embeds": torch.randn(rows, 2 * CLIP_WIDTH),
    }


def passed(denoiser: Any, given: dict[str, torch.Tensor]) -> torch.Tensor:
    """Make a pass."""
    with torch.no_grad():
        made: torch.Tensor = denoiser(**given, return_dict=False)[0]
    return made


def routed(denoiser: Any, *favour: float) -> Any:
    """Give a copy of the first block's experts, whose gate favours each so much where tokens are positive."""
    layer = copy.deepcopy(experts(denoiser))
    layer.gate.weight.data = torch.tensor(favour)[:, None].expand(-1, WIDTH).contiguous()
    return layer


@pytest.mark.parametrize(
    ("favour", "tokens"),
    [
        ((3.0, 2.0, 1.0, 0.0), TOKENS),
        ((0.0, 1.0, 2.0, 3.0), TOKENS),
        ((3.0, 0.0, 0.0, 2.0), TOKENS),
        ((0.0, 3.0, 2.0, 1.0), 1),
    ],
    ids=["all on the first two", "all on the last two", "all on the outer ones", "a single token"],
)
def test_experts_that_all_or_no_tokens_go_to_give_what_the_original_ones_give(
    original: Any, changed: Any, favour: tuple[float, ...], tokens: int
) -> None:
    torch.manual_seed(2)
    given = torch.rand(1, tokens, WIDTH)

    wanted, found = (routed(denoiser, *favour)(given) for denoiser in (original, changed))

    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_each_token_goes_to_experts_of_its_own(original: Any, changed: Any) -> None:
    torch.manual_seed(3)
    given = torch.randn(3, TOKENS, WIDTH)

    chosen = experts(original).gate(given)[0]

    assert len(chosen.unique(dim=0)) > 4
    torch.testing.assert_close(experts(changed)(given), experts(original)(given), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-3)], ids=["float32", "bfloat16"]
)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (4, 16)], ids=["square", "wide"])
def test_a_pass_gives_what_the_original_denoiser_gives(
    original: Any, changed: Any, precision: torch.dtype, tolerance: float, height: int, width: int
) -> None:
    given = {name: value.to(precision) for name, value in latents(height=height, width=width).items()}

    wanted, found = (passed(copy.deepcopy(denoiser).to(precision), given) for denoiser in (original, changed))

    torch.testing.assert_close(found, wanted, rtol=0, atol=tolerance * wanted.abs().max().item())


def fake_pass(change: Callable[[Any], None]) -> torch.Size:
    """Make a pass without any numbers: whoever asks for one, as a host would that waits for its card, fails."""
    with FakeTensorMode():
        denoiser = transformer()
        change(denoiser)
        return passed(denoiser, latents()).shape


def test_the_host_is_never_asked_for_a_number_of_the_card() -> None:
    with pytest.raises(DynamicOutputShapeException):
        fake_pass(lambda _: None)

    assert fake_pass(install) == (2, 16, 8, 8)


def test_nor_is_it_within_the_one_operation_that_multiplies() -> None:
    with FakeTensorMode():
        ends = torch.tensor([10, 10, 25, TOKENS], dtype=torch.int32)
        rows, *weights = (
            torch.empty(*shape, dtype=torch.bfloat16)
            for shape in [(TOKENS, WIDTH), *[(96, WIDTH)] * 8, *[(WIDTH, 96)] * 4]
        )

        assert multiplied(rows, ends, weights).shape == (TOKENS, WIDTH)


@pytest.mark.slow
def test_it_compiles_as_one_graph(original: Any, changed: Any) -> None:
    given = latents()
    whole = torch.compile(changed, fullgraph=True, backend="eager")

    found = passed(whole, given)

    torch.testing.assert_close(found, passed(original, given))


def test_weights_at_even_distances_are_multiplied_where_they_lie() -> None:
    block = torch.arange(240.0)
    even = [block[start : start + 12].view(3, 4) for start in (5, 85, 165)]
    uneven = [even[0], even[1], even[2].clone()]

    assert stacked(even).untyped_storage().data_ptr() == block.untyped_storage().data_ptr()
    assert torch.equal(stacked(even), torch.stack(even))
    assert torch.equal(stacked(uneven), torch.stack(uneven))
    assert torch.equal(stacked(even[::-1]), torch.stack(even[::-1]))
    assert torch.equal(stacked([even[0], even[2], even[1]]), torch.stack([even[0], even[2], even[1]]))


def test_the_weights_of_a_packed_block_lie_at_even_distances(original: Any, changed: Any) -> None:
    denoiser = copy.deepcopy(changed)
    blocks = [*denoiser.double_stream_blocks, *denoiser.single_stream_blocks]

    for segment in segments_of(denoiser, blocks):
        segment.pack(torch.empty(segment.size, dtype=torch.uint8))

    for block in blocks:
        for projection in PROJECTIONS:
            weights = [getattr(expert, projection).weight for expert in block.block.ff_i.experts]
            assert stacked(weights).data_ptr() == weights[0].data_ptr()
    torch.testing.assert_close(passed(denoiser, latents()), passed(original, latents()))


def test_a_lora_over_the_experts_works_as_over_the_original_ones(original: Any, changed: Any) -> None:
    config = LoraConfig(r=2, target_modules=r".*\.experts\.\d\.w[123]", init_lora_weights=False)
    wanted, found = (copy.deepcopy(denoiser) for denoiser in (original, changed))
    for denoiser in (wanted, found):
        torch.manual_seed(4)
        inject_adapter_in_model(config, denoiser)

    assert (passed(found, latents()) - passed(changed, latents())).abs().max() > 0.01
    torch.testing.assert_close(passed(found, latents()), passed(wanted, latents()))
