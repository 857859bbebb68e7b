"""SQL of the export: everything that is known of one experiment, as plain tuples in a fixed order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from ..sql.metrics import VALUE


def experiment_ids(connection: sqlite3.Connection) -> list[int]:
    """Those that are not deleted, oldest first."""
    rows = connection.execute("SELECT id FROM experiment WHERE deleted IS NULL ORDER BY id").fetchall()
    return [row[0] for row in rows]


def parameters(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(name, type, JSON)."""
    return _rows(
        connection, "SELECT name, type, value FROM parameter WHERE experiment_id = ? ORDER BY position", id
    )


def datasets(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(alias, uid, name, fingerprint, attached)."""
    return _rows(
        connection,
        "SELECT alias, uid, name, fingerprint, attached FROM attached_dataset WHERE experiment_id = ? ORDER BY id",
        id,
    )


def logs(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(name, type, JSON, sha256, created, updated) of what is neither a metric nor the parameters."""
    return _rows(
        connection,
        "SELECT name, type, data, sha256, created, updated FROM log WHERE experiment_id = ? ORDER BY id",
        id,
    )


def points(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(metric, step, time, value) in the order in which they lie on disk; None is NaN."""
    return _rows(
        connection,
        f"SELECT series.name, step, time, {VALUE} FROM phase CROSS JOIN point ON point.phase_id = phase.id"
        " CROSS JOIN series ON series.id = point.series_id WHERE phase.experiment_id = ?"
        " ORDER BY phase.id, step, point.series_id",
        id,
    )


def evaluations(connection: sqlite3.Connection, id: int) -> list[tuple[Any, ...]]:
    """(evaluation id, partition, JSON of classes)."""
    return list(
        _rows(
            connection,
            "SELECT id, partition, classes FROM evaluation WHERE experiment_id = ? ORDER BY id",
            id,
        )
    )


def evaluation_rows(connection: sqlite3.Connection, evaluation_id: int) -> Iterator[tuple[Any, ...]]:
    """(image id, truth, float32 probabilities, JSON of metrics, JSON of shapes)."""
    return _rows(
        connection,
        "SELECT image_id, truth, probabilities, metrics, shapes FROM evaluation_row WHERE evaluation_id = ?"
        " ORDER BY image_id",
        evaluation_id,
    )


def lines(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(number, time, stream, chapter, text)."""
    return _rows(
        connection,
        "SELECT number, time, stream, coalesce((SELECT name FROM telemetry_chapter"
        " WHERE experiment_id = telemetry_line.experiment_id AND number <= telemetry_line.number"
        " ORDER BY number DESC LIMIT 1), ''), text FROM telemetry_line WHERE experiment_id = ? ORDER BY number",
        id,
    )


def system_samples(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(time, name, value)."""
    return _rows(
        connection,
        "SELECT time, name, value FROM system_sample WHERE experiment_id = ? ORDER BY time, name",
        id,
    )


def artifacts(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(name, version, kind, filename, size, sha256, created) of all versions."""
    return _rows(
        connection,
        "SELECT name, version, kind, filename, size, sha256, created FROM artifact WHERE experiment_id = ? ORDER BY id",
        id,
    )


def artifact_files(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(name, version, path, size, sha256) of the files in artifacts that are folders."""
    return _rows(
        connection,
        "SELECT name, version, path, folder_file.size, folder_file.sha256 FROM artifact"
        " JOIN folder_file ON folder = artifact.sha256 WHERE experiment_id = ? AND kind = 'folder'"
        " ORDER BY artifact.id, path",
        id,
    )


def published(connection: sqlite3.Connection, id: int) -> Iterator[tuple[Any, ...]]:
    """(model, version, framework, JSON of labels, description, created)."""
    return _rows(
        connection,
        "SELECT model.name, number, framework, labels, model_version.description, model_version.created"
        " FROM model_version JOIN model ON model.id = model_id WHERE experiment_id = ? ORDER BY model_version.id",
        id,
    )


def _rows(connection: sqlite3.Connection, statement: str, id: int) -> Iterator[tuple[Any, ...]]:
    cursor = connection.execute(statement, (id,))
    cursor.row_factory = None
    return cursor
