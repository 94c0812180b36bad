"""How would the last days have gone under another policy, for everybody and for each member and role?

The recorded jobs are played again twice, under the policy in force and under the tried one, both times from what is
known now. All of it is plain computing: it needs no event loop and should not be done on one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generation import (
    Catalogue,
    Guesses,
    ImagineRequest,
    JobState,
    Learned,
    Past,
    PastJob,
    Policy,
    Replay,
    Seat,
    play_again,
)
from storage import RecordedJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What a replay is played under; a `quota` is the most pictures that anybody gets within a day, None for no end."""

    policy: Policy
    cards: tuple[str, ...]
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """For how long some jobs waited: half of them, and nine of ten, at most so many seconds; `refused` had to go."""

    started: int
    refused: int
    median_s: float = 0.0
    p90_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A member or a role, by key, before and after."""

    key: str
    pictures: int
    before: Waits
    after: Waits

    @property
    def worsening(self) -> tuple[int, float, float]:
        """Tell how much worse it got: a refusal is worse than any wait."""
        one, other = self.before, self.after
        return other.refused - one.refused, other.p90_s - one.p90_s, other.median_s - one.median_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A replay as a whole: how often a model was loaded, how long the cards worked, and the longest wait."""

    loads: int
    busy_s: float
    longest_wait_s: float
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two replays of the same jobs, side by side; the rows that got worst come first."""

    jobs: int
    pictures: int
    first_s: float
    last_s: float
    before: Course
    after: Course
    members: tuple[Row, ...]
    roles: tuple[Row, ...]


def playable(recorded: Iterable[RecordedJob], catalogue: Catalogue) -> list[RecordedJob]:
    """Leave out what took no GPU time, given up or failed before it began, and what no model here can make."""
    known = {spec.name for spec in catalogue}
    ended = (JobState.CANCELLED, JobState.FAILED)
    return [job for job in recorded if job.model in known and not (job.state in ended and not job.gpu_ms)]


def compare(
    recorded: Sequence[RecordedJob],
    guesses: Guesses,
    learned: Sequence[Learned],
    weights: Mapping[str, float],
    variants: tuple[Variant, Variant],
) -> Comparison:
    """Play the jobs, of which there is at least one, under both variants."""
    jobs = [past_job(job) for job in recorded]
    past = Past(jobs=jobs, guess=guesses, filling=guesses.filling, learned=learned, weights=weights)
    before, after = (
        play_again(past, policy=variant.policy, cards=variant.cards, quota=variant.quota) for variant in variants
    )
    by_member, by_role = defaultdict(list), defaultdict(list)
    for number, job in enumerate(recorded):
        by_member[job.owner].append(number)
        for role in job.roles:
            by_role[role].append(number)
    return Comparison(
        jobs=len(jobs),
        pictures=sum(job.request.images for job in jobs),
        first_s=min(job.arrived_s for job in jobs),
        last_s=max(job.arrived_s for job in jobs),
        before=_course(before),
        after=_course(after),
        members=_rows(by_member, jobs, before, after),
        roles=_rows(by_role, jobs, before, after),
    )


def past_job(job: RecordedJob) -> PastJob:
    """Give a recorded job as a replay takes it."""
    is_over, seat = JobState(job.state).is_over, job.provenance.get("batch")
    return PastJob(
        owner=job.owner,
        request=ImagineRequest.from_json(dict(job.request)),
        arrived_s=job.created_ms / 1000,
        expected_s=job.expected_ms / 1000,
        gpu_s=job.gpu_ms / 1000 if is_over else 0.0,
        rows=0 if seat is None else Seat.from_text(seat).of,
        is_counted=job.state not in (JobState.CANCELLED, JobState.FAILED),
    )


def _course(played: Replay) -> Course:
    waits_s = [wait_s for wait_s in played.waits_s if wait_s is not None]
    return Course(
        loads=played.loads,
        busy_s=played.busy_s,
        longest_wait_s=max(waits_s, default=0.0),
        refused=len(played.waits_s) - len(waits_s),
    )


def _rows(
    groups: Mapping[str, Sequence[int]], jobs: Sequence[PastJob], before: Replay, after: Replay
) -> tuple[Row, ...]:
    rows = [
        Row(
            key=key,
            pictures=sum(jobs[number].request.images for number in numbers),
            before=_waits(before.waits_s[number] for number in numbers),
            after=_waits(after.waits_s[number] for number in numbers),
        )
        for key, numbers in sorted(groups.items())
    ]
    return tuple(sorted(rows, key=lambda row: row.worsening, reverse=True))


def _waits(waits_s: Iterable[float | None]) -> Waits:
    every = list(waits_s)
    started = sorted(wait_s for wait_s in every if wait_s is not None)
    refused = len(every) - len(started)
    if not started:
        return Waits(started=0, refused=refused)
    return Waits(started=len(started), refused=refused, median_s=_quantile(started, 0.5), p90_s=_quantile(started, 0.9))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Give the least value that this share of them do not exceed."""
    return ordered[math.ceil(share * len(ordered)) - 1]
