"""What is noted about the images' pixels and files, without where exactly they lie."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple


class Noted(NamedTuple):
    """An image's pixel hash, and its file's size and time when it was made.

    `is_plain` says that the pixels are those of one whole file, or of the project's own.
    """

    id: int
    path: str | None
    size: int | None
    mtime_ns: int | None
    pixel_hash: bytes | None
    is_plain: bool


def noted(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Noted]:
    """What is noted about some images, in ascending order of their ids."""
    factory, connection.row_factory = connection.row_factory, None
    try:
        rows = connection.execute(
            "SELECT id, path, size, mtime_ns, pixel_hash, parent_id IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM file WHERE image_id = image.id)"
            " FROM image WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(ids)),),
        ).fetchall()
    finally:
        connection.row_factory = factory
    return [Noted(*row) for row in rows]
