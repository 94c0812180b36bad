"""How much does fairness cost a machine that is asked for more than it can make: gates 3 and 4?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulator import families, gates
from tests.simulator.baselines import GreedyOneByOne
from tests.simulator.gates import Verdict
from tests.simulator.mutants import shipped
from tests.simulator.records import Record
from tests.simulator.trials import drawn, played
from tests.simulator.worlds import World

COUNT = 64


@pytest.fixture(scope="module")
def worlds(seed: int, size: int) -> list[World]:
    return drawn(families.saturated, seed, size * COUNT)


@pytest.fixture(scope="module")
def records(worlds: list[World]) -> list[Record]:
    return [played(shipped(), world) for world in worlds]


def test_little_is_lost_to_who_knows_the_future(records: list[Record], judge: Callable[[Verdict], None]) -> None:
    judge(gates.throughput(records))


def test_hardly_anything_is_lost_to_who_groups_by_model_at_any_price(
    worlds: list[World], records: list[Record], judge: Callable[[Verdict], None]
) -> None:
    judge(gates.grouping(records, [played(GreedyOneByOne, world) for world in worlds]))


def test_a_small_part_of_the_time_goes_into_loading_models(
    records: list[Record], judge: Callable[[Verdict], None]
) -> None:
    judge(gates.switching(records))
