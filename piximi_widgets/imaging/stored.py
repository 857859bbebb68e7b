"""What a reader has found in a file, before its axes are put in order."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .axes import Layout, lay_out
from .formats import Unreadable

MAX_GB = "PIXIMI_WIDGETS_MAX_IMAGE_GB"
"""The environment variable that lifts the limit on an image's size."""

_DEFAULT_GB = 4.0

# Deflate, the densest of the usual codes, makes a thousand bytes from one at most; an image that was measured
# has noise and comes nowhere near. Small images do no harm, whatever they claim.
_BOMB_BYTES = 256 * 2**20
_BOMB_RATIO = 1000

PixelSize = tuple[float | None, float | None, float | None]
"""Distance of planes, height and width of a pixel, in micrometres."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The array that a file holds, and how to get it.

    Attributes
    ----------
    shape : tuple of int
        Of the stored array.
    axes : str
        A letter for each of its axes, see `axes.lay_out`.
    dtype : str
        NumPy name of the type in which `load` gives the values.
    load : callable
        Decodes the array. Nothing is decoded before.
    file_bytes : int or None
        What the pixels take on disk when they are compressed, for the check against bombs.
    channel_names, pixel_size, guess
        As in `ImageHeader`.
    free
        As for `axes.lay_out`.
    """

    shape: tuple[int, ...]
    axes: str
    dtype: str
    load: Callable[[], np.ndarray]
    file_bytes: int | None = None
    channel_names: tuple[str, ...] | None = None
    pixel_size: PixelSize | None = None
    guess: str | None = None
    free: bool = False

    def laid_out(self, axes: str | None, channels: int | None) -> Layout:
        """The order of the axes, after the size was found bearable."""
        layout = lay_out(
            self.shape, self.axes, axes=axes, channels=channels, guess=self.guess, free=self.free
        )
        check_size(*layout.shape, np.dtype(self.dtype).itemsize, self.file_bytes)
        return layout


def check_size(
    planes: int, height: int, width: int, channels: int, itemsize: int, file_bytes: int | None = None
) -> None:
    """Refuse images without pixels, images that no memory could hold, and decompression bombs."""
    if min(height, width, channels, planes) < 1:
        raise Unreadable("the image has no pixels")
    size = height * width * channels * planes * itemsize
    if size <= _BOMB_BYTES:
        return
    limit = size_limit()
    announced = (
        f"the header announces {planes} x {height} x {width} x {channels} values, {size / 2**30:.3g} GB"
    )
    if size > limit:
        raise Unreadable(
            f"{announced}, more than the {limit / 2**30:.3g} GB that one image may take; cut it into smaller"
            f" images, or set the environment variable {MAX_GB} to a larger number"
        )
    # Whoever has set the limit has decided.
    if file_bytes is not None and size > _BOMB_RATIO * file_bytes and not os.environ.get(MAX_GB):
        raise Unreadable(
            f"{announced}, but the file has {file_bytes / 2**20:.3g} MB, less than a thousandth of that: it is"
            f" empty, or made to fill the memory; set the environment variable {MAX_GB} to {_DEFAULT_GB:g} to"
            " read it nevertheless"
        )


def size_limit() -> float:
    """The bytes that one image may take."""
    told = os.environ.get(MAX_GB)
    if not told:
        return _DEFAULT_GB * 2**30
    try:
        limit = float(told)
    except ValueError:
        limit = float("nan")
    if not limit > 0:
        raise Unreadable(f"the environment variable {MAX_GB} is {told!r}; it must be a number of gigabytes")
    return limit * 2**30


def native(array: np.ndarray) -> np.ndarray:
    """Values in the machine's byte order; bool becomes uint8 with 0 and 255."""
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "uif":
        raise ValueError(f"pixels are whole or real numbers, not {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
