"""Which models are resident on the card, and which one makes room for the next?"""

from __future__ import annotations

import time
from collections.abc import Callable

from generation.catalogue import Catalogue
from generation.events import ModelLoaded, ModelLoading, ModelUnloaded, WorkerEvent
from generation.pipelines.pipeline import Pipeline, load_pipeline
from generation.request import ImagineRequest
from generation.vram import Card, VramPlan


class Shelf:
    """The loaded models, least recently used first. Their predicted peaks never sum up to more than the card holds."""

    def __init__(self, catalogue: Catalogue, card: Card, send: Callable[[WorkerEvent], None]) -> None:
        self._catalogue = catalogue
        self._card = card
        self._send = send
        self._loaded: dict[str, tuple[VramPlan, Pipeline]] = {}

    def fetch(self, request: ImagineRequest, *, rows: int = 1) -> Pipeline:
        """Give the pipeline for calls of so many pictures, loading it if it is not resident as the plan asks.

        Raises:
            DoesNotFitError: the card cannot run the request.
            ModelLoadError: the checkpoint cannot be loaded.
        """
        plan = self._catalogue.plan(request, self._card, rows=rows)
        if request.model in self._loaded and not self._loaded[request.model][0].is_placed_as(plan):
            self.unload(request.model)
        _, pipeline = self._loaded.pop(request.model, (None, None))
        self._make_room(plan)
        if pipeline is None:
            pipeline = self._load(request.model, plan)
        self._loaded[request.model] = plan, pipeline
        return pipeline

    def load_default(self, model: str) -> None:
        """Make a model resident as a request with its defaults would; one that is resident stays as it is."""
        if model in self._loaded:
            self._send(ModelLoaded(model=model, seconds=0.0))
        else:
            self.fetch(self._catalogue.default_request(self._catalogue.get(model)))

    def unload(self, model: str) -> None:
        """Drop a model, if it is resident."""
        if model in self._loaded:
            self._loaded.pop(model)[1].close()
        self._send(ModelUnloaded(model=model))

    def _make_room(self, plan: VramPlan) -> None:
        while self._loaded and self._used_gib() + plan.predicted_peak_gib > self._card.memory_gib:
            self.unload(next(iter(self._loaded)))

    def _load(self, model: str, plan: VramPlan) -> Pipeline:
        self._send(ModelLoading(model=model))
        started = time.monotonic()
        pipeline = load_pipeline(self._catalogue.get(model), plan, self._card)
        self._send(ModelLoaded(model=model, seconds=time.monotonic() - started))
        return pipeline

    def _used_gib(self) -> float:
        return sum(plan.predicted_peak_gib for plan, _ in self._loaded.values())
