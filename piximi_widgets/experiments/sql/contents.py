"""SQL of stored contents: what folders hold, and who refers to which content."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence


def put_folder(connection: sqlite3.Connection, folder: str, rows: Iterable[tuple[str, str, int]]) -> None:
    """Note what a folder holds: (path, sha256, size). The same folder is noted once."""
    connection.executemany(
        "INSERT OR IGNORE INTO folder_file (folder, path, sha256, size) VALUES (?, ?, ?, ?)",
        ((folder, *row) for row in rows),
    )


def folder_rows(connection: sqlite3.Connection, folder: str) -> list[tuple[str, str, int]]:
    """(path, sha256, size), ordered by path."""
    cursor = connection.execute(
        "SELECT path, sha256, size FROM folder_file WHERE folder = ? ORDER BY path", (folder,)
    )
    cursor.row_factory = None
    return cursor.fetchall()


def contents_of_experiment(connection: sqlite3.Connection, experiment_id: int) -> set[str]:
    """Every content, folder or not, that an experiment refers to itself."""
    rows = connection.execute(
        "SELECT sha256 FROM artifact WHERE experiment_id = ?1"
        " UNION SELECT sha256 FROM log WHERE experiment_id = ?1 AND sha256 IS NOT NULL",
        (experiment_id,),
    ).fetchall()
    return {row[0] for row in rows}


def release(connection: sqlite3.Connection, contents: Iterable[str]) -> set[str]:
    """Forget the folders among `contents` to which nothing refers any more.

    Returns
    -------
    set of str
        The contents of files that may be unused now: see `is_content_used`.
    """
    files: set[str] = set()
    for content in set(contents):
        rows = folder_rows(connection, content)
        if rows and is_folder_used(connection, content):
            continue
        connection.execute("DELETE FROM folder_file WHERE folder = ?", (content,))
        files.update(row[1] for row in rows)
        files.add(content)
    return {content for content in files if not is_content_used(connection, content)}


def is_folder_used(connection: sqlite3.Connection, folder: str) -> bool:
    """Whether an artifact or a published model is this folder."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM artifact WHERE sha256 = ?1)"
        " OR EXISTS (SELECT 1 FROM model_file WHERE sha256 = ?1)",
        (folder,),
    ).fetchone()
    return bool(row[0])


def is_content_used(connection: sqlite3.Connection, sha256: str) -> bool:
    """Whether an artifact, a log, a published model or a folder refers to a content."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM artifact WHERE sha256 = ?1)"
        " OR EXISTS (SELECT 1 FROM log WHERE sha256 IS NOT NULL AND sha256 = ?1)"
        " OR EXISTS (SELECT 1 FROM model_file WHERE sha256 = ?1)"
        " OR EXISTS (SELECT 1 FROM folder_file WHERE sha256 = ?1)",
        (sha256,),
    ).fetchone()
    return bool(row[0])


def unused(connection: sqlite3.Connection, contents: Sequence[str]) -> list[str]:
    """Those of `contents` to which nothing refers."""
    return [sha256 for sha256 in contents if not is_content_used(connection, sha256)]


def orphaned_phase(connection: sqlite3.Connection) -> int | None:
    """A phase of which points are left, though its experiment is gone; None when there is none."""
    # From one phase to the next, not from point to point: there may be millions of them.
    rows = connection.execute(
        "WITH RECURSIVE found (id) AS (SELECT min(phase_id) FROM point UNION ALL"
        " SELECT (SELECT min(phase_id) FROM point WHERE phase_id > found.id) FROM found WHERE found.id IS NOT NULL)"
        " SELECT id FROM found WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM phase) LIMIT 1"
    ).fetchall()
    return int(rows[0][0]) if rows else None


def delete_points(connection: sqlite3.Connection, phase_id: int, most: int) -> int:
    """Delete at most about `most` points of a phase, whole steps; returns how many."""
    rows = connection.execute(
        "SELECT step FROM point WHERE phase_id = ? ORDER BY step LIMIT 1 OFFSET ?", (phase_id, most)
    ).fetchall()
    condition, values = ("", (phase_id,)) if not rows else (" AND step <= ?", (phase_id, rows[0][0]))
    return connection.execute(f"DELETE FROM point WHERE phase_id = ?{condition}", values).rowcount


def delete_experiment(connection: sqlite3.Connection, experiment_id: int) -> None:
    """Remove an experiment with all rows that hang on it, but for its points: see `orphaned_phase`."""
    connection.execute("DELETE FROM experiment WHERE id = ?", (experiment_id,))
