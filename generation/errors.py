"""What can go wrong while a picture is asked for or made, each error written to the person who asked."""


class GenerationError(Exception):
    """Something about this picture did not work; the text may be shown to anyone."""


class InvalidRequestError(GenerationError):
    """An option is unknown or out of range; the text names the flag, the value and what is allowed."""


class UnknownModelError(GenerationError):
    """No model of that name is in the catalogue."""


class CatalogueError(GenerationError):
    """The models file cannot be read; the text names the entry and the field."""


class DoesNotFitError(GenerationError):
    """This machine cannot run the model: `reason` says why, the whole text also what would run."""

    def __init__(self, reason: str, alternatives: str = "") -> None:
        super().__init__(f"{reason} {alternatives}".strip())
        self.reason = reason


class UnreadableImageError(GenerationError):
    """A start picture is not there, too large, or nothing that can be decoded; the text says which."""


class ModelLoadError(GenerationError):
    """The checkpoint of a model could not be loaded; the text says what to do."""


class CardFullError(GenerationError):
    """The card's memory does not hold what this takes: a smaller size may fit."""

    def __init__(self) -> None:
        super().__init__("The card ran out of memory on this picture, even alone: ask for a smaller --size.")


class WorkerDownError(GenerationError):
    """The image worker stopped; it is being restarted."""


class Interrupted(Exception):  # noqa: N818 - a control signal raised between two steps, not an error
    """The picture under way was cancelled."""
