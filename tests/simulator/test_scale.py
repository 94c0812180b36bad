"""Does an operation cost the same, however much waits?

What it costs is counted in calls of functions, which no other process can disturb; the time that it takes is measured
by `tests.benchmarks.queue_policies`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median

import pytest

from generation.queue.fair_queue import FairQueue
from tests.conftest import MEASURED
from tests.simulator.crowded import Card, jobs, restarted

FEW, MANY = 20_000, 100_000
OWNERS = 400  # each has jobs for all models and shapes, few or many
SAMPLES = 40
NO_MORE = 1.25  # times as many calls: the rest is chance, since not every call is filled from as many people


def calls(operation: Callable[[], object]) -> int:
    """Count the calls of functions, built-in ones too, that an operation makes."""
    count = 0

    def note(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        operation()
    finally:
        sys.setprofile(before)
    return count


def costs(count: int) -> dict[str, float]:
    """Count the calls of each operation while so many jobs wait, at the median."""
    waiting = list(jobs(count, owners=OWNERS))
    queue = restarted(waiting)
    card = Card(queue)
    newcomers = iter(list(jobs(SAMPLES, first=count + 1, owners=OWNERS)))
    served = [(calls(card.select), calls(card.complete)) for _ in range(SAMPLES)]
    return {
        "select": median(selecting for selecting, _ in served),
        "complete": median(completing for _, completing in served),
        "add": median(calls(lambda: queue.add(next(newcomers))) for _ in range(SAMPLES)),
        "cancel": median(calls(lambda job=job: queue.cancel(job.id)) for job in waiting[:: -(count // SAMPLES)]),
        "restart, by job": calls(lambda: restarted(waiting)) / count,
    }


@pytest.fixture(scope="module")
def few() -> dict[str, float]:
    return costs(FEW)


@pytest.fixture(scope="module")
def many() -> dict[str, float]:
    return costs(MANY)


@pytest.mark.parametrize("operation", ["select", "complete", "add", "cancel", "restart, by job"])
def test_an_operation_costs_the_same_with_a_hundred_thousand_jobs(
    few: dict[str, float], many: dict[str, float], operation: str, record_property: Callable[[str, object], None]
) -> None:
    counts = f"{few[operation]:.0f} calls with {FEW:,} jobs waiting, {many[operation]:.0f} with {MANY:,}"
    record_property(MEASURED, f"gate 7, {operation}: {counts}")

    assert many[operation] <= NO_MORE * few[operation]


def test_all_jobs_are_there_after_a_restart() -> None:
    queue: FairQueue = restarted(list(jobs(FEW, owners=OWNERS)))

    assert queue.waiting_count() == FEW
