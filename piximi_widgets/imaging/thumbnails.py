"""Small PNG pictures of images."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from .display import Display, Window, to_rgb
from .projection import Plane, take_plane

_GAP = 2


def thumbnail(
    pixels: np.ndarray, size: int, display: Display | None = None, window: Window | None = None
) -> bytes:
    """Draw an image as a small PNG.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    size : int
        The longest side at most, in pixels. Smaller images are not enlarged: a browser enlarges them
        without blurring, and sixteen times the bytes would hold nothing new.
    display : Display, optional
    window : tuple of (float, float), optional
        From `display_window`; by default the image's own.

    Returns
    -------
    bytes
        A PNG file, 8 bits, grey for one channel without a colour and RGB otherwise.
    """
    display = display or Display()
    plane = _averaged(take_plane(pixels, display.plane), 2 * size)
    rgb = to_rgb(plane[None], display, window)
    (*others, first) = display.resolved(pixels.shape[-1])
    grey = not others and first.color == "#ffffff"
    image = Image.fromarray(rgb[..., 0] if grey else rgb)
    longest = max(rgb.shape[:2])
    if longest > size:
        method = Image.Resampling.BOX if size / longest < 0.5 else Image.Resampling.BILINEAR
        image = image.resize(_target(rgb.shape, size), method)
    return _png(image)


def reduce_image(pixels: np.ndarray, plane: Plane, longest: int) -> np.ndarray:
    """A small copy of one plane of an image, from which pictures with any colours and contrast can be drawn.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    plane : int, "middle" or "max"
    longest : int
        The longest side at most, in pixels.

    Returns
    -------
    (1, h, w, C) ndarray
        All channels in the image's own dtype; each value is the mean of those that it stands for, rounded where
        the dtype is whole. Smaller images are as they were.
    """
    image = _averaged(take_plane(pixels, plane), longest)
    if max(image.shape[:2]) > longest:
        width, height = _target(image.shape, longest)
        channels = [
            Image.fromarray(np.ascontiguousarray(image[..., channel], dtype=np.float32)).resize(
                (width, height), Image.Resampling.BOX
            )
            for channel in range(image.shape[2])
        ]
        image = _as_stored(np.stack([np.asarray(channel) for channel in channels], axis=-1), image.dtype)
    return np.ascontiguousarray(image)[None]


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


def _averaged(plane: np.ndarray, longest: int) -> np.ndarray:
    """Average blocks of pixels until the longest side is below twice `longest`.

    Colours are then computed for few pixels. Whole rows are added before columns are: an order of magnitude
    faster than NumPy's mean over two axes.
    """
    factor = max(plane.shape[:2]) // longest
    if factor < 2:
        return plane
    # An edge that fills no block is left out; an image one block thin keeps its thin side.
    down, across = (min(factor, side) for side in plane.shape[:2])
    height, width = (side // step * step for side, step in zip(plane.shape, (down, across), strict=False))
    plane = plane[:height, :width]
    total = plane[::down].astype(_sum_type(plane.dtype, down * across))
    for row in range(1, down):
        total += plane[row::down]
    sums = total[:, ::across].copy()
    for column in range(1, across):
        sums += total[:, column::across]
    return _as_stored(sums / (down * across), plane.dtype)


def _sum_type(dtype: np.dtype, count: int) -> type[np.number]:
    if dtype.kind in "ui" and dtype.itemsize <= 2 and count < 1 << 15:
        return np.int32 if dtype.kind == "i" else np.uint32
    return np.float32 if dtype.kind == "f" and dtype.itemsize <= 4 else np.float64


def _as_stored(means: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind in "ui":
        # A mean that was rounded up in floating point must not turn over.
        highest = np.nextafter(float(np.iinfo(dtype).max) + 1.0, 0.0)
        means = np.minimum(np.rint(means), highest)
    return means.astype(dtype)


def _target(shape: Sequence[int], longest: int) -> tuple[int, int]:
    """Width and height of a picture with this longest side."""
    scale = longest / max(shape[:2])
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=2)
    return buffer.getvalue()
