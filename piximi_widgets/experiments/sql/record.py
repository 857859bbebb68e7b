"""SQL of the experiment's record: header, parameters, tags, attached datasets and logs.

Each function takes an open transaction of the store's database. Metrics, jobs, telemetry and files
have SQL modules of their own beside this one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

_CHANGEABLE = frozenset(
    {"name", "description", "notes", "status", "started", "ended", "exit_code", "error", "deleted"}
)


def insert_experiment(
    connection: sqlite3.Connection,
    uid: str,
    name: str,
    description: str,
    status: str,
    creator: str,
    base_experiment_id: int | None,
    time: int,
) -> int:
    cursor = connection.execute(
        "INSERT INTO experiment (uid, name, description, status, creator, base_experiment_id, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (uid, name, description, status, creator, base_experiment_id, time),
    )
    return int(cursor.lastrowid or 0)


def experiment(connection: sqlite3.Connection, experiment_id: int) -> sqlite3.Row | None:
    return _one(connection, "SELECT * FROM experiment WHERE id = ?", (experiment_id,))


def experiment_id_by_name(connection: sqlite3.Connection, name: str) -> int | None:
    """Id of the experiment of that name that is not deleted."""
    return _id(connection, "SELECT id FROM experiment WHERE name = ? AND deleted IS NULL", (name,))


def deleted_id_by_name(connection: sqlite3.Connection, name: str) -> int | None:
    """Id of the experiment of that name that was deleted last."""
    return _id(
        connection,
        "SELECT id FROM experiment WHERE name = ? AND deleted IS NOT NULL ORDER BY deleted DESC, id DESC LIMIT 1",
        (name,),
    )


def deleted_ids(connection: sqlite3.Connection) -> list[int]:
    """Experiments that were deleted, the last one first."""
    rows = connection.execute(
        "SELECT id FROM experiment WHERE deleted IS NOT NULL ORDER BY deleted DESC, id DESC"
    ).fetchall()
    return [row[0] for row in rows]


def experiment_id_by_uid(connection: sqlite3.Connection, uid: str) -> int | None:
    return _id(connection, "SELECT id FROM experiment WHERE uid = ?", (uid,))


def experiment_ids(connection: sqlite3.Connection) -> list[int]:
    rows = connection.execute("SELECT id FROM experiment WHERE deleted IS NULL ORDER BY id").fetchall()
    return [row[0] for row in rows]


def count_experiments(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM experiment WHERE deleted IS NULL").fetchone()[0])


def experiments(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute("SELECT * FROM experiment WHERE deleted IS NULL ORDER BY id").fetchall()


def update_experiment(connection: sqlite3.Connection, experiment_id: int, **fields: Any) -> None:
    unknown = set(fields) - _CHANGEABLE
    if unknown:
        raise KeyError(f"an experiment has no changeable column {sorted(unknown)}")
    assignments = ", ".join(f"{field} = ?" for field in fields)
    connection.execute(
        f"UPDATE experiment SET {assignments} WHERE id = ?",
        (*fields.values(), experiment_id),
    )


def set_parent(connection: sqlite3.Connection, experiment_id: int, parent_id: int) -> None:
    connection.execute("UPDATE experiment SET parent_id = ? WHERE id = ?", (parent_id, experiment_id))


def child_ids(connection: sqlite3.Connection, experiment_id: int) -> list[int]:
    """Experiments that are not deleted and have this one as their parent, oldest first."""
    rows = connection.execute(
        "SELECT id FROM experiment WHERE parent_id = ? AND deleted IS NULL ORDER BY id", (experiment_id,)
    ).fetchall()
    return [row[0] for row in rows]


# -- parameters and tags ---------------------------------------------------------------------------


def replace_parameters(
    connection: sqlite3.Connection, experiment_id: int, rows: Iterable[tuple[str, str, str]]
) -> None:
    """Rows are (name, type, JSON)."""
    connection.execute("DELETE FROM parameter WHERE experiment_id = ?", (experiment_id,))
    connection.executemany(
        "INSERT INTO parameter (experiment_id, position, name, type, value) VALUES (?, ?, ?, ?, ?)",
        [(experiment_id, position, *row) for position, row in enumerate(rows)],
    )


def parameters(connection: sqlite3.Connection, experiment_id: int) -> list[tuple[str, str, str]]:
    """Rows (name, type, JSON) in the order in which they were given."""
    rows = connection.execute(
        "SELECT name, type, value FROM parameter WHERE experiment_id = ? ORDER BY position", (experiment_id,)
    ).fetchall()
    return [tuple(row) for row in rows]


def all_parameters(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute("SELECT * FROM parameter ORDER BY experiment_id, position").fetchall()


def replace_tags(connection: sqlite3.Connection, experiment_id: int, names: Sequence[str]) -> None:
    connection.execute("DELETE FROM tag WHERE experiment_id = ?", (experiment_id,))
    connection.executemany(
        "INSERT INTO tag (experiment_id, name, position) VALUES (?, ?, ?)",
        [(experiment_id, name, position) for position, name in enumerate(names)],
    )


def tags(connection: sqlite3.Connection, experiment_id: int) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM tag WHERE experiment_id = ? ORDER BY position", (experiment_id,)
    ).fetchall()
    return [row[0] for row in rows]


# -- attached datasets -----------------------------------------------------------------------------


def attach_dataset(
    connection: sqlite3.Connection,
    experiment_id: int,
    alias: str,
    uid: str,
    name: str,
    fingerprint: str,
    time: int,
) -> None:
    connection.execute(
        "INSERT INTO attached_dataset (experiment_id, alias, uid, name, fingerprint, attached)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (experiment_id, alias) DO UPDATE SET"
        " uid = excluded.uid, name = excluded.name, fingerprint = excluded.fingerprint,"
        " attached = excluded.attached",
        (experiment_id, alias, uid, name, fingerprint, time),
    )


def detach_dataset(connection: sqlite3.Connection, experiment_id: int, alias: str) -> bool:
    cursor = connection.execute(
        "DELETE FROM attached_dataset WHERE experiment_id = ? AND alias = ?", (experiment_id, alias)
    )
    return cursor.rowcount == 1


def attached_datasets(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT alias, uid, name, fingerprint FROM attached_dataset WHERE experiment_id = ? ORDER BY id",
        (experiment_id,),
    ).fetchall()


# -- logs ------------------------------------------------------------------------------------------


def put_log(
    connection: sqlite3.Connection,
    experiment_id: int,
    name: str,
    kind: str,
    data: str,
    sha256: str | None,
    time: int,
) -> None:
    connection.execute(
        "INSERT INTO log (experiment_id, name, type, data, sha256, created, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment_id, name) DO UPDATE SET"
        " data = excluded.data, sha256 = excluded.sha256, updated = excluded.updated",
        (experiment_id, name, kind, data, sha256, time, time),
    )


def log_type(connection: sqlite3.Connection, experiment_id: int, name: str) -> str | None:
    """Type of the log or metric of that name; None when there is neither."""
    row = _one(
        connection,
        "SELECT type FROM log WHERE experiment_id = ?1 AND name = ?2"
        " UNION ALL SELECT 'LINE' FROM series WHERE experiment_id = ?1 AND name = ?2",
        (experiment_id, name),
    )
    return None if row is None else str(row[0])


def log_data(connection: sqlite3.Connection, experiment_id: int, name: str) -> sqlite3.Row | None:
    return _one(
        connection,
        "SELECT type, data, sha256, created, updated FROM log WHERE experiment_id = ? AND name = ?",
        (experiment_id, name),
    )


def logs(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    """Rows (name, type, created) of logs and of metrics that have points, oldest first."""
    return connection.execute(
        "SELECT name, type, created FROM (SELECT name, type, created, 0 AS place, id FROM log"
        " WHERE experiment_id = ?1 UNION ALL SELECT name, 'LINE', created, 1, id FROM series"
        " WHERE experiment_id = ?1 AND (EXISTS (SELECT 1 FROM series_stat WHERE series_id = series.id)"
        " OR EXISTS (SELECT 1 FROM point WHERE phase_id = series.phase_id AND series_id = series.id)))"
        " ORDER BY created, place, id",
        (experiment_id,),
    ).fetchall()


def _one(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> sqlite3.Row | None:
    # fetchall leaves no cursor open, which would hold back checkpoints
    rows = connection.execute(statement, values).fetchall()
    return rows[0] if rows else None


def _id(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> int | None:
    row = _one(connection, statement, values)
    return None if row is None else int(row[0])
