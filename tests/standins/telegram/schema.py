"""Does an object have the fields, types and ranges that the published description of the Bot API gives?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tests.standins.specs import TELEGRAM_SPEC
from tests.standins.telegram.fields import ATTACHED, Fields
from tests.standins.telegram.formatting import parse_markup
from tests.standins.telegram.refusal import BotApiError

SIMPLE: dict[str, tuple[type, ...]] = {"Integer": (int,), "Float": (int, float), "Boolean": (bool,), "String": (str,)}
LIST = "Array of "
LENGTH = re.compile(r"(\d+)-(\d+) (characters|bytes|items)( after entit\w+ parsing)?")
BETWEEN = re.compile(r"[Vv]alues between (\d+)-(\d+)")
AT_MOST = re.compile(r"At most (\d+) \w+ can be specified")
CONSTANT = re.compile(r"(?:always \"(\w+)\"|must be (\w+))$")
CHOICE = re.compile(r"(?:can be|can be either|[Mm]ust be one of) \"")
DECIDES = ("type", "source", "status")
PLAIN_BUTTON = {"text", "icon_custom_emoji_id", "style"}
COMMAND_SIGNS = "Can contain only lowercase English letters, digits and underscores"


@cache
def published() -> Specification | None:
    """The description that is published, if it is at hand."""
    return Specification(json.loads(TELEGRAM_SPEC.read_bytes())) if TELEGRAM_SPEC.exists() else None


class Specification:
    """Compares calls, answers and objects with the description; each complaint says where and what."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._methods: Mapping[str, Any] = document["methods"]
        self._types: Mapping[str, Any] = document["types"]
        self._fields = {
            name: {field["name"]: field for field in entry.get("fields", [])}
            for name, entry in [*self._methods.items(), *self._types.items()]
        }

    def complaints_of_call(self, method: str, fields: Fields) -> list[str]:
        if method not in self._methods:
            return [f"there is no method {method}"]
        known, values, found = self._fields[method], dict[str, Any](), list[str]()
        for name, word in fields.texts.items():
            if name not in known:
                found.append(f"{name}: unknown field")
                continue
            try:
                values[name] = _read(word, known[name]["types"])
            except ValueError:
                found.append(f"{name}: {word[:40]!r} is not {' or '.join(known[name]['types'])}")
        sent = {name for name in fields.uploads if "InputFile" in known.get(name, {}).get("types", ())}
        found += self._complaints_of_fields(method, values, "", sent | (fields.texts.keys() - values.keys()))
        return found + _complaints_of_files(values, fields.uploads.keys(), sent)

    def complaints_of_answer(self, method: str, result: Any) -> list[str]:
        return list(self._complaints(self._methods[method]["returns"], result, "result"))

    def complaints_of_object(self, kind: str, value: Any) -> list[str]:
        return list(self._complaints([kind], value, kind))

    def _complaints(self, kinds: list[str], value: Any, where: str) -> list[str]:
        """The complaints by the alternative that fits best."""
        every = [self._complaints_of(kind, value, where) for kind in kinds]
        return min(every, key=len)

    def _complaints_of(self, kind: str, value: Any, where: str) -> list[str]:
        if kind.startswith(LIST):
            if not isinstance(value, list):
                return [f"{where}: {value!r:.40} is no list"]
            inner = kind.removeprefix(LIST)
            return [one for n, item in enumerate(value) for one in self._complaints_of(inner, item, f"{where}[{n}]")]
        if kind in SIMPLE:
            is_one = isinstance(value, SIMPLE[kind]) and isinstance(value, bool) == (kind == "Boolean")
            return [] if is_one else [f"{where}: {value!r:.40} is not {kind}"]
        if not isinstance(value, dict):
            return [f"{where}: {value!r:.40} is no {kind}"]
        if subtypes := self._types[kind].get("subtypes"):
            return self._complaints(
                [self._decide(kind, subtypes, value)] if _deciding(value) else subtypes, value, where
            )
        return self._complaints_of_fields(kind, value, f"{where}.", set())

    def _decide(self, kind: str, subtypes: list[str], value: dict[str, Any]) -> str:
        name = _deciding(value)
        for subtype in subtypes:
            field = self._fields[subtype].get(name, {})
            if (found := CONSTANT.search(field.get("description", ""))) and value[name] in found.groups():
                return subtype
        return subtypes[0]

    def _complaints_of_fields(self, kind: str, values: Mapping[str, Any], where: str, present: set[str]) -> list[str]:
        known = self._fields[kind]
        found = [f"{where}{name}: unknown field" for name in values if name not in known]
        for name, field in known.items():
            if name in values:
                complaints = self._complaints(field["types"], values[name], f"{where}{name}")
                rules = _broken_rules(field["description"], name, values) if not complaints else ()
                found += [*complaints, *(f"{where}{name}: {rule}" for rule in rules)]
            elif field["required"] and name not in present:
                found.append(f"{where}{name}: missing")
        if kind == "InlineKeyboardButton" and len(values.keys() - PLAIN_BUTTON) != 1:
            found.append(f"{where}: a button does exactly one thing")
        if kind == "getUpdates":
            wrong = set(values.get("allowed_updates", ())) - self._fields["Update"].keys()
            found += [f"{where}allowed_updates: there are no updates {one}" for one in sorted(wrong)]
        return found


