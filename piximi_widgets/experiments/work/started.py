"""Trainings of a person's own that are announced by ``start()``: held by a lock while their process lives.

The lock tells, to any process of this computer, a training that runs from one whose process vanished.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from ...storage import FileLock
from ..metrics.writing import fold_all
from ..sql import record as sql_record
from ..sql import started as sql_started
from ..status import Status
from ..values import now
from .workers import this_host

if TYPE_CHECKING:
    from ..store import ExperimentStore

VANISHED = (
    "The process that said start() vanished without finish(): it was killed, or its computer went down. "
    "What it had logged until then is kept."
)

# By the store's file and the experiment's id, since a store may be closed and opened again while the training runs.
_held: dict[tuple[Path, int], FileLock] = {}


def take_lock(store: ExperimentStore, experiment_id: int) -> Path:
    """Hold a lock for an experiment until `let_go`, or until this process ends; returns its file."""
    place = (store.place, experiment_id)
    lock = _held.get(place)
    if lock is None or not lock.path.exists():
        folder = store.folder / "workers"
        folder.mkdir(exist_ok=True)
        lock = FileLock(folder / f"start-{uuid.uuid4().hex}.lock")
        lock.acquire()
        let_go(store, experiment_id)
        _held[place] = lock
    return lock.path


def let_go(store: ExperimentStore, experiment_id: int) -> None:
    """Give the lock back, if this process holds it."""
    lock = _held.pop((store.place, experiment_id), None)
    if lock is not None:
        lock.release()
        lock.path.unlink(missing_ok=True)


def note_start(connection: sqlite3.Connection, experiment_id: int, lock: Path) -> None:
    """Note in this transaction who runs the training."""
    sql_started.put(connection, experiment_id, this_host(), os.getpid(), f"workers/{lock.name}")


def close_vanished(store: ExperimentStore) -> None:
    """Make those INTERRUPTED whose process is gone; nothing is known of processes of other computers."""
    with store.database.read() as connection:
        rows = sql_started.running(connection, this_host())
    for row in rows:
        if FileLock.is_held(store.folder / row["lock"]):
            continue
        with store.database.write(durable=True) as connection:
            # others look too, and it may have been finished or started anew meanwhile
            if row["lock"] not in {one["lock"] for one in sql_started.running(connection, this_host())}:
                continue
            sql_record.update_experiment(
                connection, row["experiment_id"], status=Status.INTERRUPTED, ended=now(), error=VANISHED
            )
            sql_started.delete(connection, row["experiment_id"])
            fold_all(connection, row["experiment_id"])
        (store.folder / row["lock"]).unlink(missing_ok=True)
