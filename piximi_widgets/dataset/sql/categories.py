"""Categories: soft-removed, so that the journal's ids always lead somewhere."""

from __future__ import annotations

import sqlite3


def live(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Id, name, color and key of the categories in their order."""
    return connection.execute(
        "SELECT id, name, color, key FROM category WHERE removed = 0 ORDER BY position, id"
    ).fetchall()


def all_names(connection: sqlite3.Connection) -> dict[int, str]:
    """Name by id, of removed categories too."""
    return {row[0]: row[1] for row in connection.execute("SELECT id, name FROM category").fetchall()}


def is_taken(connection: sqlite3.Connection, name: str, *, but: int) -> bool:
    """Whether another category than `but` has that name, be it in capitals."""
    return any(row["id"] != but and row["name"].casefold() == name.casefold() for row in live(connection))


def with_key(connection: sqlite3.Connection, key: str, *, but: int) -> int | None:
    """The id of the category besides `but` that has that key, if one has."""
    return next((row["id"] for row in live(connection) if row["id"] != but and row["key"] == key), None)


def by_id(connection: sqlite3.Connection, category_id: int) -> sqlite3.Row | None:
    """A category that is not removed."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT id, name, color, key FROM category WHERE id = ? AND removed = 0", (category_id,)
    ).fetchone()
    return row


def name_of(connection: sqlite3.Connection, category_id: int) -> str | None:
    """Name of a category, removed or not."""
    row = connection.execute("SELECT name FROM category WHERE id = ?", (category_id,)).fetchone()
    return str(row[0]) if row else None


def insert(connection: sqlite3.Connection, name: str, color: str) -> int:
    """Add a category behind the others."""
    cursor = connection.execute(
        "INSERT INTO category (name, color, position)"
        " VALUES (?, ?, (SELECT COALESCE(MAX(position), -1) + 1 FROM category WHERE removed = 0))",
        (name, color),
    )
    return int(cursor.lastrowid or 0)


def is_used(connection: sqlite3.Connection, category_id: int) -> bool:
    """Whether an image, be it a removed one, is labeled so."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM image WHERE category_id = ?)", (category_id,)
    ).fetchone()
    return bool(row[0])


def value(connection: sqlite3.Connection, category_id: int, field: str) -> str | int | None:
    """One field of a category, removed or not; `field` comes from the journal's list of fields."""
    assert field in {"name", "color", "key", "position", "removed"}
    row = connection.execute(f"SELECT {field} FROM category WHERE id = ?", (category_id,)).fetchone()
    return row[0] if row else None
