"""Which sizes does a model draw, and which of them comes nearest to what was typed?"""

from __future__ import annotations

import math

from generation.errors import InvalidRequestError
from generation.models.model import ModelSpec
from generation.request import ImagineOptions

NEAR_RATIO = 1.1  # a ratio this much beyond the widest size still means that size
# Beyond its own sizes a model repeats its subject, unless a start picture holds the whole together: up to this strength
# it does (at 0.5 the demo model's shapes fall apart), and each side may be so many times as long.
HOLDING_STRENGTH = 0.4
GROWTH = 2


def choose_size(options: ImagineOptions, strength: float, spec: ModelSpec) -> tuple[int, int]:
    """Give the size that was typed, or by its ratio, or that of the start picture, or the model's own.

    Raises:
        InvalidRequestError: the model does not draw it; the text says what is allowed.
    """
    if options.size is not None and options.aspect_ratio is not None:
        raise InvalidRequestError("--size and --ar exclude each other: give one of the two.")
    if options.size is not None:
        if not is_allowed(options.size, strength, spec):
            width, height = options.size
            raise InvalidRequestError(
                f"--size {width}x{height} is not possible with {spec.name}; allowed: {allowed_sizes(strength, spec)}."
            )
        return options.size
    if options.aspect_ratio is not None:
        return _of_ratio(options.aspect_ratio, spec)
    if options.image_size is not None:
        return nearest_size(options.image_size, spec)
    return spec.width, spec.height


def is_allowed(size: tuple[int, int], strength: float, spec: ModelSpec) -> bool:
    """Tell whether the model draws the size, at this strength of image-to-image (0 for text alone)."""
    growth = _growth(strength)
    is_side = all(
        spec.smallest_side <= side <= growth * spec.largest_side and side % spec.side_multiple == 0 for side in size
    )
    return is_side and size[0] * size[1] <= growth**2 * spec.largest_area


def allowed_sizes(strength: float, spec: ModelSpec) -> str:
    """Say in words which sizes the model draws, at this strength of image-to-image (0 for text alone)."""
    growth = _growth(strength)
    if growth == 1 and spec.smallest_side == spec.largest_side:
        return f"only {spec.width}x{spec.height}"
    return (
        f"sides from {spec.smallest_side} to {growth * spec.largest_side} in steps of {spec.side_multiple}, "
        f"at most {growth**2 * spec.largest_area:,} pixels in all"
    )


def _growth(strength: float) -> int:
    return GROWTH if 0 < strength <= HOLDING_STRENGTH else 1


def nearest_size(size: tuple[int, int], spec: ModelSpec) -> tuple[int, int]:
    """Give a picture's own size if the model draws it, else the one whose ratio is nearest, however long it is."""
    if is_allowed(size, 0.0, spec):
        return size
    widest = _widest(spec)
    return _of_about(min(widest, max(1 / widest, size[0] / size[1])), spec)


def _of_ratio(ratio: tuple[int, int], spec: ModelSpec) -> tuple[int, int]:
    wide, high = ratio
    widest = _widest(spec)
    if not 1 / (widest * NEAR_RATIO) <= wide / high <= widest * NEAR_RATIO:
        raise InvalidRequestError(
            f"--ar {wide}:{high} is not possible with {spec.name}; allowed: from 1:{widest:.3g} to {widest:.3g}:1."
        )
    return _of_about(wide / high, spec)


def _widest(spec: ModelSpec) -> float:
    return max(width / spec.smallest_side for width in _sides(spec) if width * spec.smallest_side <= spec.largest_area)


def _of_about(wanted: float, spec: ModelSpec) -> tuple[int, int]:
    """Give the allowed size nearest to the ratio, of about the model's own area.

    Of each allowed width with the height that suits it best, the error weighs the ratio first, the area second.
    """
    sides = _sides(spec)
    pairs = [(w, _nearest(w / wanted, min(spec.largest_area // w, spec.largest_side), spec)) for w in sides]
    pairs = [(w, h) for w, h in pairs if w * h <= spec.largest_area]
    area = spec.width * spec.height
    return min(pairs, key=lambda p: 4 * abs(math.log(p[0] / p[1] / wanted)) + abs(math.log(p[0] * p[1] / area)))


def _sides(spec: ModelSpec) -> range:
    return range(spec.smallest_side, spec.largest_side + 1, spec.side_multiple)


def _nearest(side: float, largest: int, spec: ModelSpec) -> int:
    """Round to an allowed side no longer than `largest`, or to the smallest one."""
    fitting = largest // spec.side_multiple * spec.side_multiple
    return max(spec.smallest_side, min(fitting, round(side / spec.side_multiple) * spec.side_multiple))
