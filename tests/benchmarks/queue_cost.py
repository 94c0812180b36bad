"""What does the fair queue cost with many jobs waiting?

    python -m tests.benchmarks.queue_cost

Prints microseconds for each operation with few and with many jobs waiting; their ratio shows how it grows.
"""

import statistics
import time
from collections.abc import Callable

from generation import Catalogue, ImagineOptions, Job
from generation.fair_queue import FairQueue

FEW, MANY = 1_000, 50_000
OWNERS = 500
SAMPLES = 200


def filled(jobs: int) -> FairQueue:
    """Give a queue in which so many jobs wait."""
    catalogue = Catalogue.load()
    request = catalogue.complete(ImagineOptions(prompt="a ring"), default_model=catalogue.default, seed=1)
    queue = FairQueue(lambda _: 2.0)
    for number in range(jobs):
        queue.add(Job(id=number, owner=f"bench:{number % OWNERS}", request=request, missing=(0,)))
    return queue


def microseconds(operation: Callable[[int], object]) -> float:
    """Give the median time of an operation."""
    times = []
    for number in range(SAMPLES):
        started = time.perf_counter()
        operation(number)
        times.append(1e6 * (time.perf_counter() - started))
    return statistics.median(times)


def measure(jobs: int) -> dict[str, float]:
    """Time each operation with so many jobs waiting."""
    queue = filled(jobs)

    def serve(_: int) -> None:
        dispatch = queue.select()
        assert dispatch is not None
        queue.complete(dispatch.id, 2.0)

    return {
        "select and complete": microseconds(serve),
        "cancel": microseconds(lambda number: queue.cancel(jobs - 1 - number)),
        "forecast": microseconds(lambda _: queue.forecast()),
    }


def main() -> None:
    """Print a line for each operation."""
    few, many = measure(FEW), measure(MANY)
    for name, time_us in few.items():
        few_us, many_us = f"{FEW:,} waiting {time_us:9.0f} us", f"{MANY:,} waiting {many[name]:9.0f} us"
        print(f"{name:<20} {few_us}   {many_us}   ratio {many[name] / time_us:.1f}")


if __name__ == "__main__":
    main()
