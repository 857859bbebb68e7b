"""SQL of what a training leaves behind: artifacts and per-image evaluations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import numpy as np

_ARTIFACT = "SELECT name, version, filename, sha256, size, created FROM artifact"


def insert_artifact(
    connection: sqlite3.Connection,
    experiment_id: int,
    name: str,
    filename: str,
    sha256: str,
    size: int,
    time: int,
) -> int:
    """Add the next version under `name`; returns its number, counted from 1."""
    version = 1 + (
        connection.execute(
            "SELECT max(version) FROM artifact WHERE experiment_id = ? AND name = ?", (experiment_id, name)
        ).fetchone()[0]
        or 0
    )
    connection.execute(
        "INSERT INTO artifact (experiment_id, name, version, filename, sha256, size, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (experiment_id, name, version, filename, sha256, size, time),
    )
    return version


def artifact_versions(connection: sqlite3.Connection, experiment_id: int, name: str) -> list[sqlite3.Row]:
    """All versions under `name`, oldest first."""
    return connection.execute(
        f"{_ARTIFACT} WHERE experiment_id = ? AND name = ? ORDER BY version", (experiment_id, name)
    ).fetchall()


def artifact_names(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    """Names in the order in which they were first stored."""
    rows = connection.execute(
        "SELECT name FROM artifact WHERE experiment_id = ? GROUP BY name ORDER BY min(id)", (experiment_id,)
    ).fetchall()
    return [row[0] for row in rows]


def delete_artifact(connection: sqlite3.Connection, experiment_id: int, name: str) -> list[str]:
    """Remove `name` with all versions; returns the contents (sha256) that nothing refers to any more."""
    contents = {row["sha256"] for row in artifact_versions(connection, experiment_id, name)}
    connection.execute("DELETE FROM artifact WHERE experiment_id = ? AND name = ?", (experiment_id, name))
    return [sha256 for sha256 in sorted(contents) if not is_content_used(connection, sha256)]


def is_content_used(connection: sqlite3.Connection, sha256: str) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM artifact WHERE sha256 = ?1)"
        " OR EXISTS (SELECT 1 FROM log WHERE sha256 IS NOT NULL AND sha256 = ?1)",
        (sha256,),
    ).fetchone()
    return bool(row[0])


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
    connection: sqlite3.Connection, evaluation_id: int, rows: Iterable[tuple[int, int, bytes]]
) -> None:
    """Rows are (image id, truth, float32 probabilities); an image that is there already is replaced."""
    connection.executemany(
        "INSERT INTO evaluation_row (evaluation_id, image_id, truth, probabilities) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (evaluation_id, image_id) DO UPDATE SET"
        " truth = excluded.truth, probabilities = excluded.probabilities",
        ((evaluation_id, *row) for row in rows),
    )


def evaluation_rows(
    connection: sqlite3.Connection, evaluation_id: int, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ids (N,) int64, truth (N,) int32, probabilities (N, K) float32), ordered by image id."""
    cursor = connection.execute(
        "SELECT image_id, truth, probabilities FROM evaluation_row WHERE evaluation_id = ? ORDER BY image_id",
        (evaluation_id,),
    )
    cursor.row_factory = None
    rows = cursor.fetchall()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    truth = np.fromiter((row[1] for row in rows), np.int32, len(rows))
    joined = np.frombuffer(b"".join(row[2] for row in rows), "<f4")
    return ids, truth, joined.astype(np.float32).reshape(len(rows), classes)
