"""Dataset versions as they are stored."""

from __future__ import annotations

import sqlite3
from typing import Any


def insert(connection: sqlite3.Connection, values: dict[str, Any]) -> None:
    """Store a version; its uid and name must be new."""
    columns = list(values)
    marks = ", ".join("?" for _ in columns)
    connection.execute(
        f"INSERT INTO dataset_version ({', '.join(columns)}) VALUES ({marks})", tuple(values.values())
    )


def find(connection: sqlite3.Connection, uid_or_name: str) -> sqlite3.Row | None:
    """A version by uid or, failing that, by name."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM dataset_version WHERE uid = ?1 OR name = ?1 ORDER BY uid = ?1 DESC LIMIT 1",
        (uid_or_name,),
    ).fetchone()
    return row


def listed(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """All versions, the oldest first."""
    return connection.execute("SELECT * FROM dataset_version ORDER BY id").fetchall()


def names(connection: sqlite3.Connection) -> set[str]:
    """All names that are taken."""
    return {row[0] for row in connection.execute("SELECT name FROM dataset_version").fetchall()}
