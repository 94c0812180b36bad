"""What is a button: a handler with a label, and which of them stand under a job's message?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from bot.chat import Answer, Button, ButtonRows, Call

MARK = "button"  # the attribute by which a handler is known as one


class Stage(StrEnum):
    """How far a job is, as its buttons see it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    GIVEN_UP = "given up"  # it failed or was cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What decides whether a button is offered: `pictures` are the job's, with `is_single` one is shown by itself."""

    stage: Stage
    pictures: int = 0
    is_single: bool = False
    is_lossless: bool = True
    has_image_to_image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button was pressed; `text` is None, or what was filled into the form that it asked for before."""

    call: Call
    button: Button
    text: str | None = None

    @property
    def job_id(self) -> int:
        """Tell whose button it is, where it stands under a job's message."""
        return self.button.number

    @property
    def index(self) -> int:
        """Tell which picture is meant; the first, where there is only one."""
        return self.button.index or 0


def is_under_way(offer: Offer) -> bool:
    """Offer a button until the job has ended."""
    return offer.stage in (Stage.WAITING, Stage.RUNNING)


def is_over(offer: Offer) -> bool:
    """Offer a button once the job has ended, however it did."""
    return not is_under_way(offer)


def has_pictures(offer: Offer) -> bool:
    """Offer a button where there are pictures."""
    return offer.stage is Stage.DONE and offer.pictures > 0


PressHandler = Callable[[Press], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonSpec:
    """A button bound to its group's handler. `at` is its row and its place there; `{n}` makes it one a picture."""

    action: str
    label: str
    at: tuple[int, int]
    is_offered: Callable[[Offer], bool]
    handler: PressHandler

    @property
    def is_per_picture(self) -> bool:
        """Tell whether there is one for each picture."""
        return "{n}" in self.label


def button(
    action: str, label: str, *, at: tuple[int, int], offered: Callable[[Offer], bool]
) -> Callable[[Callable[..., Awaitable[Answer]]], Callable[..., Awaitable[Answer]]]:
    """Mark a method as the handler of a button; `collect_buttons` finds it."""

    def mark(handler: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
        setattr(handler, MARK, (action, label, at, offered))
        return handler

    return mark


def collect_buttons(*groups: object) -> list[ButtonSpec]:
    """Give the buttons of some groups, or of their classes, which explain but cannot be pressed."""
    found = []
    for group in groups:
        for attribute in vars(group if isinstance(group, type) else type(group)):
            handler = getattr(group, attribute)
            if hasattr(handler, MARK):
                action, label, at, offered = getattr(handler, MARK)
                found.append(ButtonSpec(action=action, label=label, at=at, is_offered=offered, handler=handler))
    return found


class Keyboard:
    """All buttons there are, to be laid out."""

    def __init__(self, specs: Iterable[ButtonSpec]) -> None:
        self._specs = sorted(specs, key=lambda spec: spec.at)

    def under(self, job_id: int, offer: Offer, *, index: int | None = None) -> ButtonRows:
        """Lay out what is offered under a job's message, or under picture `index` of it shown by itself."""
        offered = [spec for spec in self._specs if spec.is_offered(offer)]
        rows = (self._row(job_id, offer, index, row) for _, row in groupby(offered, key=lambda spec: spec.at[0]))
        return tuple(rows)

    def _row(self, job_id: int, offer: Offer, index: int | None, specs: Iterable[ButtonSpec]) -> tuple[Button, ...]:
        buttons = []
        for spec in specs:
            indexes = range(offer.pictures) if spec.is_per_picture and index is None else (index,)
            buttons += [
                Button(
                    action=spec.action,
                    number=job_id,
                    index=picture,
                    label=spec.label.format(n="" if picture is None else picture + 1),
                )
                for picture in indexes
            ]
        return tuple(buttons)
