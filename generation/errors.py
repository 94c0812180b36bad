"""What can go wrong while a picture is asked for or made, each error written to the person who asked."""

from __future__ import annotations

from generation.memory.placement import Phase
from generation.request import ImagineRequest


class GenerationError(Exception):
    """Something about this picture did not work; the text may be shown to anyone."""


class InvalidRequestError(GenerationError):
    """An option is unknown or out of range; the text names the flag, the value and what is allowed."""


class UnknownModelError(GenerationError):
    """No model of that name is in the catalogue."""


class UnknownCardError(GenerationError):
    """No card of that name is known; the text names those that are."""


class CatalogueError(GenerationError):
    """The models file cannot be read; the text names the entry and the field."""


class DoesNotFitError(GenerationError):
    """This machine cannot run the request: `reason` says why, the whole text also what would run.

    `nearest` is a request that can be run instead, if there is any; its picture is predicted to take `nearest_seconds`.
    """

    def __init__(
        self,
        reason: str,
        alternatives: str = "",
        *,
        nearest: ImagineRequest | None = None,
        nearest_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{reason} {alternatives}".strip())
        self.reason = reason
        self.nearest = nearest
        self.nearest_seconds = nearest_seconds


class UnreadableImageError(GenerationError):
    """A start picture is not there, too large, or nothing that can be decoded; the text says which."""


class ModelLoadError(GenerationError):
    """The checkpoint of a model could not be loaded; the text says what to do."""


class LoraError(GenerationError):
    """An adapter cannot be put on the model; the text says why."""


class CardFullError(GenerationError):
    """The card's memory does not hold what a phase of a call takes."""

    def __init__(self, phase: Phase) -> None:
        super().__init__("The card ran out of memory: unload another model, or take a smaller one.")
        self.phase = phase


class WorkerDownError(GenerationError):
    """The image worker stopped; it is being restarted."""


class Interrupted(Exception):  # noqa: N818 - a control signal raised between two steps, not an error
    """The picture under way was cancelled."""
