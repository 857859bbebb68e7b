"""Questions whose answers tell whether a project is whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from .images import _plain
from .journal import CATEGORY_FIELDS, IMAGE_FIELDS

# What an image has before its first change; the column defaults of the schema.
_BEFORE_ALL = dict.fromkeys(IMAGE_FIELDS, 0) | {"note": ""}


def operations(connection: sqlite3.Connection) -> int:
    """Number of operations in the journal."""
    return int(connection.execute("SELECT COUNT(*) FROM operation").fetchone()[0])


def last_operation(connection: sqlite3.Connection) -> int:
    """The highest id that an operation ever had, 0 where there was none."""
    row = connection.execute(
        "SELECT MAX(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'operation'), 0),"
        " COALESCE((SELECT MAX(id) FROM operation), 0))"
    ).fetchone()
    return int(row[0])


def first_time(connection: sqlite3.Connection) -> float | None:
    """When the first operation was done, in seconds since 1970."""
    row = connection.execute("SELECT time FROM operation ORDER BY id LIMIT 1").fetchone()
    return float(row[0]) if row else None


def missing_operations(connection: sqlite3.Connection) -> list[int]:
    """Ids below the highest one that no operation has: the journal counts without gaps."""
    there = {row[0] for row in _plain(connection, "SELECT id FROM operation")}
    return [number for number in range(1, last_operation(connection) + 1) if number not in there]


def odd_operations(connection: sqlite3.Connection) -> list[int]:
    """Ids of operations that revert a later one, or whose detail cannot be read."""
    return _first(
        connection, "SELECT id FROM operation WHERE reverts >= id OR NOT json_valid(detail) ORDER BY id"
    )


def orphaned_changes(connection: sqlite3.Connection) -> list[int]:
    """Ids of operations that have changes but are not in the journal themselves."""
    return _first(
        connection,
        "SELECT DISTINCT operation_id FROM change WHERE operation_id NOT IN (SELECT id FROM operation)"
        " ORDER BY operation_id",
    )


def changed_strangers(connection: sqlite3.Connection, target: str) -> list[int]:
    """Ids of images or categories that the journal changes and nobody knows."""
    assert target in ("image", "category")
    return _first(
        connection,
        f"SELECT DISTINCT target_id FROM change WHERE target = '{target}'"
        f" AND target_id NOT IN (SELECT id FROM {target}) ORDER BY target_id",
    )


def broken_image_histories(connection: sqlite3.Connection) -> dict[str, list[int]]:
    """For each field the images whose changes, replayed, do not lead step by step to the present value."""
    broken = {}
    for field in sorted(IMAGE_FIELDS):
        found = set(
            _first(
                connection,
                'SELECT DISTINCT target_id FROM (SELECT target_id, "before", LAG("after", 1, ?1) OVER'
                " (PARTITION BY target_id ORDER BY operation_id) AS expected FROM change"
                " WHERE target = 'image' AND field = ?2) WHERE \"before\" IS NOT expected",
                (_BEFORE_ALL[field], field),
            )
        )
        found.update(
            _first(
                connection,
                f"SELECT id FROM image LEFT JOIN ({_LAST}) ON target_id = id"
                f' WHERE image.{field} IS NOT CASE WHEN target_id IS NULL THEN ?1 ELSE "after" END',
                (_BEFORE_ALL[field], field, "image"),
            )
        )
        if found:
            broken[field] = sorted(found)
    return broken


def broken_category_histories(connection: sqlite3.Connection) -> list[int]:
    """Categories whose changes, replayed, do not lead step by step to the present values."""
    found = set()
    for field in sorted(CATEGORY_FIELDS):
        found.update(
            _first(
                connection,
                'SELECT DISTINCT target_id FROM (SELECT target_id, "before", LAG("after", 1, "before") OVER'
                " (PARTITION BY target_id ORDER BY operation_id) AS expected FROM change"
                " WHERE target = 'category' AND field = ?) WHERE \"before\" IS NOT expected",
                (field,),
            )
        )
        found.update(
            _first(
                connection,
                f'SELECT id FROM category JOIN ({_LAST}) ON target_id = id WHERE category.{field} IS NOT "after"',
                (None, field, "category"),
            )
        )
    # Alone of a category's fields, a key has a value that is noted nowhere: none.
    found.update(
        _first(
            connection,
            "SELECT id FROM category WHERE key <> '' AND id NOT IN"
            " (SELECT target_id FROM change WHERE target = 'category' AND field = 'key')",
        )
    )
    return sorted(found)


def mislabeled(connection: sqlite3.Connection) -> list[int]:
    """Images with a category that does not exist, or was removed."""
    return _first(
        connection,
        "SELECT id FROM image WHERE category_id <> 0 AND category_id NOT IN"
        " (SELECT id FROM category WHERE category.removed = 0 OR image.removed = 1) ORDER BY id",
    )


def odd_values(connection: sqlite3.Connection) -> list[int]:
    """Images with a partition, flag, refused category or size outside its range."""
    return _first(
        connection,
        "SELECT id FROM image WHERE partition NOT IN (0, 1, 2, 3) OR excluded NOT IN (0, 1)"
        " OR removed NOT IN (0, 1) OR unsure NOT IN (0, 1) OR fixed NOT IN (0, 1)"
        " OR (refused <> 0 AND refused NOT IN (SELECT id FROM category))"
        " OR MIN(height, width, channels, planes) < 1 ORDER BY id",
    )


def odd_predictions(connection: sqlite3.Connection) -> list[int]:
    """Images with a prediction whose class or number of probabilities does not fit its set."""
    return _first(
        connection,
        "SELECT DISTINCT image_id FROM prediction JOIN prediction_set ON prediction_set.id = set_id"
        " WHERE class NOT BETWEEN 0 AND json_array_length(classes) - 1"
        " OR LENGTH(probabilities) <> 4 * json_array_length(classes) ORDER BY image_id",
    )


def foreign_keys(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(table, table that it refers to, number of rows) of references that lead nowhere."""
    counts: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in _plain(connection, "PRAGMA foreign_key_check"):
        counts[table, parent] = counts.get((table, parent), 0) + 1
    return [(*tables, count) for tables, count in counts.items()]


