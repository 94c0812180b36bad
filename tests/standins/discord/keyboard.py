"""How does what a person types become a slash command with its options?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.standins.discord.commands import (
    ATTACHMENT,
    BOOLEAN,
    GROUP,
    INTEGER,
    NUMBER,
    STRING,
    SUBCOMMAND,
    Command,
)
from tests.standins.discord.shapes import install_owners
from tests.standins.discord.world import Can, Channel, Context, User
from tests.standins.person import NotOfferedError

USER_INSTALL = 1


@dataclass(frozen=True)
class Found:
    """A registered command, or one of its subcommands, with the way that led there."""

    command: Command
    way: tuple[Command, ...]

    @property
    def options(self) -> list[Command]:
        return list((self.way[-1] if self.way else self.command).get("options") or [])

    @property
    def name(self) -> str:
        return " ".join([self.command["name"], *(step["name"] for step in self.way)])

    def data(self, options: list[dict[str, Any]]) -> dict[str, Any]:
        """The `data` of an interaction: the options, wrapped by the subcommands that lead to them."""
        for step in reversed(self.way):
            options = [{"name": step["name"], "type": step["type"], "options": options}]
        told = {"id": self.command["id"], "name": self.command["name"], "type": self.command["type"]}
        return told | {"options": options}


def find(registered: Mapping[str, Command], words: list[str]) -> tuple[Found, int]:
    """The command that these words begin with, and how many of them name it."""
    command = registered.get(words[0]) if words else None
    if command is None:
        known = ", ".join(f"/{name}" for name in sorted(registered)) or "none"
        raise NotOfferedError(f"There is no command /{' '.join(words[:1])}. The bot has registered: {known}.")
    way: list[Command] = []
    inside = command.get("options") or []
    for word in words[1:]:
        step = next((each for each in inside if each["name"] == word and each["type"] in {SUBCOMMAND, GROUP}), None)
        if step is None:
            break
        way.append(step)
        inside = step.get("options") or []
    if any(each["type"] in {SUBCOMMAND, GROUP} for each in inside):
        names = ", ".join(each["name"] for each in inside)
        raise NotOfferedError(f"/{' '.join(words)} is not a whole command: it goes on with one of {names}.")
    return Found(command, tuple(way)), 1 + len(way)


def check_offered(command: Command, user: User, channel: Channel) -> None:
    """Raises why Discord would not show this command to this person here."""
    name, owners = f"/{command['name']}", install_owners(channel, user)
    if not channel.is_seen_by(user):
        raise NotOfferedError(f"{user.name} does not see the place {channel.name or channel.id}.")
    installs = [int(owner) for owner in owners]
    if not set(installs) & set(command["integration_types"]):
        raise NotOfferedError(f"{name} is not offered by an installation of the kind {installs or 'none'}.")
    if channel.context not in _contexts(command):
        raise NotOfferedError(f"{name} is not offered in the context {channel.context.name}.")
    if command.get("nsfw") and not channel.is_nsfw:
        raise NotOfferedError(f"{name} is only offered in age-restricted channels.")
    if channel.guild is None:
        return  # permissions are a server's business
    has, asked = channel.guild.permissions_of(user), command["default_member_permissions"]
    if Can.USE_APPLICATION_COMMANDS not in has:
        raise NotOfferedError(f"{user.name} may use no commands here.")
    if asked is not None and Can.ADMINISTRATOR not in has and (asked == "0" or int(asked) & ~has):
        raise NotOfferedError(f"{name} is not offered to {user.name}: it asks for the permissions {asked}.")


def _contexts(command: Command) -> set[int]:
    """Where nothing is said, everywhere that its kinds of installation reach."""
    if command.get("contexts") is not None:
        return set(command["contexts"])
    in_private = set() if command.get("dm_permission") is False else {int(Context.BOT_DM)}
    if USER_INSTALL in command["integration_types"]:
        in_private.add(int(Context.PRIVATE))
    return {int(Context.GUILD)} | in_private


def options_of_line(found: Found, rest: str) -> dict[str, str]:
    """Deals what was typed out to the required options, a word each, the last of them gets all that is left."""
    rest = rest.strip()
    takes = [option for option in found.options if option.get("required")]
    if not takes and rest:
        takes = [option for option in found.options if option["type"] != ATTACHMENT][:1]
        texts = [option for option in found.options if option["type"] == STRING][:1]
        takes = texts or takes
    if any(option["type"] == ATTACHMENT for option in takes):
        raise NotOfferedError(f"/{found.name} needs a file: it cannot be typed, only invoked.")
    if rest and not takes:
        raise NotOfferedError(f"/{found.name} takes no text, but this was typed: {rest}")
    words = rest.split(maxsplit=len(takes) - 1) if takes else []
    if len(words) < len(takes):
        missing = ", ".join(option["name"] for option in takes[len(words) :])
        raise NotOfferedError(f"/{found.name} needs: {missing}.")
    return {option["name"]: word for option, word in zip(takes, words, strict=True)}


Resolve = Callable[[int, Any], str]


def typed_options(found: Found, values: Mapping[str, Any], resolve: Resolve) -> list[dict[str, Any]]:
    """The options as Discord's client sends them; what it would not let through raises."""
    known = {option["name"]: option for option in found.options}
    if unknown := set(values) - set(known):
        raise NotOfferedError(f"/{found.name} has no option {', '.join(sorted(unknown))}: it has {', '.join(known)}.")
    if missing := [name for name, option in known.items() if option.get("required") and name not in values]:
        raise NotOfferedError(f"/{found.name} needs: {', '.join(missing)}.")
    return [
        {"name": name, "type": known[name]["type"], "value": _value(known[name], value, resolve)}
        for name, value in values.items()
    ]


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else {"true": True, "false": False}[value.lower()]


PLAIN: dict[int, Callable[[Any], Any]] = {STRING: str, INTEGER: int, NUMBER: float, BOOLEAN: _truth}


def _value(option: Command, value: Any, resolve: Resolve) -> Any:
    if option["type"] not in PLAIN:
        return resolve(option["type"], value)
    try:
        taken = PLAIN[option["type"]](value)
    except (ValueError, KeyError):
        raise NotOfferedError(f"The option {option['name']} does not take {value!r}.") from None
    choices = option.get("choices") or []
    if choices:
        picked = [choice["value"] for choice in choices if taken in (choice["value"], choice["name"])]
        if not picked:
            raise NotOfferedError(f"The option {option['name']} has no choice {value!r}.")
        return picked[0]
    _check_range(option, taken)
    return taken


def _check_range(option: Command, value: Any) -> None:
    size, unit = (len(value), "length") if isinstance(value, str) else (value, "value")
    low, high = option.get(f"min_{unit}"), option.get(f"max_{unit}")
    if (low is not None and size < low) or (high is not None and size > high):
        raise NotOfferedError(f"The option {option['name']} takes a {unit} from {low} to {high}, not {size}.")


def mentioned_id(value: Any) -> str:
    """The id in "<@1>", "1" or an object that has one."""
    return str(getattr(value, "id", "")) or "".join(re.findall(r"\d+", str(value)))
