"""What does a queue look like in which a hundred thousand jobs wait?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from generation.job import Gpu, Job
from generation.queue.fair_queue import FairQueue
from generation.queue.speeds import Guess, Speeds
from generation.request import ImagineRequest
from tests.simulator.members import SHAPES, STEPS
from tests.simulator.worlds import effort

OWNERS = 2_000
MODELS = {"small": (2.5, 8), "medium": (7.0, 4), "large": (18.0, 2)}
LOAD_S = 10.0
EXPECTED_S = 5.0


def guess(request: ImagineRequest, card: str) -> Guess:  # noqa: ARG001 - all cards are alike
    """Say what the catalogue says."""
    picture_s, most = MODELS[request.model]
    return Guess(picture_s=picture_s * effort(request), load_s=LOAD_S, most_at_once=most, fixed_share=0.35)


def jobs(count: int, *, first: int = 1, owners: int = OWNERS) -> Iterator[Job]:
    """Draw jobs of many people, for all models and shapes."""
    dice = Random(f"crowded {first}")
    for number in range(first, first + count):
        width, height = dice.choice(SHAPES)
        request = ImagineRequest(
            model=dice.choice(list(MODELS)),
            prompt="a ring",
            negative_prompt="",
            width=width,
            height=height,
            num_inference_steps=dice.choice(STEPS),
            guidance_scale=5.0,
            seed=number,
            images=dice.choice((1, 2, 4)),
        )
        missing = tuple(range(request.images))
        owner = f"member {dice.randrange(owners)}"
        yield Job(id=number, owner=owner, request=request, missing=missing, expected_s=EXPECTED_S)


def restarted(waiting: Sequence[Job]) -> FairQueue:
    """Let all wait again, as after a restart."""
    queue = FairQueue(Speeds(guess))
    for job in waiting:
        queue.put_back(job)
    return queue


class Card:
    """A GPU that makes one call after the other."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self._gpu = Gpu()
        self._now_s = 0.0
        self._flight: tuple[int, float] | None = None

    def select(self) -> None:
        """Begin a call."""
        dispatch = self._queue.select(self._gpu, now_s=self._now_s)
        assert dispatch is not None
        self._gpu = Gpu(resident=frozenset({dispatch.model}))
        self._flight = dispatch.id, self._queue.in_flight[dispatch.id].seconds

    def complete(self) -> None:
        """End it, when its time is over."""
        assert self._flight is not None
        number, seconds = self._flight
        self._now_s += seconds
        self._queue.complete(number, seconds)
