"""PNG files: their headers by hand, since a scan reads a hundred thousand of them, their pixels by Pillow."""

from __future__ import annotations

import io
import os
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from .formats import PNG_SIGNATURE, Unreadable
from .stored import Stored

# Color type -> channels that we keep (transparency is dropped, a palette becomes RGB), and allowed bit depths.
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_END = b"IEND\xaeB`\x82"
_KEPT = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


def open_png(file: BinaryIO, start: bytes) -> Stored:
    """Describe a PNG file of which the first bytes were read already.

    Grey of 1, 2 and 4 bits is spread over 0 to 255, as the specification asks; 16 bits stay as they are.
    """
    height, width, channels, dtype, size = png_header(file, start)
    color = start[25]

    def load() -> np.ndarray:
        pixels = _decode(file, color, wide=dtype == "uint16")
        return pixels.reshape(height, width, channels)

    return Stored((height, width, channels), "YXS", dtype, load, file_bytes=size)


def png_header(file: BinaryIO, start: bytes) -> tuple[int, int, int, str, int]:
    """Height, width, channels, dtype and size in bytes of a PNG file that is there to its end."""
    if len(start) < 33 or start[12:16] != b"IHDR":
        raise Unreadable("the file is cut off in its header")
    width, height, depth, color = struct.unpack_from(">IIBB", start, 16)
    if color not in _CHANNELS or depth not in _DEPTHS[color]:
        raise Unreadable(
            f"the file is damaged: {color} is no color type of a PNG file, or not with {depth} bits"
        )
    end = start[-8:]
    size = len(start)
    if end != _END:
        # Not the whole of a small file: ask for the end of a larger one.
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        end = file.read(8)
    if end != _END and not _has_end(file, size):
        raise Unreadable("the file is cut off: it ends before the end of the picture")
    return height, width, _CHANNELS[color], "uint16" if depth == 16 else "uint8", size


def _has_end(file: BinaryIO, size: int) -> bool:
    """Look for the end chunk by chunk: something may follow the picture's end, which is allowed."""
    position = len(PNG_SIGNATURE)
    while position + 12 <= size:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        position += 12 + length
        if name == b"IEND":
            return position <= size
    return False


def _decode(file: BinaryIO, color: int, *, wide: bool) -> np.ndarray:
    picture = _without_notes(file)
    if not wide:
        return _pillow(picture, "RGB" if _CHANNELS[color] == 3 else "L")
    if color == 0:
        # Older Pillow widens a 16-bit grey PNG to 32 bits on opening.
        return _pillow(picture, None).astype(np.uint16)
    # Pillow undoes compression and row filters and then picks one byte of each value. Asked for the same
    # data in the other byte order, it picks the other byte; the two decodings together are the values.
    if color == 4:
        # Grey with transparency is four bytes a pixel, which Pillow passes through as they are.
        raw = _pillow(picture, None, as_="RGBA", raw="RGBA")
        return raw[..., 0].astype(np.uint16) << 8 | raw[..., 1]
    mode = "RGB" if color == 2 else "RGBA"
    upper = _pillow(picture, None, as_=mode, raw=f"{mode};16B")
    lower = _pillow(picture, None, as_=mode, raw=f"{mode};16L")
    return (upper.astype(np.uint16) << 8 | lower)[..., :3]


def _pillow(picture: bytes, mode: str | None, *, as_: str = "", raw: str = "") -> np.ndarray:
    # Made directly: Image.open would warn of sizes that were found bearable before.
    with PngImagePlugin.PngImageFile(io.BytesIO(picture)) as opened:
        image: Image.Image = opened
        if raw:
            opened._mode = as_
            opened.tile = [opened.tile[0]._replace(args=raw)]
        if mode == "L" and opened.mode == "LA":
            image = opened.getchannel(0)
        elif mode is not None and opened.mode != mode:
            image = opened.convert(mode)
        return np.array(image)


def _without_notes(file: BinaryIO) -> bytes:
    """The chunks that hold the picture.

    Texts, profiles, animations and transparency are left out: nobody asks for them here, and Pillow
    inflates or warns of what it finds in them.
    """
    file.seek(0)
    data = memoryview(file.read())
    parts: list[bytes | memoryview] = [PNG_SIGNATURE]
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if name in _KEPT:
            parts.append(data[position : position + 12 + length])
        if name == b"IEND":
            break
        position += 12 + length
    return b"".join(parts)
