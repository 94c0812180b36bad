"""How do tests get picture files such as people and cameras send, and such as nobody should?"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

ORIENTATION = 0x0112
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Encode a picture; of a WEBP without loss."""
    buffer = BytesIO()
    image.save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}), **options)
    return buffer.getvalue()


def opened(png: bytes) -> Image.Image:
    """Decode a picture."""
    with Image.open(BytesIO(png)) as image:
        image.load()
        return image


def quarters(side: int = 32) -> Image.Image:
    """Give a picture that looks different however it is turned: red and green above blue and white."""
    image = Image.new("RGB", (side, side), RED)
    half = side // 2
    for colour, corner in ((GREEN, (half, 0)), (BLUE, (0, half)), (WHITE, (half, half))):
        image.paste(colour, (*corner, corner[0] + half, corner[1] + half))
    return image


def corners(image: Image.Image) -> list[str]:
    """Name the colours in the four corners, clockwise from the upper left; what compression does is no matter."""
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    wide, high = image.size
    found = [image.getpixel(at) for at in ((2, 2), (wide - 3, 2), (wide - 3, high - 3), (2, high - 3))]
    return [names[tuple(round(level / 255) for level in pixel)] for pixel in found]  # type: ignore[union-attr, index]


def exif(orientation: int) -> Image.Exif:
    """Give what a camera writes, held in one of eight ways."""
    found = Image.Exif()
    found[ORIENTATION] = orientation
    found[0x010F] = "A camera of the maker"
    return found


def chunk(kind: bytes, body: bytes) -> bytes:
    """Write a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_says(width: int, height: int, *chunks: bytes) -> bytes:
    """Write a PNG that claims a size and holds next to nothing."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def damaged(data: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    """Change single bytes, at places that count round, and cut some off the end."""
    broken = bytearray(data)
    for place, value in changes:
        broken[place % len(broken)] = value
    return bytes(broken[: len(broken) - cut % len(broken)])


def all_kinds() -> Iterator[bytes]:
    """Give small files of every kind that is read, with what cameras and editors add to them."""
    frames = [quarters().convert("RGBA"), Image.new("RGBA", (32, 32), GREEN)]
    camera = exif(6)
    camera[0x011A], camera[0x0128] = 72.0, 2
    yield file_of(quarters(), "JPEG", exif=camera)
    yield file_of(quarters(), "WEBP", exif=camera)
    yield file_of(quarters(), "PNG", exif=camera)
    yield file_of(quarters().convert("P"), "PNG", transparency=0)
    yield file_of(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield file_of(quarters(), "MPO", save_all=True, append_images=[quarters()], exif=camera)
