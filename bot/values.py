"""How is a typed value read, and what is said of one that cannot be?"""

from __future__ import annotations

import re
from pathlib import Path

from bot.chat import CommandError
from bot.command import shortened


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
