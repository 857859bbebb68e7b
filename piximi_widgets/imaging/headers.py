"""What an image file says about itself before a pixel is decoded."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image

from .formats import PNG_SIGNATURE, Unreadable, check_size, readable, sniff

# PNG color type -> channels that we keep; transparency is dropped, a palette becomes RGB.
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
_PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Shape and type of an image, as `read_pixels` will return it.

    Attributes
    ----------
    height, width : int
        In pixels, after a JPEG's EXIF orientation was applied.
    channels, planes : int
        Colours or stains, and z-slices.
    dtype : str
        NumPy name of the native type, for example ``"uint16"``.
    """

    height: int
    width: int
    channels: int
    planes: int
    dtype: str


def read_header(path: str | os.PathLike[str]) -> ImageHeader:
    """Read an image's shape and type without decoding its pixels.

    A file that ends before its pixels do is noticed here too, as far as that can be told from sizes
    and end marks.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG, BMP or TIFF file; its content decides, not its suffix.

    Returns
    -------
    ImageHeader

    Raises
    ------
    ImageReadError
        If the file is missing, cut off, or no image of these kinds. The message is
        ``"<path>: <reason>"``.
    """
    with readable(path) as place:
        with open(place, "rb") as file:
            start = file.read(33)
            kind = sniff(start)
            if kind == "png":
                header = _png(file, start)
            elif kind == "jpeg":
                header = _jpeg(file)
            elif kind == "bmp":
                header = _bmp(file, start)
            else:
                from .tiff import tiff_header

                header = ImageHeader(*tiff_header(file))
        check_size(
            header.height, header.width, header.channels, header.planes, np.dtype(header.dtype).itemsize
        )
        return header


def _png(file: BinaryIO, start: bytes) -> ImageHeader:
    # Read by hand, since a scan of 10,000 small files spends most of its time in Image.open otherwise.
    if len(start) < 33 or start[12:16] != b"IHDR":
        raise Unreadable("the file is cut off in its header")
    width, height, depth, color = struct.unpack(">IIBB", start[16:26])
    if color not in _PNG_CHANNELS:
        raise Unreadable(f"{color} is no color type of a PNG file")
    if not _png_is_complete(file):
        raise Unreadable("the file is cut off: it ends before the end of the picture")
    wide = depth == 16 and color != 3
    return ImageHeader(height, width, _PNG_CHANNELS[color], 1, "uint16" if wide else "uint8")


def _png_is_complete(file: BinaryIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    if size >= 8:
        file.seek(-8, os.SEEK_END)
        if file.read(8) == _PNG_END:
            return True
    # Something may follow the picture's end, which is allowed: look for the end chunk by chunk.
    position = len(PNG_SIGNATURE)
    while position + 12 <= size:
        file.seek(position)
        length, name = struct.unpack(">I4s", file.read(8))
        position += 12 + length
        if name == b"IEND":
            return True
    return False


def _jpeg(file: BinaryIO) -> ImageHeader:
    file.seek(0)
    with Image.open(file, formats=["JPEG", "MPO"]) as image:
        width, height = image.size
        channels = 1 if image.mode == "L" else 3
        if image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8):
            width, height = height, width
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1024))
        if b"\xff\xd9" not in file.read():
            # No end mark near the end: either much follows the picture, or some of it is missing.
            try:
                image.load()
            except OSError:
                raise Unreadable("the file is cut off: it ends before the end of the picture") from None
    return ImageHeader(height, width, channels, 1, "uint8")


def _bmp(file: BinaryIO, start: bytes) -> ImageHeader:
    file.seek(0)
    with Image.open(file, formats=["BMP"]) as image:
        width, height = image.size
        channels = 1 if image.mode in ("1", "L") else 3
        offset = struct.unpack("<I", start[10:14])[0]
        fields = struct.unpack("<I", start[14:18])[0]
        if fields >= 40 and len(start) >= 33:
            bits, compression = struct.unpack("<HI", start[28:34].ljust(6, b"\0"))
            rows = (width * bits + 31) // 32 * 4 * height
            if compression in (0, 3) and file.seek(0, os.SEEK_END) < offset + rows:
                raise Unreadable("the file is cut off: it ends before the end of the picture")
    return ImageHeader(height, width, channels, 1, "uint8")
