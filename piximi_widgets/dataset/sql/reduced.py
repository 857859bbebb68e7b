"""The tables of ``cache/reduced.db``: small copies of images, and contrasts that took long to choose."""

from __future__ import annotations

import json
import sqlite3

# Sizes stand before the pixels, so that they are read without them.
_TABLES = (
    """
CREATE TABLE IF NOT EXISTS reduced (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    signature BLOB NOT NULL,
    dtype TEXT NOT NULL,
    shape TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    pixels BLOB NOT NULL,
    UNIQUE (image_id, view)
)""",
    "CREATE TABLE IF NOT EXISTS contrast (key BLOB PRIMARY KEY, windows TEXT NOT NULL) WITHOUT ROWID",
)
_MOST_CONTRASTS = 200

Row = tuple[bytes, str, tuple[int, ...], int, bytes]
"""Signature, dtype, shape, checksum and pixels of a copy."""


def load(connection: sqlite3.Connection, image_id: int, view: str) -> Row | None:
    """The copy of one view of an image, which is its plane and its size, if there is one."""
    row = connection.execute(
        "SELECT signature, dtype, shape, checksum, pixels FROM reduced WHERE image_id = ? AND view = ?",
        (image_id, view),
    ).fetchone()
    return (row[0], row[1], tuple(json.loads(row[2])), row[3], row[4]) if row else None


def store(connection: sqlite3.Connection, image_id: int, view: str, row: Row, most_bytes: int) -> None:
    """Keep a copy in place of an older one, and drop the oldest ones while there are more than `most_bytes`."""
    _begin(connection)
    signature, dtype, shape, checksum, pixels = row
    connection.execute(
        "INSERT OR REPLACE INTO reduced (image_id, view, signature, dtype, shape, checksum, pixels)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (image_id, view, signature, dtype, json.dumps(shape), checksum, pixels),
    )
    while _used(connection) > most_bytes:
        # A tenth at a time: each of the following copies finds room without a deletion of its own.
        gone = connection.execute(
            "DELETE FROM reduced WHERE number IN (SELECT number FROM reduced ORDER BY number"
            " LIMIT (SELECT 1 + COUNT(*) / 10 FROM reduced))"
        ).rowcount
        if not gone:
            break
    connection.execute("COMMIT")


def contrast(connection: sqlite3.Connection, key: bytes) -> list[list[float]] | None:
    """The windows that were chosen under a key, if any."""
    row = connection.execute("SELECT windows FROM contrast WHERE key = ?", (key,)).fetchone()
    return json.loads(row[0]) if row else None


def store_contrast(connection: sqlite3.Connection, key: bytes, windows: list[list[float]]) -> None:
    """Keep windows under a key."""
    _begin(connection)
    if connection.execute("SELECT COUNT(*) FROM contrast").fetchone()[0] >= _MOST_CONTRASTS:
        connection.execute("DELETE FROM contrast")
    connection.execute("INSERT OR REPLACE INTO contrast VALUES (?, ?)", (key, json.dumps(windows)))
    connection.execute("COMMIT")


def _begin(connection: sqlite3.Connection) -> None:
    # A power cut may cost this file; a copy's checksum tells, and it is made again.
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(table)


def _used(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
