"""Flips and quarter turns: eight views of an image, exact, with no pixel computed anew.

A view is a number from 0 to 7: bit 2 says mirrored left to right, which comes first; the low bits are the quarter turns
that follow, counter-clockwise.
"""

from __future__ import annotations

import numpy as np

MIRRORED = 4
TURNS = 3


def view_of(pixels: np.ndarray, view: int) -> np.ndarray:
    """Return one view of an image.

    Parameters
    ----------
    pixels : (h, w, ...) ndarray
    view : int
        From 0 to 7; odd ones swap height and width.
    """
    mirrored = pixels[:, ::-1] if view & MIRRORED else pixels
    return np.rot90(mirrored, view & TURNS)


def compose(mirrored: np.ndarray, flipped: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Return the views, (N,) int64, of images mirrored left to right, then top to bottom, then turned.

    Parameters
    ----------
    mirrored, flipped : (N,) ndarray of int64
        0 or 1.
    turns : (N,) ndarray of int64
        Quarter turns, from 0 to 3.
    """
    # Top to bottom is left to right followed by half a turn.
    return np.asarray(MIRRORED * (mirrored ^ flipped) + (2 * flipped + turns) % 4)


def view_pixels(height: int, width: int) -> np.ndarray:
    """Return from which pixel each pixel of each view comes.

    Returns
    -------
    (8, height * width) ndarray of int32
        Positions in the flattened image; views that would swap unequal sides hold the identity.
    """
    places = np.arange(height * width, dtype=np.int32).reshape(height, width)
    views = (places if view % 2 and height != width else view_of(places, view) for view in range(8))
    return np.stack([view.ravel() for view in views])
