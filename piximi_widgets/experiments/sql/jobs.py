"""SQL of the work itself: jobs, the workers that do them, and what they print."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from ..values import shown

#: All but the payload, which may name a hundred thousand images and is not needed at each look.
_COLUMNS = (
    "job.id, job.experiment_id, job.kind, job.attempt, job.environment, job.state, job.stop_requested, job.worker,"
    " job.log_offset, job.created, job.claimed, job.ended, job.exit_code, job.error"
)


def insert_job(
    connection: sqlite3.Connection,
    experiment_id: int,
    kind: str,
    attempt: int,
    payload: str,
    environment: str,
    time: int,
) -> int:
    cursor = connection.execute(
        "INSERT INTO job (experiment_id, kind, attempt, payload, environment, state, created)"
        " VALUES (?, ?, ?, ?, ?, 'WAITING', ?)",
        (experiment_id, kind, attempt, payload, environment, time),
    )
    return int(cursor.lastrowid or 0)


def job(connection: sqlite3.Connection, job_id: int) -> sqlite3.Row | None:
    return _one(connection, f"SELECT {_COLUMNS} FROM job WHERE id = ?", (job_id,))


def payload(connection: sqlite3.Connection, job_id: int) -> str | None:
    row = _one(connection, "SELECT payload FROM job WHERE id = ?", (job_id,))
    return None if row is None else str(row[0])


def jobs(connection: sqlite3.Connection, experiment_id: int | None) -> list[sqlite3.Row]:
    """Jobs of one experiment, or of all, oldest first."""
    if experiment_id is None:
        return connection.execute(f"SELECT {_COLUMNS} FROM job ORDER BY id").fetchall()
    return connection.execute(
        f"SELECT {_COLUMNS} FROM job WHERE experiment_id = ? ORDER BY id", (experiment_id,)
    ).fetchall()


def last_attempt(connection: sqlite3.Connection, experiment_id: int) -> int:
    """Number of the last training attempt; 0 before the first."""
    row = connection.execute(
        "SELECT max(attempt) FROM job WHERE experiment_id = ? AND kind = 'train'", (experiment_id,)
    ).fetchone()
    return int(row[0] or 0)


def current_training(connection: sqlite3.Connection, experiment_id: int) -> sqlite3.Row | None:
    """The training job that waits or runs."""
    return _one(
        connection,
        f"SELECT {_COLUMNS} FROM job"
        " WHERE experiment_id = ? AND kind = 'train' AND state IN ('WAITING', 'RUNNING')",
        (experiment_id,),
    )


def oldest_waiting(connection: sqlite3.Connection, environment: str) -> int | None:
    row = _one(
        connection,
        "SELECT id FROM job WHERE state = 'WAITING' AND environment = ? ORDER BY id LIMIT 1",
        (environment,),
    )
    return None if row is None else int(row[0])


def running_jobs(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Running jobs with the host, lock, log and heartbeat of their worker."""
    return connection.execute(
        f"SELECT {_COLUMNS}, worker.host, worker.lock, worker.log, worker.heartbeat FROM job"
        " JOIN worker ON worker.uid = job.worker WHERE job.state = 'RUNNING' ORDER BY job.id"
    ).fetchall()


