"""What does a place use and allow: its default model, the models that may be used there, adult content?"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Call, CommandError, Place
from generation import Catalogue
from storage import Settings

MODEL = "model"
ALLOWED_MODELS = "allowed models"
ADULT = "adult"
YES = "yes"
NONE_USABLE = (
    "No model may be used here at present: those that an admin allowed are gone, or for adults only. "
    "An admin can allow others by /admin models."
)


class Places:
    """The settings of each place. What an admin did not set there is the catalogue's own, or everything."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings

    async def model(self, call: Call) -> str:
        """Give the place's default model; a choice that may not be used there any more counts as none.

        Raises:
            CommandError: no model may be used there.
        """
        usable = await self.usable(call)
        chosen = await self._settings.get(MODEL, scope=call.place.key)
        for name in (chosen, self._catalogue.default, *usable):
            if name in usable:
                return name
        raise CommandError(NONE_USABLE)

    async def set_model(self, call: Call, model: str) -> None:
        """Make a model the place's default, from the next request on.

        Raises:
            CommandError: it may not be used there.
        """
        await self.check(call, model)
        await self._settings.put(MODEL, model, scope=call.place.key)

    async def usable(self, call: Call) -> tuple[str, ...]:
        """Give the models that may be used in a place: those that are allowed, fit for minors where that counts."""
        return await self._fit(call, await self.allowed(call.place))

    async def _fit(self, call: Call, models: Sequence[str]) -> tuple[str, ...]:
        is_adult = await self.is_adult(call)
        return tuple(name for name in models if is_adult or not self._catalogue.get(name).adult)

    async def allowed(self, place: Place) -> tuple[str, ...]:
        """Give the models that an admin allows in a place, or all, in the catalogue's order."""
        every = tuple(spec.name for spec in self._catalogue)
        chosen = await self._settings.get(ALLOWED_MODELS, scope=place.key)
        return tuple(name for name in every if name in chosen.split()) if chosen is not None else every

    async def allow(self, call: Call, models: Sequence[str]) -> None:
        """Let only these models be used in a place, or with none, all.

        Raises:
            CommandError: all of them are for adults only, and the place is not.
        """
        if not models:
            await self._settings.remove(ALLOWED_MODELS, scope=call.place.key)
            return
        if not await self._fit(call, models):
            raise CommandError(f"{models[0]} is for adults only: {_where_adults(call, 'use')}")
        await self._settings.put(ALLOWED_MODELS, " ".join(models), scope=call.place.key)

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

    async def check_shown(self, call: Call, model: str) -> None:
        """Let what a model has made be shown in the call's place, whatever may be made there.

        Raises:
            CommandError: it is for adults only; the text says where.
        """
        is_for_adults = any(spec.adult for spec in self._catalogue if spec.name == model)
        if is_for_adults and not await self.is_adult(call):
            raise CommandError(f"What {model} has made is for adults only: {_where_adults(call, 'see')}")

    async def check(self, call: Call, model: str) -> None:
        """Let a model be used in the call's place.

        Raises:
            CommandError: it may not; the text says what may.
            UnknownModelError: it has left the catalogue.
        """
        spec = self._catalogue.get(model)
        usable = await self.usable(call)
        if spec.name in usable:
            return
        if spec.name in await self.allowed(call.place):
            raise CommandError(f"{spec.name} is for adults only: {_where_adults(call, 'use')}")
        if not usable:
            raise CommandError(NONE_USABLE)
        raise CommandError(f"{spec.name} may not be used here. Allowed here: {', '.join(usable)}.")


def _where_adults(call: Call, verb: str) -> str:
    if call.is_age_restricted is not None:
        return f"{verb} it in a channel that is marked as age-restricted."
    return "an admin can allow such models here by /admin adult yes."
