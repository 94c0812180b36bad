"""What happens when a policy serves a world, in virtual time?"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from generation.job import Dispatch, Gpu, Job
from tests.simulator.policy import QueuePolicy
from tests.simulator.records import Moment, Part, Probe, Record, Run, Story
from tests.simulator.referee import check
from tests.simulator.worlds import World


class _Kind(IntEnum):
    """What can happen at one time, in this order."""

    END = 0
    PATIENCE = 1
    ASK = 2
    PROBE = 3


@dataclass(slots=True)
class _Card:
    """A GPU with its models, the least recently used first, and the number of the run that it works on."""

    number: int
    models: list[str] = field(default_factory=list)
    run: int | None = None
    dispatch: Dispatch | None = None

    @property
    def gpu(self) -> Gpu:
        return Gpu(number=self.number, resident=frozenset(self.models))

    def fetch(self, model: str, slots: int) -> bool:
        """Have a model loaded, in place of the one that was not used for longest; False if it was there."""
        was_there = model in self.models
        if was_there:
            self.models.remove(model)
        self.models = [*self.models[max(0, len(self.models) - slots + 1) :], model]
        return not was_there


class Player:
    """One play. `probes_s` are times at which somebody who waits wants to know when their job starts."""

    def __init__(self, world: World, policy: QueuePolicy, *, probes_s: Iterable[float] = ()) -> None:
        self.world = world
        self.policy = policy
        self.cards = [_Card(number) for number in range(world.gpus)]
        self.now_s = 0.0
        self.stories: dict[int, Story] = {}  # by job
        self._runs: list[Run] = []
        self._moments: list[Moment] = []
        self._probes: list[Probe] = []
        self._idle_s: list[float] = []
        self._waiting = 0  # jobs
        self._under_way: dict[str, set[int]] = defaultdict(set)  # jobs by owner
        self._followers: dict[int, list[int]] = defaultdict(list)
        self._noise, self._dice = random.Random(f"noise {world.seed}"), random.Random(f"dice {world.seed}")
        self._heap: list[tuple[float, _Kind, int]] = [(at_s, _Kind.PROBE, 0) for at_s in probes_s]
        for number, ask in enumerate(world.asks):
            if ask.follows is None:
                self._heap.append((ask.at_s, _Kind.ASK, number))
            else:
                self._followers[ask.follows].append(number)
        heapq.heapify(self._heap)
        for owner in world.owners:
            policy.set_weight(owner, world.weight(owner))

    def play(self) -> Record:
        """Let time jump from event to event until nothing is left."""
        while self.step():
            pass
        return self.record()

    def step(self) -> bool:
        """Let all happen that happens next at one time, and give idle GPUs something to do; False if it is over."""
        if not self._heap:
            return False
        self.now_s = self._heap[0][0]
        probes = 0
        while self._heap and self._heap[0][0] == self.now_s:
            _, kind, number = heapq.heappop(self._heap)
            match kind:
                case _Kind.END:
                    self._end(number)
                case _Kind.PATIENCE:
                    self._give_up(self.stories[number])
                case _Kind.ASK:
                    self._ask(number)
                case _Kind.PROBE:
                    probes += 1
        self._begin_all()
        for _ in range(probes):
            self._probe()
        return True

    def record(self) -> Record:
        """Give what happened so far."""
        return Record(
            world=self.world,
            stories=list(self.stories.values()),
            runs=self._runs,
            moments=self._moments,
            probes=self._probes,
            idle_s=self._idle_s,
        )

    def _ask(self, number: int) -> None:
        ask = self.world.asks[number]
        job = Job(
            id=len(self.stories) + 1,
            owner=ask.owner,
            request=ask.request,
            missing=tuple(range(ask.request.images)),
            expected_s=self.world.guess(ask.request).picture_s,
        )
        is_first = not self._under_way[ask.owner]
        self.stories[job.id] = Story(job, number, self.now_s, is_first, set(job.missing))
        self._under_way[ask.owner].add(job.id)
        self._note(Moment(self.now_s, waiting={ask.owner: 1}))
        self.policy.add(job)
        if ask.patience_s is not None:
            heapq.heappush(self._heap, (self.now_s + ask.patience_s, _Kind.PATIENCE, job.id))

    def _give_up(self, story: Story) -> None:
        if not story.is_under_way:
            return
        story.is_given_up = True
        self.policy.cancel(story.job.id)
        if story.waiting:
            story.waiting.clear()
            self._note(Moment(self.now_s, waiting={story.job.owner: -1}))
        for card in self.cards:
            if card.dispatch is not None and all(
                self.stories[share.job_id].is_given_up for share in card.dispatch.shares
            ):
                self._break_off(card)
        self._close(story)

    def _break_off(self, card: _Card) -> None:
        """End a call of which nobody wants anything any more, at once or as soon as its model is loaded."""
        assert card.run is not None
        run = self._runs[card.run]
        run.seconds = min(run.seconds, max(0.0, self.now_s - run.starts_s - run.load_s))
        run.is_whole = False
        heapq.heappush(self._heap, (max(self.now_s, run.ends_s), _Kind.END, card.run))

    def _begin_all(self) -> None:
        for card in self.cards:
            if card.run is not None:
                continue
            dispatch = self.policy.select(card.gpu, now_s=self.now_s)
            if dispatch is not None:
                self._begin(card, dispatch)
            elif self._waiting:
                self._idle_s.append(self.now_s)

    def _begin(self, card: _Card, dispatch: Dispatch) -> None:
        check(dispatch, self.stories, self.world)
        asked, model = dispatch.shares[0].request, self.world.models[dispatch.model]
        load_s = model.load_s if card.fetch(model.name, self.world.slots) else 0.0
        run = Run(
            gpu=card.number,
            model=model.name,
            parts=tuple(self._depart(share.job_id, share.indexes, load_s) for share in dispatch.shares),
            starts_s=self.now_s,
            load_s=load_s,
            seconds=self.world.measured_s(asked, dispatch.size, self._noise.gauss(0.0, 1.0)),
            told_s=self.world.guess(asked).run_s(dispatch.size),
            true_s=self.world.call_s(asked, dispatch.size),
        )
        card.run, card.dispatch = len(self._runs), dispatch
        self._runs.append(run)
        emptied = Counter(part.owner for part in run.parts if not self._story(part).waiting)
        self._note(Moment(self.now_s, waiting={owner: -jobs for owner, jobs in emptied.items()}))
        heapq.heappush(self._heap, (run.ends_s, _Kind.END, card.run))

    def _depart(self, job_id: int, indexes: tuple[int, ...], load_s: float) -> Part:
        story = self.stories[job_id]
        story.waiting -= set(indexes)
        story.flights += 1
        if story.begun_s is None:
            story.begun_s, story.seen_s = self.now_s, self.now_s + load_s
        return Part(job_id, story.ask, story.job.owner, indexes)

    def _end(self, number: int) -> None:
        card = next((card for card in self.cards if card.run == number), None)
        if card is None or self._runs[number].ends_s > self.now_s:
            return  # it was broken off before, or is a moment too early by rounding
        run, dispatch = self._runs[number], card.dispatch
        assert dispatch is not None
        card.run = card.dispatch = None
        served_s: Counter[str] = Counter()
        for part in run.parts:
            served_s[part.owner] += run.seconds * len(part.indexes) / run.pictures
        self._note(Moment(self.now_s, served_s=served_s))
        self.policy.complete(dispatch.id, run.seconds, is_whole=run.is_whole)
        for part in run.parts:
            story = self._story(part)
            story.flights -= 1
            story.made += len(part.indexes) if run.is_whole else 0
            self._close(story)

    def _close(self, story: Story) -> None:
        """Let a job end of which nothing is under way, and those be asked for that follow it."""
        if story.is_under_way:
            return
        story.ended_s = self.now_s
        self._under_way[story.job.owner].discard(story.job.id)
        for number in self._followers[story.ask]:
            heapq.heappush(self._heap, (self.now_s + self.world.asks[number].at_s, _Kind.ASK, number))

    def _probe(self) -> None:
        """Let somebody ask, everybody who waits with the same probability, for a job of theirs that was not begun."""
        waiting = defaultdict(list)
        for owner, jobs in sorted(self._under_way.items()):
            for job_id in sorted(jobs):
                if self.stories[job_id].begun_s is None:
                    waiting[owner].append(self.stories[job_id])
        if not waiting:
            return
        story = self._dice.choice(waiting[self._dice.choice(list(waiting))])
        outlook = self.policy.snapshot_eta([card.gpu for card in self.cards], now_s=self.now_s)
        told = outlook.forecasts.get(story.job.id)
        self._probes.append(Probe(self.now_s, story, None if told is None else told.seconds))

    def _note(self, moment: Moment) -> None:
        self._moments.append(moment)
        self._waiting += sum(moment.waiting.values())

    def _story(self, part: Part) -> Story:
        return self.stories[part.job_id]