def files(connection: sqlite3.Connection) -> Iterator[tuple[int, str, int | None, int | None]]:
    """(image id, path, size, mtime in ns) of all files that images lie in."""
    yield from _plain(
        connection,
        "SELECT id, path, size, mtime_ns FROM image WHERE removed = 0 AND path IS NOT NULL UNION ALL"
        " SELECT image_id, file.path, file.size, file.mtime_ns FROM file"
        " JOIN image ON image.id = image_id AND image.removed = 0",
    )


def blocks(connection: sqlite3.Connection) -> list[tuple[int, str, int]]:
    """(image id, block, index in it) of all images that lie in blocks."""
    return _plain(
        connection,
        "SELECT id, block, block_index FROM image WHERE removed = 0 AND block IS NOT NULL ORDER BY id",
    )


def image_ids(connection: sqlite3.Connection, *, removed: bool) -> list[int]:
    """All ids, with or without those of removed images, ascending."""
    condition = "" if removed else " WHERE removed = 0"
    return _first(connection, f"SELECT id FROM image{condition} ORDER BY id")


# The value that the journal gave a field last; SQLite takes a bare column from the row of the maximum.
_LAST = 'SELECT target_id, "after", MAX(operation_id) FROM change WHERE target = ?3 AND field = ?2 GROUP BY target_id'


def _first(connection: sqlite3.Connection, statement: str, arguments: tuple[Any, ...] = ()) -> list[int]:
    return [row[0] for row in _plain(connection, statement, arguments)]
