"""SQL of what a training leaves behind: artifacts and per-image evaluations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from . import contents as sql_contents
from .contents import is_content_used as is_content_used

_ARTIFACT = "SELECT name, version, kind, filename, sha256, size, created FROM artifact"


def insert_artifact(
    connection: sqlite3.Connection,
    experiment_id: int,
    name: str,
    kind: str,
    filename: str,
    sha256: str,
    size: int,
    time: int,
) -> int:
    """Add the next version under `name`; returns its number, counted from 1 and never given again."""
    version = 1 + int(
        connection.execute(
            "SELECT max(coalesce((SELECT last_number FROM artifact_number WHERE experiment_id = ?1 AND name = ?2), 0),"
            " coalesce((SELECT max(version) FROM artifact WHERE experiment_id = ?1 AND name = ?2), 0))",
            (experiment_id, name),
        ).fetchone()[0]
    )
    connection.execute(
        "INSERT OR REPLACE INTO artifact_number (experiment_id, name, last_number) VALUES (?, ?, ?)",
        (experiment_id, name, version),
    )
    connection.execute(
        "INSERT INTO artifact (experiment_id, name, version, kind, filename, sha256, size, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (experiment_id, name, version, kind, filename, sha256, size, time),
    )
    return version


def artifact_versions(connection: sqlite3.Connection, experiment_id: int, name: str) -> list[sqlite3.Row]:
    """All versions under `name`, oldest first."""
    return connection.execute(
        f"{_ARTIFACT} WHERE experiment_id = ? AND name = ? ORDER BY version", (experiment_id, name)
    ).fetchall()


def newest_artifacts(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    """The newest version under each name, in the order in which the names were first stored."""
    return connection.execute(
        f"{_ARTIFACT} AS newest WHERE experiment_id = ?1 AND version = (SELECT max(version) FROM artifact"
        " WHERE experiment_id = ?1 AND name = newest.name) ORDER BY"
        " (SELECT min(id) FROM artifact WHERE experiment_id = ?1 AND name = newest.name)",
        (experiment_id,),
    ).fetchall()


def artifact_names(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    """Names in the order in which they were first stored."""
    rows = connection.execute(
        "SELECT name FROM artifact WHERE experiment_id = ? GROUP BY name ORDER BY min(id)", (experiment_id,)
    ).fetchall()
    return [row[0] for row in rows]


def delete_artifact(
    connection: sqlite3.Connection, experiment_id: int, name: str, version: int | None = None
) -> set[str] | None:
    """Remove `name` with all versions, or one of them.

    Returns
    -------
    set of str, or None
        The contents (sha256) to which nothing refers any more; None when there was nothing to remove.
    """
    condition, values = "experiment_id = ? AND name = ?", [experiment_id, name]
    if version is not None:
        condition, values = f"{condition} AND version = ?", [*values, version]
    contents = connection.execute(f"SELECT sha256 FROM artifact WHERE {condition}", values).fetchall()
    if not contents:
        return None
    connection.execute(f"DELETE FROM artifact WHERE {condition}", values)
    return sql_contents.release(connection, [row[0] for row in contents])


# -- evaluations -----------------------------------------------------------------------------------


def evaluation(connection: sqlite3.Connection, experiment_id: int, partition: str) -> sqlite3.Row | None:
    rows = connection.execute(
        "SELECT id, partition, classes FROM evaluation WHERE experiment_id = ? AND partition = ?",
        (experiment_id, partition),
    ).fetchall()
    return rows[0] if rows else None


def evaluated_partitions(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    rows = connection.execute(
        "SELECT partition FROM evaluation WHERE experiment_id = ? ORDER BY id", (experiment_id,)
    ).fetchall()
    return [row[0] for row in rows]


def evaluated_at(connection: sqlite3.Connection, experiment_id: int) -> list[tuple[str, int]]:
    """Evaluated partitions, in the order of the first ones, and when each was changed last."""
    rows = connection.execute(
        "SELECT partition, updated FROM evaluation WHERE experiment_id = ? ORDER BY id", (experiment_id,)
    ).fetchall()
    return [tuple(row) for row in rows]


def put_evaluation(
    connection: sqlite3.Connection, experiment_id: int, partition: str, classes: str, time: int
) -> int:
    """Id of the evaluation of `partition`, made when it is the first."""
    connection.execute(
        "INSERT INTO evaluation (experiment_id, partition, classes, created, updated) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (experiment_id, partition) DO UPDATE SET updated = excluded.updated",
        (experiment_id, partition, classes, time, time),
    )
    row = evaluation(connection, experiment_id, partition)
    assert row is not None
    return int(row["id"])


def delete_evaluation(connection: sqlite3.Connection, evaluation_id: int) -> None:
    connection.execute("DELETE FROM evaluation_row WHERE evaluation_id = ?", (evaluation_id,))
    connection.execute("DELETE FROM evaluation WHERE id = ?", (evaluation_id,))


def put_evaluation_rows(
    connection: sqlite3.Connection,
    evaluation_id: int,
    rows: Iterable[tuple[int, int, bytes, str | None, str | None]],
    *,
    replace: bool,
) -> None:
    """Rows are (image id, truth, float32 probabilities, JSON of metrics, JSON of shapes).

    An image that is there already is replaced, all of it, or kept as it is.
    """
    conflict = (
        "DO UPDATE SET truth = excluded.truth, probabilities = excluded.probabilities,"
        " metrics = excluded.metrics, shapes = excluded.shapes"
        if replace
        else "DO NOTHING"
    )
    connection.executemany(
        "INSERT INTO evaluation_row (evaluation_id, image_id, truth, probabilities, metrics, shapes)"
        f" VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (evaluation_id, image_id) {conflict}",
        ((evaluation_id, *row) for row in rows),
    )


def evaluation_rows(
    connection: sqlite3.Connection, evaluation_id: int
) -> list[tuple[int, int, bytes, str | None, str | None]]:
    """Rows as `put_evaluation_rows` takes them, ordered by image id."""
    cursor = connection.execute(
        "SELECT image_id, truth, probabilities, metrics, shapes FROM evaluation_row WHERE evaluation_id = ?"
        " ORDER BY image_id",
        (evaluation_id,),
    )
    cursor.row_factory = None
    return cursor.fetchall()
