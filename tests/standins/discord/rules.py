"""Which of Discord's rules about messages does no schema state?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.standins.discord.components import (
    ACTION_ROW,
    BUTTON,
    LINK_STYLE,
    ONLY_V2,
    PREMIUM_STYLE,
    SELECTS,
    Component,
    texts,
    walk,
)
from tests.standins.discord.errors import invalid_form

V2 = 1 << 15
SETTABLE_FLAGS = 1 << 2 | 1 << 6 | 1 << 12 | 1 << 13 | V2
CONTENT_LIMIT, EMBEDS_LIMIT, TEXT_LIMIT, COMPONENT_LIMIT, ROWS_LIMIT, BUTTONS_LIMIT = 2000, 6000, 4000, 40, 5, 5


def check_message(*, content: str, embeds: list[dict[str, Any]], components: list[Component], flags: int) -> None:
    """Raises what Discord would answer to a message that is so."""
    if len(content) > CONTENT_LIMIT:
        raise invalid_form("content", f"Must be {CONTENT_LIMIT} or fewer in length.")
    if (length := sum(_letters(embed) for embed in embeds)) > EMBEDS_LIMIT:
        raise invalid_form("embeds", f"Embed size exceeds maximum size of {EMBEDS_LIMIT}: {length}.")
    check_custom_ids(components)
    if flags & V2:
        _check_v2(content, embeds, components)
    else:
        _check_classic(components)
    for component in walk(components):
        if component["type"] == ACTION_ROW:
            _check_row(component["components"])
        if component["type"] == BUTTON:
            _check_button(component)


def check_custom_ids(components: list[Component]) -> None:
    ids = Counter(component["custom_id"] for component in walk(components) if component.get("custom_id"))
    if twice := [custom_id for custom_id, times in ids.items() if times > 1]:
        raise invalid_form("components", f"Component custom id cannot be duplicated: {', '.join(twice)}.")


def check_files(kept: Iterable[str], uploads: Iterable[int], listed: list[dict[str, Any]] | None) -> None:
    """What an `attachments` list names is there already or comes along, and what comes along is named."""
    numbers = {str(number) for number in uploads}
    if listed is None:
        if numbers:
            raise invalid_form("attachments", "Files come along that the attachments do not name.")
        return
    named = [str(attachment["id"]) for attachment in listed]
    if unknown := set(named) - set(kept) - numbers:
        raise invalid_form("attachments", f"There is no file for the attachments {', '.join(sorted(unknown))}.")
    if left_over := numbers - set(named):
        raise invalid_form("attachments", f"The attachments do not name files[{', '.join(sorted(left_over))}].")


def _check_v2(content: str, embeds: list[dict[str, Any]], components: list[Component]) -> None:
    if content or embeds:
        raise invalid_form("flags", "A message with the flag IS_COMPONENTS_V2 has neither content nor embeds.")
    if (count := sum(1 for _ in walk(components))) > COMPONENT_LIMIT:
        raise invalid_form("components", f"A message has at most {COMPONENT_LIMIT} components, not {count}.")
    if (length := sum(map(len, texts(components)))) > TEXT_LIMIT:
        raise invalid_form("components", f"The text of all components exceeds {TEXT_LIMIT}: {length}.")


def _check_classic(components: list[Component]) -> None:
    if any(component["type"] in ONLY_V2 for component in walk(components)):
        raise invalid_form("components", "Such components need the flag IS_COMPONENTS_V2.")
    if len(components) > ROWS_LIMIT:
        raise invalid_form("components", f"A message has at most {ROWS_LIMIT} rows, not {len(components)}.")


def _check_row(row: list[Component]) -> None:
    if not 1 <= len(row) <= BUTTONS_LIMIT:
        raise invalid_form("components", f"A row has 1 to {BUTTONS_LIMIT} components, not {len(row)}.")
    if len(row) > 1 and any(component["type"] in SELECTS for component in row):
        raise invalid_form("components", "A select menu has its row for itself.")


def _check_button(button: Component) -> None:
    style = button.get("style")
    if style == PREMIUM_STYLE:
        return
    if (style == LINK_STYLE) != bool(button.get("url")) or (style == LINK_STYLE) == bool(button.get("custom_id")):
        raise invalid_form("components", "A button has a URL if it is a link, and otherwise a custom id.")
    if not button.get("label") and not button.get("emoji"):
        raise invalid_form("components", "A button needs a label or an emoji.")


def _letters(embed: dict[str, Any]) -> int:
    parts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    parts += [(embed.get("author") or {}).get("name")]
    parts += [field[name] for field in embed.get("fields") or [] for name in ("name", "value")]
    return sum(len(part) for part in parts if part)
