"""How is a picture asked for in words, typed anew or as edits of an earlier request?"""

from __future__ import annotations

from typing import Annotated

from bot import wording
from bot.access import Access
from bot.button import Press, button, is_over
from bot.chat import Answer, Call, Form
from bot.command import Argument, Flag, Kind, command, specify
from bot.completion import Completion
from bot.intake import Intake
from bot.preferences import NONE
from bot.values import loras as read_loras
from bot.values import number, ratio, size, whole_number
from generation import MOST_IMAGES, ImagineOptions, ImagineRequest, Lora

EXAMPLE = "a red circle on a blue background"


class Imagine:
    """The command that makes pictures, and the buttons that ask for it again with edits."""

    def __init__(self, completion: Completion, access: Access, intake: Intake) -> None:
        self._completion = completion
        self._access = access
        self._intake = intake

    @command("imagine", "Make a picture of what you describe.")
    async def imagine(
        self,
        call: Call,
        prompt: Annotated[str, Argument("PROMPT", EXAMPLE)],
        *,
        model: Annotated[
            str | None, Flag("model", "NAME", "which model draws; /models lists them", kind=Kind.MODEL)
        ] = None,
        seed: Annotated[
            int | None,
            Flag("seed", "N", "the same seed and settings give the same picture", whole_number, Kind.WHOLE),
        ] = None,
        num_inference_steps: Annotated[
            int | None, Flag("steps", "N", "more steps take longer and may look better", whole_number, Kind.WHOLE)
        ] = None,
        guidance_scale: Annotated[
            float | None, Flag("cfg", "X", "how strictly the picture follows the prompt", number, Kind.NUMBER)
        ] = None,
        aspect_ratio: Annotated[
            tuple[int, int] | None, Flag("ar", "W:H", "aspect ratio, for example 4:3", ratio)
        ] = None,
        size: Annotated[tuple[int, int] | None, Flag("size", "WxH", "size in pixels", size)] = None,
        negative_prompt: Annotated[
            str, Flag("no", "WORDS", "what should not be in the picture", takes_words=True)
        ] = "",
        images: Annotated[
            int | None, Flag("count", "N", f"how many pictures, 1 to {MOST_IMAGES}", whole_number, Kind.WHOLE)
        ] = None,
        image: Annotated[
            str, Flag("image", "ID[:N]", "start from a picture: attached, or picture N of a job", kind=Kind.PICTURE)
        ] = "",
        mask: Annotated[
            str,
            Flag(
                "mask",
                "ID:N",
                "redraw what is white in it, keep the rest: attached, or 12:0 for job 12's",
                kind=Kind.MASK,
            ),
        ] = "",
        strength: Annotated[
            float | None,
            Flag("strength", "X", "how far from the start picture it may go, up to 1", number, Kind.NUMBER),
        ] = None,
        style: Annotated[str | None, Flag("style", "NAME", "a manner to draw it in, or none", kind=Kind.STYLE)] = None,
        loras: Annotated[
            tuple[Lora, ...],
            Flag(
                "lora",
                "NAME[:SCALE]",
                "draw with an adapter, or several with commas; /loras lists them",
                read_loras,
                Kind.LORA,
                is_list=True,
            ),
        ] = (),
        is_fast: Annotated[
            bool, Flag("fast", "", "leave out what hardly changes between steps, at some loss", kind=Kind.SWITCH)
        ] = False,
        is_spoiler: Annotated[
            bool, Flag("spoiler", "", "hide the picture until it is clicked", kind=Kind.SWITCH)
        ] = False,
    ) -> Answer:
        """Complete what was typed by the member's, the place's and the model's defaults, and accept it."""
        preference = await self._completion.preference(call)
        options = ImagineOptions(
            prompt=prompt,
            model=model,
            seed=seed,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            aspect_ratio=aspect_ratio,
            size=size,
            negative_prompt=negative_prompt,
            images=images,
            image=image,
            mask=mask,
            strength=strength,
            style=style,
            loras=loras,
            is_fast=is_fast,
        )
        request = await self._completion.request(call, options, preference)
        return await self._intake.accept(call, request, is_spoiler=is_spoiler or preference.is_spoiler)

    @button("edit", "✏️", at=(3, 2), offered=is_over)
    async def edit(self, press: Press) -> Answer:
        """Let the prompt and its flags be edited; the picture gets a new seed."""
        return await self._edited(press, "Edit the prompt", with_seed=False)

    @button("same", "♻️ same seed", at=(3, 1), offered=is_over)
    async def same_seed(self, press: Press) -> Answer:
        """Let the prompt and its flags be edited, with the seed among them."""
        return await self._edited(press, "Same seed, with edits", with_seed=True)

    async def _edited(self, press: Press, title: str, *, with_seed: bool) -> Answer:
        """Ask for the edits, or accept them: all that is typed counts, and nobody's own defaults."""
        job = await self._access.visible_job(press.job_id, press.call)
        if press.text is None:
            request = ImagineRequest.from_json(dict(job.request))
            flags = wording.as_flags(job, request, with_seed=with_seed)
            text = specify(self.imagine).written(request.prompt, flags)
            return Form(button=press.button, title=f"{title}: job {job.id}", label="Prompt and flags", text=text)
        typed = specify(self.imagine).read(press.text)
        is_spoiler = typed.pop("is_spoiler", False)
        request = await self._completion.request(press.call, ImagineOptions(**typed), NONE)
        return await self._intake.accept(press.call, request, is_spoiler=is_spoiler)
