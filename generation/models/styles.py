"""What is a style, and how does it become part of a prompt?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources

from generation.errors import InvalidRequestError
from generation.models.toml_tables import Rule, check, matching, read_tables

PLACE = "{prompt}"
RULES: Mapping[str, Rule] = {
    "prompt": Rule(
        f"one line of text in quotes, with {PLACE} in it once",
        lambda value: isinstance(value, str) and value.count(PLACE) == 1 and len(value.splitlines()) == 1,
    ),
    "negative_prompt": matching(r"[^\n\r]*", "one line of text in quotes, or none in them"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A manner of drawing. `prompt` holds PLACE, where the person's words go; `negative_prompt` may be ""."""

    name: str
    prompt: str
    negative_prompt: str

    def applied(self, prompt: str, negative_prompt: str, *, with_negative: bool) -> tuple[str, str]:
        """Give the prompt and the negative prompt with the style in them; `with_negative` if the latter counts."""
        wanted = self.prompt.replace(PLACE, prompt.strip())
        if not with_negative:
            return wanted, negative_prompt
        return wanted, ", ".join(part for part in (negative_prompt.strip(), self.negative_prompt) if part)


def read_styles(text: str, *, source: str) -> dict[str, Style]:
    """Read the entries of a styles file by name.

    Raises:
        CatalogueError: it cannot be read; the text names the entry, the field and what is allowed.
    """
    styles = {}
    for name, table in read_tables(text, source=source, kind="style").items():
        check(table, RULES, f"{source}: {name}")
        styles[name] = Style(name=name, **table)
    return styles


def shipped_styles() -> dict[str, Style]:
    """Read the styles that ship."""
    file = resources.files("generation").joinpath("models/styles.toml")
    return read_styles(file.read_text(encoding="utf-8"), source="styles.toml")


def find_style(styles: Mapping[str, Style], typed: str) -> Style:
    """Find a style by its name, whatever its case.

    Raises:
        InvalidRequestError: there is none; the text names the nearest and all of them.
    """
    if (style := styles.get(typed.casefold())) is not None:
        return style
    nearest = get_close_matches(typed.casefold(), styles, n=1)
    hint = f", the nearest is {nearest[0]}" if nearest else ""
    raise InvalidRequestError(f"There is no --style {typed!r}{hint}; styles: {', '.join(styles)}.")
