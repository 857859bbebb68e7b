"""The append-only journal: operations, and what each of them changed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..records import NO_IDS

# The only fields that an operation may change; they are put into SQL text, hence this list.
IMAGE_FIELDS = frozenset(
    {"category_id", "partition", "fixed", "excluded", "unsure", "note", "refused", "removed"}
)
CATEGORY_FIELDS = frozenset({"name", "color", "key", "position", "removed"})


def revision(connection: sqlite3.Connection) -> int:
    """Id of the last operation, 0 in a new project."""
    return int(connection.execute("SELECT COALESCE(MAX(id), 0) FROM operation").fetchone()[0])


def next_id(connection: sqlite3.Connection) -> int:
    """The id that the next operation of this write transaction will get."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'operation'").fetchone()
    return 1 + (int(row[0]) if row else 0)


def append(
    connection: sqlite3.Connection,
    operation_id: int,
    *,
    author: str,
    source: str,
    action: str,
    detail: dict[str, Any],
    reversible: bool = False,
    reverts: int | None = None,
    client: tuple[str, int] | None = None,
    base: int | None = None,
) -> None:
    """Add the operation whose id `next_id` has announced, after its changes."""
    client_uid, sequence = client if client else (None, None)
    connection.execute(
        "INSERT INTO operation (id, time, author, source, action, reversible, reverts, client_uid, client_sequence,"
        " detail, base) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            operation_id,
            time.time(),
            author,
            source,
            action,
            reversible,
            reverts,
            client_uid,
            sequence,
            json.dumps(detail, ensure_ascii=False),
            base,
        ),
    )


def by_client(connection: sqlite3.Connection, client: tuple[str, int]) -> sqlite3.Row | None:
    """The operation that a client has sent under this number before, if any."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM operation WHERE client_uid = ? AND client_sequence = ?", client
    ).fetchone()
    return row


def operation(connection: sqlite3.Connection, operation_id: int) -> sqlite3.Row:
    """One operation."""
    row: sqlite3.Row = connection.execute("SELECT * FROM operation WHERE id = ?", (operation_id,)).fetchone()
    return row


def set_images(
    connection: sqlite3.Connection,
    operation_id: int,
    field: str,
    values: Iterable[tuple[int, int | str]],
    *,
    expected: int | None = None,
    also_same: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Give images new values of one field, as far as they differ, and note it in the journal.

    Parameters
    ----------
    values : iterable of (image id, new value)
    expected : int, optional
        Leave images alone whose value is another one.
    also_same : bool
        Note it for images that have their new value already, too.

    Returns
    -------
    changed, skipped : ndarray of int64
        Ids of the images that it was noted for, and ids that are not in the project (any more).
    """
    assert field in IMAGE_FIELDS
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS edit (id INTEGER PRIMARY KEY, value)")
    connection.execute("DELETE FROM temp.edit")
    connection.executemany("INSERT OR REPLACE INTO temp.edit VALUES (?, ?)", values)
    # A cross join keeps SQLite from reading the whole image table for a few ids: the left table comes first.
    connection.execute(
        f"INSERT INTO change SELECT ?1, 'image', image.id, '{field}', image.{field}, edit.value"
        " FROM temp.edit CROSS JOIN image ON image.id = edit.id WHERE image.removed = 0"
        f" AND (?3 OR image.{field} IS NOT edit.value) AND (?2 IS NULL OR image.{field} = ?2)",
        (operation_id, expected, also_same),
    )
    skipped = _ids(
        connection.execute(
            "SELECT edit.id FROM temp.edit LEFT JOIN image ON image.id = edit.id AND image.removed = 0"
            " WHERE image.id IS NULL"
        )
    )
    connection.execute("DELETE FROM temp.edit")
    return _follow(connection, operation_id, field), skipped


def move_images(
    connection: sqlite3.Connection, operation_id: int, category_ids: list[int], target: int
) -> np.ndarray:
    """Label all images of some categories anew (0: unlabel), the removed ones among them too.

    A removed image may come back by undo, and must not come back with a category that is gone.
    """
    connection.execute(
        "INSERT INTO change SELECT ?, 'image', id, 'category_id', category_id, ? FROM image"
        " WHERE category_id IN (SELECT value FROM json_each(?))",
        (operation_id, target, json.dumps(category_ids)),
    )
    return _follow(connection, operation_id, "category_id")


def revert_images(
    connection: sqlite3.Connection, operation_id: int, reverted: int, field: str
) -> tuple[np.ndarray, np.ndarray]:
    """Set one field of images back to what it was before an operation, where nobody changed it since.

    Returns
    -------
    changed, skipped : ndarray of int64
    """
    assert field in IMAGE_FIELDS
    condition = f"image.{field} IS change.after"
    if field == "category_id":
        # An image must not get back a category that is gone.
        condition += (
            " AND (change.before = 0 OR change.before IN (SELECT id FROM category WHERE removed = 0))"
        )
    if field == "removed":
        # A file that was added anew in the meantime is in the project already.
        condition += (
            " AND (change.before = 1 OR COALESCE(image.origin, image.path) IS NULL OR NOT EXISTS (SELECT 1"
            " FROM image AS other WHERE other.removed = 0"
            " AND COALESCE(other.origin, other.path) = COALESCE(image.origin, image.path)))"
        )
    connection.execute(
        f"INSERT INTO change SELECT ?, 'image', image.id, '{field}', image.{field}, change.before"
        " FROM change CROSS JOIN image ON image.id = change.target_id"
        f" WHERE change.operation_id = ? AND change.target = 'image' AND change.field = '{field}'"
        f" AND {condition}",
        (operation_id, reverted),
    )
    changed = _follow(connection, operation_id, field)
    wanted = _ids(
        connection.execute(
            "SELECT target_id FROM change WHERE operation_id = ? AND target = 'image' AND field = ?",
            (reverted, field),
        )
    )
    return changed, np.setdiff1d(wanted, changed)


