"""What are people like who share a machine: how do they ask, and for what?

Each kind draws the asks of one member, as random as the dice it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from random import Random

from generation.request import ImagineRequest
from tests.simulator.worlds import SQUARE, Ask, Model, effort

SHAPES = ((1024, 768), (SQUARE, SQUARE), (1280, 1280))
STEPS = (30, 40)
MOST_ASKS = 200  # of one member: a world is played in a moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """What a member asks for: some models, `work_s` of GPU time in all, as the catalogue says, within `span_s`."""

    owner: str
    models: Sequence[Model]
    work_s: float
    span_s: float
    shapes: Sequence[tuple[int, int]] = SHAPES
    steps: Sequence[int] = STEPS
    images: Sequence[int] = (1, 1, 2, 4)


Kind = Callable[[Random, Taste], list[Ask]]


def hoard(dice: Random, taste: Taste) -> list[Ask]:
    """All at once, early."""
    at_s = dice.uniform(0.0, taste.span_s / 10)
    return [Ask(owner=taste.owner, request=request, at_s=at_s) for request in requests(dice, taste)]


def burst(dice: Random, taste: Taste) -> list[Ask]:
    """Handfuls, with pauses."""
    asks: list[Ask] = []
    at_s = dice.uniform(0.0, taste.span_s)
    for request in requests(dice, taste):
        if dice.random() < 0.15:
            at_s = dice.uniform(0.0, taste.span_s)
        asks.append(Ask(owner=taste.owner, request=request, at_s=at_s))
    return asks


def trickle(dice: Random, taste: Taste) -> list[Ask]:
    """One now and then."""
    wanted = list(requests(dice, taste))
    return [Ask(owner=taste.owner, request=request, at_s=dice.uniform(0.0, taste.span_s)) for request in wanted]


def drip(dice: Random, taste: Taste) -> list[Ask]:
    """One picture, and the next one as soon as it is there. Numbers are the member's own."""
    wanted = requests(dice, replace(taste, images=(1,)))
    asks = [Ask(owner=taste.owner, request=request, at_s=dice.choice((0.0, 1.0, 5.0)), follows=0) for request in wanted]
    begin = replace(asks[0], at_s=dice.uniform(0.0, taste.span_s / 4), follows=None)
    return [begin, *(replace(ask, follows=number) for number, ask in enumerate(asks[1:]))]


def thrash(dice: Random, taste: Taste) -> list[Ask]:
    """All at once, each for another model than the one before."""
    at_s = dice.uniform(0.0, taste.span_s / 10)
    lines = [requests(dice, replace(taste, models=[model])) for model in taste.models]
    asks: list[Ask] = []
    for line in cycle(lines):
        request = next(line, None)
        if request is None:
            return asks
        asks.append(Ask(owner=taste.owner, request=request, at_s=at_s))
    return asks


def split(dice: Random, taste: Taste) -> list[Ask]:
    """All at once, picture by picture."""
    return hoard(dice, replace(taste, images=(1,)))


def pack(dice: Random, taste: Taste) -> list[Ask]:
    """All at once, as much as a request takes: large pictures, many steps, four of them."""
    return hoard(dice, replace(taste, images=(4,), shapes=SHAPES[-1:], steps=STEPS[-1:]))


def storm(dice: Random, taste: Taste) -> list[Ask]:
    """All at once, and most of it is given up again."""
    return [
        replace(ask, patience_s=dice.uniform(0.0, taste.span_s / 2) if dice.random() < 0.7 else None)
        for ask in hoard(dice, taste)
    ]


KINDS: Sequence[Kind] = (hoard, burst, trickle, drip, thrash, split, pack, storm)


def requests(dice: Random, taste: Taste) -> Iterator[ImagineRequest]:
    """Draw requests until they are worth the work."""
    left_s = taste.work_s
    for _ in range(MOST_ASKS):
        model, (width, height) = dice.choice(taste.models), dice.choice(taste.shapes)
        request = ImagineRequest(
            model=model.name,
            prompt="a ring",
            negative_prompt="",
            width=width,
            height=height,
            num_inference_steps=dice.choice(taste.steps),
            guidance_scale=5.0,
            seed=dice.randrange(2**32),
            images=dice.choice(taste.images),
        )
        yield request
        left_s -= model.picture_s * effort(request) * request.images
        if left_s <= 0:
            return


def together(*members: list[Ask]) -> list[Ask]:
    """Put the asks of several members into one script, in which numbers are the script's."""
    script: list[Ask] = []
    for asks in members:
        first = len(script)
        script += [ask if ask.follows is None else replace(ask, follows=first + ask.follows) for ask in asks]
    return script
