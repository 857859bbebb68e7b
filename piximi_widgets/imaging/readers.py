"""Decoding image files into ``(planes, height, width, channels)`` arrays."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from .formats import Unreadable, check_size, readable, sniff

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".tif", ".tiff"})
"""The suffixes, in lower case, by which a folder is searched for images."""

_FORMATS = {"png": ["PNG"], "jpeg": ["JPEG", "MPO"], "bmp": ["BMP"]}


def read_pixels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a whole image file.

    Transparency is dropped and a PNG's or BMP's palette is applied; a TIFF's palette is not, since
    microscopes write a colour table beside what are measured values. JPEG files are turned upright by
    their EXIF orientation. Black-and-white files become 0 and 255.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG, BMP or TIFF file.

    Returns
    -------
    (Z, H, W, C) ndarray
        In the file's own dtype and the machine's byte order.

    Raises
    ------
    ImageReadError
        If the file is missing, damaged, cut off, or not one of these kinds.
    """
    with readable(path) as place, open(place, "rb") as file:
        start = file.read(33)
        kind = sniff(start)
        if kind == "tiff":
            from .tiff import tiff_pixels

            return tiff_pixels(file)
        file.seek(0)
        if kind == "png" and len(start) >= 26 and start[24] == 16 and start[25] in (2, 4, 6):
            pixels = _wide_png(file, *struct.unpack(">II", start[16:24]), color=start[25])
        else:
            pixels = _with_pillow(file, kind)
        return to_planes(pixels)


def to_planes(array: np.ndarray) -> np.ndarray:
    """Give an image array its four axes.

    Parameters
    ----------
    array : (H, W), (H, W, C) or (Z, H, W, C) ndarray
        Of bool, an integer or a floating-point type.

    Returns
    -------
    (Z, H, W, C) ndarray
        In native byte order; bool becomes uint8 with 0 and 255.

    Raises
    ------
    ValueError
        If the array has another number of axes, no pixels, or is not numeric.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[None, :, :, None]
    elif array.ndim == 3:
        array = array[None]
    elif array.ndim != 4:
        raise ValueError(
            f"an image has 2 axes (height, width), 3 (with channels) or 4 (planes first), not {array.ndim}"
        )
    if 0 in array.shape:
        raise ValueError(f"an image of shape {array.shape} has no pixels")
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "uif":
        raise ValueError(f"pixels are whole or real numbers, not {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _with_pillow(file: BinaryIO, kind: str) -> np.ndarray:
    with Image.open(file, formats=_FORMATS[kind]) as opened:
        check_size(opened.height, opened.width, 4, 1, 1)
        image: Image.Image = ImageOps.exif_transpose(opened) if kind == "jpeg" else opened
        return pillow_array(image)


def pillow_array(image: Image.Image) -> np.ndarray:
    """Pixels of a Pillow image without palette and transparency, in the type that it was stored in."""
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("LA", "La"):
        image = image.getchannel(0)
    elif image.mode == "I":
        # Older Pillow widens a 16-bit grey PNG to 32 bits on opening.
        return np.asarray(image).astype(np.uint16)
    elif image.mode not in ("L", "RGB", "F") and not image.mode.startswith("I;16"):
        image = image.convert("RGB")
    return np.array(image)


def _wide_png(file: BinaryIO, width: int, height: int, *, color: int) -> np.ndarray:
    """Decode a PNG of 16 bits in several channels, of which Pillow keeps the upper 8 only.

    Pillow undoes compression and row filters and then picks one byte of each value. Asked for the same
    data in the other byte order, it picks the other byte; the two decodings together are the values.
    """
    check_size(height, width, 4, 1, 2)
    if color == 4:
        # Grey with transparency is four bytes a pixel, which Pillow passes through as they are.
        raw = _decode_as(file, "RGBA", "RGBA")
        return raw[..., 0].astype(np.uint16) << 8 | raw[..., 1]
    mode = "RGB" if color == 2 else "RGBA"
    upper = _decode_as(file, mode, f"{mode};16B")
    lower = _decode_as(file, mode, f"{mode};16L")
    return (upper.astype(np.uint16) << 8 | lower)[..., :3]


def _decode_as(file: BinaryIO, mode: str, raw_mode: str) -> np.ndarray:
    file.seek(0)
    with Image.open(file, formats=["PNG"]) as image:
        if len(image.tile) != 1:
            raise Unreadable("PNG files of 16 bits with several pictures cannot be read; save them as TIFF")
        image._mode = mode
        image.tile = [image.tile[0]._replace(args=raw_mode)]
        image.info.pop("transparency", None)
        return np.array(image)
