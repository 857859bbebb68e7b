"""Which images belong together: those of a plate or patient, crops of one image, exact duplicates."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import SelectionError
from ..adding.alignment import is_missing
from ..sql.parents import parents

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Groups:
    """A number for each image, equal within a group, and the groups' names.

    Attributes
    ----------
    of : (N,) ndarray of int64
        0 to the number of groups minus 1.
    names : list of str
        For the first groups; the others, of one image each, have none.
    """

    of: np.ndarray
    names: list[str]


def numbered(values: Iterable[Any]) -> Groups:
    """Groups of equal values; whoever has none is a group of its own.

    Raises
    ------
    SelectionError
        If a value is nothing that can be compared, such as a list.
    """
    numbers: dict[Hashable, int] = {}
    found: list[int] = []
    for value in values:
        if _is_nothing(value):
            found.append(-1)
            continue
        try:
            found.append(numbers.setdefault(value, len(numbers)))
        except TypeError:
            raise SelectionError(
                f"Groups are texts or numbers; {value!r} is a {type(value).__name__}."
            ) from None
    of = np.array(found, dtype=np.int64)
    alone = of < 0
    of[alone] = len(numbers) + np.arange(alone.sum())
    return Groups(of, [_told(value) for value in numbers])


def of_columns(frame: pd.DataFrame, columns: Sequence[str]) -> Groups:
    """Groups of images that agree in all of these columns; an image with none of the values stands alone."""
    lists = [frame[name].tolist() for name in columns]
    return numbered(lists[0] if len(lists) == 1 else zip(*lists, strict=True))


def columns_named(groups: Any, frame: pd.DataFrame) -> list[str] | None:
    """The columns that `groups` names, or None if it holds the values themselves.

    Raises
    ------
    SelectionError
        If it names a column that is not there.
    """
    if isinstance(groups, str):
        wanted = [groups]
    elif isinstance(groups, (list, tuple)) and groups and all(isinstance(name, str) for name in groups):
        wanted = list(groups)
        if len(wanted) == len(frame) and not all(name in frame.columns for name in wanted):
            return None
    else:
        return None
    unknown = [name for name in wanted if name not in frame.columns]
    if unknown:
        raise SelectionError(
            f"There is no column {unknown[0]!r} to group by; there are {', '.join(map(str, frame.columns))}."
        )
    return wanted


def of_values(groups: Any, ids: np.ndarray) -> Groups:
    """Groups given as values by id, or as one value for each image.

    Raises
    ------
    SelectionError
        If they do not fit the images.
    """
    if isinstance(groups, Mapping) or hasattr(groups, "reindex"):
        by_id = dict(groups.items())
        return numbered(by_id.get(image_id) for image_id in ids.tolist())
    if isinstance(groups, bytes) or not isinstance(groups, Iterable):
        raise SelectionError(
            f"groups must be a column of .images, a list of columns, values by id, or one value for each image,"
            f" not {groups!r}."
        )
    values = list(groups)
    if len(values) != len(ids):
        raise SelectionError(f"There are {len(values)} groups for {len(ids)} images; give one for each.")
    return numbered(values)


def of_hashes(ids: np.ndarray, hashes: Mapping[int, bytes]) -> Groups:
    """Groups of exact duplicates; an image without a hash stands alone."""
    known = (hashes.get(image_id) for image_id in ids.tolist())
    return numbered(None if digest is None else digest.hex() for digest in known)


def read_roots(connection: sqlite3.Connection, ids: np.ndarray) -> np.ndarray:
    """For each image the id of the image that it was cut from in the end; its own if it was not."""
    parent_of = parents(connection)
    if not parent_of:
        return ids
    found = []
    for image_id in ids.tolist():
        while image_id in parent_of:
            image_id = parent_of[image_id]
        found.append(image_id)
    return np.array(found, dtype=np.int64)


def joined(*groupings: np.ndarray) -> np.ndarray:
    """The finest grouping in which images that any of the groupings puts together are together.

    Parameters
    ----------
    *groupings : (N,) ndarray of int

    Returns
    -------
    (N,) ndarray of int64
        For each image the position of the first image of its group.
    """
    dense = [np.unique(grouping, return_inverse=True)[1] for grouping in groupings]
    first = np.arange(len(dense[0]), dtype=np.int64)
    while True:
        before = first.copy()
        for group_of in dense:
            lowest = np.full(group_of.max(initial=-1) + 1, len(first), dtype=np.int64)
            np.minimum.at(lowest, group_of, first)
            # It is the first images that are joined, so that all of their groups come along at once.
            np.minimum.at(first, first.copy(), lowest[group_of])
            while not np.array_equal(first, first[first]):
                first = first[first]
        if np.array_equal(first, before):
            return first


def _is_nothing(value: Any) -> bool:
    return all(map(is_missing, value)) if isinstance(value, tuple) else is_missing(value)


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
