"""How do tests of the fair queue play days in a moment: one simulated card, and a script of what people do?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from generation.job import Dispatch, Gpu, Job
from generation.queue.fair_queue import FairQueue
from generation.queue.policy import Policy
from generation.queue.speeds import Guess, Speeds
from generation.request import ImagineRequest
from tests.generation.studio import request

LONGEST_DISPATCH_S = 20.0
OWNERS = ("ann", "bob", "cem", "dee")
MODELS = ("flat", "flatter")
LOAD_S = 6.0
PLAIN = Policy(window_s=0, interactive_s=0, longest_dispatch_s=LONGEST_DISPATCH_S)
WINDOWED = Policy(window_s=30, interactive_s=10, longest_dispatch_s=LONGEST_DISPATCH_S)


def guess(asked: ImagineRequest, card: str = "", *, fixed_share: float = 0.0) -> Guess:  # noqa: ARG001 - one card
    """Let a picture take a second a step."""
    picture_s = float(asked.num_inference_steps)
    return Guess(picture_s=picture_s, load_s=LOAD_S, most_at_once=4, fixed_share=fixed_share)


def thrifty(asked: ImagineRequest, card: str = "") -> Guess:
    """Let two pictures at once take little longer than one, so that calls for several people pay."""
    return guess(asked, card, fixed_share=0.7)


@dataclass(frozen=True)
class Ask:
    """Somebody asks for pictures, each estimated to take some seconds, which take so many times that in truth."""

    owner: str
    images: int = 1
    seconds: int = 5
    truth: float = 1.0
    model: str = "flat"


@dataclass(frozen=True)
class GiveUp:
    """Somebody gives up a job that waits; `which` picks one."""

    which: int


@dataclass(frozen=True)
class Begin:
    """The card takes up the next dispatch, unless it has one."""


@dataclass(frozen=True)
class Finish:
    """The card is done with its dispatch, by chance so many times slower."""

    factor: float = 1.0


@dataclass(frozen=True)
class BreakDown:
    """The card's worker dies under its dispatch."""


Deed = Ask | GiveUp | Begin | Finish | BreakDown


def scripts(*models: str) -> st.SearchStrategy[list[Deed]]:
    """Draw what four people and a card may do, in bursts: else nobody would ever keep waiting."""
    factors = st.floats(0.1, 4.0)
    choice = st.sampled_from(models or MODELS[:1])
    asks = st.builds(Ask, st.sampled_from(OWNERS), st.integers(1, 4), st.integers(1, 12), factors, choice)
    bursts = st.builds(lambda ask, count: [ask] * count, asks, st.integers(1, 30))
    runs = st.builds(lambda count: [Begin(), Finish()] * count, st.integers(1, 40))
    single = st.one_of(
        st.builds(GiveUp, st.integers(0, 99)), st.just(Begin()), st.builds(Finish, factors), st.just(BreakDown())
    )
    phases = st.one_of(bursts, runs, single.map(lambda deed: [deed]))
    return st.lists(phases, max_size=20).map(lambda drawn: [deed for phase in drawn for deed in phase])


