"""Which columns of a table of objects hold their coordinates and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SelectionError
from ..adding.alignment import plain, refuse_hiding
from ..sql.crops import Parent

if TYPE_CHECKING:
    import pandas as pd

_CENTROIDS = (
    ("location_center_x", "location_center_y"),
    ("areashape_center_x", "areashape_center_y"),
    ("centroid-1", "centroid-0"),
    ("axis-1", "axis-0"),
    ("centroid_x", "centroid_y"),
    ("center_x", "center_y"),
    ("x", "y"),
)
"""Endings of columns, in lower case: CellProfiler's, scikit-image's, napari's, and plain ones."""

_BOXES = (
    (
        "areashape_boundingboxminimum_x",
        "areashape_boundingboxminimum_y",
        "areashape_boundingboxmaximum_x",
        "areashape_boundingboxmaximum_y",
    ),
    ("bbox-1", "bbox-0", "bbox-3", "bbox-2"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
    ("left", "top", "width", "height"),
)
_THREE_AXES = ("centroid-2", "bbox-4", "axis-2")
_NUMBERS = ("objectnumber", "number_object_number", "object", "label")


def coordinates(table: pd.DataFrame, size: tuple[int, int] | None) -> tuple[np.ndarray, bool]:
    """(N, 2) x and y of centroids, or (N, 4) left, top, right and bottom of boxes; and whether they are
    boxes.

    Raises
    ------
    SelectionError
        If there are none of the kind that is needed, or several.
    """
    lower = {str(column).lower(): column for column in table.columns}
    solid = [name for name in lower if name.endswith(_THREE_AXES)]
    if solid:
        raise SelectionError(
            f"The table has coordinates of three axes ({solid[0]}); crops have two. Keep those of rows and"
            " columns, as columns y and x, or y_min, x_min, y_max and x_max."
        )
    centroids, boxes = _columns_of(lower, _CENTROIDS), _columns_of(lower, _BOXES)
    if centroids == ["x", "y"] and {"width", "height"} <= lower.keys():
        raise SelectionError(
            "The table has x, y, width and height, where x and y may be a corner or a centre. Rename them:"
            " left, top, width and height for boxes, center_x and center_y for centroids."
        )
    chosen = boxes if size is None else centroids or boxes
    if chosen is None:
        if size is None and centroids is not None:
            raise SelectionError(
                f"The table has centroids ({centroids[0]}, {centroids[1]}) and no bounding boxes; say how"
                " large the crops shall be: size=64."
            )
        raise SelectionError(
            "The table needs centroids (x and y, Location_Center_X and _Y, centroid-0 and -1) or bounding"
            " boxes"
            " (x_min, y_min, x_max and y_max, AreaShape_BoundingBoxMinimum_X …, bbox-0 …), in pixels; it has"
            f" {', '.join(map(str, list(table.columns)[:20])) or 'no columns'}."
        )
    import pandas as pd

    values = [pd.to_numeric(table[lower[name]], errors="coerce") for name in chosen]
    numbers = np.column_stack([np.asarray(column, dtype=np.float64) for column in values])
    if chosen[-1].endswith("height"):
        numbers[:, 2:] += numbers[:, :2]
    return numbers, chosen is boxes


def _columns_of(lower: dict[str, Any], styles: Sequence[tuple[str, ...]]) -> list[str] | None:
    """The columns of the first style that is there, whatever stands before its endings."""
    for style in styles:
        prefixes = [
            name.removesuffix(style[0])
            for name in lower
            if name == style[0] or (len(style[0]) > 4 and name.endswith(f"_{style[0]}"))
        ]
        complete = [prefix for prefix in prefixes if all(prefix + ending in lower for ending in style)]
        if len(complete) > 1:
            told = ", ".join(str(lower[prefix + style[0]]) for prefix in complete)
            raise SelectionError(
                f"The table has coordinates of several kinds of objects ({told}); keep the columns of one."
            )
        if complete:
            return [complete[0] + ending for ending in style]
    return None


def object_numbers(table: pd.DataFrame, parents: Sequence[Parent | str], ignored: str | None) -> list[Any]:
    """The table's own object numbers, or each parent's rows counted from 1.

    A column called object or label that gives two objects of an image one number holds something else, such as
    the number of a class.
    """
    lower = {str(column).lower(): column for column in table.columns if str(column) != ignored}
    for style in _NUMBERS:
        for name, column in lower.items():
            if name == style or (style == _NUMBERS[1] and name.endswith(f"_{style}")):
                values = [plain(value) for value in table[column].tolist()]
                if all(
                    isinstance(value, (int, float)) and float(value).is_integer() for value in values
                ) and (style in _NUMBERS[:2] or _are_different(values, parents)):
                    return [int(value) for value in values]
    counts: dict[int, int] = {}
    numbers = []
    for parent in parents:
        key = 0 if isinstance(parent, str) else parent.id
        counts[key] = counts.get(key, 0) + 1
        numbers.append(counts[key])
    return numbers


def _are_different(numbers: Sequence[Any], parents: Sequence[Parent | str]) -> bool:
    pairs = [
        (parent.id, number)
        for parent, number in zip(parents, numbers, strict=True)
        if isinstance(parent, Parent)
    ]
    return len(set(pairs)) == len(pairs)


def extra_columns(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[Any]]:
    """The values of the columns that become metadata.

    Raises
    ------
    SelectionError
        If one is missing, or would hide a column of the project's own.
    """
    by_name = {str(column): column for column in table.columns}
    missing = [name for name in columns if name not in by_name]
    if missing:
        raise SelectionError(f"There is no column {missing[0]!r}; there are {', '.join(list(by_name)[:20])}.")
    refuse_hiding(columns)
    return {name: table[by_name[name]].tolist() for name in columns}
