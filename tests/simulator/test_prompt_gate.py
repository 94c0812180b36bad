"""Does who asks for something now and then get it about as soon as if model switches were free: gate 5?"""

from __future__ import annotations

from collections.abc import Callable

from tests.simulator import families, gates
from tests.simulator.baselines import FairTurns
from tests.simulator.gates import Verdict
from tests.simulator.mutants import shipped
from tests.simulator.trials import drawn, played

COUNT = 48


def test_the_first_in_line_wait_hardly_longer_than_with_free_switches(
    seed: int, size: int, judge: Callable[[Verdict], None]
) -> None:
    worlds = drawn(families.steady, seed, size * COUNT)

    records = [played(shipped(), world) for world in worlds]

    judge(gates.promptness(records, [played(FairTurns, world.without_switches()) for world in worlds]))
