"""When does a waiting job start, as far as it can be told at once?"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from generation import FARTHEST_FORECAST, Service

LIKE_S, LIKE_SHARE = 10.0, 0.2  # a change up to which nobody's message is edited
WIDE, WIDE_S = 2.0, 30.0  # so many times the likely wait, and so much more, the longest one is a lottery
SOON_S = 5.0
LONGEST_LINE = 20  # places that are listed, and as many of one's own behind them
MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a waiting job stands: `runs_before` runs go first, None while nobody has counted them.

    It starts in about `likely_s` seconds, and seldom later than in `latest_s`. With `is_beyond`, it stands behind all
    runs that were counted: more go first, and it takes longer.
    """

    runs_before: int | None
    likely_s: float
    latest_s: float
    is_beyond: bool = False

    @property
    def is_wide(self) -> bool:
        """Tell whether its start depends on who else comes."""
        is_far = self.latest_s > max(WIDE * self.likely_s, self.likely_s + WIDE_S)
        return bool(self.runs_before) and (self.is_beyond or is_far)

    def is_like(self, other: Turn) -> bool:
        """Tell whether what is said of this one still holds of the other, give or take a little."""
        spans = ((self.likely_s, other.likely_s), (self.latest_s, other.latest_s))
        return (self.runs_before, self.is_beyond) == (other.runs_before, other.is_beyond) and all(
            abs(before - now) <= max(LIKE_S, LIKE_SHARE * before) for before, now in spans
        )


def foretell(service: Service, job_id: int) -> Turn | None:
    """Say how a job stands by the latest dry run, or roughly if that does not know it; None if it does not wait."""
    prospect = service.prospect(job_id)
    if prospect is None:
        return None
    runs_before, status, known = prospect.runs_before, service.status(), service.outlook().runs
    if runs_before is None and status.waiting == 1 and not status.running:
        runs_before = 0
    if runs_before is None and len(known) >= FARTHEST_FORECAST and prospect.p50_s >= known[-1].starts_s:
        return Turn(runs_before=len(known), likely_s=prospect.p50_s, latest_s=prospect.p90_s, is_beyond=True)
    return Turn(runs_before=runs_before, likely_s=prospect.p50_s, latest_s=prospect.p90_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """A job that waits, at its place from 1, or None while nobody has counted so far."""

    job_id: int
    place: int | None
    turn: Turn


def line_up(service: Service, own: Collection[int]) -> list[InLine]:
    """Give the first places of those who wait, soonest first, and behind them the first of one's own jobs.

    Of these, the ones that the latest dry run does not know come last.
    """
    counted = [job_id for job_id in service.outlook().forecasts if service.waits(job_id)]
    places = {job_id: place for place, job_id in enumerate(counted, start=1)}
    behind = [job_id for job_id in counted[LONGEST_LINE:] if job_id in own]
    uncounted = sorted(set(own).difference(places))
    listed = (*counted[:LONGEST_LINE], *(behind + uncounted)[:LONGEST_LINE])
    turns = {job_id: foretell(service, job_id) for job_id in listed}
    return [
        InLine(job_id=job_id, place=places.get(job_id), turn=turn) for job_id, turn in turns.items() if turn is not None
    ]


def about(seconds: float) -> str:
    """Say a time span roughly, such as "about 40 s"."""
    return "a few seconds" if seconds < SOON_S else "about {} {}".format(*_rounded(seconds, round))


def between(likely_s: float, latest_s: float) -> str:
    """Say a range roughly, such as "40 to 70 s"; its end is rounded up, since it is a promise."""
    if latest_s <= SOON_S:
        return "a few seconds"
    latest, unit = _rounded(latest_s, math.ceil)
    if likely_s < SOON_S:
        return f"at most {latest} {unit}"
    likely, its_unit = _rounded(likely_s, round)
    if (likely, its_unit) == (latest, unit):
        return f"about {latest} {unit}"
    return f"{likely} to {latest} {unit}" if unit == its_unit else f"{likely} {its_unit} to {latest} {unit}"


def _rounded(seconds: float, to_whole: Callable[[float], int]) -> tuple[str, str]:
    """Round to what people would say: tens of seconds, minutes, five minutes, half hours."""
    if seconds < 95:
        return f"{max(10, 10 * to_whole(seconds / 10))}", "s"
    if seconds < 20 * MINUTE_S:
        return f"{to_whole(seconds / MINUTE_S)}", "min"
    if seconds < 90 * MINUTE_S:
        return f"{5 * to_whole(seconds / (5 * MINUTE_S))}", "min"
    return f"{to_whole(2 * seconds / HOUR_S) / 2:g}", "h"
