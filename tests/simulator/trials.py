"""In which worlds is a policy tried, and which gate rejects it first?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tests.simulator import families, gates
from tests.simulator.baselines import GreedyOneByOne
from tests.simulator.bounds import Declared
from tests.simulator.gates import Verdict
from tests.simulator.player import Player
from tests.simulator.policy import Contender
from tests.simulator.records import Record
from tests.simulator.worlds import World

PROBES = 60
PROBED_S = {families.steady: 7200.0, families.crowd: 1500.0}  # when in a world somebody still waits


def played(contender: Contender, world: World) -> Record:
    """Let a policy serve a world."""
    return Player(world, contender(world)).play()


def drawn(family: Callable[[int], World], seed: int, count: int) -> list[World]:
    """Draw worlds of a family; the same seed always gives the same ones."""
    return [family(1000 * seed + number) for number in range(count)]


def probed(contender: Contender, family: Callable[[int], World], seed: int, count: int) -> list[Record]:
    """Let a policy serve worlds in which people ask when their jobs start."""
    records = []
    for world in drawn(family, seed, count):
        dice = Random(f"probes {world.seed}")
        probes_s = [dice.uniform(0.0, PROBED_S[family]) for _ in range(PROBES)]
        records.append(Player(world, contender(world), probes_s=probes_s).play())
    return records


def hard_verdicts(records: list[Record], declared: Declared) -> Iterator[Verdict]:
    """Judge what must hold in every single world: gates 1 and 2."""
    yield gates.fairness(records, declared)
    if any(record.world.is_exact for record in records):
        yield gates.shortness(records, declared)
    yield gates.completeness(records)
    yield gates.diligence(records)
    yield gates.service(records, declared)


def rejections(contender: Contender, seed: int, declared: Declared, *, rounds: int = 3) -> Iterator[Verdict]:
    """Give all verdicts against a policy: of hard worlds one by one, then of saturated ones, then of its forecasts."""
    for number in range(rounds):
        for family in families.HARD:
            record = played(contender, family(1000 * seed + number))
            yield from (verdict for verdict in hard_verdicts([record], declared) if not verdict.holds)
    worlds = drawn(families.saturated, seed, 8 * rounds)
    records = [played(contender, world) for world in worlds]
    busy = [
        gates.throughput(records),
        gates.grouping(records, [played(GreedyOneByOne, world) for world in worlds]),
        gates.switching(records),
    ]
    yield from (verdict for verdict in busy if not verdict.holds)
    asked = probed(contender, families.steady, seed, 4 * rounds)
    told = [gates.foresight(asked), *gates.honesty(asked)]
    yield from (verdict for verdict in told if not verdict.holds)
