"""The states of an experiment and of a job, and how one follows from the other."""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from .metrics.writing import fold_all
from .sql import jobs as sql_jobs
from .sql import record as sql_record
from .values import now


class Status(StrEnum):
    """Where an experiment stands.

    CANCELED: stopped by its user. TERMINATED: ended by a signal or out of memory. FAILED: ended by an
    exception. INTERRUPTED: its process vanished. An early stop is a SUCCESS.
    """

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    TERMINATED = "TERMINATED"
    INTERRUPTED = "INTERRUPTED"


class JobState(StrEnum):
    """Where a job stands; LOST is a job whose worker vanished."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    TERMINATED = "TERMINATED"
    LOST = "LOST"


STATUS_AFTER = {
    JobState.DONE: Status.SUCCESS,
    JobState.FAILED: Status.FAILED,
    JobState.CANCELED: Status.CANCELED,
    JobState.TERMINATED: Status.TERMINATED,
    JobState.LOST: Status.INTERRUPTED,
}
"""The experiment's status after a training job has ended in that state."""


def end_job(
    connection: sqlite3.Connection,
    job_id: int,
    from_state: JobState,
    worker: str | None,
    state: JobState,
    exit_code: int | None = None,
    error: str | None = None,
) -> bool:
    """Compare and set the job's state, and after the last training attempt the experiment's status.

    False, and nothing changed, when the job is no longer in `from_state` with `worker`.
    """
    time = now()
    if not sql_jobs.end_job(connection, job_id, from_state, worker, state, exit_code, error, time):
        return False
    row = sql_jobs.job(connection, job_id)
    assert row is not None
    if row["kind"] == "train" and row["attempt"] == sql_jobs.last_attempt(connection, row["experiment_id"]):
        sql_record.update_experiment(
            connection,
            row["experiment_id"],
            status=STATUS_AFTER[state],
            ended=time,
            exit_code=exit_code,
            error=error,
        )
        fold_all(connection, row["experiment_id"])
    return True
