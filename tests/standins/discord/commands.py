"""Which commands has the bot registered, and are they such as Discord takes?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.standins.discord.errors import ApiError, invalid_form

SUBCOMMAND, GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 3, 4, 5, 6, 7, 8, 9, 10, 11
CHAT_INPUT = 1
NAME = re.compile(r"[-_'\w]{1,32}")
OPTIONS_LIMIT, COMMANDS_LIMIT, LETTERS_LIMIT, CREATES_A_DAY = 25, 100, 8000, 200

Command = dict[str, Any]


class Commands:
    """The global commands. `puts` keeps the body of each PUT."""

    def __init__(self, application_id: str, new_id: Callable[[], str]) -> None:
        self._application_id = application_id
        self._new_id = new_id
        self._created = 0
        self.puts: list[list[Command]] = []
        self.registered: dict[str, Command] = {}

    def put(self, bodies: list[Command]) -> list[Command]:
        """Replaces all of them; one that is called as before keeps its id."""
        check_commands(bodies)
        self.puts.append(bodies)
        new = {body["name"] for body in bodies} - set(self.registered)
        self._created += len(new)
        if self._created > CREATES_A_DAY:
            raise ApiError(400, 30034, "Max number of daily application command creates has been reached (200)")
        self.registered = {body["name"]: self._full(body) for body in bodies}
        return self.all()

    def all(self) -> list[Command]:
        return list(self.registered.values())

    def _full(self, body: Command) -> Command:
        old = self.registered.get(body["name"])
        said = _bare({name: value for name, value in body.items() if value is not None})
        # Permissions come as a number and are given back as its digits.
        permissions = body.get("default_member_permissions")
        return {
            "type": CHAT_INPUT,
            "description": "",
            "contexts": None,
            "integration_types": [0],
            "nsfw": False,
            **said,
            "default_member_permissions": None if permissions is None else str(permissions),
            "id": old["id"] if old is not None else self._new_id(),
            "application_id": self._application_id,
            "version": self._new_id(),
        }


def _bare(value: Any) -> Any:
    """Without what was sent as null: Discord leaves it out."""
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if each is not None}
    return [_bare(each) for each in value] if isinstance(value, list) else value


def check_commands(bodies: list[Command]) -> None:
    """The rules that the schema does not state."""
    names = [(body.get("type", CHAT_INPUT), body["name"]) for body in bodies]
    if len(set(names)) < len(names):
        raise invalid_form("name", "Application command names must be unique.")
    if sum(kind == CHAT_INPUT for kind, _ in names) > COMMANDS_LIMIT:
        raise ApiError(400, 30032, "Maximum number of application commands reached (100).")
    for body in bodies:
        if body.get("type", CHAT_INPUT) == CHAT_INPUT:
            _check(body)
            if (letters := _letters(body)) > LETTERS_LIMIT:
                raise invalid_form(body["name"], f"Command exceeds maximum size ({LETTERS_LIMIT}): {letters}.")


def _check(command: Command, depth: int = 0) -> None:
    name = command["name"]
    if not NAME.fullmatch(name) or name != name.lower():
        raise invalid_form(name, "Command name is invalid: 1 to 32 letters, digits, - or _, in lower case.")
    if not command.get("description"):
        raise invalid_form(name, "A description is required.")
    options = command.get("options") or []
    if len(options) > OPTIONS_LIMIT:
        raise invalid_form(name, f"At most {OPTIONS_LIMIT} options are allowed.")
    if len({option["name"] for option in options}) < len(options):
        raise invalid_form(name, "Option names must be unique.")
    needed = [bool(option.get("required")) for option in options]
    if needed != sorted(needed, reverse=True):
        raise invalid_form(name, "Required options must be placed before non-required options.")
    nested = [option["type"] in {SUBCOMMAND, GROUP} for option in options]
    if any(nested) and not all(nested):
        raise invalid_form(name, "Subcommands and other options cannot stand side by side.")
    if depth == 2 and any(nested):
        raise invalid_form(name, "Subcommands are nested too deep.")
    for option in options:
        _check_option(option, depth)


def _check_option(option: Command, depth: int) -> None:
    _check(option, depth + 1)
    if option.get("choices") and option.get("autocomplete"):
        raise invalid_form(option["name"], "An option has choices or autocomplete, not both.")


def _letters(command: Command) -> int:
    """What counts are names, descriptions and the values of choices."""
    own = len(command["name"]) + len(command.get("description") or "")
    for choice in command.get("choices") or []:
        own += len(choice["name"]) + len(json.dumps(choice["value"]).strip('"'))
    return own + sum(_letters(option) for option in command.get("options") or [])
