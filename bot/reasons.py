"""Why does a job wait: what goes before it, in counts and rough seconds, with nobody's words or names?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bot.chat import View
from bot.turns import Turn, about
from bot.wording import OTHERS, standing
from generation import Outlook, PlannedRun, Reason
from storage import JobRecord

OWN = "own"
CAUSES = {
    OWN: "of {whose} own other jobs",
    Reason.BOOST: "that an admin has put first",
    Reason.OVERDUE: "whose model was kept waiting for long enough",
    Reason.SHARE: "of others who have used less GPU time, or as little and asked earlier",
    Reason.SHORT: "of others who ask for little and have used hardly more GPU time",
    Reason.RESIDENT: "whose model is loaded already{saving}",
}
NOT_COUNTED = "What goes before it is being counted: ask again in a few seconds."


def explain(job: JobRecord, turn: Turn, outlook: Outlook, obstacle: str, *, is_own: bool, cards: int) -> View:
    """List what goes before a waiting job by reason, and what its own start takes."""
    made = f" with {len(job.pictures)} of {job.images} pictures made" if job.pictures else ""
    state = f". {obstacle}" if obstacle else f", {standing(turn, 'it')}."
    first = f"Job {job.id} waits{made}{state}"
    place = next((place for place, run in enumerate(outlook.runs) if job.id in run.job_ids), None)
    if place is None and not turn.is_beyond:
        lines = [] if turn.runs_before == 0 else [NOT_COUNTED]
    else:
        own = None if place is None else outlook.runs[place]
        ahead = outlook.runs[:place]
        lines = [*_under_way(outlook), *_causes(job, ahead, own, is_own=is_own), *_switches(ahead)]
        lines += [f"{cards} cards share this work."] if cards > 1 and lines else []
        lines += [] if own is None else _start(own)
        lines += [OTHERS] if turn.is_wide and not obstacle else []
    return View(text="\n".join([first, *lines]), is_private=True)


def _under_way(outlook: Outlook) -> Iterator[str]:
    if outlook.under_way:
        left_s = min(run.seconds for run in outlook.under_way)
        first = "" if len(outlook.under_way) == 1 else "the first of them for "
        yield f"• {_runs(len(outlook.under_way))} being made now: {first}{about(left_s)} more"


def _causes(job: JobRecord, ahead: Sequence[PlannedRun], own: PlannedRun | None, *, is_own: bool) -> Iterator[str]:
    """Sum the runs up by why they go first."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in ahead:
        found[OWN if run.owners[0] == job.owner else run.reason].append(run.seconds)
    saving = f", which puts off a switch of {about(own.load_s)}" if own is not None and own.load_s else ""
    for cause, words in CAUSES.items():
        if seconds := found[cause]:
            why = words.format(whose="your" if is_own else "its owner's", saving=saving)
            yield f"• {_runs(len(seconds))} {why}: {about(sum(seconds))}"


def _switches(ahead: Sequence[PlannedRun]) -> Iterator[str]:
    loads = [run.load_s for run in ahead if run.load_s]
    if loads:
        yield f"• {len(loads)} model switch{'es' if len(loads) > 1 else ''} on the way: {about(sum(loads))}"


def _start(own: PlannedRun) -> Iterator[str]:
    if own.load_s:
        yield f"Its model, {own.model}, has to be loaded then: {about(own.load_s)}."
    if others := len(own.job_ids) - 1:
        yield f"It is made in one call with {others} other job{'s' if others > 1 else ''}, which saves time."


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
