"""JPEG and BMP files: headers by hand, pixels by Pillow."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import BmpImagePlugin, JpegImagePlugin

from .formats import Unreadable
from .stored import Stored

# The markers that begin a JPEG's frame and say its size; C4, C8 and CC are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE = frozenset((0x01, *range(0xD0, 0xD9)))
_CUT_OFF = "the file is cut off: it ends before the end of the picture"

# How stored rows and columns become upright ones, by the value of EXIF's orientation.
_UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


def open_jpeg(file: BinaryIO) -> Stored:
    """Describe a JPEG file; grey stays grey, everything else becomes RGB, and EXIF turns it upright."""
    file.seek(0)
    data = file.read(65536)
    try:
        header = _Jpeg.parsed(data)
    except (struct.error, IndexError):
        # Profiles and previews may take more than that before the frame.
        header = _Jpeg.parsed(data + file.read())
    height, width = header.height, header.width
    if header.orientation in (5, 6, 7, 8):
        height, width = width, height
    channels = 1 if header.layers == 1 else 3

    def load() -> np.ndarray:
        file.seek(0)
        pixels = _UPRIGHT.get(header.orientation, lambda a: a)(header.decode(file.read()))
        return pixels.reshape(height, width, channels)

    size = file.seek(0, os.SEEK_END)
    stored = Stored((height, width, channels), "YXS", "uint8", load, file_bytes=size)
    file.seek(max(0, size - 1024))
    if b"\xff\xd9" not in file.read():
        # No end mark near the end: either much follows the picture, or some of it is missing.
        stored.laid_out(None, None)
        try:
            load()
        except OSError:
            raise Unreadable(_CUT_OFF) from None
    return stored


@dataclass(frozen=True, slots=True)
class _Jpeg:
    height: int
    width: int
    layers: int
    orientation: int
    notes: tuple[tuple[int, int], ...]  # where the segments begin and end that are not the picture

    @classmethod
    def parsed(cls, data: bytes) -> _Jpeg:
        """Walk over the segments until the first scan."""
        position, orientation = 2, 1
        frame = None
        notes = []
        while True:
            if data[position] != 0xFF:
                raise Unreadable("the file is damaged: a marker is missing in its header")
            marker = data[position + 1]
            if marker == 0xFF or marker in _LONE:
                position += 1 if marker == 0xFF else 2
                continue
            if marker == 0xD9:
                raise Unreadable(_CUT_OFF)
            end = position + 2 + struct.unpack_from(">H", data, position + 2)[0]
            if marker in _FRAMES:
                frame = struct.unpack_from(">BHHB", data, position + 4)
            elif marker == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0" and orientation == 1:
                orientation = _orientation(data[position + 10 : end])
            if marker == 0xFE or (0xE1 <= marker <= 0xEF and marker != 0xEE):
                notes.append((position, end))
            if marker == 0xDA:
                break
            position = end
        if frame is None:
            raise Unreadable("the file is damaged: its header has no frame")
        bits, height, width, layers = frame
        if bits != 8 or layers not in (1, 3, 4):
            raise Unreadable(f"JPEG files of {bits} bits in {layers} channels are not read; save it as TIFF")
        return cls(height, width, layers, orientation, tuple(notes))

    def decode(self, data: bytes) -> np.ndarray:
        """Pixels as stored. Pillow gets the picture only, since it warns of damage in notes on it."""
        parts, position = [], 0
        for begin, end in self.notes:
            parts.append(data[position:begin])
            position = end
        picture = b"".join([*parts, data[position:]])
        with JpegImagePlugin.JpegImageFile(io.BytesIO(picture)) as opened:
            return np.array(opened if opened.mode in ("L", "RGB") else opened.convert("RGB"))


def _orientation(exif: bytes) -> int:
    """The tag Orientation of a block of EXIF, 1 where there is none or the block is damaged."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, first)
        for entry in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if tag == 0x0112 and kind == 3:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def open_bmp(file: BinaryIO, start: bytes) -> Stored:
    """Describe a BMP file; a palette is applied, and black and white is 0 and 255."""
    file.seek(0)
    with BmpImagePlugin.BmpImageFile(file) as image:
        width, height = image.size
        mode = "L" if image.mode in ("1", "L") else "RGB"
    offset, fields = struct.unpack_from("<II", start, 10)
    size = file.seek(0, os.SEEK_END)
    packed = False
    if fields >= 40:
        bits, compression = struct.unpack_from("<HI", start, 28)
        packed = compression in (1, 2)
        if not packed and size < offset + (width * bits + 31) // 32 * 4 * height:
            raise Unreadable(_CUT_OFF)

    def load() -> np.ndarray:
        file.seek(0)
        with BmpImagePlugin.BmpImageFile(file) as image:
            pixels = np.array(image if image.mode == mode else image.convert(mode))
        return pixels.reshape(height, width, -1)

    shape = (height, width, 1 if mode == "L" else 3)
    return Stored(shape, "YXS", "uint8", load, file_bytes=size if packed else None)
