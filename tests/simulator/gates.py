"""Which promises must a policy keep, and how is each one judged?

A gate looks at plays of many worlds and gives a verdict. Its limits are proven bounds, or what other policies reach in
the same worlds: never absolute times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from generation.queue.calibration import Calibration
from tests.simulator.bounds import Declared, droughts, gaps, least_busy_s
from tests.simulator.records import Probe, Record

ROUNDING = 1e-9  # of the sums of floating-point seconds, as a share


def p90(values: Sequence[float]) -> float:
    """Give what nine of ten do not exceed."""
    return float(np.percentile(values, 90))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate found: a value a world, what they are judged by, and the most or least that this may be."""

    gate: int
    what: str
    values: Sequence[float]
    by: Callable[[Sequence[float]], float]
    most: float | None = None
    least: float | None = None

    @property
    def judged(self) -> float:
        """Give the one value that counts."""
        return self.by(self.values)

    @property
    def holds(self) -> bool:
        """Tell whether the policy passes."""
        return (self.most is None or self.judged <= self.most * (1 + ROUNDING)) and (
            self.least is None or self.judged >= self.least * (1 - ROUNDING)
        )

    def __str__(self) -> str:
        """Write it as a line of a report."""
        limit = f"at most {self.most:g}" if self.least is None else f"at least {self.least:g}"
        if len(self.values) == 1:
            return f"gate {self.gate}, {self.what}: {self.judged:.3f} in one world; {limit}"
        spread = " / ".join(f"{value:.2f}" for value in (min(self.values), median(self.values), max(self.values)))
        judged = f"{self.by.__name__} {self.judged:.3f}; {limit}"
        return f"gate {self.gate}, {self.what}: {spread} (least, median, most of {len(self.values)} worlds), {judged}"


def fairness(records: Iterable[Record], declared: Declared) -> Verdict:
    """Gate 1: two who both keep waiting differ by at most 2 (W + C), with G GPUs by 2 (W + G C)."""
    values = [max(gap.ratio for gap in gaps(record, declared)) for record in records]
    return Verdict(gate=1, what="gap / 2 (W + G C)", values=values, by=max, most=1.0)


def shortness(records: Iterable[Record], declared: Declared) -> Verdict:
    """Gate 1: C is at most H, or one picture; judged where it can be known beforehand how long a call will take."""
    values = [
        record.longest_call_s / max(declared.longest_call_s, _longest_picture_s(record))
        for record in records
        if record.world.is_exact
    ]
    return Verdict(gate=1, what="C / max(H, one picture)", values=values, by=max, most=1.0)


def _longest_picture_s(record: Record) -> float:
    return max(record.world.call_s(ask.request, 1) for ask in record.world.asks)


def completeness(records: Iterable[Record]) -> Verdict:
    """Gate 2: all that was asked for is made, once, or was given up."""
    values = [float(sum(_is_lost(record, number) for number in range(len(record.stories)))) for record in records]
    return Verdict(gate=2, what="jobs lost", values=values, by=max, most=0.0)


def _is_lost(record: Record, number: int) -> bool:
    story = record.stories[number]
    return story.ended_s is None or not (story.is_given_up or story.made == story.job.request.images)


def diligence(records: Iterable[Record]) -> Verdict:
    """Gate 2: no GPU idles while something waits."""
    values = [float(len(record.idle_s)) for record in records]
    return Verdict(gate=2, what="times idle while something waited", values=values, by=max, most=0.0)


def service(records: Iterable[Record], declared: Declared) -> Verdict:
    """Gate 2: whoever waits is served within 2 (n - 1) (W + C) + 5 S."""
    values = [max(drought.ratio for drought in droughts(record, declared)) for record in records]
    return Verdict(gate=2, what="unserved / (2 (n - 1) (W + G C) + 5 S)", values=values, by=max, most=1.0)


