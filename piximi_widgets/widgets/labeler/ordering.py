"""In which order images are shown.

An order is a text: ``""`` as they were added, ``"name"``, ``"-confidence"`` for the highest first, ``"random:7"``. What has
no value comes last either way.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...dataset import Dataset
from ...dataset.records import Columns
from ...errors import SelectionError
from .natural import coded

_LARGEST_SEED = 2**32 - 1


def checked_order(order: Any, names: Iterable[str]) -> str:
    """An order without surrounding blanks.

    Parameters
    ----------
    order : str or None
    names : iterable of str
        The fields that there are.

    Raises
    ------
    SelectionError
        If it is no text, names no field, or has no whole number behind ``random:``.
    """
    known = list(names)
    if order is None:
        return ""
    if not isinstance(order, str):
        raise SelectionError(
            f'An order is a text such as "name", "-confidence" or "random:7", not {order!r:.60}.'
        )
    # A metadata column's name may begin or end with a blank.
    for text in (order, order.strip()):
        if not text or text.removeprefix("-") in known:
            return text
    text = order.strip()
    if text == "random" or text.startswith("random:"):
        digits = re.fullmatch(r"random:\s*0*(\d{1,10})", text, re.ASCII)
        if digits and int(digits[1]) <= _LARGEST_SEED:
            return f"random:{int(digits[1])}"
        raise SelectionError(
            f'A random order needs a whole number from 0 to {_LARGEST_SEED} as its seed, as in "random:7";'
            f" got {order!r:.60}."
        )
    near = difflib.get_close_matches(text.removeprefix("-"), known, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(known)}."
    raise SelectionError(f"Images cannot be sorted by {text!r:.60}; {hint}")


def ordered(project: Dataset, columns: Columns, rows: np.ndarray, order: str) -> np.ndarray:
    """Rows of `columns` in an order that `checked_order` has passed; of brightness, what is known is used."""
    if not order:
        return rows
    if seed := re.fullmatch(r"random:(\d+)", order):
        keys = _mixed(columns.id[rows], int(seed[1])).astype(np.float64)
    else:
        keys = _keys(project, columns, order.removeprefix("-"))[rows]
        if order.startswith("-"):
            keys = -keys
    # NaN is sorted behind everything else.
    return rows[np.argsort(keys, kind="stable")]


def _keys(project: Dataset, columns: Columns, name: str) -> np.ndarray:
    """A number for each image that sorts as the field does, NaN for none."""
    # As in the page: what was refused is no prediction.
    refused = columns.is_refused
    if name in ("category", "prediction"):
        of = columns.category_id if name == "category" else np.where(refused, 0, columns.prediction_id)
        place = np.full(int(of.max(initial=0)) + 1, np.nan)
        for position, category in enumerate(project.category_table()):
            if category.id < len(place):
                place[category.id] = position
        return place[of]
    if name == "partition":
        return columns.partition.astype(np.float64)
    if name == "confidence":
        return np.where(refused, np.nan, columns.confidence.astype(np.float64))
    values = project.table([name], columns.id)[name]
    if values.dtype.kind in "iufb":
        return values.to_numpy(dtype=np.float64)
    codes, _ = coded(None if value != value or value is None else str(value) for value in values)
    return np.where(codes < 0, np.nan, codes)


def _mixed(ids: np.ndarray, seed: int) -> np.ndarray:
    """32 bits of an id and a seed that look random, the same as in the page (MurmurHash3's finaliser, twice)."""
    golden = np.uint32(0x9E3779B9)
    low, high = (ids & 0xFFFFFFFF).astype(np.uint32), (ids >> 32).astype(np.uint32)
    with np.errstate(over="ignore"):
        bits = _finalised(low ^ ((high + np.uint32(1)) * golden))
        return _finalised(bits ^ _finalised(np.array([seed], dtype=np.uint32) + golden))


def _finalised(bits: np.ndarray) -> np.ndarray:
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> np.uint32(16))
