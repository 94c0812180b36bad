"""What does a member want when they do not say it?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from generation import Catalogue
from storage import Settings

NAME = "preferences"
NO_STYLE = "none"  # what is typed to do without a style


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A member's own defaults for /imagine; None leaves it to the place and the model."""

    model: str | None = None
    aspect_ratio: tuple[int, int] | None = None
    images: int | None = None
    style: str | None = None
    is_spoiler: bool = False


NONE = Preference()


def is_no_style(typed: str) -> bool:
    """Tell whether somebody wants no style."""
    return typed.casefold() == NO_STYLE


class Preferences:
    """The preferences of all members, kept."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._models = {spec.name for spec in catalogue}
        self._styles = set(catalogue.styles)
        self._settings = settings

    async def of(self, member: str) -> Preference:
        """Give a member's preference; a model or style that has left the catalogue counts as none."""
        kept = await self._settings.get(NAME, scope=member)
        known = NONE if kept is None else _read(json.loads(kept))
        return replace(
            known,
            model=known.model if known.model in self._models else None,
            style=known.style if known.style in self._styles else None,
        )

    async def put(self, member: str, preference: Preference) -> None:
        """Keep a member's preference."""
        if preference == NONE:
            await self._settings.remove(NAME, scope=member)
        else:
            await self._settings.put(NAME, json.dumps(asdict(preference)), scope=member)


def _read(values: dict[str, Any]) -> Preference:
    """Read what was kept, maybe by a version that knew more."""
    known = {field.name: values[field.name] for field in fields(Preference) if field.name in values}
    ratio = known.get("aspect_ratio")
    return Preference(**{**known, "aspect_ratio": None if ratio is None else (ratio[0], ratio[1])})
