"""What is a command: a handler whose signature is its specification, and the one parser that reads what was typed?

Positional parameters, annotated with an `Argument`, take the text: the last one all of it, those before it one word
each. Keyword-only ones, annotated with a `Flag`, take the flags. A default makes either optional.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product, zip_longest
from typing import Any, get_args

from bot.chat import Answer, Call, CommandError
from bot.spelling import FLAG, TAMED, TOKEN, spellings, unquoted

Reader = Callable[[str], Any]
Handler = Callable[..., Awaitable[Answer]]

MARK = "command"  # the attribute by which a handler is known as one


class Kind(StrEnum):
    """What a value is, for platforms that can offer choices, take typed options or files."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    SWITCH = "switch"  # given or not, without a value
    PICTURE = "picture"
    MASK = "mask"  # a picture that says which parts of another are meant
    MODEL = "model"
    STYLE = "style"
    LORA = "lora"
    MEMBER = "member"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Argument:
    """The text of a command beside its flags; `read` turns it into a value or raises CommandError."""

    label: str
    example: str
    read: Reader = str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag; with `takes_words` its value goes on to the next flag, else it is one word or something in quotes.

    One of the kind SWITCH takes no value: it is there or not, and its parameter gets True. One that `is_list` may be
    given several times, and its value goes on after a comma; `read` gives a tuple, and the parameter gets all of them.
    """

    name: str
    label: str
    help: str
    read: Reader = str
    kind: Kind = Kind.TEXT
    takes_words: bool = False
    is_list: bool = False

    @property
    def usage(self) -> str:
        """Show how it is typed, such as "--seed N"."""
        return f"--{self.name} {self.label}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command bound to its group's handler."""

    name: str
    help: str
    is_admin: bool
    handler: Handler
    arguments: tuple[tuple[str, Argument, bool], ...]  # parameter, what it takes, whether it must be there
    flags: Mapping[str, tuple[str, Flag]]  # by flag name: parameter and flag

    @property
    def usage(self) -> str:
        """Show how it is typed, such as "/show ID"."""
        labels = [
            argument.label if is_required else f"[{argument.label}]" for _, argument, is_required in self.arguments
        ]
        return " ".join([f"/{self.name}", *labels])

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
            if parameter in values and not flag.is_list:
                raise CommandError(f"--{name} is given twice.")
            found = True if flag.kind is Kind.SWITCH else _named(f"--{name}", flag.read, value)
            values[parameter] = values.get(parameter, ()) + found if flag.is_list else found
        if text and not self.arguments:
            flags = f" Flags of /{self.name}: {self._flag_names}." if self.flags else ""
            raise CommandError(f"/{self.name} takes no text, but got {shortened(text)}.{flags}")
        parts = text.split(maxsplit=len(self.arguments) - 1) if self.arguments else []
        for (parameter, argument, is_required), part in zip_longest(self.arguments, parts):
            if part is not None:
                values[parameter] = argument.read(part)
            elif is_required:
                raise CommandError(self._missing(argument, [name for name, _ in given]))
        return values

    def _missing(self, missing: Argument, given: Iterable[str]) -> str:
        greedy = [name for name in given if self.flags[name][1].takes_words]
        hint = f" (--{greedy[0]} took all the words behind it: put its own in quotes)" if greedy else ""
        examples = " ".join(argument.example for _, argument, is_required in self.arguments if is_required)
        return f"/{self.name} needs {missing.label}{hint}, such as: /{self.name} {examples}"

    def written(self, text: str, flags: Mapping[str, str]) -> str:
        """Write a text and the flags' values as one would type them after the name: `read` finds the very same.

        Only where text and values mix all kinds of quotes, so that none can hold another, quotes become apostrophes.
        """
        tame = {name: value.translate(TAMED) for name, value in flags.items()}
        for wanted, given in ((text, flags), (text.translate(TAMED), tame)):
            possible = [spellings(wanted), *(self._flag_spellings(name, value) for name, value in given.items())]
            for words in product(*possible):
                line = " ".join(words)
                if self._parts_into(line, (wanted, list(given.items()))):
                    return line
        raise ValueError(f"nobody can type {text!r} with {flags}")

    def _flag_spellings(self, name: str, value: str) -> list[str]:
        flag = self.flags[name][1]
        if flag.kind is Kind.SWITCH:
            return [f"--{name}"]
        if not flag.takes_words:
            return [f"--{name} {value}"]
        bare, *in_quotes = spellings(value)
        return [f"--{name} {spelling}" for spelling in (*in_quotes, bare)]  # so that words can be added behind it

    def _parts_into(self, line: str, wanted: tuple[str, list[tuple[str, str]]]) -> bool:
        try:
            return self._split(line) == wanted
        except CommandError:
            return False

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
            is_switch = self.flags[name][1].kind is Kind.SWITCH
            if is_switch and value is not None:
                raise CommandError(f"--{name} takes no value: it is there or not.")
            if value is None and not is_switch:
                words = list(self._values(tokens[position:], self.flags[name][1]))
                if not words:
                    raise CommandError(f"--{name} needs a value: {self.flags[name][1].usage}.")
                position += len(words)
                value = typed[words[0].start() : words[-1].end()]
            flags.append((name, unquoted(value or "")))
            start = tokens[position - 1].end()
        kept.append(typed[start:])
        return unquoted(" ".join(part.strip() for part in kept if part.strip())), flags

    def _values(self, tokens: list[re.Match[str]], flag: Flag) -> Iterator[re.Match[str]]:
        words = [token.group() for token in tokens]
        for token, word, following in zip(tokens, words, [*words, ""][1:], strict=True):
            if self._flag(word) is not None:
                return
            yield token
            has_comma = flag.is_list and (word.endswith(",") or following.startswith(","))
            if not has_comma and (not flag.takes_words or word[0] in '"“'):
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
        hint = f" Did you mean --{near[0]}?" if near else ""
        raise CommandError(f"Unknown flag --{match['name']}.{hint} Flags of /{self.name}: {self._flag_names}.")

    @property
    def _flag_names(self) -> str:
        return ", ".join(f"--{flag}" for flag in self.flags) or "none"


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
    arguments = []
    flags = {}
    for parameter in inspect.signature(handler, eval_str=True).parameters.values():
        for extra in get_args(parameter.annotation):
            if isinstance(extra, Argument):
                arguments.append((parameter.name, extra, parameter.default is parameter.empty))
            elif isinstance(extra, Flag):
                flags[extra.name] = parameter.name, extra
    return Command(
        name=name, help=help_text, is_admin=is_admin, handler=handler, arguments=tuple(arguments), flags=flags
    )


def shortened(text: str) -> str:
    """Quote what somebody typed, cut to a length that fits a sentence."""
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'


def _named(flag: str, read: Reader, value: str) -> Any:
    try:
        return read(value)
    except CommandError as error:
        raise CommandError(f"{flag} {shortened(value)} {error}") from None
