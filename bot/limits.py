"""How much may somebody ask for, and what is said of what is too much?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from bot.chat import CommandError
from generation import ImagineRequest
from storage import Usage

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
UNTIL_CHANGED = "until an admin changes that"

Rules: TypeAlias = Mapping[str, Any]  # what was set for somebody, by the limit's name; None lifts it


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much somebody may ask for; None where nothing limits it.

    `day` counts the pictures of a day, which begins at midnight UTC, and `pending` the jobs that wait or run. With a
    `size`, no side is longer than its longer one, and no picture has more pixels. `models` are all that may be used.
    """

    day: int | None = None
    pending: int | None = None
    size: tuple[int, int] | None = None
    steps: int | None = None
    models: tuple[str, ...] | None = None

    def check(self, request: ImagineRequest, usage: Usage, now_s: float) -> None:
        """Let a request through; `usage` is what its owner has asked for before, of pictures on that day.

        Raises:
            CommandError: it is too much; the text names the limit, what was asked, and when that is possible again.
        """
        for complaint in self._complaints(request, usage, now_s):
            raise CommandError(complaint)

    def _complaints(self, request: ImagineRequest, usage: Usage, now_s: float) -> Iterator[str]:
        if self.models is not None and request.model not in self.models:
            yield f"You may use {_models(self.models)} here by --model, not {request.model}, {UNTIL_CHANGED}."
        if self.size is not None and _is_larger((request.width, request.height), self.size):
            asked = f"{request.width}x{request.height}"
            yield f"You may ask for pictures with {_size(self.size)} here by --size, not {asked}, {UNTIL_CHANGED}."
        if self.steps is not None and request.num_inference_steps > self.steps:
            most = _counted(self.steps, "step")
            yield f"You may ask for at most {most} here by --steps, not {request.num_inference_steps}, {UNTIL_CHANGED}."
        if self.pending is not None and usage.pending >= self.pending:
            yield _too_many_jobs(self.pending, usage.pending)
        if self.day is not None and usage.images + request.images > self.day:
            yield _too_many_pictures(self.day, usage.images, request.images, now_s)


NAMES = tuple(field.name for field in fields(Limits))


def day_began_s(now_s: float) -> int:
    """Give the last midnight UTC as Unix time."""
    return int(now_s // DAY_S) * DAY_S


def chosen(own: Sequence[Rules], roles: Sequence[Rules], server: Sequence[Rules], rest: Sequence[Rules]) -> Limits:
    """Give the limits that hold for somebody, each by itself.

    Their own go first; of several linked accounts, which are one person, the strictest counts. Then come their roles',
    of which the most generous counts, then the server's, and last the `rest`: what holds everywhere.
    """
    return Limits(**{name: _chosen(name, own, roles, server, rest) for name in NAMES})


def strictest(own: Sequence[Rules]) -> Rules:
    """Give what is set for a person's accounts together."""
    return {name: _strictest([rules[name] for rules in own if name in rules]) for name in NAMES if _has(name, own)}


def in_words(rules: Rules) -> str:
    """List what was set."""
    return "; ".join(_rule(name, rules[name]) for name in NAMES if name in rules)


def allowance(limits: Limits, usage: Usage, now_s: float) -> str:
    """Tell somebody their own limits and what they have used of them, a line for each."""
    day = "no limit" if limits.day is None else f"of {limits.day}, which begin anew at midnight UTC, {_rest(now_s)}"
    pending = "no limit" if limits.pending is None else f"of {limits.pending}"
    lines = [
        f"Pictures asked for today: {usage.images}{_joint(limits.day)}{day}",
        f"Jobs that wait or run: {usage.pending}{_joint(limits.pending)}{pending}",
    ]
    values = {name: getattr(limits, name) for name in ("size", "steps", "models")}
    lines += [_sentence(_rule(name, value)) for name, value in values.items() if value is not None]
    return "\n".join(lines)


def _chosen(name: str, own: Sequence[Rules], roles: Sequence[Rules], *others: Sequence[Rules]) -> Any:
    for group, choose in ((own, _strictest), (roles, _most_generous), *((other, _strictest) for other in others)):
        if values := [rules[name] for rules in group if name in rules]:
            return choose(values)
    return None


def _has(name: str, group: Sequence[Rules]) -> bool:
    return any(name in rules for rules in group)


def _strictest(values: Sequence[Any]) -> Any:
    limits = [value for value in values if value is not None]
    if not limits:
        return None
    if _are_models(limits):
        return tuple(model for model in limits[0] if all(model in models for models in limits))
    return min(limits, key=_extent)


def _most_generous(values: Sequence[Any]) -> Any:
    if None in values:
        return None
    if _are_models(values):
        return tuple(dict.fromkeys(model for models in values for model in models))
    return max(values, key=_extent)


def _are_models(values: Sequence[Any]) -> bool:
    return all(isinstance(value, tuple) and all(isinstance(part, str) for part in value) for value in values)


def _extent(value: int | tuple[int, int]) -> tuple[int, int]:
    """Order numbers by themselves, sizes by pixels."""
    return (value, 0) if isinstance(value, int) else (value[0] * value[1], max(value))


def _is_larger(size: tuple[int, int], limit: tuple[int, int]) -> bool:
    return max(size) > max(limit) or size[0] * size[1] > limit[0] * limit[1]


def _too_many_jobs(limit: int, pending: int) -> str:
    over = pending - limit + 1
    done = "it is done" if pending == 1 else f"{'one' if over == 1 else over} of them {_is_or_are(over)} done"
    return f"You may have {_counted(limit, 'job')} waiting or running here and have {pending}: ask again when {done}."


def _too_many_pictures(limit: int, used: int, asked: int, now_s: float) -> str:
    if limit == 0:
        return f"You may not ask for pictures here, {UNTIL_CHANGED}."
    left = max(0, limit - used)
    still = f"{left or 'none'} {_is_or_are(max(left, 1))} left until midnight UTC, {_rest(now_s)}"
    most = _counted(limit, "picture")
    return f"You may ask for {most} a day here and have asked for {used}: {still}, and this asks for {asked}."


def _rule(name: str, value: Any) -> str:
    match name:
        case "day":
            return "any number of pictures a day" if value is None else f"{_counted(value, 'picture')} a day"
        case "pending":
            most = "any number of jobs" if value is None else f"at most {_counted(value, 'job')}"
            return f"{most} waiting or running"
        case "size":
            return "pictures of any size" if value is None else f"pictures with {_size(value)}"
        case "steps":
            return "any number of steps" if value is None else f"at most {_counted(value, 'step')}"
        case _:
            return "any model" if value is None else _models(value)


def _size(size: tuple[int, int]) -> str:
    return f"sides of at most {max(size)} and at most {size[0] * size[1]:,} pixels in all"


def _models(names: Sequence[str]) -> str:
    if not names:
        return "no model at all"
    return f"only {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is_or_are(number: int) -> str:
    return "is" if number == 1 else "are"


def _joint(limit: int | None) -> str:
    return ", " if limit is None else " "


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _rest(now_s: float) -> str:
    """Say how long the day still lasts, rounded up: whoever waits so long need not wait longer."""
    minutes = math.ceil((day_began_s(now_s) + DAY_S - now_s) / MINUTE_S)
    hours, minutes = divmod(minutes, HOUR_S // MINUTE_S)
    return f"in {hours} h {minutes} min" if hours else f"in {minutes} min"
