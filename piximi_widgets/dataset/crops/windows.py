"""Where crops of objects lie in their parent images, from tables and from label masks.

Coordinates count pixels from 0 at the first pixel's centre, as CellProfiler, scikit-image and NumPy do. Boxes
are half-open: their maximum is the first row or column behind the object, as in scikit-image's ``bbox`` and
CellProfiler's ``AreaShape_BoundingBoxMaximum``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SelectionError
from ..adding.alignment import is_missing, plain
from ..sql.crops import Parent
from .columns import coordinates, extra_columns, object_numbers

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 16_384


@dataclass(frozen=True)
class Crop:
    """A part of an image that becomes an image itself.

    Attributes
    ----------
    parent_id : int
    region : (int, int, int, int)
        Top, left, height and width in pixels of the parent; beyond its edges where it is smaller than the
        crop.
    name : str
    metadata : dict
        The parent's, ``object`` and the columns that were asked for.
    row : int
        Position of the object in its table or mask.
    """

    parent_id: int
    region: tuple[int, int, int, int]
    name: str
    metadata: dict[str, Any] = field(default_factory=dict)
    row: int = 0


def crop_size(size: Any) -> tuple[int, int] | None:
    """Height and width from one number or two; None stays None.

    Raises
    ------
    SelectionError
        If they are no whole numbers from 1 to 16384.
    """
    if size is None:
        return None
    both = (size, size) if isinstance(size, (int, np.integer)) else size
    try:
        height, width = both
    except (TypeError, ValueError):
        height = width = None
    for side in (height, width):
        if not isinstance(side, (int, np.integer)) or isinstance(side, bool) or not 1 <= side <= _LARGEST:
            raise SelectionError(
                f"size is the crops' side in pixels, or (height, width), each from 1 to {_LARGEST}; got"
                f" {size!r}."
            )
    return int(height), int(width)  # type: ignore[arg-type]


def window(y: float, x: float, size: tuple[int, int], height: int, width: int) -> tuple[int, int, int, int]:
    """The region of a size around a centre.

    The window whose centre is nearest to (y, x) is taken; of two that are equally near, as they are for an
    even size around a whole number, the lower or right one. Where it reaches over an edge of the parent it is
    moved inside, so that all pixels are real; where the parent is smaller it stays centred and reaches
    beyond.

    Parameters
    ----------
    height, width : int
        The parent's.
    """
    start = []
    for centre, side, limit in ((y, size[0], height), (x, size[1], width)):
        first = math.floor(centre - (side - 1) / 2 + 0.5)
        start.append(min(max(first, 0), limit - side) if side <= limit else first)
    return start[0], start[1], size[0], size[1]


def crops_of_table(
    table: pd.DataFrame,
    parents: Sequence[Parent | str],
    size: tuple[int, int] | None = None,
    *,
    columns: Sequence[str] = (),
    ignored: str | None = None,
) -> tuple[list[Crop], dict[str, str]]:
    """The crops that a table of objects describes, one for each row.

    Parameters
    ----------
    table : DataFrame
        With centroids or bounding boxes in columns that `crop_columns` knows.
    parents : sequence of Parent or str
        For each row its image, or the reason why it has none.
    size : (int, int), optional
        Height and width of windows around the centroids, or around the boxes' centres where there are no
        centroids; by default the boxes themselves, as far as they lie in the image.
    columns : sequence of str
        Columns that become metadata.
    ignored : str, optional
        A column that holds no object number, whatever it is called.

    Returns
    -------
    crops : list of Crop
    failed : dict of str to str
        For each row that gives no crop the reason.

    Raises
    ------
    SelectionError
        If the coordinates' columns are missing or ambiguous, or a column of metadata cannot be one.
    """
    places, are_boxes = coordinates(table, size)
    numbers = object_numbers(table, parents, ignored)
    extra = extra_columns(table, columns)
    crops: list[Crop] = []
    failed: dict[str, str] = {}
    taken: dict[tuple[int, tuple[int, int, int, int]], Any] = {}
    for row, (parent, number) in enumerate(zip(parents, numbers, strict=True)):
        key = f"row {row + 1}"
        if isinstance(parent, str):
            failed[key] = parent
            continue
        key = f"{key} ({parent.name} #{number})"
        region = _region(places[row].tolist(), are_boxes, size, parent)
        if isinstance(region, str):
            failed[key] = region
            continue
        if (parent.id, region) in taken:
            failed[key] = f"its window is the same as that of object {taken[parent.id, region]}"
            continue
        taken[parent.id, region] = number
        metadata = {
            **parent.metadata,
            "object": number,
            **{name: plain(values[row]) for name, values in extra.items()},
        }
        crops.append(Crop(parent.id, region, f"{parent.name} #{number}", metadata, row))
    return crops, failed


def crops_of_mask(
    mask: np.ndarray, parent: Parent, size: tuple[int, int] | None = None
) -> tuple[list[Crop], dict[str, str]]:
    """The crops of a label mask's objects, in the order of their numbers.

    Parameters
    ----------
    mask : (H, W) ndarray of whole numbers
        0 is background. Axes of length 1 around it do not matter.
    size : (int, int), optional
        Windows around the objects' centroids; by default their bounding boxes.

    Raises
    ------
    SelectionError
        If the mask is no label mask of the parent's size.
    """
    labels = _label_mask(mask, parent)
    rows, columns = np.nonzero(labels)
    numbers, objects, counts = np.unique(labels[rows, columns], return_inverse=True, return_counts=True)
    crops: list[Crop] = []
    failed: dict[str, str] = {}
    if not len(numbers):
        return crops, failed
    order = np.argsort(objects, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    means, lows, highs = [], [], []
    for axis in (rows, columns):
        means.append(np.bincount(objects, weights=axis) / counts)
        lows.append(np.minimum.reduceat(axis[order], starts))
        highs.append(np.maximum.reduceat(axis[order], starts) + 1)
    taken: dict[tuple[int, int, int, int], int] = {}
    for index, number in enumerate(numbers.tolist()):
        name = f"{parent.name} #{number}"
        if size is None:
            top, left = int(lows[0][index]), int(lows[1][index])
            region = (top, left, int(highs[0][index]) - top, int(highs[1][index]) - left)
        else:
            region = window(means[0][index], means[1][index], size, parent.height, parent.width)
        if region in taken:
            failed[name] = f"its window is the same as that of object {taken[region]}"
            continue
        taken[region] = number
        crops.append(Crop(parent.id, region, name, {**parent.metadata, "object": number}, index))
    return crops, failed


def _label_mask(mask: np.ndarray, parent: Parent) -> np.ndarray:
    labels = np.asarray(mask)
    while labels.ndim > 2 and 1 in (labels.shape[0], labels.shape[-1]):
        labels = labels[0] if labels.shape[0] == 1 else labels[..., 0]
    if labels.shape != (parent.height, parent.width):
        raise SelectionError(
            f"The mask of {parent.name} has the shape {np.shape(mask)}; it must be ({parent.height},"
            f" {parent.width}),"
            " one number for each pixel of the image."
        )
    if labels.dtype == bool:
        raise SelectionError(
            "The mask tells objects from background, but not from each other. Number them first, for example"
            " with scipy.ndimage.label or skimage.measure.label."
        )
    if labels.dtype.kind == "f" and np.array_equal(labels, np.trunc(labels)) and np.abs(labels).max() < 2**53:
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "ui" or (labels.size and labels.min() < 0):
        raise SelectionError(
            f"A mask holds whole numbers, 0 for the background and one for each object, not {labels.dtype}"
            f"{' with negative values' if labels.dtype.kind == 'i' else ''}."
        )
    return labels


def _region(
    values: list[float], are_boxes: bool, size: tuple[int, int] | None, parent: Parent
) -> tuple[int, int, int, int] | str:
    if any(is_missing(value) or math.isinf(value) for value in values):
        return "a coordinate is missing or no number"
    inside = f"image of {parent.height} x {parent.width} pixels (height x width)"
    if are_boxes:
        left, top, right, bottom = values
        if right <= left or bottom <= top:
            return f"its box from ({left:g}, {top:g}) to ({right:g}, {bottom:g}) is empty"
        if size is None:
            first_row, first_column = max(math.floor(top), 0), max(math.floor(left), 0)
            height = min(math.ceil(bottom), parent.height) - first_row
            width = min(math.ceil(right), parent.width) - first_column
            if height <= 0 or width <= 0:
                return (
                    f"its box from ({left:g}, {top:g}) to ({right:g}, {bottom:g}) is outside of the {inside}"
                )
            return first_row, first_column, height, width
        # The edges of a half-open box lie half a pixel before the centres that they are counted by.
        values = [(left + right - 1) / 2, (top + bottom - 1) / 2]
    x, y = values
    if not (-0.5 <= x < parent.width - 0.5 and -0.5 <= y < parent.height - 0.5):
        return f"its centre (x {x:g}, y {y:g}) lies outside of the {inside}"
    assert size is not None
    return window(y, x, size, parent.height, parent.width)
