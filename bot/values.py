"""How is a typed value read, and what is said of one that cannot be?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from bot.chat import CommandError
from bot.command import shortened
from generation import Lora

HERE = "here"  # what is typed for the server that one is in
EVERYWHERE = "everywhere"  # and for all of them, private chats included
NONE = "none"  # and for no value at all
ATTACHED = "attached"  # and for a picture that is sent along
ACCOUNT = re.compile(r"[a-z]+:[^\s:]{1,64}")
ROLE = re.compile(r"[a-z]+:role:[^\s:]{1,64}")

LORA = re.compile(r"(?P<name>[^:]*[^:\s])\s*(?::\s*(?P<scale>[+-]?\d{1,9}(?:\.\d{0,9})?))?")
MINUS = str.maketrans("−–—", "---")  # what phones and printers make of a hyphen

T = TypeVar("T")


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


def loras(text: str) -> tuple[Lora, ...]:
    """Read adapters, NAME or NAME:SCALE, with commas between them; a scale has a point."""
    return tuple(_lora(part.strip()) for part in text.split(",") if part.strip()) or _no_lora()


def _lora(text: str) -> Lora:
    match = LORA.fullmatch(text.translate(MINUS))
    if match is None:
        return _no_lora()
    return Lora(match["name"], float(match["scale"] or 1))


def _no_lora() -> NoReturn:
    raise CommandError(
        "is not NAME or NAME:SCALE, such as outline or outline:0.8, or several with commas between them."
    )


def yes_or_no(text: str) -> bool:
    """Read a yes or a no."""
    if text.casefold() not in ("yes", "no"):
        raise CommandError(f"{shortened(text)} is neither yes nor no.")
    return text.casefold() == "yes"


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


def local_path(text: str) -> Path:
    """Read the path of a file of this machine, with ~ for a home directory."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody's home directory
        return Path(text)


def job_number(text: str) -> int:
    """Read the number of a job, with or without a leading #."""
    if not re.fullmatch(r"#?\d{1,18}", text):
        raise CommandError(f"{shortened(text)} is not a job number; /history lists yours.")
    return int(text.lstrip("#"))


def account(text: str) -> str:
    """Read the key of an account, such as "discord:1"."""
    if not ACCOUNT.fullmatch(text):
        raise CommandError(f"{shortened(text)} is not an account: write PLATFORM:ID, for example discord:1234.")
    return text


def account_or_role(text: str) -> str:
    """Read the key of an account or of a role, such as "discord:role:5"."""
    if not is_role(text) and not ACCOUNT.fullmatch(text):
        raise CommandError(
            f"{shortened(text)} is neither an account nor a role: write PLATFORM:ID or PLATFORM:role:ID, "
            "for example discord:1234."
        )
    return text


def is_role(key: str) -> bool:
    """Tell whether a key is that of a role."""
    return ROLE.fullmatch(key) is not None


def who(text: str) -> str:
    """Read the key of an account or of a role, or a word that means everyone in this server, or everyone at all."""
    if text.casefold() in (HERE, EVERYWHERE):
        return text.casefold()
    if not is_role(text) and not ACCOUNT.fullmatch(text):
        raise CommandError(
            f"{shortened(text)} is neither an account nor a role: write PLATFORM:ID, PLATFORM:role:ID, "
            f"{HERE} for everyone in this server, or {EVERYWHERE}."
        )
    return text


def models(text: str) -> Sequence[str]:
    """Read the names of models, with commas or spaces between them; the word "all" gives none."""
    names = text.casefold().replace(",", " ").split()
    if not names or (len(names) > 1 and names.count("all")):
        raise CommandError(f"{shortened(text)} names no models: write some, such as demo demo-fast, or all.")
    return [] if names == ["all"] else names


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """A value that somebody chose, None if they want none: not the same as having said nothing."""

    value: T | None


def or_none(read: Callable[[str], T]) -> Callable[[str], Chosen[T]]:
    """Give a reader that also knows the word "none"."""
    return lambda text: Chosen(None if text.casefold() == NONE else read(text))
