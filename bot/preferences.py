"""What does a member want when they do not say it?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from storage import Settings

NAME = "preferences"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A member's own defaults for /imagine; None leaves it to the place and the model."""

    model: str | None = None
    aspect_ratio: tuple[int, int] | None = None
    images: int | None = None
    style: str | None = None
    is_spoiler: bool = False


NONE = Preference()


class Preferences:
    """The preferences of all members, kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def of(self, member: str) -> Preference:
        """Give a member's preference."""
        kept = await self._settings.get(NAME, scope=member)
        return NONE if kept is None else _read(json.loads(kept))

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
