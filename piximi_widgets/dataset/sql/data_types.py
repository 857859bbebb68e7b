"""SQL of the images' data types."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence


def data_types(connection: sqlite3.Connection, ids: Sequence[int] | None = None) -> dict[str, int]:
    """How many images have which data type, like ``"uint8"``; of some images, or of all, removed ones among them."""
    chosen = "" if ids is None else " WHERE id IN (SELECT value FROM json_each(?))"
    values = () if ids is None else (json.dumps(list(ids)),)
    rows = connection.execute(f"SELECT dtype, COUNT(*) FROM image{chosen} GROUP BY dtype", values).fetchall()
    return {str(row[0]): int(row[1]) for row in rows}