def throughput(records: Iterable[Record]) -> Verdict:
    """Gate 3: when saturated, at most 15 % is lost to who knows the future and thinks of nothing but throughput."""
    values = [least_busy_s(record.world) / record.busy_s for record in records]
    return Verdict(gate=3, what="throughput / clairvoyant grouping and batching", values=values, by=fmean, least=0.85)


def grouping(records: Iterable[Record], greedy: Iterable[Record], *, what: str = "greedy grouping") -> Verdict:
    """Gate 3: when saturated, hardly anything is lost to who stays with a model as long as anybody wants it."""
    values = [other.busy_s / record.busy_s for record, other in zip(records, greedy, strict=True)]
    return Verdict(gate=3, what=f"throughput / {what}", values=values, by=fmean, least=0.97)


def switching(records: Iterable[Record]) -> Verdict:
    """Gate 4: when saturated, at most 15 % of the time goes into loading models."""
    values = [record.loading_s / record.busy_s for record in records]
    return Verdict(gate=4, what="share of loading", values=values, by=fmean, most=0.15)


def promptness(records: Iterable[Record], fair: Iterable[Record]) -> Verdict:
    """Gate 5: who has nothing else under way waits hardly longer than under plain fair queueing with free switches.

    That is, 95 % of them wait at most seven of the longest switches longer, in nine of ten worlds.
    """
    values = [
        (first_in_line_s(record) - first_in_line_s(other)) / record.world.longest_load_s
        for record, other in zip(records, fair, strict=True)
    ]
    what = "p95 wait of the first in line, beyond free switches, in S"
    return Verdict(gate=5, what=what, values=values, by=p90, most=7)


def first_in_line_s(record: Record, share: float = 95) -> float:
    """Tell within which time that many hundredths of those got their first call who had nothing else under way."""
    first = [story for story in record.stories if story.is_first_in_line]
    waits = [story.seen_s - story.asked_s for story in first if story.seen_s is not None]
    return float(np.percentile(waits, share))


def foresight(records: Iterable[Record]) -> Verdict:
    """Gate 6: three of four who ask when their job starts are told so within a factor of two."""
    values = [fmean(_is_near(probe) for probe in _kept(record)) for record in records]
    return Verdict(gate=6, what="forecasts within a factor of two", values=values, by=fmean, least=0.75)


def honesty(records: Iterable[Record]) -> list[Verdict]:
    """Gate 6: what is promised to hold in nine of ten cases holds in 85 %, without being promised too widely."""
    promises = [_promises(_kept(record)) for record in records]
    kept = [fmean(is_kept for is_kept, _ in made) for made in promises]
    widths = [median(width for _, width in made) for made in promises]
    return [
        Verdict(gate=6, what="P90 promises kept", values=kept, by=fmean, least=0.85),
        Verdict(gate=6, what="P90 / P50", values=widths, by=median, most=3.5),
    ]


def _kept(record: Record) -> list[Probe]:
    """Give the probes that were told something, of jobs that were begun."""
    return [probe for probe in record.probes if probe.foretold_s is not None and probe.story.begun_s is not None]


def _is_near(probe: Probe) -> bool:
    assert probe.foretold_s is not None
    told_s, waited_s = probe.foretold_s, probe.waited_s
    return max(told_s, waited_s) <= 2 * min(told_s, waited_s)


def _promises(probes: Sequence[Probe]) -> list[tuple[bool, float]]:
    """Tell of each probe whether the promise was kept, and how wide it was; calibrated by what was known by then."""
    ended = sorted(probes, key=lambda probe: probe.at_s + probe.waited_s)
    promises = []
    for probe in probes:
        known = [(past.foretold_s, past.waited_s) for past in ended if past.at_s + past.waited_s < probe.at_s]
        told = Calibration(known).range(probe.foretold_s)
        promises.append((probe.waited_s <= told.p90_s, told.p90_s / max(told.p50_s, 1.0)))
    return promises
