"""Two dataset versions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..frames import text_column
from ..records import PARTITIONS

if TYPE_CHECKING:
    import pandas as pd

    from .versions import DatasetVersion

_CHANGES = ("removed", "added", "label", "partition", "pixels")
_NOWHERE = -1


def difference(before: DatasetVersion, after: DatasetVersion) -> pd.DataFrame:
    """The table of ``DatasetVersion.diff``."""
    import pandas as pd

    same_project = before.project_uid == after.project_uid
    classes = same_classes(before, after) if same_project else _same_names(before, after)
    mine, theirs = (
        _matched_by_id(before, after) if same_project else _matched_by_pixels(before, after, classes)
    )
    gone = np.setdiff1d(np.arange(len(before)), mine)
    new = np.setdiff1d(np.arange(len(after)), theirs)
    different = {
        "label": classes[before.labels[mine]] != after.labels[theirs],
        "partition": before.partitions[mine] != after.partitions[theirs],
        "pixels": before.hashes[mine] != after.hashes[theirs],
    }
    nowhere = np.full(max(len(gone), len(new)), _NOWHERE)
    parts = [("removed", gone, nowhere[: len(gone)]), ("added", nowhere[: len(new)], new)]
    parts += [(name, mine[changed], theirs[changed]) for name, changed in different.items()]
    kind = np.repeat([_CHANGES.index(name) for name, _, _ in parts], [len(rows) for _, rows, _ in parts])
    old = np.concatenate([rows for _, rows, _ in parts]).astype(np.int64)
    now = np.concatenate([rows for _, _, rows in parts]).astype(np.int64)
    ids = np.where(now == _NOWHERE, _at(before.ids, old), _at(after.ids, now))
    order = np.lexsort((kind, ids))
    kind, old, now = kind[order], old[order], now[order]
    index = pd.Index(ids[order], name="id", dtype="int64")
    frame = pd.DataFrame({"change": text_column(_CHANGES, kind, index)}, index=index)
    for name, version, rows in (("before", before, old), ("after", after, now)):
        frame[f"category_{name}"] = _texts(version.classes, _at(version.labels, rows), index)
        frame[f"partition_{name}"] = _texts(PARTITIONS, _at(version.partitions, rows), index)
    order_of_columns = ("category_before", "category_after", "partition_before", "partition_after")
    frame = frame[["change", *order_of_columns]]
    frame.attrs["renamed"] = {
        before.classes[position]: after.classes[same]
        for position, same in enumerate(classes.tolist())
        if same != _NOWHERE and before.classes[position] != after.classes[same]
    }
    return frame


def same_classes(before: DatasetVersion, after: DatasetVersion) -> np.ndarray:
    """For each class of one version the same one of another version of its project, -1 if there is none.

    Parameters
    ----------
    before, after : DatasetVersion

    Returns
    -------
    (K,) ndarray of int64
        Positions in ``after.classes``.
    """
    known = set(before.category_ids.tolist())
    by_id = {category: position for position, category in enumerate(after.category_ids.tolist())}
    # A category that was removed and made again has another id and is what it was; a new category that has got
    # the old name of a renamed one is not.
    by_name = {
        name: position
        for position, (name, category) in enumerate(
            zip(after.classes, after.category_ids.tolist(), strict=True)
        )
        if category not in known
    }
    return np.array(
        [
            by_id.get(category, by_name.get(name, _NOWHERE))
            for name, category in zip(before.classes, before.category_ids.tolist(), strict=True)
        ],
        dtype=np.int64,
    )


def _same_names(before: DatasetVersion, after: DatasetVersion) -> np.ndarray:
    by_name = {name: position for position, name in enumerate(after.classes)}
    return np.array([by_name.get(name, _NOWHERE) for name in before.classes], dtype=np.int64)


def _matched_by_id(before: DatasetVersion, after: DatasetVersion) -> tuple[np.ndarray, np.ndarray]:
    _, mine, theirs = np.intersect1d(before.ids, after.ids, assume_unique=True, return_indices=True)
    return mine, theirs


def _matched_by_pixels(
    before: DatasetVersion, after: DatasetVersion, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of images of equal pixels: first those that agree in all, then in the label, then the others."""
    keys = [
        (before.hashes, classes[before.labels], before.partitions),
        (after.hashes, after.labels.astype(np.int64), after.partitions),
    ]
    left = [np.arange(len(before)), np.arange(len(after))]
    mine, theirs = [], []
    for depth in (3, 2, 1):
        names = [
            _occurrences(np.stack([part[rows].astype(np.uint64) for part in key[:depth]]))
            for key, rows in zip(keys, left, strict=True)
        ]
        both = np.concatenate(names, axis=1)
        _, number = np.unique(both, axis=1, return_inverse=True)
        first, second = number[: len(left[0])], number[len(left[0]) :]
        _, a, b = np.intersect1d(first, second, assume_unique=True, return_indices=True)
        mine.append(left[0][a])
        theirs.append(left[1][b])
        left = [np.delete(left[0], a), np.delete(left[1], b)]
    return np.concatenate(mine), np.concatenate(theirs)


def _occurrences(key: np.ndarray) -> np.ndarray:
    """The key with one more row that counts its equals, so that each column is there once."""
    order = np.lexsort(key)
    ordered = key[:, order]
    fresh = np.ones(key.shape[1], dtype=bool)
    fresh[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    starts = np.flatnonzero(fresh)
    counts = np.arange(key.shape[1]) - np.repeat(starts, np.diff(starts, append=key.shape[1]))
    count = np.empty(key.shape[1], dtype=np.uint64)
    count[order] = counts
    return np.vstack([key, count])


def _at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The values in these rows, -1 where there is no row."""
    if not len(values):
        return np.full(len(rows), _NOWHERE, dtype=np.int64)
    return np.where(rows == _NOWHERE, _NOWHERE, values[rows].astype(np.int64))


def _texts(names: list[str] | tuple[str, ...], positions: np.ndarray, index: pd.Index) -> pd.Series:
    return text_column([*names, None], np.where(positions == _NOWHERE, len(names), positions), index)
