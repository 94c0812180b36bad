"""Which models are on the card, which rest in RAM, and which make room for the next?

    on a disk ──load──> in RAM ──wake──> on the card
        ^                 │ ^                │
        └──────close──────┘ └──────rest──────┘

To rest is to forget what is on the card: the copy in RAM was never given up. Where card and RAM are one memory, nothing
rests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from generation.errors import CardFullError
from generation.events import ModelLoaded, ModelLoading, ModelRested, ModelUnloaded, WorkerEvent
from generation.lora import LoraWeights
from generation.memory.card import Card
from generation.memory.experience import Experience
from generation.memory.occupancy import Stay, first_to_go, in_ram_gib, on_card_gib, running_gib
from generation.memory.placement import VramPlan
from generation.models.catalogue import Catalogue
from generation.pipelines.hub.weights import weight_files
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, load_pipeline
from generation.pipelines.speed.workshop import Workshop
from generation.request import ImagineRequest

# A model in the precisions of its weights: it may be in memory in several, as its pictures of other sizes want it.
Kept: TypeAlias = tuple[str, frozenset[tuple[str, str]]]


@dataclass(slots=True)
class _Lodger:
    """A model in memory; it counts from the call that used it last."""

    plan: VramPlan
    pipeline: Pipeline
    last_call: int
    is_on_card: bool = False

    @property
    def stay(self) -> Stay:
        return Stay(plan=self.plan, last_call=self.last_call)


class Shelf:
    """The models in memory. What `send` tells of them is true at any time."""

    def __init__(self, catalogue: Catalogue, card: Card, send: Callable[[WorkerEvent], None]) -> None:
        self._catalogue = catalogue
        self._card = card
        self._send = send
        self._pantry = Pantry()
        self._lodgers: dict[Kept, _Lodger] = {}
        self._call = 0

    @property
    def has_rest(self) -> bool:
        """Tell whether a model can leave the card and stay in RAM."""
        return self._card.is_gpu and not self._card.is_unified

    def plan(self, request: ImagineRequest, rows: int, experience: Experience) -> VramPlan:
        """Tell how a call of so many pictures is placed, by what is known of such requests.

        Raises:
            DoesNotFitError: the card cannot run it.
        """
        return self._catalogue.plan(request, self._card, rows=rows, experience=experience)

    def loras(self, request: ImagineRequest) -> tuple[LoraWeights, ...]:
        """Give the files of the request's adapters, as far as they act.

        Raises:
            InvalidRequestError: one of them is not there any more.
        """
        return self._catalogue.loras.weights(lora for lora in request.loras if lora.scale)

    def files_to_come(self, model: str) -> tuple[Path, ...]:
        """Give the files to read before a model is loaded: none if it is in memory. From any thread.

        On unified memory there are none either: there the system's cache takes from the card.
        """
        is_useless = self._card.is_unified or any(name == model for name, _ in tuple(self._lodgers))
        return () if is_useless else weight_files(self._catalogue.get(model))

    def company_gib(self, model: str) -> float:
        """Give what others have on the card beside this model; what is also its own is not counted."""
        lodgers = self._on_card()
        own = [lodger.plan for (name, _), lodger in lodgers.items() if name == model]
        return on_card_gib(lodger.plan for lodger in lodgers.values()) - on_card_gib(own)

    def has_company(self, model: str) -> bool:
        """Tell whether other models are on the card."""
        return any(name != model for name, _ in self._on_card())

    def fetch(self, model: str, plan: VramPlan, *, is_alone: bool) -> Pipeline:
        """Have a model on the card, placed as a plan says, with room to run; alone there if it has to be.

        Raises:
            ModelLoadError: the checkpoint cannot be loaded.
            CardFullError: there was less room than planned.
        """
        self._call += 1
        kept = _kept(model, plan)
        for other in [other for other in self._on_card() if other[0] == model and other != kept]:
            self._leave(other)
        if kept not in self._lodgers:
            self._make_room_in_ram(plan)
        self._make_room_on_card(kept, plan, is_alone=is_alone)
        lodger = self._lodgers.get(kept)
        if lodger is None or not lodger.is_on_card or not _lies_as(lodger.plan, plan):
            lodger = self._bring(kept, plan)
        elif lodger.plan.tiled_decode != plan.tiled_decode:
            lodger.pipeline.place(plan)
        lodger.plan, lodger.last_call = plan, self._call
        return lodger.pipeline

    def load_default(self, model: str, experience: Experience) -> None:
        """Have a model on the card as a request with its defaults would; one that is there stays as it is."""
        if any(name == model for name, _ in self._on_card()):
            self._send(ModelLoaded(model=model, seconds=0.0))
            return
        request = self._catalogue.default_request(self._catalogue.get(model))
        self.fetch(model, self.plan(request, 1, experience), is_alone=experience.concessions.is_alone)

    def unload(self, model: str) -> None:
        """Drop a model from card and RAM, if it is there."""
        for kept in [kept for kept in self._lodgers if kept[0] == model]:
            self._lodgers.pop(kept).pipeline.close()
        self._send(ModelUnloaded(model=model))

    def prepare(self, workshop: Workshop) -> bool:
        """Do one piece of what makes later calls faster, for the model that ran last first; False if all is done."""
        latest = sorted(self._on_card().values(), key=lambda lodger: lodger.last_call, reverse=True)
        return any(lodger.pipeline.prepare(workshop) for lodger in latest)

    def _bring(self, kept: Kept, plan: VramPlan) -> _Lodger:
        """Bring a model to the card as it is planned: from a disk, or out of RAM."""
        model, lodger = kept[0], self._lodgers.get(kept)
        self._send(ModelLoading(model=model))
        started, was_here = time.monotonic(), lodger is not None
        if lodger is None:
            pipeline = load_pipeline(self._catalogue.get(model), plan, self._card, self._pantry)
            lodger = self._lodgers[kept] = _Lodger(plan, pipeline, self._call)
        try:
            lodger.pipeline.place(plan)
            lodger.pipeline.wake()
        except CardFullError:
            self._leave(kept)
            raise
        lodger.is_on_card = True
        self._send(ModelLoaded(model=model, seconds=time.monotonic() - started, was_resting=was_here))
        return lodger

    def _make_room_in_ram(self, plan: VramPlan) -> None:
        """Close models until the copies of all that stay fit: first those that rest, then those on the card."""
        while self.has_rest and self._lodgers:
            plans = [lodger.plan for lodger in self._lodgers.values()]
            if in_ram_gib([plan, *plans]) <= self._card.host.memory_gib:
                return
            resting = {kept: lodger for kept, lodger in self._lodgers.items() if not lodger.is_on_card}
            stays = {kept: lodger.stay for kept, lodger in (resting or self._lodgers).items()}
            self._close(first_to_go(stays, self._call, in_ram_gib))

    def _make_room_on_card(self, kept: Kept, plan: VramPlan, *, is_alone: bool) -> None:
        while company := {other: lodger for other, lodger in self._on_card().items() if other != kept}:
            needed_gib = running_gib(plan, [lodger.plan for lodger in company.values()])
            if needed_gib <= self._card.memory_gib and not is_alone:
                return
            stays = {other: lodger.stay for other, lodger in company.items()}
            self._leave(first_to_go(stays, self._call, on_card_gib))

    def _on_card(self) -> dict[Kept, _Lodger]:
        return {kept: lodger for kept, lodger in self._lodgers.items() if lodger.is_on_card}

    def _leave(self, kept: Kept) -> None:
        if not self.has_rest:
            self._close(kept)
            return
        lodger = self._lodgers[kept]
        lodger.pipeline.rest()
        lodger.is_on_card = False
        self._send(ModelRested(model=kept[0]))

    def _close(self, kept: Kept) -> None:
        self._lodgers.pop(kept).pipeline.close()
        if not any(model == kept[0] for model, _ in self._lodgers):
            self._send(ModelUnloaded(model=kept[0]))


def _kept(model: str, plan: VramPlan) -> Kept:
    return model, frozenset((name, placement.precision) for name, placement in plan.placements.items())


def _lies_as(one: VramPlan, other: VramPlan) -> bool:
    """Tell whether under two plans the same weights are on the card."""
    return one.placements == other.placements
