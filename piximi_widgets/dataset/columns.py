"""The images' changing columns in memory, brought up to date from the journal."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from typing import Any

import numpy as np

from ..storage import Database
from .records import NO_IDS, Changes, Columns
from .sql import categories as category_sql
from .sql import images as image_sql
from .sql import journal as journal_sql
from .sql import predictions as prediction_sql

# Beyond this many changes one pass over the table costs less than looking up each image.
_MOST_CHANGES = 20_000
# In the order in which ``sql.images.dynamic`` gives them.
_CHANGING = ("category_id", "partition", "excluded", "unsure", "fixed", "refused")


class ColumnCache:
    """Arrays of the whole project that several threads may read at once.

    Arrays that were handed out are never changed: a new revision gets new arrays.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._columns: Columns | None = None

    def current(self) -> Columns:
        """The columns at the newest revision."""
        with self._lock, self._database.read() as connection:
            old = self._columns
            revision = journal_sql.revision(connection)
            if old is not None and old.revision == revision:
                return old
            if old is None:
                self._columns = _read_all(connection, revision, None)
            else:
                changes = changes_since(connection, old.revision)
                if changes.image_ids is None or changes.categories:
                    self._columns = _read_all(connection, revision, old)
                else:
                    self._columns = _patched(connection, old, changes)
            return self._columns


def changes_since(connection: sqlite3.Connection, revision: int) -> Changes:
    """What the operations after `revision` have touched."""
    now = journal_sql.revision(connection)
    if now <= revision:
        return Changes(now, NO_IDS, False)
    has_categories = journal_sql.changes_categories(connection, revision)
    if journal_sql.count_changes(connection, revision, _MOST_CHANGES + 1) > _MOST_CHANGES:
        return Changes(now, None, has_categories)
    ids = [journal_sql.changed_images(connection, revision + 1, now)]
    for row in journal_sql.after_revision(connection, revision):
        if row["action"] != "add_images":
            return Changes(now, None, has_categories)
        detail = json.loads(row["detail"])
        ids.append(np.arange(detail["first"], detail["last"] + 1, dtype=np.int64))
    if sum(map(len, ids)) > _MOST_CHANGES:
        return Changes(now, None, has_categories)
    return Changes(now, np.unique(np.concatenate(ids)), has_categories)


def _read_all(connection: sqlite3.Connection, revision: int, old: Columns | None) -> Columns:
    ids, category_id, partition, excluded, unsure, fixed, refused = image_sql.dynamic(connection)
    prediction_id, confidence = _predictions(connection, ids)
    return Columns(
        revision=revision,
        id=_frozen(ids),
        category_id=_frozen(category_id.astype(np.int32)),
        partition=_frozen(partition.astype(np.uint8)),
        excluded=_frozen(excluded.astype(bool)),
        unsure=_frozen(unsure.astype(bool)),
        fixed=_frozen(fixed.astype(bool)),
        refused=_frozen(refused.astype(np.int32)),
        prediction_id=_frozen(prediction_id),
        confidence=_frozen(confidence),
        names=_names(connection, ids, old),
    )


def _names(connection: sqlite3.Connection, ids: np.ndarray, old: Columns | None) -> list[str]:
    """Names never change, so that only those of new images are read."""
    if old is None or not len(old.id):
        return [name for _, name in image_sql.names(connection)]
    if np.array_equal(ids, old.id):
        return old.names
    known = dict(zip(old.id.tolist(), old.names, strict=True))
    wanted = ids.tolist()
    missing = [image_id for image_id in wanted if image_id not in known]
    if missing:
        known.update(image_sql.names(connection, after=min(missing) - 1))
    return [known[image_id] for image_id in wanted]


def _predictions(
    connection: sqlite3.Connection, ids: np.ndarray, *, few: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    prediction_id = np.zeros(len(ids), dtype=np.int32)
    confidence = np.full(len(ids), np.nan, dtype=np.float32)
    newest = prediction_sql.newest_set(connection)
    if newest is None or not len(ids):
        return prediction_id, confidence
    if few:
        rows = prediction_sql.some_rows(connection, newest["id"], ids.tolist())
    else:
        rows = prediction_sql.newest_rows(connection, newest["id"])
    if not rows:
        return prediction_id, confidence
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    images = table[:, 0].astype(np.int64)
    positions = np.minimum(np.searchsorted(ids, images), len(ids) - 1)
    there = ids[positions] == images
    category_of = np.array(current_categories(connection, newest), dtype=np.int32)
    prediction_id[positions[there]] = category_of[table[there, 1].astype(np.int64)]
    confidence[positions[there]] = table[there, 2]
    return prediction_id, confidence


def current_categories(connection: sqlite3.Connection, prediction_set: sqlite3.Row) -> list[int]:
    """For each class of a prediction set its category's id, 0 where that category is gone.

    A class keeps the category that had its name when it was predicted, through later renamings.
    """
    live = category_sql.live(connection)
    by_name = {row["name"]: row["id"] for row in live}
    ids = {row["id"] for row in live}
    return [
        category_id if category_id in ids else by_name.get(name, 0)
        for name, category_id in zip(
            json.loads(prediction_set["classes"]), json.loads(prediction_set["categories"]), strict=True
        )
    ]


def _patched(connection: sqlite3.Connection, old: Columns, changes: Changes) -> Columns:
    assert changes.image_ids is not None
    rows = np.array(image_sql.dynamic_of(connection, changes.image_ids.tolist()), dtype=np.int64)
    rows = rows.reshape(-1, 2 + len(_CHANGING))
    removed = rows[:, -1].astype(bool)
    # Ids only grow: what was added stands behind all others.
    fresh = (rows[:, 0] > (old.id[-1] if len(old.id) else 0)) & ~removed
    if np.any(fresh):
        old = _extended(connection, old, rows[fresh])
    ids = rows[:, 0]
    positions = np.searchsorted(old.id, ids)
    known = np.zeros(len(ids), dtype=bool)
    inside = positions < len(old.id)
    known[inside] = old.id[positions[inside]] == ids[inside]
    if np.any(known == removed):
        # Images went, or came back: positions shift.
        return _read_all(connection, changes.revision, old)
    kept = known & ~removed
    where = positions[kept]
    patched: dict[str, Any] = {}
    for column, name in enumerate(_CHANGING, start=1):
        values = getattr(old, name).copy()
        values[where] = rows[kept, column]
        patched[name] = _frozen(values)
    return replace(old, revision=changes.revision, **patched)


def _extended(connection: sqlite3.Connection, old: Columns, rows: np.ndarray) -> Columns:
    """The columns with images behind them that were added or came back; `rows` are theirs of
    ``sql.images.dynamic_of``."""
    ids = rows[:, 0]
    added = dict(image_sql.names(connection, after=int(ids[0]) - 1))
    # An image that was removed and came back has its prediction still.
    prediction_id, confidence = _predictions(connection, ids, few=True)
    columns: dict[str, Any] = {"id": ids, "prediction_id": prediction_id, "confidence": confidence}
    columns.update({name: rows[:, column] for column, name in enumerate(_CHANGING, start=1)})
    joined: dict[str, Any] = {}
    for name, values in columns.items():
        before = getattr(old, name)
        joined[name] = _frozen(np.concatenate([before, values.astype(before.dtype)]))
    return replace(old, names=[*old.names, *(added[image_id] for image_id in ids.tolist())], **joined)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
