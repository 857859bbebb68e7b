"""Decoding image files into ``(planes, height, width, channels)`` arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .axes import lay_out
from .formats import IMAGE_SUFFIXES, START, Unreadable, readable, sniff
from .headers import open_file
from .stored import Stored, native

__all__ = ["IMAGE_SUFFIXES", "read_pixels", "to_planes"]


def read_pixels(
    path: str | os.PathLike[str], *, axes: str | None = None, channels: int | None = None
) -> np.ndarray:
    """Read a whole image file.

    A PNG's or BMP's transparency is dropped, and a PNG's, BMP's or DICOM's palette is applied. A TIFF's fourth
    channel stays, since it is often a stain, and its palette is not applied, since microscopes write a colour
    table beside what are measured values. JPEG files are turned upright by their EXIF orientation. Black-and-white files become 0 and 255. Where black is the largest value (TIFF's
    white-is-zero, DICOM's MONOCHROME1) values are inverted, and DICOM's values are rescaled to their unit.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG, BMP, TIFF, DICOM or ``.npy`` file, or the folder of an OME-Zarr image or a Zarr array.
    axes, channels : optional
        As for `read_header`.

    Returns
    -------
    (Z, H, W, C) ndarray
        In the file's own dtype and the machine's byte order.

    Raises
    ------
    ImageReadError
        If the file is missing, damaged, cut off, too large, or not one of these kinds.
    """
    with readable(path) as place:
        if os.path.isdir(place):
            from .ome_zarr import open_zarr

            return _pixels(open_zarr(Path(place)), axes, channels)
        with open(place, "rb") as file:
            return _pixels(_opened(file, place), axes, channels)


def to_planes(array: np.ndarray, *, axes: str | None = None, channels: int | None = None) -> np.ndarray:
    """Give an image array its four axes.

    Parameters
    ----------
    array : (H, W), (H, W, C) or (Z, H, W, C) ndarray
        Of bool, an integer or a floating-point type. With `axes`, of any order.
    axes : str, optional
        The array's axes, a letter of ``T Z C Y X S`` each, as in ``"CYX"``.
    channels : int, optional
        How many channels there must be; with `axes` of ``"ZCYX"`` and an array of pages in a row, how many
        of them make up a plane.

    Returns
    -------
    (Z, H, W, C) ndarray
        In native byte order; bool becomes uint8 with 0 and 255.

    Raises
    ------
    ValueError
        If the array has another number of axes, no pixels, or is not numeric, or `axes` or `channels` do
        not fit it.
    """
    array = np.asarray(array)
    if axes is None and array.ndim not in (2, 3, 4):
        raise ValueError(
            f"an image has 2 axes (height, width), 3 (with channels) or 4 (planes first), not {array.ndim}"
        )
    if 0 in array.shape:
        raise ValueError(f"an image of shape {array.shape} has no pixels")
    stored = {2: "YX", 3: "YXC", 4: "ZYXC"}.get(array.ndim, "?" * array.ndim)
    try:
        layout = lay_out(array.shape, stored, axes=axes, channels=channels, free=True)
    except Unreadable as reason:
        raise ValueError(str(reason).replace("the file", "the array")) from None
    return native(layout.arrange(array))


def _opened(file: BinaryIO, name: str) -> Stored:
    start = file.read(START)
    kind = sniff(start, name)
    if kind == "tiff":
        # With its start a plain TIFF would be described in a shorter way that knows no pixels.
        from .tiff import open_tiff

        return open_tiff(file)
    return open_file(kind, file, start)


def _pixels(stored: Stored, axes: str | None, channels: int | None) -> np.ndarray:
    layout = stored.laid_out(axes, channels)
    pixels = np.ascontiguousarray(native(layout.arrange(stored.load())))
    if pixels.dtype.name != stored.dtype:
        raise Unreadable(f"its pixels are {pixels.dtype}, but its header announces {stored.dtype}")
    return pixels if pixels.flags.writeable else pixels.copy()
