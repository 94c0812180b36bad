"""What is a command: a handler whose signature is its specification, and the one parser that reads what was typed?

Positional parameters, annotated with an `Argument`, take the text; keyword-only ones, annotated with a `Flag`, take
the flags. A default makes either optional.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from bot.chat import Answer, Call, CommandError

Reader = Callable[[str], Any]
Handler = Callable[..., Awaitable[Answer]]

MARK = "command"  # the attribute by which a handler is known as one
# Phones turn two hyphens into one long dash.
DASHES = r"(?:--|—|–|―)"
# A token is a run without spaces, in which quotes may hold spaces.
TOKEN = re.compile(r'(?:"[^"]*"|“[^”]*”|\S)+')
FLAG = re.compile(rf"(?P<dash>{DASHES})(?P<name>[^\W\d_][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
QUOTES = {'"': '"', "“": "”", "'": "'"}


@dataclass(frozen=True, slots=True)
class Argument:
    """The text of a command beside its flags; `read` turns it into a value or raises CommandError."""

    label: str
    example: str
    read: Reader = str


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag; with `takes_words` its value goes on to the next flag, else it is one word or something in quotes."""

    name: str
    label: str
    help: str
    read: Reader = str
    takes_words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command bound to its group's handler."""

    name: str
    help: str
    is_admin: bool
    handler: Handler
    argument: tuple[str, Argument, bool] | None  # parameter, what it takes, whether it must be there
    flags: Mapping[str, tuple[str, Flag]]  # by flag name: parameter and flag

    @property
    def usage(self) -> str:
        """Show how it is typed, such as "/show ID"."""
        if self.argument is None:
            return f"/{self.name}"
        _, argument, is_required = self.argument
        return f"/{self.name} {argument.label if is_required else f'[{argument.label}]'}"

    async def run(self, call: Call, typed: str) -> Answer:
        """Read what was typed after the name and call the handler.

        Raises:
            CommandError: it cannot be understood; the text says why.
        """
        return await self.handler(call, **self.read(typed))

    def read(self, typed: str) -> dict[str, Any]:
        """Give the handler's arguments by name.

        Raises:
            CommandError: what was typed cannot be understood; the text says why.
        """
        text, given = self._split(typed)
        values: dict[str, Any] = {}
        for name, value in given:
            parameter, flag = self.flags[name]
            if parameter in values:
                raise CommandError(f"--{name} is given twice.")
            values[parameter] = _named(f"--{name}", flag.read, value)
        if self.argument is None:
            if text:
                raise CommandError(f"/{self.name} takes no text, but got {_quoted(text)}.")
            return values
        parameter, argument, is_required = self.argument
        if text:
            values[parameter] = argument.read(text)
        elif is_required:
            greedy = [name for name, _ in given if self.flags[name][1].takes_words]
            hint = f" (--{greedy[0]} took all the words behind it: put its own in quotes)" if greedy else ""
            raise CommandError(f"/{self.name} needs {argument.label}{hint}, such as: /{self.name} {argument.example}")
        return values

    def _split(self, typed: str) -> tuple[str, list[tuple[str, str]]]:
        """Part the flags from the text, wherever they stand."""
        tokens = list(TOKEN.finditer(typed))
        flags: list[tuple[str, str]] = []
        kept: list[str] = []
        position, start = 0, 0  # next token; where the text not yet kept begins
        while position < len(tokens):
            token = tokens[position]
            position += 1
            found = self._flag(token.group())
            if found is None:
                continue
            kept.append(typed[start : token.start()])
            name, value = found
            if value is None:
                words = list(self._values(tokens[position:], takes_words=self.flags[name][1].takes_words))
                if not words:
                    raise CommandError(f"--{name} needs a value: --{name} {self.flags[name][1].label}.")
                position += len(words)
                value = typed[words[0].start() : words[-1].end()]
            flags.append((name, _unquoted(value)))
            start = tokens[position - 1].end()
        kept.append(typed[start:])
        return _unquoted(" ".join(part.strip() for part in kept if part.strip())), flags

    def _values(self, tokens: list[re.Match[str]], *, takes_words: bool) -> Iterator[re.Match[str]]:
        for token in tokens:
            if self._flag(token.group()) is not None:
                return
            yield token
            if not takes_words or token.group()[0] in '"“':
                return

    def _flag(self, token: str) -> tuple[str, str | None] | None:
        """Read a token as a flag and its attached value; None if it is text.

        A long dash before an unknown word is a dash of the text, unless the word is nearly a flag's name.
        """
        match = FLAG.fullmatch(token)
        if match is None:
            return None
        name = match["name"].casefold()
        if name in self.flags:
            return name, match["value"]
        near = difflib.get_close_matches(name, self.flags, n=1, cutoff=0.7)
        if match["dash"] != "--" and not near:
            return None
        allowed = ", ".join(f"--{flag}" for flag in self.flags) or "none"
        hint = f" Did you mean --{near[0]}?" if near else ""
        raise CommandError(f"Unknown flag --{match['name']}.{hint} Flags of /{self.name}: {allowed}.")