def _deciding(value: Mapping[str, Any]) -> str:
    return next((name for name in DECIDES if isinstance(value.get(name), str)), "")


def _read(word: str, kinds: list[str]) -> Any:
    """A parameter's word as the value that it stands for."""
    if "Integer" in kinds and re.fullmatch(r"-?\d+", word):
        return int(word)
    if "String" in kinds or "InputFile" in kinds:
        return word
    if "Integer" in kinds:
        raise ValueError
    return float(word) if "Float" in kinds else json.loads(word)


def _broken_rules(description: str, name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """The ranges that stand in the descriptions' prose."""
    value = values[name]
    if found := LENGTH.search(description):
        length = _length(value, found[3], str(values.get("parse_mode", "")) if found[4] else "")
        if length is not None and not int(found[1]) <= length <= int(found[2]):
            yield f"{length} {found[3]}, allowed are {found[1]} to {found[2]}"
    if (
        isinstance(value, int)
        and (found := BETWEEN.search(description))
        and not int(found[1]) <= value <= int(found[2])
    ):
        yield f"{value}, allowed are {found[1]} to {found[2]}"
    if isinstance(value, list) and (found := AT_MOST.search(description)) and len(value) > int(found[1]):
        yield f"{len(value)} of at most {found[1]}"
    if name in DECIDES and (found := CONSTANT.search(description)) and value not in found.groups():
        yield f"{value!r} is not {found[1] or found[2]}"
    if CHOICE.search(description) and isinstance(value, str) and value not in re.findall(r'"(\w+)"', description):
        yield f"{value!r} is none of those that there are"
    if COMMAND_SIGNS in description and not re.fullmatch(r"[a-z0-9_]*", value):
        yield f"{value!r} is no command"


def _length(value: Any, unit: str, parse_mode: str) -> int | None:
    if unit == "items":
        return len(value) if isinstance(value, list) else None
    if not isinstance(value, str):
        return None
    if unit == "bytes":
        return len(value.encode())
    if not parse_mode:
        return len(value)
    try:
        return len(parse_markup(value, parse_mode).text)
    except BotApiError:
        return None  # broken markup is refused, which says it louder


def _complaints_of_files(values: Any, uploads: Any, sent: set[str]) -> list[str]:
    """Each attach:// must have its part of the multipart body, and each part somebody who refers to it."""
    wanted = {word.removeprefix(ATTACHED) for word in _words(values) if word.startswith(ATTACHED)}
    missing = [f"{ATTACHED}{name}: no such part in the body" for name in sorted(wanted - uploads)]
    return missing + [f"{name}: nothing refers to this part" for name in sorted(uploads - wanted - sent)]


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)
