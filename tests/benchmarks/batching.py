"""What is saved by making pictures of several people in one call: by the pipeline alone, through the whole service?

    python -m tests.benchmarks.batching

All of it on the demo model, in turn, in one run; the ratios are what counts.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import torch

from generation import (
    Catalogue,
    DispatchSettled,
    ImagineOptions,
    ImagineRequest,
    Job,
    JobEnded,
    LocalWorker,
    Service,
    WorkerSetup,
)
from generation.pipelines.card import find_card
from generation.pipelines.pipeline import Pipeline, Row, load_pipeline

PROMPT = "a red star on a blue background"
ROUNDS = 7
SIZES = (1, 2, 4)
PEOPLE = 12


def asked(catalogue: Catalogue, model: str) -> ImagineRequest:
    """Give the request that everybody makes, each with a seed of their own."""
    return catalogue.complete(ImagineOptions(prompt=PROMPT), default_model=model, seed=7)


def call_seconds(pipeline: Pipeline, request: ImagineRequest, pictures: int) -> float:
    """Make so many pictures in one call."""
    started = time.monotonic()
    pipeline.render([Row(request, seed) for seed in range(pictures)], lambda _: None)
    return time.monotonic() - started


def print_curve(catalogue: Catalogue, model: str) -> None:
    """Time calls of several sizes in turn."""
    spec, card = catalogue.get(model), find_card("cpu")
    pipeline, request = load_pipeline(spec, catalogue.plan_default(spec, card), card), asked(catalogue, model)
    rounds = [[call_seconds(pipeline, request, pictures) for pictures in SIZES] for _ in range(ROUNDS + 1)][1:]
    for place, pictures in enumerate(SIZES):
        seconds = statistics.median(each[place] for each in rounds)
        ratio = statistics.median(each[place] / each[0] / pictures for each in rounds)
        print(f"{model:<10} {pictures} in a call: {seconds:.2f} s, a picture {ratio:.2f} times what it takes alone")


@asynccontextmanager
async def opened(catalogue: Catalogue, directory: Path) -> AsyncIterator[Service]:
    """Open a service on a worker process of its own."""
    setup = WorkerSetup(catalogue=catalogue, device="cpu", log_file=str(directory / "worker.log"))
    worker = LocalWorker(setup, step_timeout_s=300, load_timeout_s=300)
    async with worker, Service(catalogue, [worker]) as service:
        yield service


async def crowd_seconds(service: Service, request: ImagineRequest, first: int) -> tuple[float, int]:
    """Let everybody ask for a picture at once; gives the seconds until all have theirs, and the calls that it took."""
    started, calls, left = time.monotonic(), 0, PEOPLE
    expected_s = service.expected_s(request)
    for number in range(PEOPLE):
        own = replace(request, seed=number)
        service.submit(
            Job(id=first + number, owner=f"bench:{number}", request=own, missing=(0,), expected_s=expected_s)
        )
    async for event in service.events():
        if isinstance(event, DispatchSettled):
            calls += 1
            left -= sum(isinstance(outcome, JobEnded) for outcome in event.outcomes)
            if not left:
                break
    return time.monotonic() - started, calls


async def compare(catalogue: Catalogue, model: str, directory: Path) -> None:
    """Serve the same crowd with batches and without, in turn."""
    request = asked(catalogue, model)
    singly = Catalogue({spec.name: replace(spec, most_at_once=1) for spec in catalogue}, default=catalogue.default)
    together, alone = [], []
    async with opened(catalogue, directory) as batching, opened(singly, directory) as single:
        for number in range(ROUNDS + 1):  # the first round warms up: it loads the model and learns the speeds
            together.append(await crowd_seconds(batching, request, 1 + number * PEOPLE))
            alone.append(await crowd_seconds(single, request, 1 + number * PEOPLE))
    ratio = statistics.median(one[0] / other[0] for one, other in zip(together[1:], alone[1:], strict=True))
    print(
        f"{model:<10} {PEOPLE} people through the service: {statistics.median(each[0] for each in together[1:]):.2f} s "
        f"in {statistics.median(each[1] for each in together[1:]):.0f} calls, one by one "
        f"{statistics.median(each[0] for each in alone[1:]):.2f} s in {alone[-1][1]}, ratio {ratio:.2f}",
        flush=True,
    )


def main() -> None:
    """Time both entries of the demo model."""
    catalogue = Catalogue.load()
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads, median of {ROUNDS}")
    with tempfile.TemporaryDirectory() as directory:
        for model in ("demo", "demo-fast"):
            print_curve(catalogue, model)
            asyncio.run(compare(catalogue, model, Path(directory)))


if __name__ == "__main__":
    main()
