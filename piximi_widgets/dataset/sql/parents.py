"""Which images were cut from which."""

from __future__ import annotations

import sqlite3


def parents(connection: sqlite3.Connection) -> dict[int, int]:
    """Parent by id of all crops, removed images among them too."""
    rows = connection.execute("SELECT id, parent_id FROM image WHERE parent_id IS NOT NULL").fetchall()
    return {row[0]: row[1] for row in rows}
