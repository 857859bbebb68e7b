"""A project's tables as DataFrames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .records import PARTITIONS, Columns

if TYPE_CHECKING:
    import pandas as pd

BUILT_IN_COLUMNS = (
    "name",
    "height",
    "width",
    "channels",
    "planes",
    "dtype",
    "category",
    "partition",
    "excluded",
    "prediction",
    "confidence",
    "unsure",
    "note",
    "kind",
    "parent",
    "pixel_size",
)
"""The columns of ``Dataset.images`` that metadata must not hide."""


def text_column(names: Sequence[Any], positions: np.ndarray, index: Any = None) -> pd.Series:
    """A column of texts from a few different ones; None among `names` stands for a gap."""
    import pandas as pd

    values = np.empty(len(names), dtype=object)
    values[:] = [np.nan if name is None else name for name in names]
    chosen = values[positions] if len(names) else np.empty(0, dtype=object)
    # Before pandas 3 the type "str" would write gaps as the text "nan".
    return pd.Series(chosen, index=index, dtype="str" if pd.__version__ >= "3" else object)


def static_frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """What never changes about images, from the rows of ``sql.images.static``."""
    import pandas as pd

    columns = list(zip(*rows, strict=True)) or [()] * 11
    index = pd.Index(np.array(columns[0], dtype=np.int64), name="id")
    every = np.arange(len(rows))
    frame = pd.DataFrame({"name": text_column(columns[1], every, index)}, index=index)
    for position, name in enumerate(("height", "width", "channels", "planes"), start=2):
        frame[name] = np.array(columns[position], dtype=np.int64)
    frame["dtype"] = text_column(columns[6], every, index)
    frame["kind"] = text_column(columns[8], every, index)
    frame["parent"] = pd.Series(pd.array(list(columns[9]), dtype="Int64"), index=index)
    frame["pixel_size"] = np.array([pixel_width(text) for text in columns[10]], dtype=np.float64)
    texts = columns[7]
    if any(texts):
        # One document is parsed four times as fast as a hundred thousand.
        parsed = json.loads(f"[{','.join(text or '{}' for text in texts)}]")
        names = dict.fromkeys(name for row in parsed for name in row)
        metadata = {name: [row.get(name) for row in parsed] for name in names}
        extra = pd.DataFrame(metadata, index=index)
        frame = pd.concat([frame, extra], axis=1)
    return frame


def pixel_width(text: str | None) -> float:
    """The width of a pixel in micrometres from its size as it is stored, NaN where the file does not say."""
    width = json.loads(text)[2] if text else None
    return float("nan") if width is None else float(width)


def images_frame(
    static: pd.DataFrame,
    columns: Columns,
    names: Mapping[int, str],
    predicted: Sequence[str | None] | None,
    notes: Mapping[int, str],
) -> pd.DataFrame:
    """The table of ``Dataset.images``.

    Parameters
    ----------
    static : DataFrame
        From `static_frame`, for the same images.
    names : dict
        Category names by id.
    predicted : sequence of str or None, optional
        For each image the predicted class, where that is not the name of a category.
    notes : dict
        By id, for the images that have one.
    """
    index = static.index
    frame = static[["name", "height", "width", "channels", "planes", "dtype"]].copy()
    frame["category"] = _category_names(columns.category_id, names, index)
    frame["partition"] = text_column(PARTITIONS, columns.partition, index)
    frame["excluded"] = columns.excluded
    prediction = _category_names(columns.prediction_id, names, index)
    if predicted is not None:
        prediction = prediction.where(
            prediction.notna(), text_column(predicted, np.arange(len(index)), index)
        )
    # What a person has refused is no prediction any more.
    refused = columns.is_refused
    frame["prediction"] = prediction.mask(refused)
    frame["confidence"] = np.where(refused, np.float32("nan"), columns.confidence)
    frame["unsure"] = columns.unsure
    positions = np.searchsorted(columns.id, list(notes))
    note_of = np.zeros(len(index), dtype=np.int64)
    note_of[positions] = np.arange(1, len(notes) + 1)
    frame["note"] = text_column(["", *notes.values()], note_of, index)
    for name in ("kind", "parent", "pixel_size"):
        frame[name] = static[name]
    for name in static.columns:
        if name not in BUILT_IN_COLUMNS:
            frame[name] = static[name]
    return frame


def journal_frame(
    rows: Sequence[tuple[Any, ...]], names: Mapping[int, str], messages: Mapping[int, str]
) -> pd.DataFrame:
    """The table of ``Dataset.journal``.

    Parameters
    ----------
    rows : sequence of tuple
        From ``sql.journal.all_rows``.
    names : dict
        Category names by id, of removed ones too.
    messages : dict
        By revision.
    """
    import pandas as pd

    columns = list(zip(*rows, strict=True)) or [()] * 13
    frame = pd.DataFrame(
        {
            "revision": np.array(columns[0], dtype=np.int64),
            "time": pd.to_datetime(np.array(columns[1], dtype=np.float64), unit="s", utc=True),
        }
    )
    for position, name in enumerate(("author", "source", "action"), start=2):
        frame[name] = text_column(columns[position], np.arange(len(rows)))
    frame["reverts"] = pd.array(list(columns[5]), dtype="Int64")
    frame["base"] = pd.array(list(columns[11]), dtype="Int64")
    frame["target"] = text_column(columns[6], np.arange(len(rows)))
    frame["id"] = pd.array(list(columns[7]), dtype="Int64")
    frame["field"] = text_column(
        ["category" if field == "category_id" else field for field in columns[8]], np.arange(len(rows))
    )
    for position, name in ((9, "before"), (10, "after")):
        values = zip(columns[8], columns[position], strict=True)
        frame[name] = pd.Series([_told(field, value, names) for field, value in values], dtype=object)
    replaces, conflict = _replaced(rows)
    frame["replaces"] = pd.array(replaces, dtype="Int64")
    frame["conflict"] = np.array(conflict, dtype=bool)
    frame["message"] = text_column([messages[revision] for revision in columns[0]], np.arange(len(rows)))
    return frame


def _replaced(rows: Sequence[tuple[Any, ...]]) -> tuple[list[int | None], list[bool]]:
    """For each change the revision that gave the value before, and whether its author could not know it.

    A page sends its edits without waiting for answers, so that what it changed itself is no conflict.
    """
    last: dict[tuple[str, int, str], tuple[int, str | None]] = {}
    replaces: list[int | None] = []
    conflicts = []
    for revision, *_, target, target_id, field, _before, _after, base, client in rows:
        key = (target, target_id, field)
        before, its_client = last.get(key, (None, None))
        mine = client is not None and client == its_client
        replaces.append(before)
        conflicts.append(before is not None and base is not None and before > base and not mine)
        if target is not None:
            last[key] = (revision, client)
    return replaces, conflicts


def _category_names(ids: np.ndarray, names: Mapping[int, str], index: Any) -> pd.Series:
    known = [0, *names]
    positions = np.zeros(max(known) + 1, dtype=np.int64)
    positions[known] = np.arange(len(known))
    return text_column([None, *names.values()], positions[ids], index)


def _told(field: str | None, value: Any, names: Mapping[int, str]) -> Any:
    if field in ("category_id", "refused"):
        return names.get(value)
    if field == "partition":
        return PARTITIONS[value]
    if field in ("excluded", "removed", "unsure", "fixed"):
        return bool(value)
    return value