def command(name: str, help_text: str, *, is_admin: bool = False) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of a command; `collect` finds it."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, MARK, (name, help_text, is_admin))
        return handler

    return mark


def collect(*groups: object) -> list[Command]:
    """Give the commands of some groups, in the order in which they are written."""
    found = []
    for group in groups:
        for attribute in vars(type(group)):
            handler = getattr(group, attribute)
            if hasattr(handler, MARK):
                found.append(specify(handler))
    return found


def specify(handler: Handler) -> Command:
    """Read a marked handler's signature; one that is not bound to its group cannot be run, but explained."""
    name, help_text, is_admin = getattr(handler, MARK)
    argument = None
    flags = {}
    for parameter in inspect.signature(handler, eval_str=True).parameters.values():
        for extra in get_args(parameter.annotation):
            if isinstance(extra, Argument):
                argument = parameter.name, extra, parameter.default is parameter.empty
            elif isinstance(extra, Flag):
                flags[extra.name] = parameter.name, extra
    return Command(name=name, help=help_text, is_admin=is_admin, handler=handler, argument=argument, flags=flags)


def as_line(name: str, arguments: Iterable[str]) -> str:
    """Write shell arguments as a typed line, so that the one parser reads them as the shell parted them."""
    words = [f"/{name}"]
    is_value = False
    for argument in arguments:
        match = FLAG.fullmatch(argument)
        if match is not None and not re.search(r"\s", match["name"]):
            words.append(argument if match["value"] is None else f"--{match['name']}={_protected(match['value'])}")
            is_value = match["value"] is None
            continue
        has_flag = any(FLAG.fullmatch(token.group()) for token in TOKEN.finditer(argument))
        words.append(_protected(argument) if is_value or has_flag else argument)
        is_value = False
    return " ".join(words)


def _protected(text: str) -> str:
    return f"“{text}”" if '"' in text else f'"{text}"'


def _unquoted(text: str) -> str:
    if len(text) >= 2 and QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def _quoted(text: str) -> str:
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'


def _named(flag: str, read: Reader, value: str) -> Any:
    try:
        return read(value)
    except CommandError as error:
        raise CommandError(f"{flag} {_quoted(value)} {error}") from None


def whole_number(text: str) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"[+-]?\d{1,18}", text):
        raise CommandError("is not a whole number.")
    return int(text)


def number(text: str) -> float:
    """Read a number, with a point or a comma."""
    if not re.fullmatch(r"[+-]?\d{1,9}([.,]\d{0,9})?", text):
        raise CommandError("is not a number.")
    return float(text.replace(",", "."))


def ratio(text: str) -> tuple[int, int]:
    """Read W:H, two small whole numbers."""
    return _pair(text, ":", "is not a ratio: write W:H, for example 4:3.")


def size(text: str) -> tuple[int, int]:
    """Read WxH in pixels."""
    return _pair(text.casefold().replace("×", "x"), "x", "is not a size: write WxH in pixels, for example 1024x768.")


def _pair(text: str, separator: str, complaint: str) -> tuple[int, int]:
    match = re.fullmatch(rf"(\d{{1,5}})\s*{separator}\s*(\d{{1,5}})", text)
    if match is None or 0 in (first := (int(match[1]), int(match[2]))):
        raise CommandError(complaint)
    return first


def job_number(text: str) -> int:
    """Read the number of a job, with or without a leading #."""
    if not re.fullmatch(r"#?\d{1,18}", text):
        raise CommandError(f"{_quoted(text)} is not a job number; /history lists yours.")
    return int(text.lstrip("#"))
