"""What does the demo model learn to draw: one or two coloured shapes on a background."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 36, 40),
    "orange": (248, 138, 24),
    "yellow": (250, 218, 44),
    "green": (44, 150, 64),
    "cyan": (56, 200, 216),
    "blue": (40, 84, 204),
    "purple": (124, 52, 164),
    "pink": (246, 144, 188),
    "white": (250, 250, 250),
    "black": (18, 18, 20),
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "ring", "cross", "diamond")
# Half of the object's height or width, whichever is larger, as a share of the picture's shorter side.
RADII = {"small": 0.22, "": 0.31, "large": 0.39}
HELD_OUT = frozenset(
    {
        ("red", "circle"),
        ("orange", "star"),
        ("yellow", "heart"),
        ("green", "square"),
        ("cyan", "triangle"),
        ("blue", "ring"),
        ("purple", "cross"),
        ("pink", "diamond"),
        ("white", "star"),
        ("black", "heart"),
        ("blue", "triangle"),
        ("green", "cross"),
        ("yellow", "square"),
        ("purple", "circle"),
    }
)
PAIR_RADIUS, PAIR_OFFSET = 0.19, 0.25
PLACED_SHRINK = 0.8  # an object that is asked to be at a side is smaller, so that there is a side to be at
RIM = 0.03  # left free between such an object and the edge
POSITION_JITTER = 0.03
SCALE_JITTER = 0.08
SUPERSAMPLING = 3
STROKE, LEAST_STROKE = 0.25, 0.06  # of an outline: as a share of the radius, and at least of the shorter side
# What a scene shows, and how often: one object in the middle, one at a side or corner, two beside or above each other.
LAYOUTS = {"centred": 0.6, "placed": 0.12, "beside": 0.14, "above": 0.14}

# Where a thing can be asked to be: its direction (x, y), y downwards.
PLACES = {
    "left": (-1, 0),
    "right": (1, 0),
    "top": (0, -1),
    "bottom": (0, 1),
    "top left": (-1, -1),
    "top right": (1, -1),
    "bottom left": (-1, 1),
    "bottom right": (1, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object: centre (x, y) and radius are shares of the shorter side, measured from the middle of the picture."""

    shape: str
    colour: str
    size: str = ""
    x: float = 0.0
    y: float = 0.0
    radius: float = RADII[""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One or two things on a ground. `place` is where the one thing is to be; of two, the first is left or above."""

    ground: str
    things: tuple[Thing, ...]
    layout: str = "centred"
    place: str = ""


def is_held_out(scene: Scene) -> bool:
    """Tell whether the scene shows a pair of colour and shape that is kept out of all training."""
    return any((thing.colour, thing.shape) in HELD_OUT for thing in scene.things)


def random_scene(draws: np.random.Generator, *, held_out: bool | None = False, layout: str | None = None) -> Scene:
    """Draw a scene, from the pairs that are (or with True: that are not) for training; None takes any pair."""
    while True:
        chosen = layout or str(draws.choice(list(LAYOUTS), p=list(LAYOUTS.values())))
        ground, *colours = (str(colour) for colour in draws.choice(list(COLOURS), size=3, replace=False))
        match chosen:
            case "centred":
                scene = Scene(ground=ground, things=(_centred(draws, colours[0]),))
            case "placed":
                scene = _placed(draws, ground, colours[0])
            case _:
                scene = _pair(draws, ground, colours, chosen)
        if held_out is None or is_held_out(scene) == held_out:
            return scene


def _centred(draws: np.random.Generator, colour: str) -> Thing:
    size = str(draws.choice(["", "small", "large"], p=[0.6, 0.2, 0.2]))
    return _thing(draws, colour, size, 0, 0, RADII[size])


def _placed(draws: np.random.Generator, ground: str, colour: str) -> Scene:
    place = str(draws.choice(list(PLACES)))
    size = str(draws.choice(["", "small"], p=[0.7, 0.3]))
    right, down = PLACES[place]
    radius = RADII[size] * PLACED_SHRINK
    offset = 0.5 - RIM - radius
    return Scene(
        ground=ground,
        things=(_thing(draws, colour, size, right * offset, down * offset, radius),),
        layout="placed",
        place=place,
    )


def _pair(draws: np.random.Generator, ground: str, colours: list[str], layout: str) -> Scene:
    right, down = (PAIR_OFFSET, 0.0) if layout == "beside" else (0.0, PAIR_OFFSET)
    first = _thing(draws, colours[0], "", -right, -down, PAIR_RADIUS)
    second = _thing(draws, colours[1], "", right, down, PAIR_RADIUS)
    return Scene(ground=ground, things=(first, second), layout=layout)


def _thing(draws: np.random.Generator, colour: str, size: str, x: float, y: float, radius: float) -> Thing:
    spread = POSITION_JITTER if x == y == 0 else POSITION_JITTER / 2
    return Thing(
        shape=str(draws.choice(SHAPES)),
        colour=colour,
        size=size,
        x=x + float(draws.normal(0, spread)),
        y=y + float(draws.normal(0, spread)),
        radius=radius * float(1 + draws.uniform(-SCALE_JITTER, SCALE_JITTER)),
    )


def draw(scene: Scene, width: int, height: int) -> Image.Image:
    """Draw a scene as an RGB picture with smooth edges."""
    return _paint(scene, width, height, draw_mask)


def draw_outlines(scene: Scene, width: int, height: int) -> Image.Image:
    """Draw a scene in the style "outline": of each thing only its edge, on the ground."""
    return _paint(scene, width, height, draw_outline_mask)


def draw_mask(thing: Thing, width: int, height: int) -> Image.Image:
    """Draw where a thing is: an L picture, 255 inside, smooth at the edge."""
    mask, brush, _ = _canvas(width, height)
    for points, fill in _polygons(thing, width, height):
        brush.polygon(points, fill=fill)
    return mask.reduce(SUPERSAMPLING)


def draw_outline_mask(thing: Thing, width: int, height: int) -> Image.Image:
    """Draw where a thing's edge is: an L picture, 255 on the stroke, which lies half inside of the edge."""
    mask, brush, unit = _canvas(width, height)
    stroke = round(max(STROKE * thing.radius, LEAST_STROKE) * unit)
    for points, _ in _polygons(thing, width, height):
        brush.line([*points, points[0]], fill=255, width=stroke)
        for point in points:  # Pillow's own joints leave notches in circles
            brush.circle(point, stroke / 2, fill=255)
    return mask.reduce(SUPERSAMPLING)


def _paint(scene: Scene, width: int, height: int, mask: Callable[[Thing, int, int], Image.Image]) -> Image.Image:
    picture = Image.new("RGB", (width, height), COLOURS[scene.ground])
    for thing in scene.things:
        picture.paste(COLOURS[thing.colour], mask=mask(thing, width, height))
    return picture


def _canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """Give an empty mask, larger than asked for, with its brush and the pixels of its shorter side."""
    mask = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING), 0)
    return mask, ImageDraw.Draw(mask), min(width, height) * SUPERSAMPLING


