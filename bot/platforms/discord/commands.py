"""How do our commands become slash commands, with typed options, and what was chosen there a typed line?"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import discord
from discord import app_commands

from bot.chat import Attachment
from bot.command import Command, Kind
from bot.platforms.discord.calls import Interaction, attachment, member_key, role_key
from bot.spelling import as_line
from bot.values import HERE

LONGEST_DESCRIPTION = 100
MOST_CHOICES = 25
LONGEST_CHOICE = 100

ANNOTATIONS: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.MODEL: str,
    Kind.STYLE: str,
    Kind.LORA: str,
    Kind.WHOLE: int,
    Kind.NUMBER: float,
    Kind.SWITCH: bool,
    Kind.PICTURE: discord.Attachment,
    Kind.MASK: discord.Attachment,
    Kind.MEMBER: discord.User,
    Kind.ROLE: discord.Member | discord.User | discord.Role,
}
OFFERED = (Kind.MODEL, Kind.STYLE, Kind.LORA)

# What the tree allows everywhere, since `guild_only` has no effect beside that.
ANYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
ANY_INSTALL = app_commands.AppInstallationType(guild=True, user=True)
IN_SERVERS = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
SERVER_INSTALL = app_commands.AppInstallationType(guild=True, user=False)

Take: TypeAlias = Callable[[Interaction, str, tuple[Attachment, ...]], None]
Offers: TypeAlias = Callable[[Kind], Sequence[str]]
Node: TypeAlias = "app_commands.Command[Any, ..., Any] | app_commands.Group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is asked for beside a command's name: its text if `flag` is empty, else one of its flags."""

    parameter: str
    name: str
    description: str
    kind: Kind
    is_required: bool
    flag: str = ""


def slash_commands(commands: Iterable[Command], take: Take, offers: Offers) -> Iterator[Node]:
    """Make a slash command of each command; those whose names have the same first word become a group."""
    groups: dict[str, list[Command]] = {}
    for command in commands:
        first, _, second = command.name.partition(" ")
        if second:
            groups.setdefault(first, []).append(command)
        else:
            yield _slash_command(first, command, take, offers)
    for name, members in groups.items():
        is_admin = any(command.is_admin for command in members)
        group = app_commands.Group(
            name=name,
            description=_shortened(", ".join(command.name.partition(" ")[2] for command in members)),
            **_audience(is_admin=is_admin),
        )
        if is_admin:
            group.default_permissions = discord.Permissions(manage_guild=True)
        for command in members:
            group.add_command(_slash_command(command.name.partition(" ")[2], command, take, offers))
        yield group


def typed(command: Command, options: Iterable[Option], given: Mapping[str, Any]) -> tuple[str, tuple[Attachment, ...]]:
    """Write what was chosen as the line that means the same; pictures are handed over beside it."""
    flags: list[str] = []
    pictures: list[Attachment] = []
    texts: list[str] = []
    for option in options:
        value = given.get(option.parameter)
        if value is None or value is False:
            continue
        if option.kind in (Kind.PICTURE, Kind.MASK):
            pictures.append(replace(attachment(value), flag=option.flag))
        elif option.kind is Kind.SWITCH:
            flags.append(f"--{option.flag}")
        elif option.flag:
            flags.append(f"--{option.flag}={_written(option.kind, value)}")
        else:
            texts.append(_written(option.kind, value, is_text=True))
    return " ".join([as_line(command.name, flags), *texts]).rstrip(), tuple(pictures)


def _slash_command(name: str, command: Command, take: Take, offers: Offers) -> app_commands.Command[Any, ..., Any]:
    options = list(_options(command))
    is_in_group = name != command.name
    slash: app_commands.Command[Any, ..., Any] = app_commands.Command(
        name=name,
        description=_shortened(command.help),
        callback=_callback(command, options, take),
        **({} if is_in_group else _audience(is_admin=command.is_admin)),
    )
    if command.is_admin and not is_in_group:
        slash.default_permissions = discord.Permissions(manage_guild=True)
    for option in options:
        if option.kind in OFFERED:
            slash.autocomplete(option.parameter)(_completer(option.kind, offers))
    return slash


def _audience(*, is_admin: bool) -> dict[str, Any]:
    return {
        "allowed_contexts": IN_SERVERS if is_admin else ANYWHERE,
        "allowed_installs": SERVER_INSTALL if is_admin else ANY_INSTALL,
    }


def _options(command: Command) -> Iterator[Option]:
    for parameter, argument, is_required in command.arguments:
        yield Option(
            parameter=parameter,
            name=re.sub(r"\W+", "-", argument.label.casefold()).strip("-"),
            description=_shortened(f"For example: {argument.example}"),
            kind=argument.kind,
            is_required=is_required,
        )
    for parameter, flag in command.flags.values():
        yield Option(
            parameter=parameter,
            name=flag.name,
            description=_shortened(f"{flag.label}: {flag.help}" if flag.label else flag.help),
            kind=flag.kind,
            is_required=False,
            flag=flag.name,
        )


def _callback(command: Command, options: list[Option], take: Take) -> Callable[..., Any]:
    """Make the function whose signature the library reads as the command's options."""

    async def callback(interaction: Interaction, **given: Any) -> None:
        line, pictures = typed(command, options, given)
        take(interaction, line, pictures)

    parameters = [inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Interaction)]
    parameters += [
        inspect.Parameter(
            option.parameter,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=ANNOTATIONS[option.kind],
            default=inspect.Parameter.empty if option.is_required else None,
        )
        for option in options
    ]
    vars(callback)["__signature__"] = inspect.Signature(parameters)
    app_commands.describe(**{option.parameter: option.description for option in options})(callback)
    app_commands.rename(**{option.parameter: option.name for option in options})(callback)
    return callback


def _completer(kind: Kind, offers: Offers) -> Callable[..., Any]:
    async def complete(_: Interaction, current: str) -> list[app_commands.Choice[str]]:
        before, comma, last = current.rpartition(",") if kind is Kind.LORA else ("", "", current)
        kept, wanted = f"{before}{comma}", last.strip().casefold()
        found = [name for name in offers(kind) if wanted in name.casefold()]
        found.sort(key=lambda name: not name.casefold().startswith(wanted))
        whole = [f"{kept} {name}".lstrip() for name in found]
        possible = [name for name in whole if len(name) <= LONGEST_CHOICE]
        return [app_commands.Choice(name=name, value=name) for name in possible[:MOST_CHOICES]]

    return complete


def _written(kind: Kind, value: Any, *, is_text: bool = False) -> str:
    match kind:
        case Kind.MEMBER | Kind.ROLE:
            return _key(value)
        case Kind.NUMBER:
            return f"{value:.9f}".rstrip("0").rstrip(".")
        case _ if is_text:
            return str(value)
        case _:  # the parser knows no escapes: curly quotes around, straight ones within
            return re.sub("[“”]", '"', str(value))


def _key(value: discord.Member | discord.User | discord.Role) -> str:
    if not isinstance(value, discord.Role):
        return member_key(value.id)
    return HERE if value.is_default() else role_key(value.id)  # that role, @everyone, is the whole server


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"
