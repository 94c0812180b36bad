"""How does a checkpoint become a model that draws?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version

import torch

from generation.memory.card import Card
from generation.memory.placement import Precision, VramPlan
from generation.models.model import ModelSpec
from generation.pipelines.assembling import Assembly
from generation.pipelines.diffusion import AUTOENCODER, DiffusionPipeline
from generation.pipelines.family import Family
from generation.pipelines.loading import Checkpoint, quieten
from generation.pipelines.memory.component import Component
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.transfers import Transfers, transfers_for

# On a processor: on two cores one thread takes half the time of two that wait without spinning, and is the quickest of
# all as soon as anything else runs beside it.
PROCESSOR_THREADS = 1


def loader(family: Family) -> Callable[[ModelSpec, VramPlan, Card, Pantry], DiffusionPipeline]:
    """Give the `load` of a family's module."""

    def load_family(spec: ModelSpec, plan: VramPlan, card: Card, pantry: Pantry) -> DiffusionPipeline:
        return load(spec, plan, card, pantry, family)

    return load_family


def load(
    spec: ModelSpec,
    plan: VramPlan,
    card: Card,
    pantry: Pantry,
    family: Family,
    transfers: Transfers | None = None,
    opened: Callable[[ModelSpec, Family, Pantry], Checkpoint] = Checkpoint,
) -> DiffusionPipeline:
    """Load a checkpoint into RAM as the plan says; `opened` may give one whose weights come from somewhere else.

    Raises:
        ModelLoadError: the checkpoint cannot be found or read.
    """
    quieten()
    if not card.is_gpu:
        torch.set_num_threads(PROCESSOR_THREADS)
    checkpoint = opened(spec, family, pantry)
    transfers = transfers or transfers_for(card)
    with ExitStack() as undo:
        components: dict[str, Component] = {}
        for name in filter(checkpoint.has, (*family.encoders, family.denoiser, AUTOENCODER)):
            components[name] = checkpoint.network(name, _precision(name, plan, card), card, transfers)
            undo.callback(pantry.give_back, components[name])
        tokenizers = {name: checkpoint.tokenizer(name) for name in checkpoint.tokenizer_names}
        networks = {name: component.module for name, component in components.items()}
        assembly = Assembly(family, networks, tokenizers, checkpoint.scheduler(), checkpoint.config)
        undo.pop_all()
    for component in components.values():
        component.survey()
    provenance = {
        "model_revision": checkpoint.revision,
        "scheduler": spec.scheduler,
        "device": card.name,
        **({} if card.is_gpu else {"threads": str(torch.get_num_threads())}),  # they part sums differently
        **{package: version(package) for package in ("fairbrush", "torch", "diffusers", "transformers")},
    }
    return DiffusionPipeline(spec.name, family, assembly, components, plan, card, pantry, provenance)


def _precision(name: str, plan: VramPlan, card: Card) -> Precision:
    """Give a component's precision; one that the catalogue does not count lies as it is."""
    if name in plan.placements:
        return plan.placements[name].precision
    return Precision.BFLOAT16 if card.is_gpu else Precision.FLOAT32
