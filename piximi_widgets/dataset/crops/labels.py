"""Which label belongs to which crop that is being added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import SelectionError
from ..adding.alignment import in_order_of, label_text
from .windows import Crop


def row_labels(labels: Any, table: Any, crops: Sequence[Crop]) -> list[str | None]:
    """The crops' labels from a column's name, one label for each row of their table, or a mapping.

    Raises
    ------
    SelectionError
        If they do not fit.
    """
    if labels is None or isinstance(labels, Mapping):
        return mapped_labels(labels, crops)
    if isinstance(labels, str):
        by_name = {str(column): column for column in table.columns}
        if labels not in by_name:
            raise SelectionError(
                f"There is no column {labels!r} to take labels from; there are {list(by_name)[:20]}."
            )
        labels = table[by_name[labels]]
    values = list(in_order_of(table, labels))
    if len(values) != len(table):
        raise SelectionError(
            f"There are {len(values)} labels for {len(table)} rows; give one for each row, with None for"
            " unlabeled."
        )
    return [label_text(values[crop.row]) for crop in crops]


def mapped_labels(labels: Any, crops: Sequence[Crop]) -> list[str | None]:
    """The crops' labels from a mapping from their names or, in one image, their objects' numbers.

    Raises
    ------
    SelectionError
        If it names no crop, or is no mapping.
    """
    if labels is None:
        return [None] * len(crops)
    if not isinstance(labels, Mapping):
        raise SelectionError(
            "Labels of a mask's objects are a mapping from objects' numbers or crops' names to labels."
        )
    one_parent = len({crop.parent_id for crop in crops}) <= 1
    keys = [[crop.name, *([crop.metadata["object"]] if one_parent else [])] for crop in crops]
    known = {key for both in keys for key in both}
    unknown = [key for key in labels if key not in known]
    if unknown:
        raise SelectionError(
            f"Labels are given for {', '.join(map(repr, unknown[:5]))}, which are no crops of this call;"
            " name them as"
            f" {keys[0][0] if keys else 'a.tif #7'!r}{' or by their numbers' if one_parent else ''}."
        )
    return [next((label_text(labels[key]) for key in both if key in labels), None) for both in keys]
