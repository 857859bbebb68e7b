"""SQL of trainings of a person's own that were announced by ``start()``."""

from __future__ import annotations

import sqlite3


def put(connection: sqlite3.Connection, experiment_id: int, host: str, pid: int, lock: str) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO started (experiment_id, host, pid, lock) VALUES (?, ?, ?, ?)",
        (experiment_id, host, pid, lock),
    )


def delete(connection: sqlite3.Connection, experiment_id: int) -> None:
    connection.execute("DELETE FROM started WHERE experiment_id = ?", (experiment_id,))


def running(connection: sqlite3.Connection, host: str) -> list[sqlite3.Row]:
    """Those of a computer whose experiment is RUNNING without a job: experiment_id and lock."""
    return connection.execute(
        "SELECT experiment_id, lock FROM started JOIN experiment ON experiment.id = experiment_id"
        " WHERE host = ? AND status = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM job"
        " WHERE job.experiment_id = started.experiment_id AND kind = 'train' AND state IN ('WAITING', 'RUNNING'))",
        (host,),
    ).fetchall()
