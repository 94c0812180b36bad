"""How long does a picture take on this machine, and what does the way from the queue to the PNG add to bare diffusers?

    python -m tests.benchmarks.picture_seconds

Both ways make the same pictures on the demo model, in turn, in one run; the ratio is what counts.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import diffusers
import torch
import transformers

from generation import Catalogue, ImagineOptions, ImagineRequest
from generation.pipelines.hub.checkpoint import find_checkpoint
from generation.pipelines.sdxl import PROCESSOR_THREADS
from tests.benchmarks.serving import opened, serve

PROMPT = "a red star on a blue background"
ROUNDS = 7


def bare_pipeline(catalogue: Catalogue, model: str) -> diffusers.StableDiffusionXLPipeline:
    """Load a model as diffusers' documentation says."""
    spec = catalogue.get(model)
    directory, _ = find_checkpoint(spec)
    pipe = diffusers.StableDiffusionXLPipeline.from_pretrained(directory, dtype=torch.float32)
    pipe.scheduler = getattr(diffusers, spec.scheduler).from_config(pipe.scheduler.config, **spec.scheduler_options)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def bare_seconds(pipe: diffusers.StableDiffusionXLPipeline, request: ImagineRequest) -> float:
    """Make one picture and throw it away."""
    started = time.monotonic()
    pipe(
        prompt=request.prompt,
        width=request.width,
        height=request.height,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seed),
    )
    return time.monotonic() - started


async def compare(catalogue: Catalogue, model: str, directory: Path) -> None:
    """Time both ways in turn and print a line."""
    pipe = bare_pipeline(catalogue, model)
    request = catalogue.complete(ImagineOptions(prompt=PROMPT), default_model=model, seed=7)
    ours, bare = [], []
    async with opened(catalogue, directory) as service:
        for number in range(ROUNDS + 1):  # the first round warms up: it loads the model
            ours.append((await serve(service, [request], first=number + 1))[0])
            bare.append(bare_seconds(pipe, request))
    ratios = [one / other for one, other in zip(ours[1:], bare[1:], strict=True)]
    print(
        f"{model:<10} {request.num_inference_steps:>3} steps, {request.width}x{request.height}: "
        f"a picture {statistics.median(ours[1:]):.2f} s (slowest {max(ours[1:]):.2f}), "
        f"bare diffusers {statistics.median(bare[1:]):.2f} s, ratio {statistics.median(ratios):.2f}; "
        f"the first with loading {ours[0]:.1f} s",
        flush=True,
    )


def main() -> None:
    """Compare on both entries of the demo model."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    torch.set_num_threads(PROCESSOR_THREADS)  # as the worker does: what is compared is the way, not the threads
    catalogue = Catalogue.load()
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads, median of {ROUNDS}")
    with tempfile.TemporaryDirectory() as directory:
        for model in ("demo", "demo-fast"):
            asyncio.run(compare(catalogue, model, Path(directory)))


if __name__ == "__main__":
    main()