def waiting_jobs(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Jobs that nobody has claimed, oldest first."""
    return connection.execute(f"SELECT {_COLUMNS} FROM job WHERE state = 'WAITING' ORDER BY id").fetchall()


def waiting_environments(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Environments of which jobs wait, with the time (ms) of the last sign that somebody is about to do one.

    That is when the oldest of these jobs was made, or when one of the environment's workers was last heard of.
    """
    return connection.execute(
        "SELECT environment, max(min(created), coalesce((SELECT max(max(heartbeat, coalesce(retired, 0)))"
        " FROM worker WHERE worker.environment = job.environment), 0)) AS sign"
        " FROM job WHERE state = 'WAITING' GROUP BY environment ORDER BY environment"
    ).fetchall()


def move_waiting(connection: sqlite3.Connection, environment: str, to: str) -> int:
    """Let the waiting jobs of one environment be of another; how many these were."""
    cursor = connection.execute(
        "UPDATE job SET environment = ? WHERE state = 'WAITING' AND environment = ?", (to, environment)
    )
    return cursor.rowcount


def claim_job(connection: sqlite3.Connection, job_id: int, worker: str, log_offset: int, time: int) -> bool:
    cursor = connection.execute(
        "UPDATE job SET state = 'RUNNING', worker = ?, log_offset = ?, claimed = ?"
        " WHERE id = ? AND state = 'WAITING'",
        (worker, log_offset, time, job_id),
    )
    return cursor.rowcount == 1


def end_job(
    connection: sqlite3.Connection,
    job_id: int,
    from_state: str,
    worker: str | None,
    state: str,
    exit_code: int | None,
    error: str | None,
    time: int,
) -> bool:
    """Compare and set: False when the job is no longer in `from_state` with `worker`."""
    cursor = connection.execute(
        "UPDATE job SET state = ?, exit_code = ?, error = ?, ended = ?"
        " WHERE id = ? AND state = ? AND worker IS ?",
        (state, exit_code, None if error is None else shown(error), time, job_id, from_state, worker),
    )
    return cursor.rowcount == 1


def is_owned(connection: sqlite3.Connection, job_id: int, worker: str | None) -> bool:
    """Whether the job is running and belongs to `worker`."""
    row = _one(
        connection,
        "SELECT 1 FROM job WHERE id = ? AND state = 'RUNNING' AND worker IS ?",
        (job_id, worker),
    )
    return row is not None


def request_stop(connection: sqlite3.Connection, job_id: int) -> None:
    connection.execute(
        "UPDATE job SET stop_requested = 1 WHERE id = ? AND state IN ('WAITING', 'RUNNING')", (job_id,)
    )


def log_offset(connection: sqlite3.Connection, job_id: int) -> int:
    return int(connection.execute("SELECT log_offset FROM job WHERE id = ?", (job_id,)).fetchone()[0])


def set_log_offset(connection: sqlite3.Connection, job_id: int, offset: int) -> None:
    connection.execute("UPDATE job SET log_offset = ? WHERE id = ?", (offset, job_id))


# -- workers ---------------------------------------------------------------------------------------


def put_worker(connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    """Row is (uid, host, pid, lock, log, environment, registered, heartbeat)."""
    connection.execute(
        "INSERT INTO worker (uid, host, pid, lock, log, environment, registered, heartbeat)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def workers(connection: sqlite3.Connection, environment: str | None) -> list[sqlite3.Row]:
    """Workers that have not retired, with `busy`; of one environment, or of all."""
    return connection.execute(
        "SELECT *, EXISTS (SELECT 1 FROM job WHERE job.worker = worker.uid AND job.state = 'RUNNING') AS busy"
        " FROM worker WHERE retired IS NULL AND (?1 IS NULL OR environment = ?1) ORDER BY registered, uid",
        (environment,),
    ).fetchall()


def worker(connection: sqlite3.Connection, uid: str) -> sqlite3.Row | None:
    return _one(connection, "SELECT * FROM worker WHERE uid = ?", (uid,))


def beat(connection: sqlite3.Connection, uid: str, time: int) -> bool:
    """Note that the worker lives; False when it was never registered."""
    cursor = connection.execute("UPDATE worker SET heartbeat = ?, retired = NULL WHERE uid = ?", (time, uid))
    return cursor.rowcount == 1


def retire_worker(connection: sqlite3.Connection, uid: str, time: int) -> None:
    connection.execute("UPDATE worker SET retired = ? WHERE uid = ? AND retired IS NULL", (time, uid))


# -- telemetry -------------------------------------------------------------------------------------


def last_line(connection: sqlite3.Connection, experiment_id: int) -> sqlite3.Row | None:
    return _one(
        connection,
        "SELECT number, stream, progress FROM telemetry_line WHERE experiment_id = ?"
        " ORDER BY number DESC LIMIT 1",
        (experiment_id,),
    )


def put_lines(
    connection: sqlite3.Connection, experiment_id: int, rows: Iterable[tuple[int, int, str, str, int]]
) -> None:
    """Rows are (number, time, stream, text, progress); the same number replaces."""
    connection.executemany(
        "INSERT OR REPLACE INTO telemetry_line (experiment_id, number, time, stream, text, progress)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ((experiment_id, *row) for row in rows),
    )


def close_line(connection: sqlite3.Connection, experiment_id: int, number: int) -> None:
    """Let the next line stand beside this progress line instead of replacing it."""
    connection.execute(
        "UPDATE telemetry_line SET progress = 1 WHERE experiment_id = ? AND number = ?",
        (experiment_id, number),
    )


def lines(connection: sqlite3.Connection, experiment_id: int, after: int) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT number, time, stream, text FROM telemetry_line WHERE experiment_id = ? AND number > ?"
        " ORDER BY number",
        (experiment_id, after),
    ).fetchall()


def put_chapter(
    connection: sqlite3.Connection, experiment_id: int, number: int, name: str, time: int
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO telemetry_chapter (experiment_id, number, name, time) VALUES (?, ?, ?, ?)",
        (experiment_id, number, name, time),
    )


def chapters(connection: sqlite3.Connection, experiment_id: int) -> list[sqlite3.Row]:
    """Chapters by the number of their first line."""
    return connection.execute(
        "SELECT number, name FROM telemetry_chapter WHERE experiment_id = ? ORDER BY number",
        (experiment_id,),
    ).fetchall()


def _one(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> sqlite3.Row | None:
    rows = connection.execute(statement, values).fetchall()
    return rows[0] if rows else None
