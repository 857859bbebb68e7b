"""Ids and columns as the little-endian buffers that the page reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...dataset.records import Category, Columns, LabelOrigins
from ...errors import PiximiError
from .natural import coded

# JavaScript has no fast 64-bit integers; a float64 holds each id below 2**53.
ID = np.dtype("<f8")
_LARGEST_ID = 2.0**53

EXCLUDED, UNSURE = 1, 2
# In the column of origins: given by the labeler's own author, which is what blind mode shows.
MINE = 8


def pack_ids(ids: np.ndarray) -> bytes:
    """The ids as float64."""
    return np.asarray(ids).astype(ID).tobytes()


def unpack_ids(buffer: Any) -> np.ndarray:
    """(N,) ndarray of int64 of what `pack_ids` or the page packed.

    Raises
    ------
    PiximiError
        If the buffer is not made of whole ids.
    """
    content = bytes(buffer)
    if len(content) % ID.itemsize == 0:
        values = np.frombuffer(content, dtype=ID)
        # NaN is below nothing.
        if (np.abs(values) < _LARGEST_ID).all() and np.array_equal(values, np.floor(values)):
            return values.astype(np.int64)
    raise PiximiError("The page sent ids that are not whole numbers. Reload the page.")


def pack_columns(
    columns: Columns, origins: LabelOrigins, author: str, rows: np.ndarray | slice = slice(None)
) -> list[bytes]:
    """The nine columns of some rows, each as a buffer.

    Ids, category, partition, flags, origin, prediction, refused, confidence and fixed, in this order. A column of
    equal values is its one value; ids without a gap are the first one, and their number below zero: a new project
    of 100,000 images opens with a few bytes instead of three megabytes.

    Parameters
    ----------
    columns, origins
        Of the same images.
    author : str
        Whose labels are marked as `MINE`.
    rows : optional
        All by default.
    """
    flags = columns.excluded[rows] * EXCLUDED + columns.unsure[rows] * UNSURE
    whose = origins.authors.index(author) if author in origins.authors else None
    mine = (
        np.zeros(len(flags), dtype=bool)
        if whose is None
        else (origins.author[rows] == whose) & (origins.origin[rows] > 0)
    )
    ids = columns.id[rows]
    return [
        pack_ids(np.array([ids[0], -len(ids)]) if _is_run(ids) else ids),
        _pack(columns.category_id[rows], "<i4"),
        _pack(columns.partition[rows], "u1"),
        _pack(flags, "u1"),
        _pack(origins.origin[rows] + mine * MINE, "u1"),
        _pack(columns.prediction_id[rows], "<i4"),
        _pack(columns.refused[rows], "<i4"),
        _pack(np.nan_to_num(columns.confidence[rows]), "<f4"),
        _pack(columns.fixed[rows], "u1"),
    ]


def _pack(values: np.ndarray, kind: str) -> bytes:
    alike = len(values) > 1 and bool((values == values[0]).all())
    return (values[:1] if alike else values).astype(kind).tobytes()


def _is_run(ids: np.ndarray) -> bool:
    return len(ids) > 2 and int(ids[-1] - ids[0]) == len(ids) - 1 and bool((np.diff(ids) == 1).all())


def pack_categories(categories: list[Category]) -> list[dict[str, Any]]:
    """The categories in their order, as JSON."""
    return [{"id": each.id, "name": each.name, "color": each.color, "key": each.key} for each in categories]


def pack_texts(values: Iterable[str | None]) -> list[bytes]:
    """Codes, -1 for none, and the different texts in natural order as a JSON list."""
    codes, different = coded(values)
    # Halves of surrogate pairs, which UTF-8 has no bytes for, become question marks.
    text = json.dumps(different, ensure_ascii=False).encode("utf-8", "replace")
    return [codes.astype("<i4").tobytes(), text]


def pack_numbers(values: Any) -> list[bytes]:
    """The numbers as float64, NaN for none."""
    return [np.asarray(values, dtype="<f8").tobytes()]


def rows_of(columns: Columns, ids: np.ndarray) -> np.ndarray:
    """The rows of those ids that are in the columns, in the order of `ids`."""
    if not len(columns.id):
        return np.empty(0, dtype=np.int64)
    rows = np.minimum(np.searchsorted(columns.id, ids), len(columns.id) - 1)
    return rows[columns.id[rows] == ids]
