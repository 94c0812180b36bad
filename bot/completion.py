"""How does what was typed become a complete request: by preferences, then the place's defaults, then the model's?"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from bot.chat import Call
from bot.places import Places
from bot.preferences import Preference, Preferences, is_no_style
from bot.quotas import Quotas
from bot.start_images import StartImages
from generation import LARGEST_SEED, Catalogue, ImagineOptions, ImagineRequest

SEEDS = random.SystemRandom()


def draw_seed() -> int:
    """Draw a seed for whoever names none."""
    return SEEDS.randint(0, LARGEST_SEED)


class Completion:
    """Fills in what somebody left open."""

    def __init__(
        self,
        catalogue: Catalogue,
        places: Places,
        quotas: Quotas,
        preferences: Preferences,
        start_images: StartImages,
    ) -> None:
        self._catalogue = catalogue
        self._places = places
        self._quotas = quotas
        self._preferences = preferences
        self._start_images = start_images

    async def preference(self, call: Call) -> Preference:
        """Give the caller's own defaults."""
        return await self._preferences.of(call.member.owner)

    async def request(self, call: Call, options: ImagineOptions, preference: Preference) -> ImagineRequest:
        """Complete what was typed; `options.image` and `.mask` are what was typed for these.

        Raises:
            CommandError, GenerationError, StorageError: it cannot be done so; the text says why.
        """
        start = await self._start_images.take(call, options.image, options.mask)
        has_shape = start is not None or options.size is not None or options.aspect_ratio is not None
        style = preference.style if options.style is None else options.style
        wanted = replace(
            options,
            aspect_ratio=options.aspect_ratio if has_shape else preference.aspect_ratio,
            images=preference.images if options.images is None else options.images,
            image="" if start is None else start.sha256,
            image_size=None if start is None else start.size,
            mask="" if start is None else start.mask,
            style=None if style is None or is_no_style(style) else style,
        )
        default_model = await self._default_model(call, preference)
        if options.loras:
            await asyncio.to_thread(self._catalogue.loras.all)  # files that are new are read there, not on the loop
        return self._catalogue.complete(wanted, default_model=default_model, seed=draw_seed())

    async def _default_model(self, call: Call, preference: Preference) -> str:
        """Give the caller's own choice, else the place's, else any; the first that may be used there, by them."""
        usable, default = await self._places.usable(call), await self._places.model(call)
        permitted = (await self._quotas.of(call)).models
        for name in (preference.model, default, *usable):
            if name is not None and name in usable and (permitted is None or name in permitted):
                return name
        return default  # which is refused where the request is accepted, with the reason
