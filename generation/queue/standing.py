"""Who waits, and who comes first: of all, and of those who want one model?

Ordered lists with binary search: a step costs a logarithm of comparisons and one move of memory, whatever waits.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from generation.job import Job
from generation.lora import Lora
from generation.request import ImagineRequest

# Model, width, height, steps, guidance, adapters, and the job's number where it shares a call with no other.
Key: TypeAlias = tuple[str, int, int, int, float, tuple[Lora, ...], int]
EVERYBODY = ""


def key_of(job: Job) -> Key:
    """Name what pictures have in common that one call can make."""
    asked: ImagineRequest = job.request
    is_alone = bool(asked.image or asked.is_fast or job.seats or job.attempts)
    sides = asked.width, asked.height
    number = job.id if is_alone else 0
    return asked.model, *sides, asked.num_inference_steps, asked.guidance_scale, asked.loras, number


class Turn(NamedTuple):
    """The smallest goes first: who was served least; at a tie, whose oldest job is older."""

    virtual_time_ms: int
    oldest: int
    owner: str


_Seen: TypeAlias = tuple[Turn, bool, frozenset[str]]  # a turn, whether little waits, and for which models


@dataclass(slots=True)
class Owner:
    """A person with an account.

    `account_ms` is what was measured, `in_flight_ms` the estimate of what is being made, both divided by the weight;
    `expected_ms` is what all that waits was expected to take.
    """

    account_ms: int = 0
    in_flight_ms: int = 0
    flights: int = 0
    weight: float = 1.0
    expected_ms: int = 0
    lines: dict[Key, list[Job]] = field(default_factory=dict)  # each oldest first
    seen: _Seen | None = None  # how the rankings know this owner

    @property
    def is_active(self) -> bool:
        """Tell whether something of theirs waits or is being made."""
        return bool(self.lines) or self.flights > 0

    @property
    def virtual_time_ms(self) -> int:
        """Give the account with what is in flight."""
        return self.account_ms + self.in_flight_ms

    def charge_ms(self, seconds: float) -> int:
        """Turn GPU-seconds into what they cost this owner, never work into nothing: it would always go first."""
        return max(1, round(1000 * seconds / self.weight)) if seconds > 0 else 0

    def depart(self, seconds: float) -> int:
        """Expect to be charged for something that is being made; gives the charge, for `land`."""
        charge_ms = self.charge_ms(seconds)
        self.in_flight_ms += charge_ms
        self.flights += 1
        return charge_ms

    def land(self, charge_ms: int) -> None:
        """Expect it no longer."""
        self.in_flight_ms -= charge_ms
        self.flights -= 1

    def oldest(self, models: frozenset[str] | None = None) -> Job:
        """Give the oldest job that waits, or the oldest for one of some models."""
        heads = (line[0] for key, line in self.lines.items() if models is None or key[0] in models)
        return min(heads, key=attrgetter("id"))

    def put(self, job: Job) -> None:
        """Let a job wait in its place."""
        insort(self.lines.setdefault(key_of(job), []), job, key=attrgetter("id"))
        self.expected_ms += expected_ms(job)

    def take(self, job: Job) -> None:
        """Take a job out."""
        key = key_of(job)
        line = self.lines[key]
        line.pop(bisect_left(line, job.id, key=attrgetter("id")))
        if not line:
            del self.lines[key]
        self.expected_ms -= expected_ms(job)

    def copied(self) -> Owner:
        """Give a copy that changes by itself."""
        lines = {key: line[:] for key, line in self.lines.items()}
        return Owner(self.account_ms, self.in_flight_ms, self.flights, self.weight, self.expected_ms, lines, self.seen)


def expected_ms(job: Job) -> int:
    """Give what a job was expected to take; whole numbers, so that sums do not depend on their order."""
    return round(1000 * job.expected_s) * len(job.missing)


@dataclass(slots=True)
class Ranking:
    """Owners in the order of their turns; the interactive ones, of whom little waits, apart."""

    hot: list[Turn] = field(default_factory=list)
    cold: list[Turn] = field(default_factory=list)

    def first(self) -> Turn | None:
        """Give whose turn it is."""
        return min(self.hot[:1] + self.cold[:1], default=None)

    def best(self, limit_ms: float) -> Turn | None:
        """Give who is to be preferred among those whose virtual time is at most this, interactive ones first."""
        return next(self.within(limit_ms), None)

    def within(self, limit_ms: float) -> Iterator[Turn]:
        """Give all of those, in that order."""
        for turns in (self.hot, self.cold):
            for turn in turns:
                if turn.virtual_time_ms > limit_ms:
                    break
                yield turn


class Standing:
    """The rankings of everybody who waits: all together, and by model."""

    def __init__(self, interactive_ms: float) -> None:
        self.interactive_ms = interactive_ms
        self._rankings: dict[str, Ranking] = {}

    def of(self, model: str) -> Ranking:
        """Give the ranking of those who want a model, or of everybody; an empty one if there is nobody."""
        return self._rankings.get(model) or Ranking()

    def note(self, name: str, owner: Owner) -> None:
        """Take in how an owner stands now."""
        now = None
        if owner.lines:
            turn = Turn(owner.virtual_time_ms, owner.oldest().id, name)
            now = turn, owner.expected_ms <= self.interactive_ms, frozenset(key[0] for key in owner.lines)
        if now == owner.seen:
            return
        if owner.seen is not None:
            self._remove(owner.seen)
        if now is not None:
            self._add(now)
        owner.seen = now

    def copied(self) -> Standing:
        """Give a copy that changes by itself."""
        twin = Standing(self.interactive_ms)
        twin._rankings = {model: Ranking(kept.hot[:], kept.cold[:]) for model, kept in self._rankings.items()}
        return twin

    def _add(self, seen: _Seen) -> None:
        turn, is_hot, models = seen
        for model in (EVERYBODY, *models):
            ranking = self._rankings.setdefault(model, Ranking())
            insort(ranking.hot if is_hot else ranking.cold, turn)

    def _remove(self, seen: _Seen) -> None:
        turn, is_hot, models = seen
        for model in (EVERYBODY, *models):
            ranking = self._rankings[model]
            turns = ranking.hot if is_hot else ranking.cold
            turns.pop(bisect_left(turns, turn))
            if not ranking.hot and not ranking.cold:
                del self._rankings[model]
