"""How long will a picture take on this machine: learned from what pictures took."""

from __future__ import annotations

from generation.catalogue import Catalogue
from generation.request import ImagineRequest

LEARNING_RATE = 0.2  # the share of a new measurement, as in the queue policy's reference


class Speeds:
    """Seconds for each step by model and size; the catalogue's guess until something was measured."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._seconds_per_step: dict[tuple[str, int, int], float] = {}

    def picture_seconds(self, request: ImagineRequest) -> float:
        """Estimate the GPU-seconds of one picture of the request."""
        spec = self._catalogue.get(request.model)
        guess = spec.seconds_per_step * (request.width * request.height) / (spec.width * spec.height)
        return request.steps_taken * self._seconds_per_step.get(_shape(request), guess)

    def learn(self, request: ImagineRequest, seconds: float) -> None:
        """Take in that one picture of the request took this many GPU-seconds."""
        measured = seconds / request.steps_taken
        known = self._seconds_per_step.get(_shape(request), measured)
        self._seconds_per_step[_shape(request)] = known + LEARNING_RATE * (measured - known)


def _shape(request: ImagineRequest) -> tuple[str, int, int]:
    return request.model, request.width, request.height
