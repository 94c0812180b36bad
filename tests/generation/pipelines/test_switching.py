"""Do two models that take turns on a card that holds one of them leave nothing behind, however often they do?"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest
import torch

from generation import Card, ModelLoading
from generation.events import ModelRested, WorkerEvent
from generation.memory.experience import NO_EXPERIENCE
from generation.pipelines.pipeline import Row, Step
from generation.worker.shelf import Shelf
from tests.generation.pipelines.faulty_card import CARD, FaultyCatalogue
from tests.generation.pipelines.tiny_sdxl import write_checkpoint
from tests.generation.studio import request

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

PROCESSOR = Card(device="cpu", name="A processor", memory_gib=30)  # one of the two is said to take 21 GiB
NARROW = replace(CARD, memory_gib=14)  # 11 GiB of either stay
FLAT_MIB = 8


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> FaultyCatalogue:
    """Two models of different weights."""
    folder = tmp_path_factory.mktemp("two-models")
    for seed, name in enumerate(("one", "other")):
        write_checkpoint(folder / name, seed=seed)
    return FaultyCatalogue(folder, folder / "one", folder / "other")


def networks() -> Iterator[torch.nn.Module]:
    """Give all networks that are in memory."""
    return (each for each in gc.get_objects() if issubclass(type(each), torch.nn.Module))


def draw(shelf: Shelf, model: str) -> bytes:
    """Have a model on the card and draw with it; gives the bare pixels."""
    asked = replace(request(model=model, steps=1), guidance_scale=5.0)
    pipeline = shelf.fetch(model, shelf.plan(asked, 1, NO_EXPERIENCE), is_alone=False)

    def ignore(_: Step) -> None:
        pass

    return pipeline.render([Row(asked, 5)], ignore)[0].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("card", [PROCESSOR, NARROW], ids=["processor", "like a GPU"])
def test_memory_stays_flat_over_twenty_switches_and_what_left_is_freed(catalogue: FaultyCatalogue, card: Card) -> None:
    told: list[WorkerEvent] = []
    shelf, process, before = Shelf(catalogue, card, told.append), psutil.Process(), set(map(id, networks()))
    pictures = [draw(shelf, model) for model in ("one", "other")]
    first = [weakref.ref(network) for network in networks() if id(network) not in before]
    flat_mib = process.memory_info().rss / 2**20

    pictures += [draw(shelf, model) for model in ("one", "other") * 9]
    grown_mib = process.memory_info().rss / 2**20 - flat_mib
    is_there = [reference() is not None for reference in first]
    for model in ("one", "other"):
        shelf.unload(model)

    assert pictures == pictures[:2] * 10
    assert pictures[0] != pictures[1]
    assert [event.model for event in told if isinstance(event, ModelLoading)] == ["one", "other"] * 10
    assert sum(isinstance(event, ModelRested) for event in told) == (19 if card.is_gpu else 0)
    assert grown_mib < FLAT_MIB
    assert len(first) > 100
    assert any(is_there) is card.is_gpu  # in RAM, from where they come back
    assert not [reference for reference in first if reference() is not None]
