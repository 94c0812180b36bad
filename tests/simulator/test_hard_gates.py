"""Does the fair queue keep in every world what is proven of it: gates 1 and 2?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulator import families, gates
from tests.simulator.bounds import Declared
from tests.simulator.gates import Verdict
from tests.simulator.mutants import shipped
from tests.simulator.records import Record
from tests.simulator.trials import drawn, played

ROUNDS = 10  # worlds of each family


@pytest.fixture(scope="module")
def records(seed: int, size: int) -> list[Record]:
    worlds = [world for family in families.HARD for world in drawn(family, seed, size * ROUNDS)]
    return [played(shipped(), world) for world in worlds]


def test_two_who_keep_waiting_never_come_further_apart_than_is_proven(
    records: list[Record], declared: Declared, judge: Callable[[Verdict], None]
) -> None:
    judge(gates.fairness(records, declared))


def test_no_call_is_longer_than_declared_unless_one_picture_is(
    records: list[Record], declared: Declared, judge: Callable[[Verdict], None]
) -> None:
    judge(gates.shortness(records, declared))


def test_everything_is_made_or_was_given_up(records: list[Record], judge: Callable[[Verdict], None]) -> None:
    judge(gates.completeness(records))


def test_no_gpu_idles_while_something_waits(records: list[Record], judge: Callable[[Verdict], None]) -> None:
    judge(gates.diligence(records))


def test_nobody_waits_for_long_without_being_served(
    records: list[Record], declared: Declared, judge: Callable[[Verdict], None]
) -> None:
    judge(gates.service(records, declared))
