"""SQL of archives: every row of one experiment out, and every row of one in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from ..sql.metrics import VALUE

COLUMNS = {
    "experiment": (
        *("uid", "name", "description", "notes", "status", "creator", "created", "started", "ended"),
        *("exit_code", "error"),
    ),
    "attached_dataset": ("alias", "uid", "name", "fingerprint", "attached"),
    "log": ("name", "type", "data", "sha256", "created", "updated"),
    "series": ("name", "created"),
    "evaluation": ("partition", "classes", "created", "updated"),
    "telemetry_line": ("number", "time", "stream", "text", "progress"),
    "telemetry_chapter": ("number", "name", "time"),
    "system_sample": ("time", "name", "value"),
    "artifact": ("name", "version", "kind", "filename", "sha256", "size", "created"),
    "job": (
        *(
            "kind",
            "attempt",
            "payload",
            "environment",
            "state",
            "stop_requested",
            "created",
            "claimed",
            "ended",
        ),
        *("exit_code", "error"),
    ),
}
"""Tables of which an experiment's rows are taken as they are, and their columns."""

_ORDER = {
    "telemetry_line": "number",
    "telemetry_chapter": "number",
    "system_sample": "time, name",
    "experiment": "id",
}


def rows(connection: sqlite3.Connection, table: str, experiment_id: int) -> list[tuple[Any, ...]]:
    """The rows of one experiment in a table of `COLUMNS`."""
    key = "id" if table == "experiment" else "experiment_id"
    cursor = connection.execute(
        f"SELECT {', '.join(COLUMNS[table])} FROM {table} WHERE {key} = ? ORDER BY {_ORDER.get(table, 'id')}",
        (experiment_id,),
    )
    cursor.row_factory = None
    return cursor.fetchall()


def insert(
    connection: sqlite3.Connection, table: str, experiment_id: int, given: Iterable[Sequence[Any]]
) -> None:
    """Add rows of one experiment to a table of `COLUMNS`."""
    columns = COLUMNS[table]
    connection.executemany(
        f"INSERT INTO {table} (experiment_id, {', '.join(columns)}) VALUES ({', '.join('?' * (len(columns) + 1))})",
        ((experiment_id, *row) for row in given),
    )


def insert_experiment(connection: sqlite3.Connection, row: Sequence[Any]) -> int:
    columns = COLUMNS["experiment"]
    cursor = connection.execute(
        f"INSERT INTO experiment ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", tuple(row)
    )
    return int(cursor.lastrowid or 0)


def points(connection: sqlite3.Connection, experiment_id: int) -> sqlite3.Cursor:
    """(series id, step, time, value) by series and step; NaN is None."""
    cursor = connection.execute(
        f"SELECT series_id, step, time, {VALUE} FROM series JOIN point"
        " ON point.phase_id = series.phase_id AND point.series_id = series.id"
        " WHERE series.experiment_id = ? ORDER BY series_id, step",
        (experiment_id,),
    )
    cursor.row_factory = None
    return cursor


def series_ids(connection: sqlite3.Connection, experiment_id: int) -> list[int]:
    found = connection.execute(
        "SELECT id FROM series WHERE experiment_id = ? ORDER BY id", (experiment_id,)
    ).fetchall()
    return [row[0] for row in found]


def reserve(connection: sqlite3.Connection, table: str, count: int) -> int:
    """Set ids of a table aside, which are then given to no other row; returns the first."""
    row = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    if row[0] is None:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, count))
        return 1
    connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (row[0] + count, table))
    return int(row[0]) + 1


def insert_metrics(
    connection: sqlite3.Connection,
    experiment_id: int,
    phases: Iterable[tuple[int, str, int]],
    series: Iterable[tuple[int, int, str, int]],
) -> None:
    """Add phases (id, name, folded step) and series (id, phase id, name, time)."""
    connection.executemany(
        "INSERT INTO phase (experiment_id, id, name, folded) VALUES (?, ?, ?, ?)",
        ((experiment_id, *row) for row in phases),
    )
    connection.executemany(
        "INSERT INTO series (experiment_id, id, phase_id, name, created) VALUES (?, ?, ?, ?, ?)",
        ((experiment_id, *row) for row in series),
    )


def count_points(connection: sqlite3.Connection, first_phase: int, phases: int) -> int:
    """Points of phases with successive ids."""
    row = connection.execute(
        "SELECT COUNT(*) FROM point WHERE phase_id >= ? AND phase_id < ?", (first_phase, first_phase + phases)
    ).fetchone()
    return int(row[0])


def evaluation_ids(connection: sqlite3.Connection, experiment_id: int) -> list[int]:
    found = connection.execute(
        "SELECT id FROM evaluation WHERE experiment_id = ? ORDER BY id", (experiment_id,)
    ).fetchall()
    return [row[0] for row in found]


def evaluation_rows(connection: sqlite3.Connection, evaluation_id: int) -> list[tuple[Any, ...]]:
    """(image id, truth, probabilities, metrics, shapes) by image."""
    cursor = connection.execute(
        "SELECT image_id, truth, probabilities, metrics, shapes FROM evaluation_row WHERE evaluation_id = ?"
        " ORDER BY image_id",
        (evaluation_id,),
    )
    cursor.row_factory = None
    return cursor.fetchall()


