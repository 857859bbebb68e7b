"""Closing the jobs of processes that vanished, so that no experiment seems to run for ever."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from ..sql import jobs as sql_jobs
from ..status import JobState, end_job
from ..values import now
from ..watching.telemetry import append_lines, split_output
from .own_training import is_own
from .reserved import ABANDONED, is_abandoned
from .started import close_vanished
from .workers import is_alive, live_workers

if TYPE_CHECKING:
    from ..store import ExperimentStore

VANISHED = (
    "The training process vanished: it was killed, or its computer went down. "
    "What it had logged until then is kept."
)


def reconcile(store: ExperimentStore) -> None:
    """Close jobs whose worker is dead, or that wait for a process which is gone. See ``ExperimentStore``."""
    if store.database.read_only:
        return
    close_vanished(store)
    with store.database.read() as connection:
        rows = sql_jobs.running_jobs(connection)
        waiting = sql_jobs.waiting_jobs(connection)
    for row in rows:
        if not is_alive(store, row):
            _close(store, row)
    for row in waiting:
        environment = row["environment"]
        # A training of a person's own is its own worker, which was known before there was any work for it.
        gone = is_own(environment) and not live_workers(store, environment)
        if gone or is_abandoned(store, environment):
            words = ABANDONED[row["kind"]]
            with store.database.write(durable=True) as connection:
                end_job(connection, row["id"], JobState.WAITING, None, JobState.LOST, None, words)


def _close(store: ExperimentStore, row: sqlite3.Row) -> None:
    # Read before the transaction: a log may be long, and meanwhile nobody could write.
    offset = row["log_offset"]
    rest = _rest_of_log(store.folder / row["log"], offset)
    lines, _ = split_output(rest, final=True)
    with store.database.write(durable=True) as connection:
        if sql_jobs.log_offset(connection, row["id"]) != offset:
            # Somebody has brought some of it over since: its worker, which lived after all, or who closes it too.
            return
        # compare and set: others reconcile too, and the worker may have finished just before it ended
        if not end_job(connection, row["id"], JobState.RUNNING, row["worker"], JobState.LOST, None, VANISHED):
            return
        append_lines(connection, row["experiment_id"], lines, "output", now())
        sql_jobs.set_log_offset(connection, row["id"], offset + len(rest))
        sql_jobs.retire_worker(connection, row["worker"], now())


def _rest_of_log(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""
