"""Does a network work the same with its blocks on the card, in RAM, or some here and some there?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generation import Precision, VramPlan
from generation.pipelines.families.sdxl import FAMILY
from generation.pipelines.memory.component import Component
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.segments import ALIGNMENT
from generation.pipelines.memory.transfers import Transfers
from generation.pipelines.opening import load
from generation.pipelines.pipeline import Pipeline, Row, Step
from tests.generation.pipelines.boundary import Boundary
from tests.generation.pipelines.tiny_sdxl import BLOCKS, PROCESSOR, REQUEST, STREAMED, WHOLE, placed, spec

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

ROW = Row(REQUEST, 5)
LAYERS = 6


def ignore(_: Step) -> None:
    """Let a step pass."""


def pixels(pipeline: Pipeline) -> bytes:
    """Draw, and give the bare pixels."""
    return pipeline.render([ROW], ignore)[0].tobytes()


def opened(checkpoint: Path, plan: VramPlan, transfers: Transfers) -> Pipeline:
    """Load the tiny model on the far side of a boundary."""
    return load(spec(checkpoint), plan, PROCESSOR, Pantry(), FAMILY, transfers)


@pytest.fixture(scope="module")
def expected(checkpoint: Path) -> bytes:
    """The picture as it is where all is resident on the far side."""
    return pixels(opened(checkpoint, WHOLE, Boundary()))


@pytest.mark.parametrize("resident", [0, 1, 2, 3, 4])
def test_a_picture_is_the_same_to_the_byte_however_many_blocks_stay(
    checkpoint: Path, expected: bytes, resident: int
) -> None:
    plan = placed({name: min(resident, blocks) for name, blocks in BLOCKS.items()})

    pipeline = opened(checkpoint, plan, Boundary())

    assert pixels(pipeline) == expected
    assert pixels(pipeline) == expected
    assert pipeline.provenance["resident_blocks"] == f"{resident} of 4"


def test_on_the_processor_itself_too(checkpoint: Path, expected: bytes) -> None:
    assert pixels(opened(checkpoint, STREAMED, Transfers(torch.device("cpu")))) == expected


def test_it_is_that_of_a_processor_but_for_how_numbers_lie_in_memory(checkpoint: Path, expected: bytes) -> None:
    here = np.frombuffer(pixels(opened(checkpoint, WHOLE, Transfers(torch.device("cpu")))), np.uint8).astype(int)

    assert np.abs(here - np.frombuffer(expected, np.uint8)).max() <= 1


def test_each_block_that_does_not_stay_is_sent_once_a_pass_and_nothing_else_is(checkpoint: Path) -> None:
    boundary = Boundary()
    pipeline = opened(checkpoint, placed(BLOCKS | {"unet": 2}), boundary)
    pixels(pipeline)
    boundary.forget()

    pixels(pipeline)

    passes, ahead = REQUEST.num_inference_steps, 2  # the last pass sends for a next one that never comes
    assert boundary.log.count("receive") == passes * 2
    assert boundary.log.count("send") == passes * 2 + ahead
    assert boundary.brought == 0


class Network(torch.nn.Module):
    """Blocks that work in another order than they are registered in, with a weight that the last two share."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.ins = torch.nn.Linear(8, 8)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(LAYERS))
        last, one_before = self.blocks[-1], self.blocks[-2]
        one_before.table = last.table
        self.left_out: set[int] = set()

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        given = self.ins(given)
        for number in [3, 0, 5, 1, 4, 2]:
            if number not in self.left_out:
                given = self.blocks[number](given)
        return given


class Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 8)
        self.table = torch.nn.Parameter(torch.randn(8))
        self.register_buffer("shift", torch.randn(8), persistent=False)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        assert isinstance(self.shift, torch.Tensor)
        made: torch.Tensor = torch.tanh(self.linear(given) * self.table + self.shift)
        if given.isnan().any():
            raise ValueError("a block failed")
        return made


BLOCK_BYTES = 4 * ALIGNMENT  # of the largest block: its four tensors are no larger than one piece
GIVEN = torch.linspace(-1, 1, 24).view(3, 8)


@pytest.fixture
def network() -> Network:
    return Network().eval().requires_grad_(requires_grad=False)


def component(module: Any, *blocks: str, boundary: Transfers | None = None) -> Component:
    """Give a network as it lies in the pantry."""
    made = Component(module, "a network", Precision.FLOAT32, blocks, boundary or Boundary())
    made.survey()
    return made


@contextmanager
def noted_work(boundary: Boundary) -> Iterator[list[bool]]:
    """Tell of each weight that a module has worked with whether it was on the card."""
    told: list[bool] = []

    def note(module: torch.nn.Module, *_: object) -> None:
        weights = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        told.extend(boundary.holds(weight) for weight in weights)

    hook = torch.nn.modules.module.register_module_forward_hook(note)
    try:
        yield told
    finally:
        hook.remove()


@pytest.mark.parametrize("resident", range(LAYERS + 1))
def test_nothing_works_with_weights_that_are_not_on_the_card(network: Network, resident: int) -> None:
    boundary = Boundary()
    held = component(network, "Block", boundary=boundary)

    with held.working("me", resident), noted_work(boundary) as told:
        network(GIVEN)
        network(GIVEN)

    assert len(told) > 2 * 4 * LAYERS
    assert all(told)


