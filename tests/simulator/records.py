"""What is recorded of a play, for the gates to judge?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from generation.job import Job
from tests.simulator.worlds import World


@dataclass(slots=True)
class Story:
    """What became of a job. `ask` is the number of what was asked; times that never came are None.

    `waiting` are its pictures that wait, `flights` counts the calls under way that make some of it. A job is first in
    line if its owner had nothing else under way when it came. `begun_s` is when its first call was chosen, `seen_s`
    when that call's model was loaded.
    """

    job: Job
    ask: int
    asked_s: float
    is_first_in_line: bool
    waiting: set[int]
    flights: int = 0
    made: int = 0
    begun_s: float | None = None
    seen_s: float | None = None
    ended_s: float | None = None
    is_given_up: bool = False

    @property
    def is_under_way(self) -> bool:
        """Tell whether some of it waits or is being made."""
        return bool(self.waiting) or self.flights > 0


@dataclass(frozen=True, slots=True)
class Part:
    """The pictures of one job in a call."""

    job_id: int
    ask: int
    owner: str
    indexes: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Run:
    """A call. `seconds` is what was measured, `load_s` what the model switch before it took, 0 if there was none.

    `told_s` and `true_s` are what the catalogue says of such a call and what it takes without noise.
    """

    gpu: int
    model: str
    parts: tuple[Part, ...]
    starts_s: float
    load_s: float
    seconds: float
    told_s: float
    true_s: float
    is_whole: bool = True

    @property
    def pictures(self) -> int:
        """Count its pictures."""
        return sum(len(part.indexes) for part in self.parts)

    @property
    def ends_s(self) -> float:
        """Tell when its GPU was free again."""
        return self.starts_s + self.load_s + self.seconds


@dataclass(frozen=True, slots=True)
class Moment:
    """A change at a time: the GPU-seconds that owners got of what ended, and how many more of their jobs wait."""

    at_s: float
    served_s: Mapping[str, float] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """What somebody was told who asked when a waiting job starts, None if the forecast did not reach that far."""

    at_s: float
    story: Story
    foretold_s: float | None

    @property
    def waited_s(self) -> float:
        """Tell how long it took from then on; the job must have been begun."""
        assert self.story.begun_s is not None
        return self.story.begun_s - self.at_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A whole play. `idle_s` are the times at which a policy left a GPU idle although something waited."""

    world: World
    stories: Sequence[Story]
    runs: Sequence[Run]
    moments: Sequence[Moment]
    probes: Sequence[Probe]
    idle_s: Sequence[float]

    @property
    def schedule(self) -> list[tuple[float, tuple[tuple[int, tuple[int, ...]], ...]]]:
        """Give who was served when: the start of each call, and its parts as (ask, pictures)."""
        return [(run.starts_s, tuple((part.ask, part.indexes) for part in run.parts)) for run in self.runs]

    @property
    def order(self) -> list[tuple[tuple[int, tuple[int, ...]], ...]]:
        """Give the same without the times."""
        return [parts for _, parts in self.schedule]

    @property
    def longest_call_s(self) -> float:
        """Tell what the longest call took, loading aside: C in the bounds."""
        return max((run.seconds for run in self.runs), default=0.0)

    @property
    def loading_s(self) -> float:
        """Tell for how long models were loaded."""
        return sum(run.load_s for run in self.runs)

    @property
    def busy_s(self) -> float:
        """Tell for how long GPUs worked, loading included."""
        return sum(run.load_s + run.seconds for run in self.runs)
