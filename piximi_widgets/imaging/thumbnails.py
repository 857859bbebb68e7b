"""Small PNG pictures of images."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from .display import Window, to_rgb

_GAP = 2


def thumbnail(pixels: np.ndarray, size: int, window: Window) -> bytes:
    """Draw the first plane of an image as a small PNG.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    size : int
        The longest side at most, in pixels. Smaller images are not enlarged: a browser enlarges them
        without blurring, and sixteen times the bytes would hold nothing new.
    window : tuple of (float, float)
        From `display_window`.

    Returns
    -------
    bytes
        A PNG file, 8 bits, grey for one channel and RGB otherwise.
    """
    plane = _reduced(pixels[0], 2 * size)
    rgb = to_rgb(plane[None], window)
    image = Image.fromarray(rgb[..., 0] if pixels.shape[-1] == 1 else rgb)
    height, width = rgb.shape[:2]
    longest = max(pixels.shape[1:3])
    if longest > size:
        scale = size / max(height, width)
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = image.resize(target, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    return _png(image)


def contact_sheet(images: Sequence[np.ndarray], columns: int) -> bytes:
    """Join pictures into one PNG, row by row, each centred in a cell of the largest picture's size.

    Parameters
    ----------
    images : sequence of (H, W, 3) ndarray of uint8
        Their sizes may differ.
    columns : int
        Pictures in a row.

    Returns
    -------
    bytes
        A PNG file whose gaps are transparent, so that it suits a light and a dark page. Without images,
        a single transparent pixel.
    """
    columns = max(1, min(columns, len(images)))
    rows = math.ceil(len(images) / columns)
    height = max((image.shape[0] for image in images), default=1)
    width = max((image.shape[1] for image in images), default=1)
    sheet = np.zeros(
        (max(1, rows * (height + _GAP) - _GAP), max(1, columns * (width + _GAP) - _GAP), 4), dtype=np.uint8
    )
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top = row * (height + _GAP) + (height - image.shape[0]) // 2
        left = column * (width + _GAP) + (width - image.shape[1]) // 2
        cell = sheet[top : top + image.shape[0], left : left + image.shape[1]]
        cell[..., :3] = image
        cell[..., 3] = 255
    return _png(Image.fromarray(sheet))


def _reduced(plane: np.ndarray, longest: int) -> np.ndarray:
    """Average blocks of pixels before colours are computed: far cheaper than to colour a large image."""
    factor = max(plane.shape[:2]) // longest
    if factor < 2:
        return plane
    # An edge that fills no block is left out; an image one block thin keeps its thin side.
    down, across = (min(factor, side) for side in plane.shape[:2])
    height, width = plane.shape[0] // down, plane.shape[1] // across
    blocks = plane[: height * down, : width * across].reshape(height, down, width, across, plane.shape[2])
    means = blocks.mean(axis=(1, 3), dtype=np.float32)
    return np.rint(means).astype(plane.dtype) if plane.dtype.kind in "ui" else means


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=4)
    return buffer.getvalue()