@dataclass
class OneCard:
    """A fair queue and one card for one model, with a record of who was served what, and when somebody waited.

    Unless it `learns`, estimates stay what they were guessed to be.
    """

    policy: Policy = PLAIN
    guess: Callable[[ImagineRequest, str], Guess] = guess
    learns: bool = False
    jobs: dict[int, Job] = field(default_factory=dict)  # as far as not made or given up
    schedule: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    calls: list[Dispatch] = field(default_factory=list)
    served_s: dict[str, float] = field(default_factory=dict)
    longest_s: float = 0.0
    moments: list[tuple[frozenset[str], dict[str, float]]] = field(default_factory=list)
    dispatch: Dispatch | None = None
    resident: frozenset[str] = frozenset(MODELS[:1])
    now_s: float = 0.0
    asked: int = 0

    def __post_init__(self) -> None:
        self.queue = FairQueue(Speeds(self.guess), self.policy)

    def play(self, script: Iterable[Deed]) -> OneCard:
        """Do what the script says; what is impossible just now is left out."""
        for deed in script:
            self.do(deed)
        return self

    def do(self, deed: Deed) -> None:
        """Do one deed, then look who waits and what everyone was served so far."""
        match deed:
            case Ask():
                self._ask(deed)
            case GiveUp():
                if waiting := [job_id for job_id in self.jobs if self.queue.waits(job_id) and not self.is_made(job_id)]:
                    self.queue.cancel(waiting[deed.which % len(waiting)])
                    del self.jobs[waiting[deed.which % len(waiting)]]
            case Begin():
                self._begin()
            case Finish() if self.dispatch is not None:
                self._finish(self.dispatch, deed.factor)
            case BreakDown() if self.dispatch is not None:
                for job in self.queue.fail(self.dispatch.id):
                    self.queue.put_back(job)
                self.dispatch = None
            case _:
                pass
        self.moments.append((self.waiting(), dict(self.served_s)))

    def drain(self, *, factor: float = 1.0) -> OneCard:
        """Let the card finish all that is left."""
        while self.dispatch is not None or self.queue.waiting_count():
            self.do(Finish(factor))
            self.do(Begin())
        return self

    def is_made(self, job_id: int) -> bool:
        """Tell whether some of a job is in the card's hands."""
        return self.dispatch is not None and any(share.job_id == job_id for share in self.dispatch.shares)

    def waiting(self) -> frozenset[str]:
        """Give the owners of whom something waits."""
        return frozenset(job.owner for job in self.jobs.values() if self.queue.waits(job.id))

    def restarted(self) -> OneCard:
        """Give what a restart makes of this: the accounts and the unfinished jobs as they are kept, no more."""
        again = OneCard(self.policy, self.guess, jobs=dict(self.jobs), asked=self.asked, schedule=list(self.schedule))
        for owner in sorted({job.owner for job in self.jobs.values()} | self.served_s.keys()):
            again.queue.restore(owner, self.queue.virtual_time_ms(owner))
        for job in self.jobs.values():
            again.queue.put_back(job)
        return again

    @property
    def gpu(self) -> Gpu:
        """The card as the queue sees it."""
        return Gpu(resident=self.resident)

    def _ask(self, deed: Ask) -> None:
        self.asked += 1
        asked = replace(request(model=deed.model, images=deed.images, steps=deed.seconds), guidance_scale=deed.truth)
        missing = tuple(range(deed.images))
        job = Job(id=self.asked, owner=deed.owner, request=asked, missing=missing, expected_s=float(deed.seconds))
        self.jobs[job.id] = job
        self.queue.add(job)

    def _begin(self) -> None:
        if self.dispatch is None:
            waits = self.queue.waiting_count() > 0
            self.dispatch = self.queue.select(self.gpu, now_s=self.now_s)
            assert (self.dispatch is not None) is waits, "the card idles only when nobody waits"
            if self.dispatch is not None:
                self.calls.append(self.dispatch)
                self.schedule.extend((share.job_id, share.indexes) for share in self.dispatch.shares)

    def _finish(self, dispatch: Dispatch, factor: float) -> None:
        first = dispatch.shares[0].request
        seconds = self.guess(first, "").run_s(dispatch.size) * first.guidance_scale * factor
        self.now_s += seconds + (0.0 if dispatch.model in self.resident else LOAD_S)
        self.resident = frozenset((dispatch.model,))
        self.longest_s = max(self.longest_s, seconds)
        self.queue.complete(dispatch.id, seconds, is_whole=self.learns)
        for share in dispatch.shares:
            job = self.jobs[share.job_id]
            left = tuple(index for index in job.missing if index not in share.indexes)
            self.jobs[job.id] = replace(job, missing=left)
            if not left:
                del self.jobs[job.id]
            part_s = seconds * len(share.indexes) / dispatch.size
            self.served_s[job.owner] = self.served_s.get(job.owner, 0.0) + part_s
        self.dispatch = None
