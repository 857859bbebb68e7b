"""Which images are meant: one id, several, or a mask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import SelectionError
from .records import NO_IDS

_SHOWN = 5


def requested(ids: Any, all_ids: np.ndarray) -> np.ndarray:
    """The ids that are meant, in the order given, each once; whether they exist is not asked.

    Parameters
    ----------
    ids : int, sequence of int, bool ndarray of the project's length, bool Series, or None
        None stands for all images.
    all_ids : (N,) ndarray of int64
        The project's ids.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    SelectionError
        If the argument is of another kind; a list of bools is refused, since it may be meant as ids 0 and 1.
    """
    if ids is None:
        return all_ids
    if isinstance(ids, (bool, np.bool_)):
        raise SelectionError(f"An id is a whole number, not {ids!r}.")
    if isinstance(ids, (int, np.integer)):
        return _listed([ids])
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise SelectionError(
            f"ids must be an id, a sequence of ids, or a mask, not {ids!r}. select(query) finds ids by a query."
        )
    if hasattr(ids, "to_numpy") and str(getattr(ids, "dtype", "")) in ("bool", "boolean"):
        return _from_series(ids)
    values = ids if isinstance(ids, np.ndarray) else _listed(ids)
    if values.dtype == bool:
        if values.shape != all_ids.shape:
            raise SelectionError(
                f"The mask has the shape {values.shape}; the project has {len(all_ids)} images, so it must be"
                f" ({len(all_ids)},)."
            )
        return all_ids[values]
    if values.size == 0:
        return NO_IDS
    if values.dtype.kind not in "ui" or values.ndim != 1:
        raise SelectionError(
            f"ids must be whole numbers in one row, not {values.dtype} of shape {values.shape}."
        )
    return _each_once(values.astype(np.int64))


def existing(ids: Any, all_ids: np.ndarray) -> np.ndarray:
    """As `requested`, and every id must be one of the project's.

    Raises
    ------
    SelectionError
        If an id is unknown; the message names it.
    """
    found = requested(ids, all_ids)
    if ids is None or not len(found):
        return found
    unknown = found[~known(found, all_ids)]
    if len(unknown):
        shown = ", ".join(map(str, unknown[:_SHOWN].tolist()))
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise SelectionError(
            f"There is no image with the id {shown}{more}; the project has {len(all_ids)} images, and"
            " .images lists their ids."
        )
    return found


def known(ids: np.ndarray, all_ids: np.ndarray) -> np.ndarray:
    """For each id whether it is one of the ascending `all_ids`."""
    if not len(all_ids):
        return np.zeros(len(ids), dtype=bool)
    positions = np.minimum(np.searchsorted(all_ids, ids), len(all_ids) - 1)
    return all_ids[positions] == ids


def _listed(ids: Iterable[Any]) -> np.ndarray:
    values = list(ids)
    for value in values:
        if isinstance(value, (bool, np.bool_)):
            raise SelectionError(
                "A list of bools is ambiguous; pass ids, or a mask as a NumPy array: np.array(mask)."
            )
        if not isinstance(value, (int, np.integer)):
            raise SelectionError(f"An id is a whole number, not {value!r}.")
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        raise SelectionError("An id is too large to be one of the project's.") from None


def _from_series(series: Any) -> np.ndarray:
    if series.isna().any():
        raise SelectionError("The mask has gaps (NA); fill them with True or False: mask.fillna(False).")
    if not hasattr(series, "index"):
        raise SelectionError("A mask is a NumPy array of bools, or a Series whose index holds ids.")
    index = series.index[series.to_numpy(dtype=bool)].to_numpy()
    if index.size and index.dtype.kind not in "ui":
        raise SelectionError(
            f"A bool Series is aligned by its index, which must hold ids, not {index.dtype} values."
        )
    return _each_once(index.astype(np.int64))


def _each_once(ids: np.ndarray) -> np.ndarray:
    _, first = np.unique(ids, return_index=True)
    return ids if len(first) == len(ids) else ids[np.sort(first)]
