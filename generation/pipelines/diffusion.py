"""How does a diffusion model make pictures: from words to numbers, from noise to latents, from latents to pixels?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

import diffusers
import torch
from PIL import Image

from generation.errors import CardFullError
from generation.memory.card import GIB, Card
from generation.memory.placement import Phase, VramPlan
from generation.pipelines.assembling import Assembly
from generation.pipelines.calls import moved, seeded, size_of, start_of
from generation.pipelines.family import Conditioning, Family
from generation.pipelines.loras import Adapters
from generation.pipelines.memory.component import Component
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.shortage import give_memory_back, is_shortage
from generation.pipelines.pipeline import OnPhase, OnStep, Row, Step, pass_over
from generation.pipelines.preview import Preview, find_preview
from generation.pipelines.speed.acceleration import Acceleration
from generation.pipelines.speed.workshop import Workshop
from generation.request import ImagineRequest

AUTOENCODER = "vae"

Made = TypeVar("Made")


def _resident_blocks(name: str, plan: VramPlan) -> int | None:
    """Give how many of a component's blocks stay on the card; None means all."""
    placement = plan.placements.get(name)
    return placement.resident_blocks if placement is not None and placement.is_streamed else None


class DiffusionPipeline:
    """A loaded model: diffusers' own pipelines, taken apart into phases that can be watched and interrupted."""

    def __init__(
        self,
        model: str,
        family: Family,
        assembly: Assembly,
        components: Mapping[str, Component],
        plan: VramPlan,
        card: Card,
        pantry: Pantry,
        provenance: Mapping[str, str],
    ) -> None:
        self.peaks: Mapping[Phase, float] = {}
        self.provenance = provenance
        self._loaded_as = provenance
        self._family = family
        self._assembly = assembly
        self._components = components
        self._pantry = pantry
        self._denoiser = components[family.denoiser]
        self._device = self._denoiser.device
        self._preview: Preview | None = None
        changeable = {name: component for name, component in components.items() if name != AUTOENCODER}
        self._adapters = Adapters(model, getattr(diffusers, family.text_to_image), changeable, pantry)
        self._acceleration = self._shared_acceleration(card)
        self.place(plan)

    @torch.inference_mode()
    def render(self, rows: Sequence[Row], on_step: OnStep, on_phase: OnPhase = pass_over) -> list[Image.Image]:
        """Make the pictures of a call. Noise is drawn on the processor, so that a seed means the same on any card."""
        self.peaks = {}
        with ExitStack() as worn:
            on_phase(Phase.ENCODE)
            encoded = self._measured(Phase.ENCODE, partial(self._encode, rows, worn))
            on_phase(Phase.DENOISE)
            latents = self._measured(Phase.DENOISE, partial(self._denoise, rows, encoded, on_step))
        self.provenance = {**self._loaded_as, **self._placement_facts, **self._acceleration.facts}
        on_phase(Phase.DECODE)
        return self._measured(Phase.DECODE, partial(self._decode, latents, rows[0].request))

    def prepare(self, workshop: Workshop) -> bool:
        """Do one piece of what makes later calls faster, as long as all of the denoiser is on the card."""
        return self._denoiser.is_whole_on_card and self._acceleration.prepare(workshop)

    def place(self, plan: VramPlan) -> None:
        """Lie as another plan of the same precisions says: what is to stay on the card is brought there by `wake`."""
        self._plan = plan
        self.provenance = {**self._loaded_as, **self._placement_facts}
        for name, component in self._components.items():
            if _resident_blocks(name, plan) == 0:
                component.let_go(self)

    @property
    def _placement_facts(self) -> dict[str, str]:
        denoiser = self._denoiser
        resident = denoiser.resident_of(_resident_blocks(self._family.denoiser, self._plan))
        encoders = dict.fromkeys(self._components[name].precision.value for name in self._encoders)
        return {
            "precision": denoiser.precision.value,
            "encoder_precision": ", ".join(encoders),
            "resident_blocks": f"{resident} of {denoiser.block_count}",
            "decode": "tiled" if self._plan.tiled_decode else "whole",
        }

    def wake(self) -> None:
        """Bring to the card what is to stay there."""
        self._measured(Phase.ENCODE, self._claim)

    def rest(self) -> None:
        """Leave the card; the weights in RAM are as they were."""
        for component in self._components.values():
            component.let_go(self)
        give_memory_back()

    def close(self) -> None:
        """Give up the networks, which are freed unless another model has them too."""
        self._adapters.close()
        self._pantry.give_back(self._acceleration)
        for component in self._components.values():
            component.let_go(self)
            self._pantry.give_back(component)
        del self._assembly, self._preview, self._components, self._denoiser, self._adapters, self._acceleration
        give_memory_back()

    def _shared_acceleration(self, card: Card) -> Acceleration:
        denoiser = self._denoiser
        content = f"acceleration of {denoiser.content}"
        return self._pantry.fetch(
            content, lambda: Acceleration(denoiser.module, denoiser.precision, card, content=content)
        )

    def _claim(self) -> None:
        for name, component in self._components.items():
            blocks = _resident_blocks(name, self._plan)
            if blocks != 0:
                component.claim(self, blocks)

    def _measured(self, phase: Phase, work: Callable[[], Made]) -> Made:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
            # Only outside of this are the tensors free that the traceback holds.
        finally:
            if self._device.type == "cuda":
                self.peaks = {**self.peaks, phase: torch.cuda.max_memory_allocated(self._device) / GIB}
        give_memory_back()
        raise CardFullError(phase)

    @contextmanager
    def _working(self, *names: str) -> Iterator[None]:
        """Have these components on the card, as far as the plan keeps them there."""
        with ExitStack() as stack:
            for name in names:
                component = self._components[name]
                stack.enter_context(component.working(self, _resident_blocks(name, self._plan)))
            yield

    def _encode(self, rows: Sequence[Row], worn: ExitStack) -> list[Conditioning]:
        """Encode each pair of prompts by itself: its bits, and whether one is negative, are its own affair.

        The adapters that the rows ask for are put on, and stay on as long as `worn` lasts.
        """
        loras = rows[0].loras
        self._adapters.load(loras)
        worn.enter_context(self._adapters.applied(loras))
        is_guided = self._family.is_guided(rows[0].request)
        pairs = [(row.request.prompt, row.request.negative_prompt) for row in rows]
        keys = {pair: (*self._encoding_facts, self._adapters.text_key(loras), *pair, is_guided) for pair in pairs}
        found: dict[tuple[str, str], Any] = {pair: self._pantry.embeddings.get(key) for pair, key in keys.items()}
        missing = [pair for pair, conditioning in found.items() if conditioning is None]
        with self._working(*(self._encoders if missing else ())):
            for pair in missing:
                encoded = self._family.encode(self._assembly.encoding, *pair, is_guided=is_guided, device=self._device)
                found[pair] = moved(dict(encoded), "cpu")
                self._pantry.embeddings.keep(keys[pair], found[pair])
        return [found[pair] for pair in pairs]

    @property
    def _encoders(self) -> list[str]:
        return [name for name in self._family.encoders if name in self._components]

    @property
    def _encoding_facts(self) -> tuple[str, ...]:
        """Name what, besides the prompts and adapters, decides a conditioning."""
        contents = [self._components[name].content for name in self._encoders]
        return (type(self._family).__name__, self._loaded_as["model_revision"], *contents)

    def _denoise(self, rows: Sequence[Row], encoded: Sequence[Conditioning], on_step: OnStep) -> torch.Tensor:
        asked, family = rows[0].request, self._family
        pipe = self._assembly.pipe_for(rows[0])
        generators = [torch.Generator("cpu").manual_seed(row.seed) for row in rows]
        with ExitStack() as stack:
            stack.enter_context(self._working(family.denoiser, AUTOENCODER))
            stack.enter_context(seeded(pipe.scheduler, generators))
            is_streamed = self._denoiser.is_streamed
            step_ended = stack.enter_context(
                self._acceleration.during(asked, is_streamed=is_streamed, likeness=family.likeness)
            )
            family.set_tiling(pipe, is_tiled=self._plan.tiled_decode)

            def after_step(pipe: Any, index: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
                latents = state["latents"]

                def draw(row: int) -> Image.Image:
                    return self._find_preview().draw(family.unpacked(pipe, latents[row : row + 1], asked))

                step_ended()
                on_step(Step(number=index + 1, count=pipe.num_timesteps, preview=draw))
                return state

            result = pipe(
                **moved(family.joined(encoded), self._device),
                **family.arguments(pipe, asked),
                **size_of(pipe, asked),
                **start_of(family, pipe, rows),
                num_inference_steps=asked.num_inference_steps,
                generator=generators,
                callback_on_step_end=after_step,
                output_type="latent",
            )
        latents: torch.Tensor = result.images
        return latents

    def _find_preview(self) -> Preview:
        """Give what draws previews; it is fitted when the first is drawn, while the autoencoder is on the card."""
        if self._preview is None:
            self._preview = find_preview(self._family, self._assembly.text_to_image, self._device)
        return self._preview

    def _decode(self, latents: torch.Tensor, asked: ImagineRequest) -> list[Image.Image]:
        """Decode one picture after the other, so that a call takes no more memory for it."""
        family, pipe = self._family, self._assembly.text_to_image
        with self._working(AUTOENCODER):
            family.set_tiling(pipe, is_tiled=self._plan.tiled_decode)
            unpacked = family.unpacked(pipe, latents, asked)
            decoded = (family.decoded(pipe, unpacked[row : row + 1]) for row in range(len(unpacked)))
            return [pipe.image_processor.postprocess(pixels, output_type="pil")[0] for pixels in decoded]
