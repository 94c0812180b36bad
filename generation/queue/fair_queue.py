"""Whose picture is made next, so that all who wait get the same share of GPU time, and little is lost to switches?

Windowed start-time fair queueing. Each owner has an account, their virtual time: the GPU-seconds that their pictures
took, divided by their weight. Of those who wait, the one with the smallest account is served (Goyal, Vin and Cheng,
1997), with four exceptions, each of them bounded:

- whose account is at most `window_s` larger may go first if their model is loaded, or if little of theirs waits and
  half a window is left;
- a call carries pictures of several such owners, where that was found to pay, for at most `longest_dispatch_s`;
- the switch to a model is put off for at most `staleness` times its loading, counted from when it was first due;
- an admin may boost a job.

Who comes back after a pause starts no lower than the lowest account among those who wait or are served, and if there
is nobody, at the highest of all (the lift): idle time earns no credit, and no debt is forgiven.

Two owners who both keep waiting differ by at most 2 (W + G C) GPU-seconds, W being the window, C the longest call and G
the number of GPUs: whoever is served had at most W more than the lowest, and joiners start at the lowest. Estimates
only order what is chosen while other calls are in flight; an account moves by what was measured, so neither a wrong
estimate nor a call that the machine broke costs anybody anything. Loading a model is charged to nobody.
Pure: no clock, no device, no asyncio. Times and costs come in as numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from generation.job import Dispatch, Gpu, Job, Reason, Seat, Share
from generation.queue.forecast import Flight, Outlook, look_ahead
from generation.queue.policy import Policy
from generation.queue.speeds import Speeds
from generation.queue.standing import Turn, key_of
from generation.queue.waiting_room import WaitingRoom

ONE_GPU = Gpu()


@dataclass(frozen=True, slots=True)
class _Choice:
    job: Job
    reason: Reason
    passed_over: Job | None = None


class FairQueue:
    """The jobs that wait and those in flight. What is learned of speeds is kept in `speeds`."""

    def __init__(self, speeds: Speeds, policy: Policy | None = None) -> None:
        self.speeds = speeds
        self._policy = policy or Policy()
        self._room = WaitingRoom(self._policy.interactive_s)
        self._in_flight: dict[int, Flight] = {}
        self._dispatches = 0

    @property
    def policy(self) -> Policy:
        """The parameters in force; new ones hold from the next selection on."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy
        self._room.judge_interactive(policy.interactive_s)

    @property
    def in_flight(self) -> Mapping[int, Flight]:
        """What is being made, by dispatch."""
        return self._in_flight

    def restore(self, owner: str, virtual_time_ms: int, weight: float = 1.0) -> None:
        """Take over an owner's account from before a restart."""
        self.set_weight(owner, weight)
        self._room.set_account(owner, virtual_time_ms)

    def set_weight(self, owner: str, weight: float) -> None:
        """Give an owner so many shares; it holds for what is charged from now on."""
        self._room.owner(owner).weight = weight

    def weight(self, owner: str) -> float:
        """Tell how many shares an owner has."""
        return self._room.owner(owner).weight

    def virtual_time_ms(self, owner: str) -> int:
        """Tell an owner's account; what is in flight is not charged yet."""
        return self._room.owner(owner).account_ms

    def add(self, job: Job) -> None:
        """Let a new job wait behind the other jobs of its owner."""
        self._lift(job.owner)
        self._room.put(job)

    def put_back(self, job: Job, *, now_s: float = 0.0) -> None:
        """Let a job wait again, after a restart or a failure, in its old place and on its owner's old account."""
        self._room.put(job, now_s)

    def cancel(self, job_id: int) -> Job | None:
        """Take a waiting job out; None if it does not wait. Nothing was charged for what was not dispatched."""
        job = self._room.get(job_id)
        if job is not None:
            self._room.take(job)
            self._room.forget(job_id)
        return job

    def boost(self, job_id: int) -> bool:
        """Let a waiting job be served at the next selection, at its owner's expense; False if it does not wait."""
        job = self._room.get(job_id)
        if job is not None:
            self._room.replace(job, replace(job, is_boosted=True))
        return job is not None

    def merge(self, owner: str, into: str) -> None:
        """Make two owners one, with all that waits and is in flight; the larger account is kept."""
        self._room.merge(owner, into)
        for number, flight in self._in_flight.items():
            jobs = tuple(replace(job, owner=into) if job.owner == owner else job for job in flight.jobs)
            self._in_flight[number] = replace(flight, jobs=jobs)

    def select(self, gpu: Gpu = ONE_GPU, *, now_s: float = 0.0) -> Dispatch | None:
        """Choose what an idle GPU does next; None if nobody waits. `now_s` is any clock that only goes forward."""
        first = self._room.ranking().first()
        if first is None:
            return None
        limit_ms = first.virtual_time_ms + 1000 * self._policy.window_s
        choice = self._choose(first, limit_ms, gpu, now_s)
        if choice.passed_over is not None:
            self._room.passed_over_s[choice.passed_over.id] = now_s
        seats = self._seated(choice.job, gpu.card)
        parts = [replace(choice.job, missing=tuple(seats))] if seats else self._filled(choice.job, limit_ms, gpu.card)
        rows = [tuple(seat.place for seat in seats.values())] if seats else _rows(parts)
        size = next(iter(seats.values())).of if seats else sum(map(len, rows))
        self._depart(parts, size, choice.reason, gpu, now_s)
        return Dispatch(
            id=self._dispatches,
            model=choice.job.request.model,
            size=size,
            shares=tuple(
                Share(job_id=part.id, request=part.request, indexes=part.missing, places=places)
                for part, places in zip(parts, rows, strict=True)
            ),
            reason=choice.reason,
            passed_over=None if choice.passed_over is None else choice.passed_over.id,
        )

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> tuple[Job, ...]:
        """Charge what was measured, split by pictures; gives the jobs with what was in flight of them.

        Without `is_whole`, nothing is learned of it: the call was broken off.
        """
        flight = self._land(dispatch_id)
        for job, part in zip(flight.jobs, flight.parts, strict=True):
            owner = self._room.owner(job.owner)
            self._room.set_account(job.owner, owner.account_ms + owner.charge_ms(gpu_seconds * part))
            self._room.forget(job.id)
        if is_whole:
            self.speeds.learn(flight.request, flight.size, gpu_seconds, flight.card)
        return flight.jobs

    def fail(self, dispatch_id: int) -> tuple[Job, ...]:
        """Forget a dispatch that broke, at nobody's expense; gives its jobs whole, and none of them waits any more."""
        return tuple(self._whole(job) for job in self._land(dispatch_id).jobs)

    def waits(self, job_id: int) -> bool:
        """Tell whether a job, or a part of it, waits."""
        return self._room.get(job_id) is not None

    def waiting_count(self) -> int:
        """Tell how many jobs wait."""
        return len(self._room)

    def fluid_s(self, job_id: int) -> float | None:
        """Say roughly in how many seconds a waiting job starts, without a dry run; None if it does not wait."""
        job = self._room.get(job_id)
        return None if job is None else self._room.fluid_s(job)

    def snapshot_eta(self, gpus: Sequence[Gpu] = (ONE_GPU,), *, now_s: float = 0.0) -> Outlook:
        """Say when each waiting job starts: a dry run of this very policy, on a copy."""
        return look_ahead(self.copied(), gpus, now_s)

    def copied(self) -> FairQueue:
        """Give a copy for a dry run, in another thread if need be: it shares nothing that changes."""
        twin = FairQueue(self.speeds.copied(), self._policy)
        twin._room = self._room.copied()
        twin._in_flight, twin._dispatches = dict(self._in_flight), self._dispatches
        return twin

    def _lift(self, name: str) -> None:
        """Let who comes back start where those are who stayed."""
        if not (owner := self._room.owner(name)).is_active:
            served = (job.owner for flight in self._in_flight.values() for job in flight.jobs)
            self._room.set_account(name, max(owner.account_ms, self._room.lowest_ms(served)))

    def _choose(self, first: Turn, limit_ms: float, gpu: Gpu, now_s: float) -> _Choice:
        """Choose the job that a call is for; `limit_ms` is the end of the window."""
        room = self._room
        if (boosted := room.next_boosted()) is not None:
            return _Choice(boosted, Reason.BOOST)
        head = room.owner(first.owner).oldest()
        is_here = head.request.model in gpu.resident
        since_s = room.passed_over_s.get(head.id)
        patience_s = self._policy.staleness * self.speeds.switch_s(head.request, gpu)
        if not is_here and since_s is not None and now_s - since_s >= patience_s:
            return _Choice(head, Reason.OVERDUE)
        here = [best for model in gpu.resident if (best := room.ranking(model).best(limit_ms)) is not None]
        if here:
            best = min(here, key=lambda turn: (not room.is_interactive(turn), turn))
            job = room.owner(best.owner).oldest(gpu.resident)
        else:
            # Later in the window an interactive owner's model would be loaded for one call, which takes them out of it.
            middle_ms = (first.virtual_time_ms + limit_ms) / 2
            job = room.owner((room.ranking().best(middle_ms) or first).owner).oldest()
        if job is head:
            return _Choice(head, Reason.SHARE)
        is_put_off = not is_here and since_s is None
        reason = Reason.RESIDENT if here and not is_here else Reason.SHORT
        return _Choice(job, reason, head if is_put_off else None)

    def _seated(self, job: Job, card: str) -> dict[int, Seat]:
        """Give the pictures of a job that repeat one call of the past, with their seats in it, if it fits the card."""
        most = self.speeds.fitting(job.request, card)
        seats = {index: job.seats[index] for index in job.missing if index in job.seats and job.seats[index].of <= most}
        of = next(iter(seats.values())).of if seats else 0
        chosen: dict[int, Seat] = {}
        for index, seat in seats.items():
            if seat.of == of and seat not in chosen.values():
                chosen[index] = seat
        return chosen

    def _filled(self, job: Job, limit_ms: float, card: str) -> list[Job]:
        """Fill a call: with pictures of the job, then with those of others that can share it and may."""
        most = self.speeds.most_at_once(job.request, card)
        while most > 1 and self.speeds.run_s(job.request, most, card) > self._policy.longest_dispatch_s:
            most -= 1
        parts = [replace(job, missing=job.missing[:most])]
        room = most - len(parts[0].missing)
        if not self.speeds.pays(job.request, card):
            return parts
        for turn in self._room.ranking(job.request.model).within(limit_ms):
            for other in self._room.owner(turn.owner).lines.get(key_of(job), ()):
                if not room:
                    return parts
                if other is not job:
                    parts.append(replace(other, missing=other.missing[:room]))
                    room -= len(parts[-1].missing)
        return parts

    def _depart(self, parts: Sequence[Job], size: int, reason: Reason, gpu: Gpu, now_s: float) -> None:
        """Take what a call makes out of the waiting room, and expect its owners to be charged."""
        asked = parts[0].request
        seconds = self.speeds.run_s(asked, size, gpu.card)
        pictures = sum(len(part.missing) for part in parts)
        shares = tuple(len(part.missing) / pictures for part in parts)
        charges = []
        for part, share in zip(parts, shares, strict=True):
            self._leave(part)
            charges.append(self._room.owner(part.owner).depart(seconds * share))
            self._room.note(part.owner)
        self._dispatches += 1
        self._in_flight[self._dispatches] = Flight(
            jobs=tuple(parts),
            parts=shares,
            charges_ms=tuple(charges),
            size=size,
            gpu=gpu.number,
            card=gpu.card,
            reason=reason,
            started_s=now_s,
            seconds=seconds,
            load_s=self.speeds.switch_s(asked, gpu),
        )

    def _leave(self, part: Job) -> None:
        """Take a part of a job out of the waiting room; the rest goes on waiting in its place."""
        whole = self._room.get(part.id)
        assert whole is not None
        if left := tuple(index for index in whole.missing if index not in part.missing):
            self._room.replace(whole, replace(whole, missing=left))
        else:
            self._room.take(whole)

    def _whole(self, part: Job) -> Job:
        """Take the rest of a job out of the waiting room, and give it with the part that came back."""
        if (rest := self._room.get(part.id)) is None:
            return part
        self._room.take(rest)
        return replace(rest, missing=tuple(sorted(part.missing + rest.missing)))

    def _land(self, dispatch_id: int) -> Flight:
        flight = self._in_flight.pop(dispatch_id)
        for job, charge in zip(flight.jobs, flight.charges_ms, strict=True):
            self._room.owner(job.owner).land(charge)
            self._room.note(job.owner)
        return flight


def _rows(parts: Sequence[Job]) -> list[tuple[int, ...]]:
    """Lay out the pictures of a call, one row each."""
    rows = count()
    return [tuple(next(rows) for _ in part.missing) for part in parts]
