"""How is told, in a few narrow lines, what another policy would have meant for those who waited?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.policies import PARAMETERS, value_of, written
from bot.trials import Comparison, Course, Row, Variant, Waits

LONGEST_REPORT = 1800  # characters: a message holds 2,000 on the tightest platform, which may add some of its own
MOST_MEMBERS = 20
MOST_ROLES = 5
FEW_JOBS = 50
HEADING = (
    "How long jobs waited for their start: half of them at most the first time, nine of ten at most the second, "
    "in force → tried. The worst change comes first."
)
CAVEAT = (
    "Jobs that were deleted or took no GPU time are left out, and nobody knows how people would have behaved then. "
    "Nothing was changed{how}."
)


def report(found: Comparison, in_force: Variant, tried: Variant, *, is_cut_off: bool = False) -> str:
    """Tell two replays side by side; `is_cut_off` if there were more jobs in those days than were played."""
    head = [
        *_what(found, in_force, tried, is_cut_off=is_cut_off),
        "",
        *_overall(found.before, found.after),
        "",
        HEADING,
    ]
    foot = ["", CAVEAT.format(how=_how(in_force, tried))]
    lines = [*head, *_rows("Roles", found.roles, MOST_ROLES, LONGEST_REPORT)]
    room = LONGEST_REPORT - sum(len(line) + 1 for line in (*lines, *foot))
    return "\n".join([*lines, *_rows("Members", found.members, MOST_MEMBERS, room), *foot])


def _what(found: Comparison, in_force: Variant, tried: Variant, *, is_cut_off: bool) -> Iterator[str]:
    jobs = f"{'the newest ' if is_cut_off else ''}{_count(found.jobs, 'job')} of {_days(found.first_s, found.last_s)}"
    what = f"{_count(found.pictures, 'picture')}, {_count(len(found.members), 'member')}"
    yield f"Played again: {jobs} ({what})."
    if found.jobs < FEW_JOBS:
        yield f"That is little to go by: fewer than {FEW_JOBS} jobs say hardly anything about waits."
    yield f"In force: {written(in_force.policy)}, {_count(len(in_force.cards), 'card')}."
    yield f"Tried: {', '.join(_differences(in_force, tried))}."


def _differences(in_force: Variant, tried: Variant) -> Iterator[str]:
    if other := _others(in_force, tried):
        yield other
    if tried.quota is not None:
        yield f"at most {_count(tried.quota, 'picture')} a day for each"
    if len(tried.cards) != len(in_force.cards):
        yield _count(len(tried.cards), "card")


def _how(in_force: Variant, tried: Variant) -> str:
    other = _others(in_force, tried)
    return f": /admin policy set {other} would do that" if other else ""


def _others(in_force: Variant, tried: Variant) -> str:
    """Write the parameters that differ, as they are typed."""
    one, other = in_force.policy, tried.policy
    return written(other, [each for each in PARAMETERS if value_of(other, each) != value_of(one, each)])


def _overall(before: Course, after: Course) -> Iterator[str]:
    yield f"Models loaded: {_change(f'{before.loads:,}', f'{after.loads:,}', ' times')}"
    yield f"Cards at work: {_change(_span(before.busy_s), _span(after.busy_s))}"
    yield f"Longest wait: {_change(_span(before.longest_wait_s), _span(after.longest_wait_s))}"
    if after.refused:
        yield f"Refused by the quota: {_count(after.refused, 'job')}"


def _rows(title: str, rows: Sequence[Row], most: int, room: int) -> list[str]:
    """Give as many rows as there is room for, and say how many are left out."""
    if not rows:
        return []
    lines = ["", f"{title}:"]
    room -= len(title) + len(f"and {len(rows):,} more") + 4
    for number, row in enumerate(rows[:most]):
        told = [f"{row.key} · {_count(row.pictures, 'picture')}", _change(_waits(row.before), _waits(row.after))]
        room -= sum(len(line) + 1 for line in told)
        if room < 0:
            return [*lines, f"and {len(rows) - number:,} more"]
        lines += told
    return lines if len(rows) <= most else [*lines, f"and {len(rows) - most:,} more"]


def _waits(waits: Waits) -> str:
    refused = f"{waits.refused:,} refused" if waits.refused else ""
    spans = f"{_span(waits.median_s)} / {_span(waits.p90_s)}" if waits.started else ""
    return ", ".join(part for part in (spans, refused) if part)


def _change(before: str, after: str, unit: str = "") -> str:
    return f"{before}{unit}, unchanged" if before == after else f"{before} → {after}{unit}"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _days(first_s: float, last_s: float) -> str:
    first, last = (datetime.fromtimestamp(seconds, UTC) for seconds in (first_s, last_s))
    until = f"{last.day} {last:%B}"
    if first.date() == last.date():
        return until
    return f"{first.day} to {until}" if first.month == last.month else f"{first.day} {first:%B} to {until}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