def _polygons(thing: Thing, width: int, height: int) -> Iterator[tuple[list[tuple[float, float]], int]]:
    """Give a thing's polygons in pixels of such a mask, each with what fills it."""
    unit = min(width, height) * SUPERSAMPLING
    middle = width * SUPERSAMPLING / 2 + thing.x * unit, height * SUPERSAMPLING / 2 + thing.y * unit
    for polygon, fill in POLYGONS[thing.shape]:
        points = polygon * thing.radius * unit + np.asarray(middle)
        yield [(float(x), float(y)) for x, y in points], fill


def _on_circle(count: int) -> NDArray[np.float64]:
    """Points on the unit circle, clockwise, the first one at the top."""
    turns = np.arange(count) * 2 * math.pi / count
    return np.stack([np.sin(turns), -np.cos(turns)], axis=1)


def _heart() -> NDArray[np.float64]:
    """The well-known curve x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, scaled to the unit square."""
    t = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x / 16.5, -(y + 2.5) / 16.5], axis=1)


def _points(*points: tuple[float, float]) -> NDArray[np.float64]:
    return np.asarray(points, dtype=np.float64)


def _star() -> NDArray[np.float64]:
    """Five spokes; moved down a little, since a star reaches higher than it reaches low."""
    spokes = _on_circle(10)
    spokes[1::2] *= 0.46
    return spokes * 1.08 + (0, 0.08)


def _bar(half_width: float, half_height: float) -> NDArray[np.float64]:
    wide, high = half_width, half_height
    return _points((-wide, -high), (wide, -high), (wide, high), (-wide, high))


def _cross(inner: float, outer: float) -> NDArray[np.float64]:
    """Two crossing bars, as one polygon."""
    arm = _points((-inner, -inner), (-inner, -outer), (inner, -outer))
    quarter = np.array([[0, 1], [-1, 0]])  # to the right
    return np.concatenate([arm @ np.linalg.matrix_power(quarter, turns) for turns in range(4)])


# Each shape as polygons (N, 2) in [-1, 1] x [-1, 1], y downwards, each with 255 to fill or 0 to cut out.
POLYGONS: dict[str, list[tuple[NDArray[np.float64], int]]] = {
    "circle": [(_on_circle(96) * 0.97, 255)],
    "square": [(_bar(0.86, 0.86), 255)],
    "triangle": [(_points((0, -0.95), (1, 0.8), (-1, 0.8)), 255)],
    "star": [(_star(), 255)],
    "heart": [(_heart(), 255)],
    "ring": [(_on_circle(96), 255), (_on_circle(96) * 0.56, 0)],
    "cross": [(_cross(0.32, 0.95), 255)],
    "diamond": [(_points((0, -1), (0.66, 0), (0, 1), (-0.66, 0)), 255)],
}
