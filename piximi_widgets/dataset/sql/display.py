"""What the display of images must know about all of them."""

from __future__ import annotations

import json
import sqlite3

import numpy as np


def channel_names(connection: sqlite3.Connection) -> list[list[str]]:
    """The lists of channel names that files came with, the most frequent first."""
    rows = connection.execute(
        "SELECT channel_names FROM image WHERE removed = 0 AND channel_names IS NOT NULL"
        " GROUP BY channel_names ORDER BY COUNT(*) DESC, MIN(id)"
    ).fetchall()
    return [json.loads(row[0]) for row in rows]


def names_of(connection: sqlite3.Connection, image_id: int) -> list[str] | None:
    """The channel names that one image's file came with, if any."""
    row = connection.execute("SELECT channel_names FROM image WHERE id = ?", (image_id,)).fetchone()
    return json.loads(row[0]) if row and row[0] else None


def planes(connection: sqlite3.Connection) -> int:
    """The number of planes of the deepest image, 0 without images."""
    row = connection.execute("SELECT COALESCE(MAX(planes), 0) FROM image WHERE removed = 0").fetchone()
    return int(row[0])


def kinds_after(connection: sqlite3.Connection, image_id: int) -> set[tuple[str, int]]:
    """The pairs of dtype and number of channels among the images with a greater id."""
    rows = connection.execute(
        "SELECT DISTINCT dtype, channels FROM image WHERE removed = 0 AND id > ?", (image_id,)
    ).fetchall()
    return {(row[0], row[1]) for row in rows}


def ids_by_depth(connection: sqlite3.Connection, *, of_bytes: bool) -> np.ndarray:
    """Ascending ids of the images of bytes, or of all others."""
    rows = connection.execute(
        "SELECT id FROM image WHERE removed = 0 AND (dtype = 'uint8') = ? ORDER BY id", (of_bytes,)
    ).fetchall()
    return np.array([row[0] for row in rows], dtype=np.int64)
