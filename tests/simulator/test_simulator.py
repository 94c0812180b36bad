"""Can the simulator be believed: is what it forbids, measures and compares right where the answer is known?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from generation.job import Dispatch, Gpu, Share
from generation.queue.fair_queue import ONE_GPU
from generation.queue.policy import Policy
from generation.request import ImagineRequest
from tests.simulator import families
from tests.simulator.baselines import FairTurns, FirstCome, Greedy, RoundRobin
from tests.simulator.bounds import Declared, droughts, gaps, least_busy_s
from tests.simulator.mutants import Alone, shipped
from tests.simulator.player import Player
from tests.simulator.policy import Contender
from tests.simulator.records import Record
from tests.simulator.referee import ForbiddenCall
from tests.simulator.trials import drawn, played
from tests.simulator.worlds import Ask, Model, World

GRAIN_S = 3.36  # its milliseconds can be divided by every batch size up to 8, and then by every weight up to 4
RIVALS = (FirstCome, RoundRobin, Greedy, FairTurns, shipped())
STRICT = Policy(window_s=0.0, longest_dispatch_s=float("inf"), interactive_s=0.0)


def request(model: str = "quick", images: int = 1, side: int = 1024) -> ImagineRequest:
    return ImagineRequest(
        model=model,
        prompt="a ring",
        negative_prompt="",
        width=side,
        height=side,
        num_inference_steps=30,
        guidance_scale=5.0,
        seed=1,
        images=images,
    )


def model(name: str, picture_s: float, load_s: float) -> Model:
    """Give one of which two pictures at once take as long as one and a half."""
    share = {"fixed_share": 0.5, "told_share": 0.5}
    return Model(name=name, picture_s=picture_s, load_s=load_s, most_at_once=2, **share)


def world(*asks: Ask) -> World:
    models = {"quick": model("quick", 10.0, 5.0), "slow": model("slow", 30.0, 20.0)}
    return World(seed=1, models=models, asks=asks)


def asks(owner: str, count: int, model: str = "quick", at_s: float = 0.0) -> list[Ask]:
    return [Ask(owner=owner, request=request(model), at_s=at_s)] * count


def starts_s(record: Record) -> list[float]:
    return [run.starts_s for run in record.runs]


def test_time_passes_as_calls_and_switches_take_it() -> None:
    record = played(FirstCome, world(*asks("ann", 2), *asks("bob", 1, "slow"), *asks("ann", 1)))

    assert starts_s(record) == [0.0, 15.0, 25.0, 75.0]
    assert (record.busy_s, record.loading_s) == (90.0, 30.0)


def test_pictures_made_at_once_take_what_the_curve_says() -> None:
    record = played(FirstCome, world(Ask(owner="ann", request=request(images=3), at_s=0.0)))

    assert [run.seconds for run in record.runs] == [15.0, 10.0]


def test_who_follows_asks_when_the_one_before_has_ended() -> None:
    begun = Ask(owner="ann", request=request(), at_s=0.0)

    record = played(FirstCome, world(begun, replace(begun, at_s=2.0, follows=0)))

    assert starts_s(record) == [0.0, 17.0]


def test_a_call_that_nobody_wants_any_more_is_broken_off() -> None:
    impatient = Ask(owner="ann", request=request(), at_s=0.0, patience_s=9.0)

    record = played(FirstCome, world(impatient, *asks("bob", 1)))

    assert starts_s(record) == [0.0, 9.0]
    assert [run.seconds for run in record.runs] == [4.0, 10.0]


def test_the_gap_is_the_widest_over_any_time_in_which_both_waited() -> None:
    record = played(FirstCome, world(*asks("ann", 4), *asks("bob", 4)))

    (gap,) = gaps(record, Declared(window_s=10.0, longest_call_s=60.0))

    assert (gap.gap_s, gap.bound_s) == (30.0, 40.0)  # ann's fourth does not wait any more when it is made


def test_a_drought_is_the_longest_time_without_a_call() -> None:
    record = played(FirstCome, world(*asks("ann", 4), *asks("bob", 2), *asks("ann", 2, "slow")))

    longest = {drought.owner: drought.seconds for drought in droughts(record, Declared(window_s=0, longest_call_s=60))}

    assert longest == {"ann": 20.0, "bob": 45.0}


def test_who_knows_the_future_loads_each_model_once_and_fills_all_calls() -> None:
    script = world(*asks("ann", 3), *asks("bob", 1, "slow"), *asks("cem", 2))

    assert least_busy_s(script) == 5.0 + 15.0 + 15.0 + 10.0 + 20.0 + 30.0


def test_a_world_is_drawn_from_its_seed_alone(seed: int) -> None:
    for family in (*families.HARD, families.saturated, families.steady):
        assert drawn(family, seed, 1) == drawn(family, seed, 1)
        assert drawn(family, seed, 1) != drawn(family, seed + 1, 1)


@pytest.mark.parametrize("contender", RIVALS)
def test_nobody_is_quicker_than_who_knows_the_future(contender: Contender, seed: int) -> None:
    for drawn_world in drawn(families.saturated, seed, 3):
        quiet = replace(drawn_world, noise=0.0)

        assert played(contender, quiet).busy_s >= least_busy_s(quiet)


@pytest.mark.parametrize("family", families.HARD, ids=lambda family: family.__name__)
def test_where_nothing_can_be_grouped_the_fair_queue_is_plain_fair_queueing(
    family: Callable[[int], World], seed: int
) -> None:
    drawn_world = family(seed)
    only = next(iter(drawn_world.models))
    single = [
        replace(ask, request=replace(ask.request, model=only, images=1), patience_s=None) for ask in drawn_world.asks
    ]
    script = replace(drawn_world, asks=single, grain_s=GRAIN_S, gpus=1)

    assert played(shipped(STRICT, Alone), script).schedule == played(FairTurns, script).schedule


class Stubborn(FirstCome):
    """Takes up what it was told to, allowed or not."""

    def __init__(self, world: World, shares: Sequence[Share], size: int) -> None:
        super().__init__(world)
        self.shares, self.size = tuple(shares), size

    def select(self, gpu: Gpu = ONE_GPU, *, now_s: float = 0.0) -> Dispatch | None:
        return Dispatch(id=1, model="quick", size=self.size, shares=self.shares)


def share(job_id: int, *indexes: int, asked: ImagineRequest) -> Share:
    return Share(job_id=job_id, request=asked, indexes=indexes, places=tuple(range(len(indexes))))


ONE, SLOW, LARGE, FOUR = request(), request("slow"), request(side=1280), request(images=4)


@pytest.mark.parametrize(
    ("shares", "size"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([share(1, 0, asked=ONE), share(2, 0, asked=SLOW)], 2, id="two models"),
        pytest.param([share(1, 0, asked=ONE), share(3, 0, asked=LARGE)], 2, id="two shapes"),
        pytest.param([share(4, 0, 1, 2, asked=FOUR)], 3, id="more than fits"),
        pytest.param([share(4, 4, asked=FOUR)], 1, id="a picture that nobody asked for"),
        pytest.param([share(4, 0, 0, asked=FOUR)], 2, id="a picture twice"),
        pytest.param([share(4, 0, asked=FOUR), share(4, 1, asked=FOUR)], 2, id="two shares of one job"),
        pytest.param([share(1, 0, asked=FOUR)], 1, id="another request"),
        pytest.param([share(1, 0, asked=ONE)], 2, id="a row for nobody"),
    ],
)
def test_the_referee_stops_what_no_machine_could_make(shares: Sequence[Share], size: int) -> None:
    script = world(*(Ask(owner="ann", request=asked, at_s=0.0) for asked in (ONE, SLOW, LARGE, FOUR)))

    with pytest.raises(ForbiddenCall):
        Player(script, Stubborn(script, shares, size)).play()
