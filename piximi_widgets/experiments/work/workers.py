"""Workers: the processes that do jobs, and how the others know that one of them is gone."""

from __future__ import annotations

import os
import socket
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import StoreError
from ...storage import FileLock
from ..sql import jobs as sql_jobs
from ..values import as_datetime, now

if TYPE_CHECKING:
    from ..store import ExperimentStore

HEARTBEAT_SECONDS = 60
"""A worker on another host is taken for dead when it was silent for so long."""

_BEAT_EVERY = 15_000


@dataclass(frozen=True)
class WorkerRecord:
    """A registered worker.

    Attributes
    ----------
    uid : str
    host : str
    pid : int
    lock : str
        Its lock file, relative to the store's folder; held while it lives.
    log : str
        The file of its output, relative to the store's folder.
    environment : str
        What it can run: jobs of this environment.
    heartbeat : datetime
        When it was last heard of.
    state : {"idle", "busy"}
    """

    uid: str
    host: str
    pid: int
    lock: str
    log: str
    environment: str
    heartbeat: datetime
    state: Literal["idle", "busy"]


def this_host() -> str:
    """The name by which workers of this computer are known."""
    return socket.gethostname()


def register_worker(
    store: ExperimentStore,
    uid: str,
    *,
    host: str | None,
    pid: int | None,
    lock: str,
    log: str,
    environment: str,
) -> WorkerRecord:
    """Make a worker known; it must hold its lock already. See ``ExperimentStore``."""
    for what, name in (("lock", lock), ("log", log)):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise StoreError(f"A worker's {what} must be a path below the store's folder, not {name!r}.")
    time = now()
    host = this_host() if host is None else host
    pid = os.getpid() if pid is None else pid
    with store.database.write(durable=True) as connection:
        if sql_jobs.worker(connection, uid) is not None:
            raise StoreError(f"A worker with the uid {uid!r} is registered already; give each a new one.")
        sql_jobs.put_worker(connection, (uid, host, pid, lock, log, environment, time, time))
    return WorkerRecord(uid, host, pid, lock, log, environment, _moment(time), "idle")


def retire_worker(store: ExperimentStore, uid: str) -> bool:
    """Strike a worker off the list unless work waits for it. See ``ExperimentStore``."""
    with store.database.write(durable=True) as connection:
        row = sql_jobs.worker(connection, uid)
        if row is not None and row["retired"] is None:
            if sql_jobs.oldest_waiting(connection, row["environment"]) is not None:
                return False
            sql_jobs.retire_worker(connection, uid, now())
    return True


def live_workers(store: ExperimentStore, environment: str | None) -> list[WorkerRecord]:
    """Registered workers that live, oldest first."""
    with store.database.read() as connection:
        rows = sql_jobs.workers(connection, environment)
    return [
        WorkerRecord(
            uid=row["uid"],
            host=row["host"],
            pid=row["pid"],
            lock=row["lock"],
            log=row["log"],
            environment=row["environment"],
            heartbeat=_moment(row["heartbeat"]),
            state="busy" if row["busy"] else "idle",
        )
        for row in rows
        if is_alive(store, row)
    ]


def is_alive(store: ExperimentStore, row: sqlite3.Row) -> bool:
    """Whether the worker of a row with host, lock and heartbeat lives.

    On this host its lock tells; on another one its heartbeat.
    """
    if row["host"] == this_host():
        return FileLock.is_held(store.folder / row["lock"])
    return now() - row["heartbeat"] < HEARTBEAT_SECONDS * 1000


def keep_heartbeat(store: ExperimentStore, uid: str) -> None:
    """Write a sign of life of an idle worker when the last one is getting old."""
    with store.database.read() as connection:
        row = sql_jobs.worker(connection, uid)
    if row is None:
        raise StoreError(f"There is no worker {uid!r}; register it before it claims work.")
    if row["retired"] is not None or now() - row["heartbeat"] > _BEAT_EVERY:
        with store.database.write() as connection:
            sql_jobs.beat(connection, uid, now())


def _moment(milliseconds: int) -> datetime:
    moment = as_datetime(milliseconds)
    assert moment is not None
    return moment
