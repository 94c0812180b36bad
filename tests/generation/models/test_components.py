"""Do the facts by which memory is planned agree with the networks that diffusers and transformers build?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from itertools import groupby

import pytest
import torch

from generation import Catalogue
from generation.models.parts import Blocks, Part, known_parts
from generation.pipelines.memory.component import outermost
from tests.full_size import FULL_SIZE, build_on_meta

LEAST_BUFFER = 10_000  # numbers; below, such as position ids, they are not worth a line
WO = "wo"  # T5's layer that stays at 8 bits


def counted(name: str) -> Part:
    """Count the network of a part."""
    network = build_on_meta(name)
    classes = {blocks.class_name for blocks in known_parts()[name].blocks}
    buffers = sum(buffer.numel() for buffer in network.buffers())
    sizes = (_sizes(block) for block in outermost(network, classes))
    return Part(
        name=name,
        parameters=_parameters(network),
        linear=_linear(network),
        buffers=buffers if buffers >= LEAST_BUFFER else 0,
        blocks=tuple(
            Blocks(class_name=of[0], count=len(list(run)), parameters=of[1], linear=of[2], eight_bit=of[3])
            for of, run in groupby(sizes)
        ),
    )


def _sizes(block: torch.nn.Module) -> tuple[str, int, int, int]:
    kept = [layer for name, layer in block.named_modules() if name.endswith(f".{WO}")]
    eight_bit = sum(_linear(layer) for layer in kept) if type(block).__name__ == "T5Block" else 0
    return type(block).__name__, _parameters(block), _linear(block), eight_bit


def _parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _linear(network: torch.nn.Module) -> int:
    """Count linear layers, but not one whose weights are an embedding's."""
    embeddings = {id(layer.weight) for layer in network.modules() if isinstance(layer, torch.nn.Embedding)}
    weights = {id(layer.weight): layer.weight for layer in _linears(network)}
    return sum(weight.numel() for key, weight in weights.items() if key not in embeddings)


def _linears(network: torch.nn.Module) -> Iterator[torch.nn.Linear]:
    return (layer for layer in network.modules() if isinstance(layer, torch.nn.Linear))


@pytest.mark.parametrize("name", FULL_SIZE)
def test_a_part_has_the_weights_and_blocks_that_its_network_has(name: str) -> None:
    assert known_parts()[name] == counted(name)


def test_every_part_that_a_model_names_was_counted_or_is_the_demos_own() -> None:
    alike = {part.name for part in known_parts().values() if _twin(part)}
    named = {part.name for spec in Catalogue.load() for part in spec.components.values()}

    assert {name for name in named if not name.startswith("demo-")} <= alike | set(FULL_SIZE)


def _twin(part: Part) -> bool:
    """Tell whether a part is like a counted one."""
    facts = [part.parameters, part.linear, part.blocks]
    return any(facts == [of.parameters, of.linear, of.blocks] for of in map(known_parts().__getitem__, FULL_SIZE))


def test_the_demos_parts_are_those_of_its_weights() -> None:
    for component, name in (("unet", "demo-unet"), ("text_encoder_2", "demo-text"), ("vae", "demo-vae")):
        folder = resources.files("generation").joinpath("demo/weights").joinpath(component)
        (file,) = (file for file in folder.iterdir() if file.name.endswith(".safetensors"))
        content = file.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        shapes = [torch.Size(tensor["shape"]) for key, tensor in header.items() if key != "__metadata__"]
        assert known_parts()[name].parameters == sum(shape.numel() for shape in shapes)
