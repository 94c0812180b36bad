"""Does the fair queue answer changed worlds as it must, whatever the right schedule may be?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TypeAlias

import pytest

from generation.queue.fair_queue import FairQueue
from generation.queue.policy import Policy
from generation.queue.speeds import Speeds
from tests.simulator.bounds import Declared, gaps
from tests.simulator.families import HARD, crowd
from tests.simulator.members import Taste, hoard, requests, together
from tests.simulator.player import Player
from tests.simulator.rebuilt import RebuiltQueue
from tests.simulator.records import Record
from tests.simulator.worlds import Ask, World

POLICY = Policy(window_s=30.0, staleness=4.0, longest_dispatch_s=60.0, interactive_s=60.0)
DOUBLED = Policy(window_s=60.0, staleness=4.0, longest_dispatch_s=120.0, interactive_s=120.0)
WORLDS = 8
GRAIN_S = 3.36  # its milliseconds can be divided by every batch size up to 8, and then by every weight up to 4

Family: TypeAlias = Callable[[int], World]

drawn_worlds = pytest.mark.parametrize("family", HARD, ids=lambda family: family.__name__)


class WithBoosts(Player):
    """A play in which an admin boosts a job of somebody's now and then."""

    def __init__(self, world: World, queue: FairQueue | RebuiltQueue) -> None:
        super().__init__(world, queue)
        self._admin = Random(f"admin {world.seed}")
        self._queue = queue
        self._boosted: set[int] = set()

    def _ask(self, number: int) -> None:
        super()._ask(number)
        job_id = self._admin.choice(list(self.stories))
        if job_id not in self._boosted and self._admin.random() < 0.3:
            self._boosted.add(job_id)
            self._queue.boost(job_id)


def fair_queue(world: World, policy: Policy = POLICY) -> FairQueue:
    return FairQueue(Speeds(world.guess), policy)


def played(world: World, policy: Policy = POLICY) -> Record:
    return Player(world, fair_queue(world, policy)).play()


@drawn_worlds
def test_other_names_change_nothing(family: Family, seed: int) -> None:
    world = family(1000 * seed)
    names = list(world.owners)
    Random(world.seed).shuffle(names)

    permuted = world.renamed(dict(zip(world.owners, names, strict=True)))

    assert played(permuted).schedule == played(world).schedule


@drawn_worlds
def test_if_all_takes_twice_as_long_the_order_stays(family: Family, seed: int) -> None:
    world = replace(family(1000 * seed), grain_s=GRAIN_S, gpus=1)

    assert played(world.slowed(2.0), DOUBLED).order == played(world).order


@drawn_worlds
def test_members_who_do_not_ask_change_nothing(family: Family, seed: int) -> None:
    world = family(1000 * seed)
    queue = fair_queue(world)
    queue.restore("never asked", 0)
    queue.restore("was here for long", 10_000_000, 4.0)

    assert Player(world, queue).play().schedule == played(world).schedule


@drawn_worlds
def test_what_is_cancelled_at_once_was_as_good_as_never_asked(family: Family, seed: int) -> None:
    world = family(1000 * seed)
    dice = Random(world.seed)
    at_s = sorted({run.starts_s for run in played(world).runs})
    taste = Taste(owner="", models=list(world.models.values()), work_s=1.0, span_s=1.0)
    whims = [
        Ask(
            owner=dice.choice((*world.owners, "whimsical")),
            request=next(requests(dice, taste)),
            at_s=dice.choice(at_s) + dice.choice((0.0, 0.01)),
            patience_s=0.0,
        )
        for _ in range(40)
    ]

    with_whims = played(replace(world, asks=[*world.asks, *whims]))

    assert with_whims.schedule == played(world).schedule


@drawn_worlds
@pytest.mark.parametrize("share", [1.0, 0.1], ids=["always", "now and then"])
def test_a_restart_before_any_selection_changes_nothing(family: Family, share: float, seed: int) -> None:
    world = family(1000 * seed)
    dice = Random(world.seed)
    queue = RebuiltQueue(world, POLICY, is_due=lambda: not queue.restarts or dice.random() < share)

    record = WithBoosts(world, queue).play()

    assert queue.restarts > 0
    assert record.schedule == WithBoosts(world, fair_queue(world)).play().schedule


def rivals(seed: int, *, members: int) -> World:
    """Let all want much from the first moment on, so that their accounts start together."""
    models = list(crowd(seed).models.values())
    dice = Random(f"rivals {seed}")
    tastes = [Taste(owner=f"rival {n + 1}", models=models, work_s=1500.0, span_s=0.0) for n in range(members)]
    return replace(crowd(seed), asks=together(*(hoard(dice, taste) for taste in tastes)), weights={})


def cut(ask: Ask) -> list[Ask]:
    """Ask for the same pictures, one by one."""
    request = ask.request
    return [
        replace(ask, request=replace(request, images=1, seed=request.seed_of(picture)))
        for picture in range(request.images)
    ]


def lead_s(record: Record) -> float:
    """Tell what the first was served more than the others on average, until somebody had nothing left that waits."""
    waiting, served = Counter[str](), Counter[str]()
    first, *others = record.world.owners
    for moment in record.moments:
        served.update(moment.served_s)
        waiting.update(moment.waiting)
        if moment.at_s > 0 and not all(waiting[owner] for owner in record.world.owners):
            break
    return served[first] - sum(served[other] for other in others) / len(others)


def test_cutting_requests_into_single_pictures_gains_and_loses_no_more_than_the_bound(seed: int) -> None:
    for number in range(WORLDS):
        world = rivals(1000 * seed + number, members=3)
        mine, others = world.asks[0].owner, [ask for ask in world.asks if ask.owner != world.asks[0].owner]
        small = [one for ask in world.asks if ask.owner == mine for one in cut(ask)]

        whole, pieces = played(world), played(replace(world, asks=[*small, *others]))

        longest_s = max(whole.longest_call_s, pieces.longest_call_s)
        assert abs(lead_s(whole) - lead_s(pieces)) <= 2 * (POLICY.window_s + longest_s)


def test_two_shares_are_twice_as_much_within_the_bound(seed: int) -> None:
    for number in range(WORLDS):
        world = rivals(1000 * seed + number, members=3)
        doubled = replace(world, weights={world.owners[0]: 2.0})

        record = played(doubled)

        worst = max(gaps(record, Declared(window_s=POLICY.window_s, longest_call_s=0.0)), key=lambda gap: gap.ratio)
        assert worst.ratio <= 1.0, worst
