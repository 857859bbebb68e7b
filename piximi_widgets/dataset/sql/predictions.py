"""What classifiers said about images, one set for each experiment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .images import _plain


def newest_set(connection: sqlite3.Connection) -> sqlite3.Row | None:
    """The set that was stored last."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM prediction_set ORDER BY stored DESC, id DESC LIMIT 1"
    ).fetchone()
    return row


def set_of(connection: sqlite3.Connection, experiment_uid: str) -> sqlite3.Row | None:
    """The set of an experiment."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM prediction_set WHERE experiment_uid = ?", (experiment_uid,)
    ).fetchone()
    return row


def put_set(
    connection: sqlite3.Connection,
    experiment_uid: str,
    classes: Sequence[str],
    categories: Sequence[int],
    stored: int,
) -> int:
    """Make or renew the set of an experiment and return its id."""
    connection.execute(
        "INSERT INTO prediction_set (experiment_uid, classes, categories, stored) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (experiment_uid) DO UPDATE SET classes = excluded.classes,"
        " categories = excluded.categories, stored = excluded.stored",
        (experiment_uid, json.dumps(list(classes)), json.dumps(list(categories)), stored),
    )
    row = set_of(connection, experiment_uid)
    assert row is not None
    return int(row["id"])


def put(connection: sqlite3.Connection, set_id: int, rows: Iterable[tuple[int, int, float, bytes]]) -> None:
    """Store (image id, class, confidence, probabilities as float32 bytes)."""
    connection.executemany(
        "INSERT OR REPLACE INTO prediction (set_id, image_id, class, confidence, probabilities)"
        " VALUES (?, ?, ?, ?, ?)",
        ((set_id, *row) for row in rows),
    )


def newest_rows(connection: sqlite3.Connection, set_id: int) -> list[tuple[int, int, float]]:
    """(image id, class, confidence) of a set, ascending."""
    return _plain(
        connection,
        "SELECT image_id, class, confidence FROM prediction WHERE set_id = ? ORDER BY image_id",
        (set_id,),
    )


def some_rows(
    connection: sqlite3.Connection, set_id: int, image_ids: Sequence[int]
) -> list[tuple[int, int, float]]:
    """(image id, class, confidence) of some images in a set, ascending."""
    return _plain(
        connection,
        "SELECT image_id, class, confidence FROM prediction WHERE set_id = ?"
        " AND image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id",
        (set_id, json.dumps(list(image_ids))),
    )


def full_rows(connection: sqlite3.Connection, set_id: int) -> list[tuple[Any, ...]]:
    """(image id, class, confidence, probabilities) of the images that are not removed, ascending."""
    return _plain(
        connection,
        "SELECT image_id, class, confidence, probabilities FROM prediction"
        " JOIN image ON image.id = image_id AND image.removed = 0 WHERE set_id = ? ORDER BY image_id",
        (set_id,),
    )


def newest_probabilities(connection: sqlite3.Connection) -> tuple[np.ndarray, np.ndarray]:
    """Ids, ascending, and (N, K) float32 probabilities of the newest set, those of removed images among them."""
    newest = newest_set(connection)
    if newest is None:
        return np.empty(0, dtype=np.int64), np.empty((0, 1), dtype=np.float32)
    rows = _plain(
        connection,
        "SELECT image_id, probabilities FROM prediction WHERE set_id = ? ORDER BY image_id",
        (newest["id"],),
    )
    probabilities = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
    classes = len(json.loads(newest["classes"]))
    return np.array([row[0] for row in rows], dtype=np.int64), probabilities.reshape(len(rows), classes)


def revision(connection: sqlite3.Connection) -> int:
    """The last operation that stored or cleared predictions, 0 without any."""
    row = connection.execute(
        "SELECT COALESCE(MAX(id), 0) FROM operation WHERE action IN ('predict', 'clear_predictions')"
    ).fetchone()
    return int(row[0])


def remove_some(connection: sqlite3.Connection, set_id: int, limit: int) -> int:
    """Delete some predictions of a set, and the set with the last of them; how many were deleted."""
    cursor = connection.execute(
        "DELETE FROM prediction WHERE (set_id, image_id) IN"
        " (SELECT set_id, image_id FROM prediction WHERE set_id = ? LIMIT ?)",
        (set_id, limit),
    )
    removed = cursor.rowcount
    if removed < limit:
        connection.execute("DELETE FROM prediction_set WHERE id = ?", (set_id,))
    return removed


def all_sets(connection: sqlite3.Connection) -> list[int]:
    """Ids of all sets."""
    return [row[0] for row in connection.execute("SELECT id FROM prediction_set").fetchall()]
