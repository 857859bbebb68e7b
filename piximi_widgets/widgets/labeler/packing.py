"""Ids and columns as the little-endian buffers that the page reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dataset.records import Category, Columns

# JavaScript has no fast 64-bit integers; a float64 holds each id below 2**53.
ID = np.dtype("<f8")


def pack_ids(ids: np.ndarray) -> bytes:
    """The ids as float64."""
    return np.asarray(ids).astype(ID).tobytes()


def unpack_ids(buffer: Any) -> np.ndarray:
    """(N,) ndarray of int64 of what `pack_ids` or the page packed.

    Raises
    ------
    ValueError
        If the buffer is not made of whole ids.
    """
    values = np.frombuffer(bytes(buffer), dtype=ID)
    if not (np.isfinite(values).all() and np.array_equal(values, np.floor(values))):
        raise ValueError("The page sent ids that are not whole numbers.")
    return values.astype(np.int64)


def pack_columns(columns: Columns, rows: np.ndarray | slice = slice(None)) -> list[bytes]:
    """Ids, category, partition, excluded, prediction and confidence of some rows, each as a buffer."""
    return [
        pack_ids(columns.id[rows]),
        columns.category_id[rows].astype("<i4").tobytes(),
        columns.partition[rows].astype("u1").tobytes(),
        columns.excluded[rows].astype("u1").tobytes(),
        columns.prediction_id[rows].astype("<i4").tobytes(),
        np.nan_to_num(columns.confidence[rows]).astype("<f4").tobytes(),
    ]


def pack_categories(categories: list[Category]) -> list[dict[str, Any]]:
    """The categories in their order, as JSON."""
    return [{"id": each.id, "name": each.name, "color": each.color} for each in categories]


def rows_of(columns: Columns, ids: np.ndarray) -> np.ndarray:
    """The rows of those ids that are in the columns, in the order of `ids`."""
    if not len(columns.id):
        return np.empty(0, dtype=np.int64)
    rows = np.minimum(np.searchsorted(columns.id, ids), len(columns.id) - 1)
    return rows[columns.id[rows] == ids]
