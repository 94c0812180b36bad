"""Which parameters has the queue's policy, how are they typed, and which values are in force?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.chat import CommandError
from bot.command import shortened
from bot.values import number
from generation import Policy, Service
from storage import Settings

log = structlog.get_logger()

POLICY = "policy"  # the setting that keeps what was set from chat, as it could be typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Something that can be set or tried, by its letter or its word; `field` is the policy's own name for it.

    Where "none" can be typed, it means 0: that there is no limit.
    """

    word: str
    letter: str = ""
    field: str = ""
    least: float = 0.0
    most: float
    unit: str = ""
    is_whole: bool = False
    has_none: bool = False
    meaning: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names by which it is typed, without regard to case."""
        return tuple(name for name in (self.letter, self.word) if name)

    @property
    def title(self) -> str:
        """Show its names, such as "W window"."""
        return " ".join(self.names)

    @property
    def allowed(self) -> str:
        """Show its range, such as "0 to 600 s"."""
        kind, none = "a whole number, " if self.is_whole else "", " or none" if self.has_none else ""
        return f"{kind}{_exact(self.least)} to {self.written(self.most)}{none}"

    def written(self, value: float) -> str:
        """Show a value with its unit."""
        return f"{_exact(value)} {self.unit}".rstrip()

    def is_possible(self, value: float) -> bool:
        """Tell whether the value is within its range."""
        return self.least <= value <= self.most and (not self.is_whole or value == int(value))

    def read(self, name: str, text: str) -> float:
        """Read a value as it was typed after a name of this parameter.

        Raises:
            CommandError: it is none; the text says what is allowed.
        """
        if self.has_none and text.casefold() == "none":
            return 0.0
        try:
            value = number(text)
        except CommandError:
            raise CommandError(f"{name}={text[:40]} is not a number: {self.word} can be {self.allowed}.") from None
        if not self.is_possible(value):
            raise CommandError(f"{name}={text[:40]} is not possible: {self.word} can be {self.allowed}.")
        return value


PARAMETERS = (
    Parameter(
        word="window",
        letter="W",
        field="window_s",
        most=600.0,
        unit="s",
        meaning="who has used this much more GPU time than others may still go first, which saves loading a model",
    ),
    Parameter(
        word="staleness",
        letter="K",
        field="staleness",
        most=50.0,
        meaning="loading a model whose turn it is may be put off for this many times what the loading takes",
    ),
    Parameter(
        word="longest",
        letter="H",
        field="longest_dispatch_s",
        least=1.0,
        most=3600.0,
        unit="s",
        meaning="a run makes no more pictures at once than fit into this time, but at least one",
    ),
    Parameter(
        word="interactive",
        letter="L",
        field="interactive_s",
        most=3600.0,
        unit="s",
        meaning="who has no more than this waiting goes first within the window",
    ),
    Parameter(
        word="boost",
        letter="B",
        field="boost_s_per_hour",
        most=3600.0,
        unit="s",
        meaning="jobs of so much GPU time an hour may be boosted by admins",
    ),
)
BY_FIELD = {parameter.field: parameter for parameter in PARAMETERS}
QUOTA = Parameter(word="quota", most=10_000.0, is_whole=True, has_none=True)
GPUS = Parameter(word="gpus", least=1.0, most=16.0, is_whole=True)
BEYOND = {
    QUOTA.word: "A quota is no part of the policy: /admin quota here N sets it.",
    GPUS.word: "How many cards serve is for the operator to set, by FAIRBRUSH_GENERATION__DEVICE.",
}


class Policies:
    """The policy in force: the operator's, but for what was set from chat, which outlives a restart."""

    def __init__(self, service: Service, settings: Settings, operators: Policy) -> None:
        self._service = service
        self._settings = settings
        self._operators = operators

    async def load(self) -> None:
        """Put in force what was set from chat; once, at the start."""
        kept = await self._settings.get(POLICY) or ""
        try:
            values = read_values(kept, PARAMETERS)
        except CommandError as error:  # kept by a version that allowed something else
            log.warning("policy from chat not used", reason=str(error))
        else:
            self._service.set_policy(changed(self._operators, values))

    @property
    def in_force(self) -> Policy:
        """The policy by which the queue chooses now."""
        return self._service.policy

    def operators_value(self, parameter: Parameter) -> float:
        """Tell the value that holds if nothing is set from chat."""
        return value_of(self._operators, parameter)

    async def change(self, values: Mapping[str, float]) -> None:
        """Set some parameters, by their words; what was set before stays so."""
        policy = changed(self.in_force, values)
        differing = [each for each in PARAMETERS if value_of(policy, each) != self.operators_value(each)]
        await self._settings.put(POLICY, written(policy, differing))
        self._service.set_policy(policy)

    async def reset(self) -> None:
        """Go back to what the operator set."""
        await self._settings.remove(POLICY)
        self._service.set_policy(self._operators)


def changed(policy: Policy, values: Mapping[str, float]) -> Policy:
    """Give a policy with some other values, by the parameters' words; those of no policy are left out."""
    return replace(policy, **{each.field: values[each.word] for each in PARAMETERS if each.word in values})


def value_of(policy: Policy, parameter: Parameter) -> float:
    """Give a parameter's value in a policy."""
    value: float = getattr(policy, parameter.field)
    return value


def written(policy: Policy, parameters: Iterable[Parameter] = PARAMETERS) -> str:
    """Write a policy as it can be typed, such as "W=30 K=4"."""
    return " ".join(f"{each.letter}={_exact(value_of(policy, each))}" for each in parameters)


def read_values(text: str, parameters: Sequence[Parameter]) -> dict[str, float]:
    """Read NAME=VALUE, as many as there are in any order, and give the values by the parameters' words.

    Raises:
        CommandError: one of them cannot be understood; the text says which, and what is allowed.
    """
    values: dict[str, float] = {}
    for typed in re.sub(r"\s*=\s*", "=", text).split():
        name, sign, value = typed.strip(",;").partition("=")
        if not sign or not value:
            raise CommandError(f"{shortened(typed)} cannot be read: write NAME=VALUE, such as window=60.")
        parameter = _named(name, parameters)
        if parameter.word in values:
            raise CommandError(f"{parameter.word} is given twice.")
        values[parameter.word] = parameter.read(name, value)
    return values


def _named(name: str, parameters: Sequence[Parameter]) -> Parameter:
    by_name = {known.casefold(): parameter for parameter in parameters for known in parameter.names}
    wanted = name.casefold()
    if wanted in by_name:
        return by_name[wanted]
    if wanted in BEYOND:
        raise CommandError(BEYOND[wanted])
    near = difflib.get_close_matches(wanted, by_name, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known.title for known in parameters)}."
    raise CommandError(f"There is no parameter {shortened(name)}. {hint}")


def _exact(value: float) -> str:
    """Write a number with all the digits that could be typed, and no exponent."""
    return f"{value:.9f}".rstrip("0").rstrip(".")
