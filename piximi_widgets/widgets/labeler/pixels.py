"""Parts of an image in a form that a page can read, small enough to be sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...errors import PiximiError

LARGEST_ANSWER = 64 << 20
# What JavaScript has arrays of.
_KNOWN = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")

Region = tuple[int, int, int, int]
"""Top, left, height and width in pixels of the image."""


def wire_dtype(dtype: np.dtype) -> np.dtype:
    """The type in which values of `dtype` are sent.

    Half floats become single ones, truth values bytes, and everything else that a page has no arrays of float64,
    which holds whole numbers up to 2**53 exactly. Of complex numbers the magnitude is sent.
    """
    dtype = np.dtype(dtype)
    if dtype.name in _KNOWN:
        return np.dtype(dtype.name).newbyteorder("<")
    if dtype.kind == "b":
        return np.dtype("u1")
    return np.dtype("<f4" if dtype in (np.float16, np.complex64) else "<f8")


def clamped(region: Region, height: int, width: int) -> Region:
    """The part of a region that lies in the image.

    Raises
    ------
    PiximiError
        If no part does.
    """
    top, left, rows, columns = region
    inside = (top, left, min(rows, height - top), min(columns, width - left))
    if min(inside[2:]) < 1:
        raise PiximiError(
            f"The region at row {top} and column {left} lies outside of the image of {height} x {width} pixels."
        )
    return inside


def cut(image: np.ndarray, channels: Sequence[int], region: Region, step: int) -> list[np.ndarray]:
    """A region of some channels, reduced.

    Parameters
    ----------
    image : (H, W, C) ndarray
    channels : sequence of int
    region : tuple of int
        Inside of the image.
    step : int
        Each value is the mean of `step` x `step` pixels, at the edges of those that are there; rounded where the
        image is made of whole numbers.

    Returns
    -------
    list of (h, w) ndarray
        One for each channel, of `wire_dtype`, in C order.

    Raises
    ------
    PiximiError
        If that is more than 64 MB.
    """
    top, left, height, width = region
    wire = wire_dtype(image.dtype)
    step = min(step, max(height, width))
    values = math.ceil(height / step) * math.ceil(width / step) * len(channels)
    if values * wire.itemsize > LARGEST_ANSWER:
        raise PiximiError(
            f"The page asked for {values * wire.itemsize / 2**20:,.0f} MB of pixels at once, and"
            f" {LARGEST_ANSWER >> 20} MB are sent at most. Show fewer channels, or zoom out."
        )
    parts = [image[top : top + height, left : left + width, channel] for channel in channels]
    if image.dtype.kind == "c":
        parts = [np.abs(part) for part in parts]
    if step > 1:
        parts = [_means(part, step, wire) for part in parts]
    return [np.ascontiguousarray(part, dtype=wire) for part in parts]


def _means(values: np.ndarray, step: int, wire: np.dtype) -> np.ndarray:
    height, width = values.shape
    rows, columns = np.arange(0, height, step), np.arange(0, width, step)
    # Sums of infinities of both signs are no numbers, which is what is shown then.
    with np.errstate(invalid="ignore", over="ignore"):
        sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0, dtype=np.float64), columns, axis=1)
    counts = np.outer(np.minimum(step, height - rows), np.minimum(step, width - columns))
    means = sums / counts
    return np.rint(means) if wire.kind in "ui" else means