def set_category(
    connection: sqlite3.Connection, operation_id: int, category_id: int, field: str, value: str | int
) -> None:
    """Give a category a new value of one field and note it in the journal; nothing if it has it already."""
    assert field in CATEGORY_FIELDS
    row = connection.execute(f"SELECT {field} FROM category WHERE id = ?", (category_id,)).fetchone()
    if row[0] == value:
        return
    connection.execute(f"UPDATE category SET {field} = ? WHERE id = ?", (value, category_id))
    note_category(connection, operation_id, category_id, field, row[0], value)


def note_category(
    connection: sqlite3.Connection,
    operation_id: int,
    category_id: int,
    field: str,
    before: str | int | None,
    after: str | int,
) -> None:
    """Note in the journal that a category was changed."""
    connection.execute(
        "INSERT INTO change VALUES (?, 'category', ?, ?, ?, ?)",
        (operation_id, category_id, field, before, after),
    )


def category_changes(connection: sqlite3.Connection, operation_id: int) -> list[sqlite3.Row]:
    """What an operation changed in categories."""
    return connection.execute(
        'SELECT target_id, field, "before", "after" FROM change WHERE operation_id = ? AND target = \'category\'',
        (operation_id,),
    ).fetchall()


def image_fields(connection: sqlite3.Connection, operation_id: int) -> list[str]:
    """Which fields of images an operation changed."""
    rows = connection.execute(
        "SELECT DISTINCT field FROM change WHERE operation_id = ? AND target = 'image'", (operation_id,)
    ).fetchall()
    return [row[0] for row in rows]


def changed_images(connection: sqlite3.Connection, first: int, last: int) -> np.ndarray:
    """Ids of the images changed by the operations from `first` to `last`, both included."""
    return _ids(
        connection.execute(
            "SELECT DISTINCT target_id FROM change WHERE operation_id BETWEEN ? AND ? AND target = 'image'"
            " ORDER BY target_id",
            (first, last),
        )
    )


def has_changes(connection: sqlite3.Connection, operation_id: int) -> bool:
    """Whether an operation, be it one that is not appended yet, has changed anything."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM change WHERE operation_id = ?)", (operation_id,)
    ).fetchone()
    return bool(row[0])


def count_changes(connection: sqlite3.Connection, after: int, limit: int) -> int:
    """How many single changes came after a revision, counted no further than `limit`."""
    return int(
        connection.execute(
            "SELECT COUNT(*) FROM (SELECT 1 FROM change WHERE operation_id > ? LIMIT ?)", (after, limit)
        ).fetchone()[0]
    )


def changes_categories(connection: sqlite3.Connection, after: int) -> bool:
    """Whether a category was changed after a revision."""
    rows = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM operation JOIN change ON change.operation_id = operation.id"
        " AND change.target = 'category' WHERE operation.id > ?)",
        (after,),
    ).fetchone()
    return bool(rows[0])


def after_revision(connection: sqlite3.Connection, after: int) -> list[sqlite3.Row]:
    """Action and detail of the operations after a revision that touch images without a `change` row."""
    return connection.execute(
        "SELECT id, action, detail FROM operation WHERE id > ?"
        " AND action IN ('add_images', 'predict', 'clear_predictions')",
        (after,),
    ).fetchall()


def newest_first(connection: sqlite3.Connection, author: str) -> Iterator[sqlite3.Row]:
    """An author's reversible operations, undo and redo included, from the last to the first."""
    yield from connection.execute(
        "SELECT id, action FROM operation WHERE author = ? AND reversible = 1 ORDER BY id DESC", (author,)
    )


def all_rows(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Every operation with each of its changes; one row with empty change columns where it has none."""
    connection.row_factory, factory = None, connection.row_factory
    try:
        return connection.execute(
            "SELECT operation.id, time, author, source, action, reverts, target, target_id, field,"
            ' "before", "after", base, client_uid FROM operation LEFT JOIN change ON change.operation_id = operation.id'
            " ORDER BY operation.id"
        ).fetchall()
    finally:
        connection.row_factory = factory


def messages(connection: sqlite3.Connection) -> dict[int, str]:
    """What each operation says about itself to a person."""
    rows = connection.execute(
        "SELECT id, COALESCE(json_extract(detail, '$.message'), '') FROM operation"
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def _follow(connection: sqlite3.Connection, operation_id: int, field: str) -> np.ndarray:
    """Bring the images to what the journal says about an operation, and return their ids."""
    connection.execute(
        f"UPDATE image SET {field} = change.after FROM change WHERE change.operation_id = ?"
        f" AND change.target = 'image' AND change.field = '{field}' AND change.target_id = image.id",
        (operation_id,),
    )
    return _ids(
        connection.execute(
            "SELECT target_id FROM change WHERE operation_id = ? AND target = 'image' AND field = ?"
            " ORDER BY target_id",
            (operation_id, field),
        )
    )


def _ids(cursor: sqlite3.Cursor) -> np.ndarray:
    ids = np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
    return ids if ids.size else NO_IDS