def test_nor_does_anything_of_a_whole_model(checkpoint: Path) -> None:
    boundary = Boundary()
    pipeline = opened(checkpoint, placed(BLOCKS | {"unet": 2, "text_encoder": 0, "text_encoder_2": 0}), boundary)

    with noted_work(boundary) as told:
        pixels(pipeline)

    assert len(told) > 900
    assert all(told)


@pytest.mark.parametrize("resident", range(LAYERS + 1))
def test_blocks_come_in_the_order_in_which_they_work(network: Network, resident: int) -> None:
    expected = network(GIVEN)
    boundary = Boundary()
    held = component(network, "Block", boundary=boundary)

    with held.working("me", resident):
        made = [network(GIVEN) for _ in range(3)]
    boundary.forget()
    with held.working("me", resident):
        network(GIVEN)

    assert all((each == expected).all() for each in made)
    ahead = boundary.log[: boundary.log.index("receive")].count("send") if resident < LAYERS else 0
    assert ahead == min(2, LAYERS - resident)  # from the second call on, before the first block asks
    assert boundary.log.count("receive") == LAYERS - resident
    assert boundary.log[-1:] == ["settle"] * (resident < LAYERS)  # no copy is under way into memory that is given back


def test_the_card_holds_what_stays_and_two_blocks_at_most(network: Network) -> None:
    boundary = Boundary()
    held = component(network, "Block", boundary=boundary)
    with held.working("me", LAYERS):
        whole = boundary.used
    held.let_go("me")
    assert boundary.used == 0

    with held.working("me", 2):
        network(GIVEN)
        working = boundary.used
    between = boundary.used

    assert boundary.log.count("lane") == 2
    assert working - between == 2 * BLOCK_BYTES
    assert whole - 4 * BLOCK_BYTES <= between < whole
    assert boundary.most == max(whole, working)


def test_a_network_of_which_nothing_stays_leaves_the_card_altogether(network: Network) -> None:
    boundary = Boundary()

    with component(network, "Block", boundary=boundary).working("me", 0):
        network(GIVEN)
        assert boundary.used > 0

    assert boundary.used == 0


def test_its_weights_in_ram_are_there_once_and_never_written_to(network: Network) -> None:
    boundary = Boundary()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    held = component(network, "Block", boundary=boundary)

    for resident in (0, 3, LAYERS):
        with held.working("me", resident):
            network(GIVEN)
    held.let_go("me")

    after = network.state_dict()
    storages = {value.untyped_storage().data_ptr() for value in network.parameters()}
    assert all((after[name] == value).all() for name, value in before.items())
    assert len(storages) == 1
    assert network.blocks[-1].table is network.blocks[-2].table
    assert boundary.sent > 0
    held.close()
    assert boundary.kept == 0


def test_a_block_that_is_left_out_keeps_its_place_until_another_needs_it(network: Network) -> None:
    held = component(network, "Block")
    network.left_out = {5, 4}
    expected = network(GIVEN)
    network.left_out = set()

    with held.working("me", 2):
        network(GIVEN)
        network.left_out = {5, 4}
        made = [network(GIVEN) for _ in range(2)]

    assert all((each == expected).all() for each in made)


def test_blocks_of_which_some_were_left_out_the_first_time_are_found_later(network: Network) -> None:
    expected = network(GIVEN)
    held = component(network, "Block")

    with held.working("me", 0):
        network.left_out = {0, 1}
        network(GIVEN)
        network.left_out = set()
        made = [network(GIVEN) for _ in range(3)]

    assert all((each == expected).all() for each in made)


def test_a_block_that_fails_leaves_the_network_usable(network: Network) -> None:
    expected = network(GIVEN)
    boundary = Boundary()
    held = component(network, "Block", boundary=boundary)

    for _ in range(2):
        with pytest.raises(ValueError, match="a block failed"), held.working("me", 2):
            network(GIVEN * torch.nan)
        assert not any(boundary.holds(weight) for weight in network.blocks[3].parameters())  # the one that failed
    with held.working("me", 2):
        made = network(GIVEN)

    assert (made == expected).all()


def test_the_largest_claim_holds_until_it_is_given_up(network: Network) -> None:
    boundary = Boundary()
    held = component(network, "Block", boundary=boundary)
    held.claim("one", 2)
    small = boundary.used
    held.claim("other", None)
    large = boundary.used

    with held.working("one", 2):
        network(GIVEN)
    unmoved = boundary.used, boundary.sent
    held.let_go("other")

    assert unmoved == (large, 0)
    assert boundary.used == small < large
    held.let_go("one")
    assert boundary.used == 0


def test_what_comes_in_does_not_meet_what_goes_out(network: Network) -> None:
    boundary = Boundary()
    held = component(network, "Block", boundary=boundary)
    held.claim("me", LAYERS)
    boundary.forget()

    held.claim("me", 3)

    assert boundary.most <= boundary.used * 2
    assert boundary.brought == 0
