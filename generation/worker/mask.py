"""How does a picture that a stranger sent say which parts of a start picture are drawn anew, and who keeps the rest?"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageFilter, ImageOps

from generation.errors import UnreadableImageError
from generation.worker.start_image import read_start_image

MIDDLE_GREY = 128  # from here on it is white: what was white when it was painted may be a JPEG now
# What is drawn fades into what stays within about so many pixels, all of them inside of the mask.
EDGE_PIXELS = 3
SHAPE_TOLERANCE = 0.03  # by which a side may be off after somebody's program has resized a mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A clean PNG of black and white alone; white is drawn anew, black is kept."""

    png: bytes
    width: int
    height: int


def read_mask(data: bytes) -> Mask:
    """Make a clean mask of whatever somebody sent; see-through parts count as white. Equal bytes give equal bytes.

    Blocks for up to seconds: call it in a thread.

    Raises:
        UnreadableImageError: it cannot be read, or is all of one colour; the text says what is needed.
    """
    clean = read_start_image(data, what="mask")
    with Image.open(BytesIO(clean.png)) as image:
        mask = _two_coloured(image)
    if mask.getextrema() == (0, 0):
        raise UnreadableImageError("The mask is black all over: paint white what is to be drawn anew.")
    if mask.getextrema() == (255, 255):
        raise UnreadableImageError("The mask is white all over: paint black what is to be kept, or leave the mask out.")
    buffer = BytesIO()
    mask.convert("1").save(buffer, format="PNG")
    return Mask(png=buffer.getvalue(), width=mask.width, height=mask.height)


def check_shape(mask_png: bytes, start_png: bytes) -> None:
    """Compare a clean mask with the clean start picture that it is laid over, made larger or smaller.

    Raises:
        UnreadableImageError: their shapes differ.
    """
    (width, height), (start_width, start_height) = _size_of(mask_png), _size_of(start_png)
    if abs(width * start_height / (height * start_width) - 1) > SHAPE_TOLERANCE:
        raise UnreadableImageError(
            f"The mask has {width}x{height} pixels and the start picture {start_width}x{start_height}: "
            "both need the same shape."
        )


def fit_mask(png: bytes, start_png: bytes, size: tuple[int, int]) -> Image.Image:
    """Give a clean mask (mode L, 0 or 255) the size asked for, cut as `fit` cuts the start picture.

    Raises:
        UnreadableImageError: nothing of its white is left.
    """
    with Image.open(BytesIO(png), formats=("PNG",)) as image:
        whole = image.convert("L").resize(_size_of(start_png), Image.Resampling.BILINEAR)
    mask = _two_coloured(ImageOps.fit(whole, size, method=Image.Resampling.BILINEAR))
    if mask.getextrema()[1] == 0:
        raise UnreadableImageError(
            f"At {size[0]}x{size[1]} nothing of the mask's white is left: paint larger parts white, "
            "or ask for a --size of the start picture's shape."
        )
    return mask


def kept(start: Image.Image, drawn: Image.Image, mask: Image.Image) -> Image.Image:
    """Lay what was drawn over the start picture where the mask is white: elsewhere the pixels are the very same."""
    soft = mask.filter(ImageFilter.GaussianBlur(EDGE_PIXELS))
    return Image.composite(drawn, start, ImageChops.multiply(mask, soft))


def _size_of(png: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(png), formats=("PNG",)) as image:
        return image.size


def _two_coloured(image: Image.Image) -> Image.Image:
    return image.convert("L").point(lambda level: 255 if level >= MIDDLE_GREY else 0)
