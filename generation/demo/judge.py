"""What does a picture show: which shape, filled or as an outline, of which colour, on which ground? "none" counts, too.

The ground is the colour of the border, the object's is the colour farthest from it, and the mask is how far each pixel
lies on the way between the two. The mask is laid over every shape and over its outline, drawn with the same centre of
gravity and area; the best overlap must reach `LEAST_OVERLAP`, or the shape is "none".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.demo.scenes import COLOURS, SHAPES, Thing, draw_mask, draw_outline_mask

NONE = "none"
# Intersection over union. A round blob reaches no more than 0.8 with any shape but the circle; an outline no more than
# 0.58 with another shape or its outline.
LEAST_OVERLAP, LEAST_OUTLINE_OVERLAP = 0.85, 0.65
LEAST_AREA, MOST_AREA = 0.01, 0.7  # as shares of the picture
FARTHEST_COLOUR = 30.0  # CIE76 in Lab: beyond it a colour is none of ours
LEAST_CONTRAST = 10.0  # also CIE76: below it there is nothing to see
BORDER = 0.04  # of the shorter side
TEMPLATE_SIDE, TEMPLATE_RADIUS = 256, 0.36
SMALL_RADIUS = 0.22  # of which outlines are thicker, in proportion

Template = tuple[Image.Image, tuple[float, float], float]  # an L picture, its centre of gravity, its area in pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was seen; each part may be "none". `overlap` is the best shape's intersection over union.

    `x` and `y` are the object's centre of gravity, from the middle of the picture, in shares of the shorter side.
    """

    shape: str
    colour: str
    ground: str
    is_outline: bool = False
    overlap: float = 0.0
    x: float = 0.0
    y: float = 0.0


def judge(picture: Image.Image) -> Verdict:
    """Look at an RGB picture."""
    pixels = _lab(np.asarray(picture.convert("RGB")))
    edge = max(2, round(min(picture.size) * BORDER))
    rims = (pixels[:edge], pixels[-edge:], pixels[:, :edge], pixels[:, -edge:])
    ground = np.median(np.concatenate([rim.reshape(-1, 3) for rim in rims]), axis=0)
    distance = np.linalg.norm(pixels - ground, axis=2)
    farthest = float(np.quantile(distance, 0.995))
    if farthest < LEAST_CONTRAST:
        return Verdict(shape=NONE, colour=NONE, ground=_name(ground))
    inside = distance > 0.6 * farthest
    colour = np.median(pixels[inside], axis=0)
    way = colour - ground
    mask = np.clip(((pixels - ground) @ way) / max(float(way @ way), 1e-6), 0, 1)
    mask[mask < 0.25] = 0  # mottled ground is not the object
    if not LEAST_AREA <= mask.mean() <= MOST_AREA:
        return Verdict(shape=NONE, colour=NONE, ground=_name(ground))
    overlap, shape, is_outline = _likeliest(mask)
    if overlap < (LEAST_OUTLINE_OVERLAP if is_outline else LEAST_OVERLAP):
        shape, is_outline = NONE, False
    x, y = ((middle - side / 2) / min(picture.size) for middle, side in zip(_middle(mask), picture.size, strict=True))
    return Verdict(
        shape=shape,
        colour=_name(colour),
        ground=_name(ground),
        is_outline=is_outline,
        overlap=overlap,
        x=x,
        y=y,
    )


def _likeliest(mask: NDArray[np.float64]) -> tuple[float, str, bool]:
    """Give the best overlap, with which shape, and whether it is with its outline."""
    filled = [(_overlap(mask, _template(shape, draw_mask, TEMPLATE_RADIUS)), shape, False) for shape in SHAPES]
    outlined = [
        (_overlap(mask, _template(shape, draw_outline_mask, radius)), shape, True)
        for shape in SHAPES
        for radius in (SMALL_RADIUS, TEMPLATE_RADIUS)
    ]
    return max(filled + outlined)


def _overlap(mask: NDArray[np.float64], laid_over: Template) -> float:
    """Lay a template over the mask, with the same centre of gravity and area; gives intersection over union."""
    template, (middle_x, middle_y), area = laid_over
    scale = (area / mask.sum()) ** 0.5  # template pixels to one of the mask
    x, y = _middle(mask)
    height, width = mask.shape
    affine = (scale, 0, middle_x - scale * x, 0, scale, middle_y - scale * y)
    laid = template.transform((width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    other = np.asarray(laid, dtype=np.float64) / 255
    return float(np.minimum(mask, other).sum() / np.maximum(mask, other).sum())


@cache
def _template(shape: str, draw: Callable[[Thing, int, int], Image.Image], radius: float) -> Template:
    picture = draw(Thing(shape=shape, colour="", radius=radius), TEMPLATE_SIDE, TEMPLATE_SIDE)
    mask = np.asarray(picture, dtype=np.float64) / 255
    return picture, _middle(mask), float(mask.sum())


def _middle(mask: NDArray[np.float64]) -> tuple[float, float]:
    """Give the centre of gravity in pixels, where the middle of the first pixel lies at 0.5."""
    rows, columns = np.indices(mask.shape)
    total = mask.sum()
    return float((columns * mask).sum() / total) + 0.5, float((rows * mask).sum() / total) + 0.5


def _name(colour: NDArray[np.float64]) -> str:
    distances = {name: float(np.linalg.norm(colour - known)) for name, known in _palette().items()}
    best = min(distances, key=distances.__getitem__)
    return best if distances[best] <= FARTHEST_COLOUR else NONE


@cache
def _palette() -> dict[str, NDArray[np.float64]]:
    return {name: _lab(np.array([[rgb]], dtype=np.uint8))[0, 0] for name, rgb in COLOURS.items()}


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Convert sRGB bytes (..., 3) to CIE L*a*b* at D65, after the standard's formulas (IEC 61966-2-1, CIE 15)."""
    signal = rgb.astype(np.float64) / 255
    linear = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratios = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    curve = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = curve[..., 0], curve[..., 1], curve[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
