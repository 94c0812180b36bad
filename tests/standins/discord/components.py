"""How do a message's components come back from Discord, and which buttons and texts do people see in them?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

ACTION_ROW, BUTTON, TEXT_INPUT, SECTION, TEXT_DISPLAY = 1, 2, 4, 9, 10
THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 11, 12, 13, 14, 17, 18
SELECTS = frozenset({3, 5, 6, 7, 8})
ONLY_V2 = frozenset({SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER})
LINK_STYLE, PREMIUM_STYLE = 5, 6

Component = dict[str, Any]
Media = Callable[[str], Mapping[str, Any]]

DEFAULTS: dict[int, Component] = {
    BUTTON: {"disabled": False},
    **{kind: {"min_values": 1, "max_values": 1, "disabled": False} for kind in SELECTS},
    THUMBNAIL: {"description": None, "spoiler": False},
    FILE: {"name": None, "size": None, "spoiler": False},
    SEPARATOR: {"spacing": 1, "divider": True},
    CONTAINER: {"accent_color": None, "spoiler": False},
}


def walk(components: list[Component]) -> Iterator[Component]:
    """All components, those inside others included."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        for inner in ("accessory", "component"):
            if component.get(inner):
                yield from walk([component[inner]])


def answered(components: list[Component], media: Media) -> list[Component]:
    """The components as Discord gives them back: each has a number, and media have become URLs."""
    numbers = itertools.count(1)
    return [_answered(component, numbers, media) for component in components]


def _answered(component: Component, numbers: Iterator[int], media: Media) -> Component:
    kind = component["type"]
    said = {name: value for name, value in component.items() if value is not None and name != "id"}
    full: Component = DEFAULTS.get(kind, {}) | said | {"id": next(numbers)}
    if kind == BUTTON and full.get("emoji"):
        full["emoji"] = {name: value for name, value in full["emoji"].items() if value is not None}
    if full.get("components"):
        full["components"] = [_answered(inner, numbers, media) for inner in full["components"]]
    if full.get("accessory"):
        full["accessory"] = _answered(full["accessory"], numbers, media)
    if kind == GALLERY:
        full["items"] = [
            {
                "description": item.get("description"),
                "spoiler": bool(item.get("spoiler")),
                "media": media_of(item, media),
            }
            for item in full["items"]
        ]
    for name in ("media", "file"):
        if kind in {THUMBNAIL, FILE} and name in full:
            full[name] = dict(media(full[name]["url"]))
    return full


def media_of(item: Component, media: Media) -> Component:
    return dict(media(item["media"]["url"]))


def buttons(components: list[Component]) -> dict[str, str]:
    """The buttons that can be pressed: payload to label."""
    return {
        component["custom_id"]: _face(component)
        for component in walk(components)
        if component["type"] == BUTTON and component.get("custom_id") and not component.get("disabled")
    }


def _face(button: Component) -> str:
    return " ".join(part for part in ((button.get("emoji") or {}).get("name"), button.get("label")) if part)


def texts(components: list[Component]) -> list[str]:
    return [component["content"] for component in walk(components) if component["type"] == TEXT_DISPLAY]


def files_to_show(components: list[Component]) -> Iterator[str]:
    """The URLs of the pictures and files that the components refer to."""
    for component in walk(components):
        for item in component.get("items") or []:
            yield item["media"]["url"]
        for name in ("media", "file"):
            if name in component:
                yield component[name]["url"]
