"""How is a scene put into words, varied as people vary them?"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from generation.demo.scenes import COLOURS, SHAPES, Scene, Thing

COLOUR_WORDS = {"purple": ("purple", "violet"), "cyan": ("cyan", "turquoise")}
SHAPE_WORDS = {"circle": ("circle", "disc"), "cross": ("cross", "plus"), "diamond": ("diamond", "rhombus")}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}
PLACE_WORDS = {
    "left": ("on the left", "on the left side", "at the left edge"),
    "right": ("on the right", "on the right side", "at the right edge"),
    "top": ("at the top", "on the top side", "at the top edge"),
    "bottom": ("at the bottom", "on the bottom side", "at the bottom edge"),
    "top left": ("at the top left", "in the top left corner"),
    "top right": ("at the top right", "in the top right corner"),
    "bottom left": ("at the bottom left", "in the bottom left corner"),
    "bottom right": ("at the bottom right", "in the bottom right corner"),
}
# Two things: the first is on the left, or above.
PAIRINGS = {
    "beside": (
        "{first} and a {second}",
        "{first} left of a {second}",
        "{second} right of a {first}",
        "{first} next to a {second}",
    ),
    "above": (
        "{first} above a {second}",
        "{second} below a {first}",
        "{first} over a {second}",
        "{second} under a {first}",
    ),
}
FILLERS = ("simple", "nice", "beautiful", "flat", "plain")
TEMPLATES = (
    "a {object} on a {ground} background",
    "{object}, {ground} background",
    "a {object} on {ground}",
    "{ground} background with a {object}",
    "a picture of a {object} on a {ground} background",
    "draw a {object} on a {ground} background please",
    "the {object} in front of a {ground} background",
)
BARE_TEMPLATES = ("a {object}", "{object}", "a picture of a {object}", "draw me a {object}")


def caption(scene: Scene, draws: np.random.Generator, *, is_full: bool = False) -> str:
    """Put a scene into words, varied; unless they are to be full, colour or ground is left out now and then."""
    phrases = [_phrase(thing, draws, is_full=is_full or len(scene.things) > 1) for thing in scene.things]
    match scene.layout:
        case "centred":
            words = phrases[0]
        case "placed":
            words = f"{phrases[0]} {draws.choice(PLACE_WORDS[scene.place])}"
        case _:
            words = str(draws.choice(PAIRINGS[scene.layout])).format(first=phrases[0], second=phrases[1])
    has_ground = is_full or draws.random() < 0.93
    template = str(draws.choice(TEMPLATES if has_ground else BARE_TEMPLATES))
    text = template.format(object=words, ground=_one_of(COLOUR_WORDS, scene.ground, draws))
    return re.sub(r"\ba (?=[aeio])", "an ", text)


def _phrase(thing: Thing, draws: np.random.Generator, *, is_full: bool) -> str:
    words = [_one_of(SHAPE_WORDS, thing.shape, draws)]
    if is_full or draws.random() < 0.93:
        words.insert(0, _one_of(COLOUR_WORDS, thing.colour, draws))
    if thing.size:
        words.insert(0, _one_of(SIZE_WORDS, thing.size, draws))
    if draws.random() < 0.1:
        words.insert(0, str(draws.choice(FILLERS)))
    return " ".join(words)


def _one_of(synonyms: Mapping[str, tuple[str, ...]], name: str, draws: np.random.Generator) -> str:
    return str(draws.choice(synonyms.get(name, (name,))))


def vocabulary() -> list[str]:
    """Give every word that captions use, sorted."""
    words = {*COLOURS, *SHAPES, *FILLERS, "an"}
    for synonyms in (COLOUR_WORDS, SHAPE_WORDS, SIZE_WORDS):
        words.update(word for group in synonyms.values() for word in group)
    said = (saying for sayings in PLACE_WORDS.values() for saying in sayings)
    joined = (pairing for pairings in PAIRINGS.values() for pairing in pairings)
    for text in (*TEMPLATES, *BARE_TEMPLATES, *said, *joined):
        words.update(word for word in text.replace(",", " ").split() if "{" not in word)
    return sorted(words)
