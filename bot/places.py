"""What does a place use and allow: its default model, the models that may be used there, adult content?"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Call, CommandError, Place
from generation import Catalogue, ModelSpec
from storage import Settings

MODEL = "model"
ALLOWED_MODELS = "allowed models"
ADULT = "adult"
YES = "yes"


class Places:
    """The settings of each place. What an admin did not set there is the catalogue's own, or everything."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings

    async def model(self, place: Place) -> str:
        """Give the place's default model; a choice that has left the catalogue, or is not allowed, counts as none."""
        allowed = await self.allowed(place)
        chosen = await self._settings.get(MODEL, scope=place.key)
        for name in (chosen, self._catalogue.default):
            if name in allowed:
                return name
        return allowed[0]

    async def set_model(self, place: Place, model: str) -> None:
        """Make a model the place's default, from the next request on.

        Raises:
            CommandError: it may not be used there.
        """
        await self._check_allowed(place, model)
        await self._settings.put(MODEL, model, scope=place.key)

    async def allowed(self, place: Place) -> tuple[str, ...]:
        """Give the models that may be used in a place, in the catalogue's order."""
        every = tuple(spec.name for spec in self._catalogue)
        chosen = await self._settings.get(ALLOWED_MODELS, scope=place.key)
        return tuple(name for name in every if name in chosen.split()) if chosen is not None else every

    async def allow(self, place: Place, models: Sequence[str] | None) -> None:
        """Let only these models be used in a place, or with None, all."""
        if models is None:
            await self._settings.remove(ALLOWED_MODELS, scope=place.key)
        else:
            await self._settings.put(ALLOWED_MODELS, " ".join(models), scope=place.key)

    async def set_adult(self, place: Place, *, is_allowed: bool) -> None:
        """Allow or forbid adult content in a place of a platform that has no age restriction of its own."""
        if is_allowed:
            await self._settings.put(ADULT, YES, scope=place.key)
        else:
            await self._settings.remove(ADULT, scope=place.key)

    async def is_adult(self, call: Call) -> bool:
        """Tell whether adult content is allowed: by the platform where it knows, else by an admin's word."""
        if call.is_age_restricted is not None:
            return call.is_age_restricted
        return await self._settings.get(ADULT, scope=call.place.key) == YES

    async def check(self, call: Call, model: str) -> None:
        """Let a model be used in the call's place.

        Raises:
            CommandError: it may not; the text says what may.
            UnknownModelError: it has left the catalogue.
        """
        spec = self._catalogue.get(model)
        await self._check_allowed(call.place, spec.name)
        if spec.adult and not await self.is_adult(call):
            raise CommandError(f"{spec.name} is for adults only: {_where_adults(call, spec)}")

    async def _check_allowed(self, place: Place, model: str) -> None:
        allowed = await self.allowed(place)
        if model not in allowed:
            raise CommandError(f"{model} may not be used here. Allowed here: {', '.join(allowed)}.")


def _where_adults(call: Call, spec: ModelSpec) -> str:
    if call.is_age_restricted is not None:
        return "use it in a channel that is marked as age-restricted."
    return f"an admin can allow that here by /admin adult yes, for {spec.name} and models like it."
