"""Is what people are told of the future true: gate 6?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulator import families, gates
from tests.simulator.gates import Verdict
from tests.simulator.mutants import shipped
from tests.simulator.records import Record
from tests.simulator.trials import probed

STEADY, CROWDS = 24, 12


@pytest.fixture(scope="module")
def records(seed: int, size: int) -> list[Record]:
    steady = probed(shipped(), families.steady, seed, size * STEADY)
    return steady + probed(shipped(), families.crowd, seed, size * CROWDS)


def test_most_forecasts_are_right_within_a_factor_of_two(
    records: list[Record], judge: Callable[[Verdict], None]
) -> None:
    judge(gates.foresight(records))


def test_what_is_promised_is_kept_and_no_wider_than_useful(
    records: list[Record], judge: Callable[[Verdict], None]
) -> None:
    for verdict in gates.honesty(records):
        judge(verdict)
