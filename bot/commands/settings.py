"""How does a member say what they want when they do not say it?"""

from __future__ import annotations

from typing import Annotated

from bot import listings
from bot.chat import Call, View
from bot.command import Flag, Kind, command
from bot.preferences import NONE, Preference, Preferences
from bot.values import ratio, whole_number, yes_or_no
from generation import MOST_IMAGES, Catalogue, ImagineOptions


class Choices:
    """The command about a member's own defaults."""

    def __init__(self, catalogue: Catalogue, preferences: Preferences) -> None:
        self._catalogue = catalogue
        self._preferences = preferences

    @command("settings", "Show or change your own defaults for /imagine.")
    async def settings(
        self,
        call: Call,
        *,
        model: Annotated[str | None, Flag("model", "NAME", "the model that you use", kind=Kind.MODEL)] = None,
        aspect_ratio: Annotated[tuple[int, int] | None, Flag("ar", "W:H", "your aspect ratio", ratio)] = None,
        images: Annotated[
            int | None, Flag("count", "N", f"how many pictures, 1 to {MOST_IMAGES}", whole_number, Kind.WHOLE)
        ] = None,
        style: Annotated[str | None, Flag("style", "NAME", "your style", kind=Kind.STYLE)] = None,
        is_spoiler: Annotated[
            bool | None, Flag("spoiler", "YES|NO", "hide your pictures until they are clicked", yes_or_no)
        ] = None,
        is_reset: Annotated[bool, Flag("reset", "", "forget all of it first", kind=Kind.SWITCH)] = False,
    ) -> View:
        """Change what was given, after it was found possible, and tell all."""
        before = await self._preferences.of(call.member.key)
        start = NONE if is_reset else before
        preference = Preference(
            model=model or start.model,
            aspect_ratio=aspect_ratio or start.aspect_ratio,
            images=images or start.images,
            style=style or start.style,
            is_spoiler=start.is_spoiler if is_spoiler is None else is_spoiler,
        )
        self._check(preference, images)
        if preference != before:
            await self._preferences.put(call.member.key, preference)
        return listings.preference(preference)

    def _check(self, preference: Preference, images: int | None) -> None:
        """Complete a request with it, which says what is wrong, if anything is."""
        options = ImagineOptions(
            prompt="nothing",
            model=preference.model,
            aspect_ratio=preference.aspect_ratio,
            images=images,  # as typed: 0 counts as nothing above
            style=preference.style,
        )
        self._catalogue.complete(options, default_model=self._catalogue.default, seed=0)
