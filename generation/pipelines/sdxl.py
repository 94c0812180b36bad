"""How is a model of the SDXL family loaded and run?"""

from __future__ import annotations

import gc
import inspect
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from PIL import Image
from safetensors import SafetensorError
from tqdm import tqdm

from generation.errors import CardFullError, ModelLoadError
from generation.model import ModelSpec
from generation.pipelines.checkpoint import check_parts, find_checkpoint
from generation.pipelines.pipeline import OnStep, Row, Step
from generation.pipelines.preview import find_preview
from generation.vram import Card, Residency, VramPlan

CLASS = "StableDiffusionXLPipeline"
IMAGE_TO_IMAGE = "StableDiffusionXLImg2ImgPipeline"
# What `encode_prompt` gives, by the names under which a call takes it.
CONDITIONING = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
# A tile of 1024 pixels, the default, never tiles a 1024 x 1024 picture.
TILE_PIXELS = 512
# On a processor: on two cores one thread takes half the time of two that wait without spinning, and is the quickest of
# all as soon as anything else runs beside it.
PROCESSOR_THREADS = 1


def load(spec: ModelSpec, plan: VramPlan, card: Card) -> SdxlPipeline:
    """Load an SDXL checkpoint as the plan says.

    Raises:
        ModelLoadError: the checkpoint cannot be found or read.
    """
    _quieten()
    if not card.is_gpu:
        torch.set_num_threads(PROCESSOR_THREADS)
    directory, revision = find_checkpoint(spec)
    pipe = _read(spec, directory, getattr(torch, plan.precision))
    pipe.scheduler = _scheduler(spec, pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    _place(pipe, plan, card)
    provenance = {
        "model_revision": revision,
        "scheduler": spec.scheduler,
        "precision": plan.precision,
        "residency": plan.residency.value,
        "decode": "tiled" if plan.tiled_decode else "whole",
        "device": card.name,
        **({} if card.is_gpu else {"threads": str(torch.get_num_threads())}),  # they part sums differently
        **{package: version(package) for package in ("fairbrush", "torch", "diffusers", "transformers")},
    }
    return SdxlPipeline(pipe, provenance)


def _quieten() -> None:
    """Keep the libraries off the terminal, now and at the end."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    # tqdm's own lock is a semaphore of the system: a worker that is killed leaves it behind, and Python says so.
    tqdm.set_lock(threading.RLock())


def _read(spec: ModelSpec, directory: Path, precision: torch.dtype) -> Any:
    pipeline_class: Any = getattr(diffusers, CLASS)
    try:
        check_parts(spec, directory, pipeline_class.load_config(directory), CLASS)
        return pipeline_class.from_pretrained(
            directory, dtype=precision, use_safetensors=True, local_files_only=True, add_watermarker=False
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(f"{spec.name}: its checkpoint cannot be read; fetch it anew or ask an admin.") from error


def _place(pipe: Any, plan: VramPlan, card: Card) -> None:
    pipe.vae.enable_slicing()  # decodes one picture after the other
    if plan.tiled_decode:
        pipe.vae.enable_tiling()
        pipe.vae.tile_sample_min_size = TILE_PIXELS
        pipe.vae.tile_latent_min_size = TILE_PIXELS // pipe.vae_scale_factor
    if plan.residency is Residency.OFFLOAD:
        pipe.enable_model_cpu_offload(device=card.device)
    else:
        pipe.to(card.device)


def _scheduler(spec: ModelSpec, config: Mapping[str, Any]) -> Any:
    scheduler_class = getattr(diffusers, spec.scheduler, None)
    if scheduler_class is None:
        raise ModelLoadError(f"{spec.name}: diffusers has no scheduler {spec.scheduler}.")
    known = inspect.signature(scheduler_class).parameters
    if unknown := sorted(spec.scheduler_options.keys() - known):
        raise ModelLoadError(f"{spec.name}: {spec.scheduler} has no option {unknown[0]!r}; it has {', '.join(known)}.")
    try:
        return scheduler_class.from_config(config, **spec.scheduler_options)
    except (TypeError, ValueError) as error:
        raise ModelLoadError(f"{spec.name}: its scheduler_options do not suit {spec.scheduler}: {error}.") from error


def _twin(pipe: Any) -> Any:
    """Give the pipeline that starts from a picture, on the same weights.

    Not by `from_pipe`: it converts all weights to float32, and leaves an AutoencoderTiny out. The scheduler is one of
    its own, since some keep state from one picture to the next.
    """
    scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config)
    twin = getattr(diffusers, IMAGE_TO_IMAGE)(
        **pipe.components | {"scheduler": scheduler},
        force_zeros_for_empty_prompt=pipe.config.force_zeros_for_empty_prompt,
        add_watermarker=False,
    )
    twin.set_progress_bar_config(disable=True)
    return twin


class SdxlPipeline:
    """A loaded SDXL model: diffusers' own pipeline, with steps that can be watched and interrupted."""

    def __init__(self, pipe: Any, provenance: Mapping[str, str]) -> None:
        self.provenance = provenance
        self._pipe = pipe
        self._image_to_image = _twin(pipe)
        self._preview = find_preview(pipe.vae, pipe._execution_device)  # noqa: SLF001 - `device` lies under offload
        pipe.maybe_free_model_hooks()

    @torch.inference_mode()
    def render(self, rows: Sequence[Row], on_step: OnStep) -> list[Image.Image]:
        """Make the pictures of a call. Noise is drawn on the processor, so that a seed means the same on any card."""
        try:
            return self._call(rows, on_step)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            # Only outside of this are the tensors free that the traceback holds.
        finally:
            # diffusers does so only when all went well, and never for the twin, whose hooks are this one's.
            self._pipe.maybe_free_model_hooks()
        _give_memory_back()
        raise CardFullError

    def _call(self, rows: Sequence[Row], on_step: OnStep) -> list[Image.Image]:
        def after_step(pipe: Any, index: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
            latents = state["latents"]

            def preview(row: int) -> Image.Image:
                return self._preview.draw(latents[row : row + 1])

            on_step(Step(number=index + 1, count=pipe.num_timesteps, preview=preview))
            return state

        asked = rows[0].request
        pipe, shape = self._pipe, dict[str, Any](width=asked.width, height=asked.height)
        if asked.image:
            pipe, shape = self._image_to_image, {"image": [row.start_image for row in rows], "strength": asked.strength}
        result = pipe(
            **self._conditioning(rows),
            num_inference_steps=asked.num_inference_steps,
            guidance_scale=asked.guidance_scale,
            generator=[torch.Generator("cpu").manual_seed(row.seed) for row in rows],
            callback_on_step_end=after_step,
            **shape,
        )
        images: list[Image.Image] = result.images
        return images

    def _conditioning(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Encode each pair of prompts by itself: its bits, and whether one is negative, are its own affair."""
        is_guided = rows[0].request.guidance_scale > 1 and self._pipe.unet.config.time_cond_proj_dim is None
        pairs = [(row.request.prompt, row.request.negative_prompt) for row in rows]
        encoded = {
            (prompt, negative_prompt): self._pipe.encode_prompt(
                prompt=prompt,
                negative_prompt=negative_prompt or None,
                do_classifier_free_guidance=is_guided,
                device=self._pipe._execution_device,  # noqa: SLF001 - `device` lies under offload
            )
            for prompt, negative_prompt in dict.fromkeys(pairs)
        }
        columns = zip(*(encoded[pair] for pair in pairs), strict=True)
        joined = [None if parts[0] is None else torch.cat(parts) for parts in columns]
        return dict(zip(CONDITIONING, joined, strict=True))

    def close(self) -> None:
        """Drop the weights and give the allocator's memory back."""
        del self._pipe, self._image_to_image, self._preview
        _give_memory_back()


def _is_out_of_memory(error: Exception) -> bool:
    """Tell it from other failures; torch's allocator for the processor says it in words alone."""
    is_meant = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_meant or "DefaultCPUAllocator: can't allocate memory" in str(error)


def _give_memory_back() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
