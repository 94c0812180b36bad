"""What are the worlds on which policies are compared in public: always the same machine, drawn people?

Three models, as fast as those that people run on a good card. Their true speeds differ from what the catalogue says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random

from tests.simulator.members import Taste, hoard, pack, requests, split, thrash, together, trickle
from tests.simulator.worlds import SQUARE, Ask, Model, World, effort

# Name, seconds a picture, seconds to load, and how many fit at once.
MODELS = (("small", 2.5, 5.0, 8), ("medium", 7.0, 10.0, 4), ("large", 18.0, 25.0, 2))
FIXED_SHARE = 0.35
NOISE = 0.06
BIAS = (0.75, 1.35)
MUCH_S = 1e6  # of work: as many requests as are wanted
PLAIN = {"shapes": [(SQUARE, SQUARE)], "steps": [30], "images": [1]}


def heavy_on_one(seed: int) -> World:
    """Let one ask for 200 at once and nine now and then for one, all of the same model."""
    return _heavy(seed, "a1", [1])


def heavy_on_three(seed: int) -> World:
    """Let one ask for 200 at once and nine now and then for one, of three models."""
    return _heavy(seed, "a3", [0, 1, 2])


def ten_alike(seed: int) -> World:
    """Let ten ask for 30 each, of whatever model."""
    dice, models = _begin(seed, "b")
    return _end(seed, models, [hoard_of(dice, models, owner, 30) for owner in _names(10)])


def ten_faithful(seed: int) -> World:
    """Let ten ask for 30 each, everybody of one model alone."""
    dice, models = _begin(seed, "b1")
    pairs = zip(_names(10), cycle(models), strict=False)
    return _end(seed, models, [hoard_of(dice, [model], owner, 30) for owner, model in pairs])


def four_hours(seed: int) -> World:
    """Let 40 come at any time, some far more often, with work for 80 % of the time; model switches are on top."""
    dice, models = _begin(seed, "c80")
    span_s, owners = 14_400.0, _names(40)
    taste = Taste(owner="", models=models, work_s=MUCH_S, span_s=span_s)
    left_s = 0.8 * span_s
    asks = []
    while left_s > 0:
        owner = dice.choices(owners, [number**-1.1 for number in range(1, 41)])[0]
        ask = Ask(owner=owner, request=next(requests(dice, taste)), at_s=dice.uniform(0.0, span_s))
        model = next(model for model in models if model.name == ask.request.model)
        left_s -= model.picture_s * model.bias * effort(ask.request) * ask.request.images
        asks.append(ask)
    return _end(seed, models, [sorted(asks, key=lambda ask: ask.at_s)])


def all_the_same(seed: int) -> World:
    """Let four ask for 120 of the same shape at once, and six now and then for one."""
    dice, models = _begin(seed, "d")
    many = [hoard_of(dice, models[:1], owner, 120, **PLAIN) for owner in _names(4)]
    few = [trickle_of(dice, models[:1], owner, 6, 1000.0, **PLAIN) for owner in _names(10)[4:]]
    return _end(seed, models, [*many, *few])


def pieces_and_packs(seed: int) -> World:
    """Let one ask for 160 single pictures, and one for 40 times four large ones."""
    dice, models = _begin(seed, "e")
    tastes = [Taste(owner=owner, models=models[1:2], work_s=MUCH_S, span_s=0.0) for owner in _names(2)]
    return _end(seed, models, [split(dice, tastes[0])[:160], pack(dice, tastes[1])[:40]])


def back_again(seed: int) -> World:
    """Let one have the machine alone for long; when it has run empty, that one and two others ask for 60 each."""
    dice, models = _begin(seed, "f")
    early = hoard_of(dice, models[1:2], _names(1)[0], 60)
    late = [hoard_of(dice, models[1:2], owner, 60) for owner in reversed(_names(3))]
    late = [[replace(ask, at_s=7_000.0 + number) for ask in asks] for number, asks in enumerate(late)]
    return _end(seed, models, [early, *late])


def three_who_alternate(seed: int) -> World:
    """Let three ask every ten seconds, each time for another model, and six now and then."""
    dice, models = _begin(seed, "h")
    members = []
    for owner in _names(3):
        asks = thrash(dice, Taste(owner=owner, models=models, work_s=MUCH_S, span_s=0.0, images=[1]))[:110]
        members.append([replace(ask, at_s=10.0 * number) for number, ask in enumerate(asks)])
    few = [trickle_of(dice, models, owner, 6, 3000.0, images=[1]) for owner in _names(9)[3:]]
    return _end(seed, models, [*members, *few])


WORKLOADS: Mapping[str, Callable[[int], World]] = {
    "a1": heavy_on_one,
    "a3": heavy_on_three,
    "b": ten_alike,
    "b1": ten_faithful,
    "c80": four_hours,
    "d": all_the_same,
    "e": pieces_and_packs,
    "f": back_again,
    "h": three_who_alternate,
}


def hoard_of(dice: Random, models: Sequence[Model], owner: str, count: int, **likes: Sequence) -> list[Ask]:
    """Draw so many asks at the first moment."""
    return hoard(dice, Taste(owner=owner, models=models, work_s=MUCH_S, span_s=0.0, **likes))[:count]


def trickle_of(dice: Random, models: Sequence[Model], owner: str, count: int, span_s: float, **likes: Sequence) -> list:
    """Draw so many asks at any time."""
    return trickle(dice, Taste(owner=owner, models=models, work_s=MUCH_S, span_s=span_s, **likes))[:count]


def _heavy(seed: int, name: str, numbers: Sequence[int]) -> World:
    dice, models = _begin(seed, name)
    liked = [models[number] for number in numbers]
    many = [*hoard_of(dice, liked, "heavy", 100), *hoard_of(dice, liked, "heavy", 100)]
    few = [trickle_of(dice, liked, owner, 7, 4000.0, images=[1, 2]) for owner in _names(9)]
    return _end(seed, models, [many, *few])


def _names(count: int) -> list[str]:
    return [f"member {number + 1}" for number in range(count)]


def _begin(seed: int, name: str) -> tuple[Random, list[Model]]:
    dice = Random(f"{name} {seed}")
    models = [
        Model(
            name=model,
            picture_s=picture_s,
            load_s=load_s,
            most_at_once=most,
            fixed_share=FIXED_SHARE,
            told_share=FIXED_SHARE,
            bias=dice.uniform(*BIAS),
        )
        for model, picture_s, load_s, most in MODELS
    ]
    return dice, models


def _end(seed: int, models: Sequence[Model], members: Sequence[list[Ask]]) -> World:
    by_name = {model.name: model for model in models}
    return World(seed=seed, models=by_name, asks=together(*members), noise=NOISE)
