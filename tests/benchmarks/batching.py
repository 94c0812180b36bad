"""What is saved by making pictures of several people in one call: by the pipeline alone, through the whole service?

    python -m tests.benchmarks.batching

All of it on the demo model, in turn, in one run; the ratios are what counts.
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from generation import Catalogue, Guesses, ImagineOptions, ImagineRequest
from generation.memory.experience import Experiences
from generation.pipelines.card import find_card
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, load_pipeline
from generation.queue.speeds import Speeds
from tests.benchmarks.serving import opened, serve

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
    """Time calls of several sizes in turn, and say what is learned of them."""
    spec, card = catalogue.get(model), find_card("cpu")
    pipeline, request = load_pipeline(spec, catalogue.plan_default(spec, card), card, Pantry()), asked(catalogue, model)
    guesses = Guesses(catalogue, Experiences())
    guesses.note(card)
    speeds = Speeds(guesses)
    rounds = [[call_seconds(pipeline, request, pictures) for pictures in SIZES] for _ in range(ROUNDS + 1)][1:]
    for place, pictures in enumerate(SIZES):
        seconds = statistics.median(each[place] for each in rounds)
        ratio = statistics.median(each[place] / each[0] / pictures for each in rounds)
        speeds.learn(request, pictures, seconds, card.name)
        print(f"{model:<10} {pictures} in a call: {seconds:.2f} s, a picture {ratio:.2f} times what it takes alone")
    learned = "share calls" if speeds.pays(request, card.name) else "are served one by one"
    print(f"{model:<10} as learned from this, people {learned}")


async def compare(catalogue: Catalogue, model: str, directory: Path) -> None:
    """Serve the same crowd with batches and without, in turn."""
    request = asked(catalogue, model)
    singly = Catalogue({spec.name: replace(spec, most_at_once=1) for spec in catalogue}, default=catalogue.default)
    together, alone = [], []
    async with opened(catalogue, directory) as batching, opened(singly, directory) as single:
        for number in range(ROUNDS + 1):  # the first round warms up: it loads the model and learns the speeds
            crowd = [replace(request, seed=seed) for seed in range(PEOPLE)]
            together.append(await serve(batching, crowd, first=1 + number * PEOPLE))
            alone.append(await serve(single, crowd, first=1 + number * PEOPLE))
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
    print(f"torch {torch.__version__}, median of {ROUNDS}")
    with tempfile.TemporaryDirectory() as directory:
        for model in ("demo", "demo-fast"):
            print_curve(catalogue, model)
            asyncio.run(compare(catalogue, model, Path(directory)))


if __name__ == "__main__":
    main()
