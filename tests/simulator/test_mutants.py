"""Would anybody notice if the fair queue were broken: is each broken variant rejected by some gate?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import MEASURED
from tests.simulator.baselines import FairTurns, FirstCome, Greedy, RoundRobin
from tests.simulator.bounds import Declared
from tests.simulator.mutants import MUTANTS
from tests.simulator.policy import Contender
from tests.simulator.trials import rejections

RIVALS = {"first come": FirstCome, "round robin": RoundRobin, "greedy": Greedy, "fair turns alone": FairTurns}


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    return lambda line: request.node.user_properties.append((MEASURED, line))


@pytest.mark.parametrize("name", MUTANTS)
def test_each_way_of_breaking_the_queue_is_noticed(
    name: str, seed: int, declared: Declared, report: Callable[[str], None]
) -> None:
    report(f"{name}: {_first(MUTANTS[name], seed, declared)}")


@pytest.mark.parametrize("name", RIVALS)
def test_each_rival_fails_some_gate(name: str, seed: int, declared: Declared, report: Callable[[str], None]) -> None:
    report(f"{name}: {_first(RIVALS[name], seed, declared)}")


def _first(contender: Contender, seed: int, declared: Declared) -> str:
    verdict = next(rejections(contender, seed, declared), None)
    assert verdict is not None, f"no gate rejects it with seed {seed}"
    return str(verdict)
