"""Settings of a project that are no part of any image: small JSON values under a name."""

from __future__ import annotations

import json
import sqlite3
from typing import Any


def load(connection: sqlite3.Connection, key: str) -> Any:
    """The value of a setting, or None where it was never set."""
    row = connection.execute("SELECT value FROM project WHERE key = ?", (f"setting:{key}",)).fetchone()
    return json.loads(row[0]) if row else None


def save(connection: sqlite3.Connection, key: str, value: Any) -> None:
    """Set or replace a setting."""
    connection.execute(
        "INSERT INTO project (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        # In ASCII, since values that name files may hold what is no character.
        (f"setting:{key}", json.dumps(value)),
    )