def insert_evaluation_rows(
    connection: sqlite3.Connection, evaluation_id: int, given: Iterable[tuple[Any, ...]]
) -> None:
    connection.executemany(
        "INSERT INTO evaluation_row (evaluation_id, image_id, truth, probabilities, metrics, shapes)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ((evaluation_id, *row) for row in given),
    )


# -- where it comes from ---------------------------------------------------------------------------


def base(connection: sqlite3.Connection, experiment_id: int) -> sqlite3.Row:
    """Uid and name of base experiment and parent, and uid, name and number of the base model, NULL where there is none."""
    row: sqlite3.Row = connection.execute(
        "SELECT base.uid AS experiment_uid, base.name AS experiment_name, model_version.uid AS model_uid,"
        " model.name AS model_name, model_version.number AS model_number,"
        " parent.uid AS parent_uid, parent.name AS parent_name FROM experiment"
        " LEFT JOIN experiment AS parent ON parent.id = experiment.parent_id"
        " LEFT JOIN experiment AS base ON base.id = experiment.base_experiment_id"
        " LEFT JOIN model_version ON model_version.id = experiment.base_model_version_id"
        " LEFT JOIN model ON model.id = model_version.model_id WHERE experiment.id = ?",
        (experiment_id,),
    ).fetchone()
    return row


def origin(connection: sqlite3.Connection, experiment_id: int) -> sqlite3.Row | None:
    """What is known of the store from which an experiment was imported."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT uid, imported, bases FROM origin WHERE experiment_id = ?", (experiment_id,)
    ).fetchone()
    return row


def put_origin(
    connection: sqlite3.Connection,
    experiment_id: int,
    uid: str,
    time: int,
    base_uid: str | None,
    model_uid: str | None,
    bases: str,
) -> None:
    connection.execute(
        "INSERT INTO origin (experiment_id, uid, imported, base_uid, bases) VALUES (?, ?, ?, ?, ?)",
        (experiment_id, uid, time, base_uid, bases),
    )
    connection.execute(
        "UPDATE experiment SET base_experiment_id = (SELECT id FROM experiment WHERE uid = ?1 AND id <> ?3),"
        " base_model_version_id = (SELECT id FROM model_version WHERE uid = ?2) WHERE id = ?3",
        (base_uid, model_uid, experiment_id),
    )
    # Those that go on from this one may have been imported before it; none may go on from itself in the end.
    connection.execute(
        "UPDATE experiment SET base_experiment_id = ?1 WHERE base_experiment_id IS NULL AND id <> ?1"
        " AND id IN (SELECT experiment_id FROM origin WHERE base_uid = (SELECT uid FROM experiment WHERE id = ?1))"
        " AND id NOT IN (WITH RECURSIVE above (id) AS (SELECT base_experiment_id FROM experiment WHERE id = ?1"
        " UNION SELECT base_experiment_id FROM experiment JOIN above ON experiment.id = above.id)"
        " SELECT id FROM above WHERE id IS NOT NULL)",
        (experiment_id,),
    )


def put_parent(connection: sqlite3.Connection, experiment_id: int, parent_uid: str | None) -> None:
    """Find the parent of an imported experiment, and those that were imported before it as its children."""
    connection.execute(
        "UPDATE experiment SET parent_id = (SELECT id FROM experiment WHERE uid = ?1 AND id <> ?2) WHERE id = ?2",
        (parent_uid, experiment_id),
    )
    # Neither is it its own, nor that of its own parent.
    connection.execute(
        "UPDATE experiment SET parent_id = ?1 WHERE parent_id IS NULL AND id <> ?1"
        " AND id IN (SELECT experiment_id FROM origin"
        " WHERE json_extract(bases, '$.parent.uid') = (SELECT uid FROM experiment WHERE id = ?1))"
        " AND id NOT IN (WITH RECURSIVE above (id) AS (SELECT parent_id FROM experiment WHERE id = ?1"
        " UNION SELECT parent_id FROM experiment JOIN above ON experiment.id = above.id)"
        " SELECT id FROM above WHERE id IS NOT NULL)",
        (experiment_id,),
    )


def kept_datasets(connection: sqlite3.Connection, experiment_id: int) -> list[tuple[str, str, bytes]]:
    """(uid, JSON, compressed CSV) of the dataset versions that came with an experiment."""
    cursor = connection.execute(
        "SELECT uid, record, content FROM kept_dataset WHERE experiment_id = ? ORDER BY uid", (experiment_id,)
    )
    cursor.row_factory = None
    return cursor.fetchall()


def put_kept_dataset(
    connection: sqlite3.Connection, experiment_id: int, uid: str, record: str, content: bytes
) -> None:
    connection.execute(
        "INSERT INTO kept_dataset (experiment_id, uid, record, content) VALUES (?, ?, ?, ?)",
        (experiment_id, uid, record, content),
    )
