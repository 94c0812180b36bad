"""How does a picture that a stranger sent become a start picture: a clean PNG, and then one of the size asked for?"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps
from PIL.Image import Resampling, Transpose

from generation.errors import UnreadableImageError

LARGEST_FILE_MIB = 20
MOST_MEGAPIXELS = 40
LONGEST_SIDE = 2048
FORMATS = ("PNG", "JPEG", "WEBP")
COMPRESS_LEVEL = 4

UNREADABLE = "The {what} is not a PNG, JPEG or WEBP file that can be read; one of these is needed."

ORIENTATION = 0x0112  # the EXIF tag; a value that is not here means upright
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
# What Pillow's readers raise on damaged files.
DAMAGES = (OSError, SyntaxError, ValueError, LookupError, TypeError, EOFError, struct.error, zlib.error, MemoryError)

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartImage:
    """A clean PNG: RGB, upright, without metadata, at most LONGEST_SIDE pixels long."""

    png: bytes
    width: int
    height: int


def read_start_image(data: bytes, *, what: str = "start picture") -> StartImage:
    """Make a clean PNG of whatever somebody sent as a start picture, or else as `what`. Equal bytes give equal bytes.

    Blocks for up to seconds: call it in a thread. One is read at a time, since decoded it may take 300 MB.

    Raises:
        UnreadableImageError: it is too large, of another kind, or damaged.
    """
    if len(data) > LARGEST_FILE_MIB * 2**20:
        raise UnreadableImageError(
            f"The {what} has {len(data) / 2**20:.1f} MiB; at most {LARGEST_FILE_MIB} MiB are allowed."
        )
    with _quiet():
        clean = _cleaned(data, what)
    buffer = BytesIO()
    clean.save(buffer, format="PNG", compress_level=COMPRESS_LEVEL)
    return StartImage(png=buffer.getvalue(), width=clean.width, height=clean.height)


def fit(png: bytes, size: tuple[int, int]) -> Image.Image:
    """Decode a clean PNG and let it cover the size; what stands out on two sides is cut off evenly.

    Raises:
        UnreadableImageError: it is no such PNG.
    """
    try:
        with Image.open(BytesIO(png), formats=("PNG",)) as image:
            return ImageOps.fit(image.convert("RGB"), size, method=Resampling.LANCZOS)
    except (*DAMAGES, Image.DecompressionBombError) as error:
        raise UnreadableImageError(UNREADABLE.format(what="start picture")) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what Pillow warns of in strange files; filters hold for all threads, hence the lock."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _cleaned(data: bytes, what: str) -> Image.Image:
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image, what)
            size = _shrunk(image.size)
            image.draft(None, size)  # a JPEG is decoded at a fraction of its size, if that is enough
            turn = TURNS.get(_orientation(image))
            clean = _on_white(image).resize(size, Resampling.LANCZOS)
    except Image.DecompressionBombError as error:  # raised above about four times our own limit
        raise UnreadableImageError(
            f"The {what} has far too many pixels; at most {MOST_MEGAPIXELS} megapixels are allowed."
        ) from error
    except DAMAGES as error:
        raise UnreadableImageError(UNREADABLE.format(what=what)) from error
    return clean if turn is None else clean.transpose(turn)


def _check_pixels(image: Image.Image, what: str) -> None:
    """Look at the header's numbers; nothing is decoded yet."""
    pixels = image.width * image.height
    if pixels > MOST_MEGAPIXELS * 1_000_000:
        raise UnreadableImageError(
            f"The {what} has {image.width}x{image.height} pixels, which is {pixels / 1e6:.1f} megapixels; "
            f"at most {MOST_MEGAPIXELS} are allowed."
        )


def _shrunk(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LONGEST_SIDE / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def _orientation(image: Image.Image) -> int:
    """Tell how the camera was held; metadata that cannot be read is no reason to refuse the picture."""
    try:
        found = image.getexif().get(ORIENTATION)
    except DAMAGES:
        return 1
    return found if isinstance(found, int) else 1


def _on_white(image: Image.Image) -> Image.Image:
    """Decode the first frame onto a white ground, in a new picture that knows nothing of the old one's metadata."""
    canvas = Image.new("RGB", image.size, "white")
    if image.mode.startswith("I"):  # Pillow would cut its 16 bits off at 255
        canvas.paste(image.convert("I").point(lambda level: level * (1 / 256)).convert("L"))
    elif image.has_transparency_data:
        pixels = image.convert("RGBA")
        canvas.paste(pixels, mask=pixels.getchannel("A"))
    else:
        canvas.paste(image.convert("RGB"))
    return canvas
