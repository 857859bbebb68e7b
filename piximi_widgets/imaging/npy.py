"""NumPy's ``.npy`` files, and what the axes of an array without names most probably are."""

from __future__ import annotations

import math
import os
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format

from .formats import Unreadable
from .stored import Stored

_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


def open_npy(file: BinaryIO) -> Stored:
    """Describe a ``.npy`` file; objects are refused, since to read them would run code."""
    file.seek(0)
    version = npy_format.read_magic(file)
    if version not in _READERS:
        raise Unreadable(f".npy files of version {version} hold no pixels")
    shape, fortran, dtype = _READERS[version](file)
    if dtype.kind not in "uifb" or dtype.itemsize > 8:
        raise Unreadable(f"pixels are whole or real numbers, not {dtype}")
    start = file.tell()
    count = math.prod(shape)
    if file.seek(0, os.SEEK_END) < start + count * dtype.itemsize:
        raise Unreadable("the file is cut off: it ends before the end of the array")

    def load() -> np.ndarray:
        file.seek(start)
        values = np.empty(count, dtype)
        file.readinto(values.data.cast("B"))  # type: ignore[attr-defined]
        return values.reshape(shape, order="F" if fortran else "C")

    axes, guess = guessed_axes(shape)
    return Stored(shape, axes, "uint8" if dtype.kind == "b" else dtype.name, load, guess=guess, free=True)


def guessed_axes(shape: tuple[int, ...]) -> tuple[str, str | None]:
    """What the axes of a bare array are taken as, and the sentence that says so.

    Channels are last, as in memory, unless the first of three axes is the shortest: then they are planes.
    Where four axes end with the two longest, planes and channels come first in an order that cannot be
    told, and the caller has to say it. Empty letters stand for that and for other numbers of axes.
    """
    if len(shape) == 2:
        return "YX", None
    if len(shape) == 3:
        if shape[2] <= min(shape[:2]):
            return "YXC", _guess("YXC", "height, width and channels", "ZYX")
        if shape[0] <= min(shape[1:]):
            return "ZYX", _guess("ZYX", "planes, height and width", "CYX")
    if len(shape) == 4 and shape[3] <= min(shape[1:3]):
        return "ZYXC", _guess("ZYXC", "planes, height, width and channels", "ZCYX")
    return "?" * len(shape), None


def _guess(axes: str, names: str, other: str) -> str:
    return f"The file does not name its axes; they were taken as {names} ({axes}). Say axes={other!r} if not."
