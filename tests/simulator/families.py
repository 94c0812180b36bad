"""Which worlds are drawn, so that each way of being unfair, slow or dishonest shows in some of them?

A world is drawn from its seed, the machine too. A family fixes only what makes it hard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from tests.simulator.members import (
    KINDS,
    Taste,
    burst,
    drip,
    hoard,
    pack,
    requests,
    split,
    storm,
    thrash,
    together,
    trickle,
)
from tests.simulator.worlds import Ask, Model, World, effort

WEIGHTS = (0.5, 1.0, 1.0, 1.0, 2.0, 4.0)
NAMES = [f"member {number}" for number in range(1, 41)]


def machine(
    dice: Random,
    count: int,
    *,
    picture_s: tuple[float, float] = (1.0, 25.0),
    load_s: tuple[float, float] = (2.0, 40.0),
    most: tuple[int, int] = (1, 8),
    bias: tuple[float, float] = (0.75, 1.35),
) -> dict[str, Model]:
    """Draw models; large ones are slow, take long to load, and fit only a few pictures at once."""
    models = {}
    for number in range(count):
        size = dice.random()
        name, share = f"model {number + 1}", dice.uniform(0.1, 0.5)
        models[name] = Model(
            name=name,
            picture_s=picture_s[0] * (picture_s[1] / picture_s[0]) ** size,
            load_s=load_s[0] * (load_s[1] / load_s[0]) ** (0.5 * size + 0.5 * dice.random()),
            most_at_once=round(most[1] - (most[1] - most[0]) * (0.7 * size + 0.3 * dice.random())),
            fixed_share=share,
            told_share=min(0.6, max(0.0, share + dice.uniform(-0.1, 0.1))),
            bias=dice.uniform(*bias),
        )
    return models


def exact(models: dict[str, Model]) -> dict[str, Model]:
    """Give models of which the catalogue knows everything."""
    return {name: replace(model, told_share=model.fixed_share, bias=1.0) for name, model in models.items()}


def _world(dice: Random, seed: int, models: dict[str, Model], asks: Sequence[Ask], **facts: object) -> World:
    return World(seed=seed, models=models, asks=asks, **{"noise": dice.choice((0.0, 0.06, 0.1)), **facts})


def crowd(seed: int) -> World:
    """Draw people of all kinds, with weights."""
    dice = Random(f"crowd {seed}")
    models = machine(dice, dice.randint(1, 5))
    is_exact = dice.random() < 0.4
    members = []
    weights = {}
    for owner in NAMES[: dice.randint(3, 10)]:
        liked = dice.sample(list(models.values()), dice.randint(1, len(models)))
        taste = Taste(owner=owner, models=liked, work_s=dice.uniform(50, 500), span_s=1500.0)
        members.append(dice.choice(KINDS)(dice, taste))
        weights[owner] = dice.choice(WEIGHTS)
    facts = {"weights": weights, "slots": dice.choice((1, 1, 2))}
    if is_exact:
        return _world(dice, seed, exact(models), together(*members), **facts, noise=0.0)
    return _world(dice, seed, models, together(*members), **facts)


def returning(seed: int) -> World:
    """Let one use the machine alone for long; when it has run empty, others and that one come with much to make."""
    dice = Random(f"returning {seed}")
    models = machine(dice, dice.randint(1, 3), picture_s=(1.0, 12.0))
    liked = list(models.values())
    early = Taste(owner=NAMES[0], models=liked, work_s=900.0, span_s=1.0)
    idle_s = 20_000.0
    late = [
        [replace(ask, at_s=idle_s + 5.0 * number) for ask in hoard(dice, replace(early, owner=owner, work_s=500.0))]
        for number, owner in enumerate((*NAMES[1 : dice.randint(2, 4)], NAMES[0]))
    ]
    return _world(dice, seed, models, together(hoard(dice, early), *late))


def own_models(seed: int) -> World:
    """Let everybody have a model of their own, with short pictures and long switches."""
    dice = Random(f"own models {seed}")
    models = machine(dice, dice.randint(2, 5), picture_s=(1.0, 4.0), load_s=(15.0, 40.0), most=(1, 4))
    members = [
        hoard(dice, Taste(owner=owner, models=[model], work_s=450.0, span_s=1.0))
        for owner, model in zip(NAMES, models.values(), strict=False)
    ]
    return _world(dice, seed, models, together(*members))


def weighted(seed: int) -> World:
    """Let all want much from the start, with very different shares."""
    dice = Random(f"weighted {seed}")
    models = machine(dice, dice.randint(1, 3), picture_s=(1.0, 6.0))
    shares = [0.5, 4.0, *dice.choices(WEIGHTS, k=dice.randint(0, 2))]
    weights = dict(zip(NAMES, shares, strict=False))
    members = [
        hoard(dice, Taste(owner=owner, models=list(models.values()), work_s=400.0 * max(share, 1.0), span_s=1.0))
        for owner, share in weights.items()
    ]
    return _world(dice, seed, models, together(*members), weights=weights)


def thrashing(seed: int) -> World:
    """Let some switch models with each ask, and others stay with one."""
    dice = Random(f"thrashing {seed}")
    models = machine(dice, dice.randint(2, 4), picture_s=(1.0, 8.0), load_s=(15.0, 40.0))
    tastes = [
        Taste(owner=owner, models=list(models.values()), work_s=350.0, span_s=1.0)
        for owner in NAMES[: dice.randint(2, 5)]
    ]
    faithful = dice.choice(list(models.values()))
    members = [hoard(dice, replace(tastes[0], models=[faithful])), *(thrash(dice, taste) for taste in tastes[1:])]
    return _world(dice, seed, models, together(*members))


def splitting(seed: int) -> World:
    """Let some ask for picture by picture, and others for as much as a request takes."""
    dice = Random(f"splitting {seed}")
    models = machine(dice, dice.randint(1, 3), picture_s=(1.0, 10.0))
    tastes = [
        Taste(owner=owner, models=list(models.values()), work_s=500.0, span_s=1.0)
        for owner in NAMES[: dice.randint(2, 6)]
    ]
    members = [(split, pack)[number % 2](dice, taste) for number, taste in enumerate(tastes)]
    return _world(dice, seed, models, together(*members))


def misjudged(seed: int) -> World:
    """Let the catalogue be wrong by a factor of up to two, each way, and everybody have their own model."""
    dice = Random(f"misjudged {seed}")
    models = machine(dice, dice.randint(2, 4), picture_s=(1.0, 10.0))
    models = {
        name: replace(model, bias=(0.5, 2.0)[number % 2] * dice.uniform(0.9, 1.1))
        for number, (name, model) in enumerate(models.items())
    }
    members = [
        hoard(dice, Taste(owner=owner, models=[model], work_s=500.0, span_s=1.0))
        for owner, model in zip(NAMES, models.values(), strict=False)
    ]
    return _world(dice, seed, models, together(*members))


def large_batches(seed: int) -> World:
    """Let the card take many slow pictures at once; what the catalogue says is exact."""
    dice = Random(f"large batches {seed}")
    models = exact(machine(dice, 2, picture_s=(8.0, 25.0), most=(6, 8)))
    members = [
        pack(dice, Taste(owner=owner, models=list(models.values()), work_s=600.0, span_s=1.0))
        for owner in NAMES[: dice.randint(2, 4)]
    ]
    return _world(dice, seed, models, together(*members), noise=0.0)


def two_gpus(seed: int) -> World:
    """Let the crowd, and whoever gives up much, have two GPUs."""
    dice = Random(f"two gpus {seed}")
    models = machine(dice, dice.randint(1, 4), picture_s=(1.0, 12.0))
    tastes = [
        Taste(owner=owner, models=list(models.values()), work_s=500.0, span_s=600.0)
        for owner in NAMES[: dice.randint(3, 7)]
    ]
    kinds = (hoard, storm, drip, split, pack, thrash, trickle)
    members = [kind(dice, taste) for kind, taste in zip(kinds, tastes, strict=False)]
    return _world(dice, seed, models, together(*members), gpus=2, slots=dice.choice((1, 2)))


HARD: Sequence[Callable[[int], World]] = (
    crowd,
    returning,
    own_models,
    weighted,
    thrashing,
    splitting,
    misjudged,
    large_batches,
    two_gpus,
)


def saturated(seed: int) -> World:
    """Let far more be asked for than can be made: throughput is all that a policy can win or lose."""
    dice = Random(f"saturated {seed}")
    models = machine(dice, dice.randint(2, 4))
    kinds = (hoard, hoard, burst, split, pack, thrash)
    count = dice.randint(6, 12)
    tastes = [
        Taste(
            owner=owner,
            models=dice.sample(list(models.values()), dice.randint(1, len(models))),
            work_s=6000.0 / count * dice.uniform(0.5, 1.5),
            span_s=300.0,
        )
        for owner in NAMES[:count]
    ]
    members = [dice.choice(kinds)(dice, taste) for taste in tastes]
    return _world(dice, seed, models, together(*members))


def steady(seed: int) -> World:
    """Let many come at any time, some far more often than others, for half to nine tenths of what can be made.

    Model switches are not counted in that: with them the machine has more to do.
    """
    dice = Random(f"steady {seed}")
    models = machine(dice, dice.randint(2, 4), picture_s=(2.0, 18.0), load_s=(5.0, 25.0))
    span_s = 7200.0
    owners = NAMES[: dice.randint(10, 40)]
    taste = Taste(owner="", models=list(models.values()), work_s=span_s * dice.uniform(0.5, 0.9), span_s=span_s)
    asks = []
    left_s = taste.work_s
    while left_s > 0:
        owner = dice.choices(owners, [number**-1.1 for number in range(1, len(owners) + 1)])[0]
        request = next(requests(dice, taste))
        asks.append(Ask(owner=owner, request=request, at_s=dice.uniform(0.0, span_s)))
        model = models[request.model]
        left_s -= model.picture_s * model.bias * effort(request) * request.images
    return _world(dice, seed, models, sorted(asks, key=lambda ask: ask.at_s))
