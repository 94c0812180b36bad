"""Which calls of the bot, and which words of the stand-in's own, went against the published description?"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.standins.specs import TELEGRAM_SPEC
from tests.standins.telegram.fields import Fields
from tests.standins.telegram.schema import Specification, published


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that the description does not allow."""

    where: str  # the method, with "answer" if it is the stand-in's own fault; or "Update"
    complaint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.complaint}"


class Inspection:
    """Collects violations. Without the description at hand it says so once, and lets everything pass."""

    def __init__(self) -> None:
        self._specification = _specification()
        self._waivers: list[re.Pattern[str]] = []
        self._found: list[Violation] = []

    def waive(self, pattern: str) -> None:
        """Lets violations pass whose text fits the pattern, those found already included."""
        self._waivers.append(re.compile(pattern))

    @property
    def violations(self) -> list[Violation]:
        """What was found and not waived."""
        return [one for one in self._found if not any(waiver.search(str(one)) for waiver in self._waivers)]

    def check_call(self, method: str, fields: Fields) -> None:
        if self._specification is not None:
            self._note(method, self._specification.complaints_of_call(method, fields))

    def check_answer(self, method: str, result: Any) -> None:
        if self._specification is not None:
            self._note(f"{method} answer", self._specification.complaints_of_answer(method, result))

    def check_update(self, update: dict[str, Any]) -> None:
        if self._specification is not None:
            self._note("Update", self._specification.complaints_of_object("Update", update))

    def note_break(self, method: str, error: Exception) -> None:
        """Notes that the stand-in itself could not cope with a call."""
        self._note(method, [f"the stand-in broke: {error!r}"])

    def _note(self, where: str, complaints: list[str]) -> None:
        self._found += [Violation(where=where, complaint=complaint) for complaint in complaints]


@cache
def _specification() -> Specification | None:
    if (found := published()) is None:
        logging.getLogger(__name__).warning("Calls are not compared with %s: it is not there.", TELEGRAM_SPEC.name)
    return found
