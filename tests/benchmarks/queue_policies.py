"""What is the fair queue worth next to others on the same workloads, and what does it cost with much waiting?

    python -m tests.benchmarks.queue_policies [--seeds N]

The worlds are those of `tests.simulator.reference`: simulated machines, nothing is timed on a card. The timings of the
second part are real, of this machine. It prints the tables of the README, in Markdown.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from tests.simulator.baselines import FairTurns, FirstCome, RoundRobin
from tests.simulator.bounds import Declared, gaps, least_busy_s
from tests.simulator.crowded import OWNERS, Card, jobs, restarted
from tests.simulator.gates import first_in_line_s
from tests.simulator.mutants import shipped
from tests.simulator.player import Player
from tests.simulator.policy import Contender
from tests.simulator.records import Record
from tests.simulator.reference import WORKLOADS

SEEDS = 5
POLICIES: Mapping[str, Contender] = {
    "FIFO": FirstCome,
    "round robin": RoundRobin,
    "SFQ": FairTurns,
    "Fairbrush": shipped(),
}
SATURATED = ("a1", "a3", "b", "b1", "d", "e", "h")
COMING_AND_GOING = ("a1", "a3", "c80", "d", "h")  # some have nothing under way when they ask, others much
SWITCHING = ("a3", "b", "b1", "c80", "h")
WAITING = 100_000
SAMPLES = 500

Plays: TypeAlias = Mapping[tuple[str, str], Sequence[Record]]  # by workload and policy, one a seed


def gap_s(record: Record) -> float:
    """Tell by how many GPU-seconds two members who both kept waiting came apart."""
    return max(gap.gap_s for gap in gaps(record, Declared(window_s=0.0, longest_call_s=0.0)))


def throughput(record: Record) -> float:
    """Tell how near the GPU came to what is possible for who knows the future."""
    return least_busy_s(record.world) / record.busy_s


def loading(record: Record) -> float:
    """Tell which share of its time the GPU loaded models."""
    return record.loading_s / record.busy_s


def table(title: str, plays: Plays, workloads: Sequence[str], cell: Callable[[Sequence[Record]], str]) -> None:
    """Print a table with a line for each workload on which the figure means something."""
    print(f"\n| {title} | {' | '.join(POLICIES)} |\n|---|{'---:|' * len(POLICIES)}")
    for workload in workloads:
        print(f"| {workload} | {' | '.join(cell(plays[workload, policy]) for policy in POLICIES)} |")


def mean(measure: Callable[[Record], float], form: str) -> Callable[[Sequence[Record]], str]:
    """Give a cell with the mean over all seeds."""
    return lambda records: format(statistics.fmean(map(measure, records)), form)


def compare(seeds: int) -> None:
    """Play all workloads under all policies."""
    plays = {
        (workload, policy): [Player(world, make(world)).play() for world in map(draw, range(seeds))]
        for workload, draw in WORKLOADS.items()
        for policy, make in POLICIES.items()
    }
    table("gap, GPU-s, worst seed", plays, list(WORKLOADS), lambda records: f"{max(map(gap_s, records)):.0f}")
    table("throughput / possible", plays, SATURATED, mean(throughput, ".2f"))
    table("first in line, p95, s", plays, COMING_AND_GOING, mean(first_in_line_s, ".0f"))
    table("share of loading", plays, SWITCHING, mean(loading, ".0%"))


def median_ms(operation: Callable[[], object], samples: int) -> float:
    """Time an operation."""
    times = []
    for _ in range(samples):
        started = time.perf_counter()
        operation()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def measure() -> None:
    """Time each operation while very much waits."""
    waiting = list(jobs(WAITING))
    restart_ms = median_ms(lambda: restarted(waiting), 3)
    queue = restarted(waiting)
    card = Card(queue)
    newcomers, leavers = jobs(SAMPLES, first=WAITING + 1), iter(waiting[:: -(WAITING // SAMPLES)])
    serving_ms = [(median_ms(card.select, 1), median_ms(card.complete, 1)) for _ in range(SAMPLES)]
    ready = iter(list(newcomers))
    costs = {
        "select": statistics.median(selecting for selecting, _ in serving_ms),
        "complete": statistics.median(completing for _, completing in serving_ms),
        "add": median_ms(lambda: queue.add(next(ready)), SAMPLES),
        "cancel": median_ms(lambda: queue.cancel(next(leavers).id), SAMPLES),
        "dry run": median_ms(lambda: queue.snapshot_eta(now_s=1e6), 3),
    }
    print(f"\n| {WAITING:,} jobs of {OWNERS:,} members wait | p50 |\n|---|---:|")
    for name, cost_ms in costs.items():
        print(f"| {name} | {cost_ms:.2f} ms |")
    print(f"| restart | {restart_ms / 1e3:.1f} s |")


def main() -> None:
    """Compare, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="worlds of each kind")
    compare(parser.parse_args().seeds)
    measure()


if __name__ == "__main__":
    main()
