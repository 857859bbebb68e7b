"""What fields are made of, a whole column at a time."""

from __future__ import annotations

import sqlite3

import numpy as np

from .images import _plain

SIZES = ("height", "width", "channels", "planes")
_TEXTS = ("dtype", "pixel_size")


def sizes(connection: sqlite3.Connection, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids, ascending, and one of `SIZES`, of all images, also of the removed ones."""
    assert column in SIZES
    rows = np.array(_plain(connection, f"SELECT id, {column} FROM image ORDER BY id"), dtype=np.int64)
    ids, values = rows.reshape(-1, 2).T
    return ids, values


def texts(connection: sqlite3.Connection, column: str) -> list[tuple[int, str | None]]:
    """(id, dtype or pixel size) of all images, also of the removed ones, ascending."""
    assert column in _TEXTS
    return _plain(connection, f"SELECT id, {column} FROM image ORDER BY id")


def metadata(connection: sqlite3.Connection) -> tuple[np.ndarray, str]:
    """Ids, ascending, and metadata as JSON objects with commas between them, of the images that have some."""
    ids, documents = connection.execute(
        "SELECT group_concat(id), group_concat(metadata) FROM"
        " (SELECT id, metadata FROM image WHERE metadata IS NOT NULL AND removed = 0 ORDER BY id)"
    ).fetchone()
    return np.fromstring(ids or "", dtype=np.int64, sep=","), documents or ""


def additions(connection: sqlite3.Connection) -> np.ndarray:
    """(N, 3) float64: of each adding of images its time and the first and the last id, ascending."""
    rows = _plain(
        connection,
        "SELECT time, json_extract(detail, '$.first'), json_extract(detail, '$.last') FROM operation"
        " WHERE action = 'add_images' ORDER BY id",
    )
    return np.array(rows, dtype=np.float64).reshape(-1, 3)
