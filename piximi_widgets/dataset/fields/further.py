"""The columns that `Dataset.select` and `Dataset.table` know beside those of `Dataset.images`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..frames import text_column
from ..records import ORIGINS, Columns, LabelOrigins
from ..selection import known
from .fields import Fields

if TYPE_CHECKING:
    import pandas as pd

FURTHER_COLUMNS = (
    "origin",
    "labeled_by",
    "labeled_at",
    "added",
    "agreement",
    "margin",
    "entropy",
    "refused",
    "brightness",
)
"""Metadata of the same name stands in their place."""


def further_columns(
    frame: pd.DataFrame, columns: Callable[[], Columns], origins: Callable[[], LabelOrigins], fields: Fields
) -> Mapping[str, Callable[[], pd.Series]]:
    """What makes each of the `FURTHER_COLUMNS` that `frame` does not have, for the rows of `frame`.

    Parameters
    ----------
    frame : DataFrame
        As `Dataset.images`.
    columns, origins : callable
        Give those of this moment.
    fields : Fields
    """

    def numbers(name: str) -> pd.Series:
        now = columns()
        return _aligned(fields.quick(name, now), now.id, frame.index)

    def labeled_at() -> pd.Series:
        now = origins()
        return _aligned(now.time, now.id, frame.index)

    def origin() -> pd.Series:
        now = origins()
        return _texts(np.array(ORIGINS, dtype=object)[now.origin], now.id, frame.index)

    def labeled_by() -> pd.Series:
        now = origins()
        return _texts(np.array([*now.authors, None], dtype=object)[now.author], now.id, frame.index)

    def agreement() -> pd.Series:
        now = columns()
        both, agrees = agreements(now)
        names = np.array([None, "differs", "agrees"], dtype=object)
        return _texts(names[both.astype(int) + (both & agrees)], now.id, frame.index)

    def refused() -> pd.Series:
        now = columns()
        return _aligned((now.refused != 0).astype(np.float64), now.id, frame.index) == 1

    made: dict[str, Callable[[], pd.Series]] = {
        "origin": origin,
        "labeled_by": labeled_by,
        "labeled_at": labeled_at,
        "added": lambda: numbers("added"),
        "agreement": agreement,
        "margin": lambda: numbers("margin"),
        "entropy": lambda: numbers("entropy"),
        "refused": refused,
        "brightness": lambda: numbers("brightness"),
    }
    return {name: make for name, make in made.items() if name not in frame.columns}


def agreements(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """For each image whether it has a label and a prediction that was not refused, and whether these are the same."""
    shown = (columns.prediction_id != 0) & ~columns.is_refused
    return shown & (columns.category_id != 0), columns.prediction_id == columns.category_id


def _aligned(values: np.ndarray, ids: np.ndarray, index: Any) -> pd.Series:
    """Numbers of some ids as a column with this index, NaN for images that came in between."""
    import pandas as pd

    wanted = index.to_numpy(dtype=np.int64)
    found = np.full(len(wanted), np.nan)
    there = known(wanted, ids)
    found[there] = values[np.searchsorted(ids, wanted[there])]
    return pd.Series(found, index=index)


def _texts(values: np.ndarray, ids: np.ndarray, index: Any) -> pd.Series:
    positions = _aligned(np.arange(len(ids)), ids, index).fillna(len(ids)).to_numpy(dtype=np.int64)
    return text_column([*values, None], positions, index)
