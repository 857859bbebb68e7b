"""Which plane of a stack is looked at."""

from __future__ import annotations

from typing import Literal

import numpy as np

Plane = int | Literal["middle", "max"]
"""The number of a plane, counted from 0; the plane in the middle; or the brightest value of all planes."""


def take_plane(pixels: np.ndarray, plane: Plane) -> np.ndarray:
    """One plane of a stack, or its maximum projection.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    plane : int, "middle" or "max"
        Of a stack with fewer planes the last; ``"middle"`` is plane Z // 2; ``"max"`` takes for every pixel and
        channel the greatest value of all planes, which is NaN where one of them is.

    Returns
    -------
    (H, W, C) ndarray
        Of the same dtype; a view of `pixels` unless it is a projection.
    """
    count = pixels.shape[0]
    if plane == "max":
        return pixels[0] if count == 1 else pixels.max(axis=0)
    if plane == "middle":
        return pixels[count // 2]
    return pixels[min(int(plane), count - 1)]
