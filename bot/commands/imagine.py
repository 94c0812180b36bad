"""How is a picture asked for: anew by /imagine, once more by /rerun?"""

from __future__ import annotations

import random
from typing import Annotated

from bot.access import Access
from bot.chat import Accepted, Call
from bot.command import Argument, Flag, command, job_number, number, ratio, size, whole_number
from bot.defaults import Defaults
from bot.intake import Intake
from generation import LARGEST_SEED, MOST_IMAGES, Catalogue, ImagineOptions, ImagineRequest

EXAMPLE = "a red circle on a blue background"
SEEDS = random.SystemRandom()


class Imagine:
    """The commands that make pictures."""

    def __init__(self, catalogue: Catalogue, defaults: Defaults, access: Access, intake: Intake) -> None:
        self._catalogue = catalogue
        self._defaults = defaults
        self._access = access
        self._intake = intake

    @command("imagine", "Make a picture of what you describe.")
    async def imagine(
        self,
        call: Call,
        prompt: Annotated[str, Argument("PROMPT", EXAMPLE)],
        *,
        model: Annotated[str | None, Flag("model", "NAME", "which model draws; /models lists them")] = None,
        seed: Annotated[
            int | None, Flag("seed", "N", "the same seed and settings give the same picture", whole_number)
        ] = None,
        steps: Annotated[
            int | None, Flag("steps", "N", "more steps take longer and may look better", whole_number)
        ] = None,
        cfg: Annotated[float | None, Flag("cfg", "X", "how strictly the picture follows the prompt", number)] = None,
        ar: Annotated[tuple[int, int] | None, Flag("ar", "W:H", "aspect ratio, for example 4:3", ratio)] = None,
        size: Annotated[tuple[int, int] | None, Flag("size", "WxH", "size in pixels", size)] = None,
        no: Annotated[str, Flag("no", "WORDS", "what should not be in the picture", takes_words=True)] = "",
        count: Annotated[int, Flag("count", "N", f"how many pictures, 1 to {MOST_IMAGES}", whole_number)] = 1,
    ) -> Accepted:
        """Complete what was typed by the model's defaults, and accept it."""
        options = ImagineOptions(
            prompt=prompt,
            model=model,
            seed=seed,
            num_inference_steps=steps,
            guidance_scale=cfg,
            aspect_ratio=ar,
            size=size,
            negative_prompt=no,
            images=count,
        )
        default_model = await self._defaults.model(call.place)
        drawn = SEEDS.randint(0, LARGEST_SEED)
        request = self._catalogue.complete(options, default_model=default_model, seed=drawn)
        return await self._intake.accept(call, request)

    @command("rerun", "Make a job's pictures once more, with the same seed and settings.")
    async def rerun(self, call: Call, job_id: Annotated[int, Argument("ID", "12", job_number)]) -> Accepted:
        """Accept the very request of an earlier job."""
        job = await self._access.visible_job(job_id, call)
        request = ImagineRequest.from_json(dict(job.request))
        return await self._intake.accept(call, request, rerun_of=job.id)
