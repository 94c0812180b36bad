"""How does a member say what they want when they do not say it?"""

from __future__ import annotations

from typing import Annotated

from bot import listings
from bot.chat import Call, View
from bot.command import Flag, Kind, command
from bot.preferences import NONE, Preference, Preferences, is_no_style
from bot.values import ratio, whole_number, yes_or_no
from generation import MOST_IMAGES, ImagineOptions, Service


class Choices:
    """The command about a member's own defaults."""

    def __init__(self, service: Service, preferences: Preferences) -> None:
        self._service = service
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
        style: Annotated[str | None, Flag("style", "NAME", "your style, or none", kind=Kind.STYLE)] = None,
        is_spoiler: Annotated[
            bool | None, Flag("spoiler", "YES|NO", "hide your pictures until they are clicked", yes_or_no)
        ] = None,
        is_reset: Annotated[bool, Flag("reset", "", "forget all of it first", kind=Kind.SWITCH)] = False,
    ) -> View:
        """Change what was given, after it was found possible, and tell all."""
        before = await self._preferences.of(call.member.owner)
        start = NONE if is_reset else before
        preference = Preference(
            model=start.model if model is None else await self._that_runs(model),
            aspect_ratio=start.aspect_ratio if aspect_ratio is None else aspect_ratio,
            images=start.images if images is None else images,
            style=start.style if style is None else _style(style),
            is_spoiler=start.is_spoiler if is_spoiler is None else is_spoiler,
        )
        if preference != before:
            self._check(preference)
            await self._preferences.put(call.member.owner, preference)
        return listings.preference(preference)

    async def _that_runs(self, model: str) -> str:
        spec = self._service.catalogue.get(model)
        await self._service.check(self._service.catalogue.default_request(spec))
        return spec.name

    def _check(self, preference: Preference) -> None:
        """Complete a request with it, which says what is wrong, if anything is."""
        options = ImagineOptions(
            prompt="nothing",
            model=preference.model,
            aspect_ratio=preference.aspect_ratio,
            images=preference.images,
            style=preference.style,
        )
        catalogue = self._service.catalogue
        catalogue.complete(options, default_model=catalogue.default, seed=0)


def _style(typed: str) -> str | None:
    return None if is_no_style(typed) else typed.casefold()
