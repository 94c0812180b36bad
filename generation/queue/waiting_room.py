"""Who waits with which jobs, and where does everybody's account stand?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from generation.job import Job
from generation.queue.standing import EVERYBODY, Owner, Ranking, Standing, Turn, expected_ms


class WaitingRoom:
    """The owners with their accounts, and the jobs that wait, with what sets some of them apart.

    `passed_over_s` says since when the switch to a job's model is put off.
    """

    def __init__(self, interactive_s: float) -> None:
        self._standing = Standing(1000 * interactive_s)
        self._owners: dict[str, Owner] = {}
        self._jobs: dict[int, Job] = {}
        self._highest_ms = 0
        self.passed_over_s: dict[int, float] = {}
        self._boosted: dict[int, None] = {}  # in the order in which an admin wanted them next

    def __len__(self) -> int:
        return len(self._jobs)

    def copied(self) -> WaitingRoom:
        """Give a copy that changes by itself, without the owners who neither wait nor are served."""
        twin = WaitingRoom(0.0)
        twin._standing = self._standing.copied()
        twin._owners = {name: owner.copied() for name, owner in self._owners.items() if owner.is_active}
        twin._jobs = dict(self._jobs)
        twin._highest_ms = self._highest_ms
        twin.passed_over_s, twin._boosted = dict(self.passed_over_s), dict(self._boosted)
        return twin

    def judge_interactive(self, interactive_s: float) -> None:
        """Count as interactive from now on of whom at most so much waits."""
        self._standing.interactive_ms = 1000 * interactive_s
        for name in self._owners:
            self.note(name)

    def owner(self, name: str) -> Owner:
        """Give an owner, who may be new; whoever changes what decides their turn says so by `note`."""
        return self._owners.setdefault(name, Owner())

    def note(self, name: str) -> None:
        """Take in that something about an owner has changed."""
        self._standing.note(name, self.owner(name))

    def set_account(self, name: str, account_ms: int) -> None:
        """Move an owner's account."""
        self.owner(name).account_ms = account_ms
        self._highest_ms = max(self._highest_ms, account_ms)
        self.note(name)

    def lowest_ms(self, served: Iterable[str]) -> int:
        """Give the lowest account of those who wait or are `served`; if there is nobody, the highest of all."""
        first = self.ranking().first()
        waiting = () if first is None else (first.virtual_time_ms,)
        return min((*(self.owner(name).account_ms for name in served), *waiting), default=self._highest_ms)

    def get(self, job_id: int) -> Job | None:
        """Find a job that waits."""
        return self._jobs.get(job_id)

    def put(self, job: Job, now_s: float = 0.0) -> None:
        """Let a job wait in its place."""
        self._jobs[job.id] = job
        if job.is_boosted:
            self._boosted[job.id] = None
        if job.passed_over_s is not None:
            self.passed_over_s.setdefault(job.id, now_s - job.passed_over_s)
        self.owner(job.owner).put(job)
        self.note(job.owner)

    def replace(self, old: Job, new: Job) -> None:
        """Let a job wait as another one, which may have another owner or fewer pictures."""
        self._take(old)
        self.put(new)

    def take(self, job: Job) -> None:
        """Take a job out; what is known of a switch that was put off for it stays, until it is forgotten."""
        self._take(job)
        self._boosted.pop(job.id, None)

    def forget(self, job_id: int) -> None:
        """Forget that the switch for a job was put off, unless it waits."""
        if job_id not in self._jobs:
            self.passed_over_s.pop(job_id, None)

    def _take(self, job: Job) -> None:
        del self._jobs[job.id]
        self.owner(job.owner).take(job)
        self.note(job.owner)

    def merge(self, name: str, into: str) -> None:
        """Let an owner be another one, with all that waits and is in flight; the larger account is kept."""
        old, new = self.owner(name), self.owner(into)
        self.set_account(into, max(old.account_ms, new.account_ms))
        for job in [job for line in old.lines.values() for job in line]:
            self.replace(job, replace(job, owner=into))
        new.in_flight_ms += old.in_flight_ms
        new.flights += old.flights
        old.in_flight_ms = old.flights = 0
        self.note(into)

    def next_boosted(self) -> Job | None:
        """Give the job that an admin wants next, if any."""
        return next((self._jobs[job_id] for job_id in self._boosted), None)

    def ranking(self, model: str = EVERYBODY) -> Ranking:
        """Give the ranking of everybody, or of those who want a model."""
        return self._standing.of(model)

    def is_interactive(self, turn: Turn) -> bool:
        """Tell whether little of an owner waits."""
        return self.owner(turn.owner).expected_ms <= self._standing.interactive_ms

    def others_within(self, own: Owner, virtual_time_ms: float) -> Iterator[Owner]:
        """Give all others who wait and whose virtual time is at most this."""
        owners = (self.owner(turn.owner) for turn in self.ranking().within(virtual_time_ms))
        return (owner for owner in owners if owner is not own)

    def fluid_s(self, job: Job) -> float:
        """Say roughly in how many seconds a waiting job starts, as if the time of one GPU flowed.

        Everybody is served until their account is where the job's owner's will be by then.
        """
        own = self.owner(job.owner)
        before_ms = sum(expected_ms(other) for line in own.lines.values() for other in line if other.id < job.id)
        goal_ms = own.virtual_time_ms + before_ms / own.weight
        others_ms = sum(
            min(other.expected_ms, other.weight * (goal_ms - other.virtual_time_ms))
            for other in self.others_within(own, goal_ms)
        )
        return (before_ms + others_ms) / 1000
