"""Jobs: the work that one process asks for and another one does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ...errors import StaleAttemptError, StoreError
from ..sql import jobs as sql_jobs
from ..sql import record as sql_record
from ..status import JobState, Status, end_job
from ..values import now, to_json
from ..watching.telemetry import append_lines
from .reconcile import reconcile
from .workers import WorkerRecord, keep_heartbeat

if TYPE_CHECKING:
    from ..experiment import Experiment
    from ..store import ExperimentStore

KINDS = ("train", "predict")


@dataclass(frozen=True)
class Fence:
    """Lets writes through while a job runs in the hands of one worker."""

    job_id: int
    worker: str | None
    attempt: int

    def check(self, connection: sqlite3.Connection) -> None:
        """Raise StaleAttemptError in a transaction that must not be committed."""
        if not sql_jobs.is_owned(connection, self.job_id, self.worker):
            raise StaleAttemptError(
                f"Job {self.job_id} (attempt {self.attempt}) no longer belongs to this process: it was ended or "
                "taken over. Nothing was written; stop here."
            )


class Job:
    """A piece of work on an experiment.

    The attributes are as they were when the job was made, claimed or refreshed; `stop_requested` is
    always read anew, `payload`, which may be large and does not change, when it is first asked for.

    Attributes
    ----------
    id : int
    kind : {"train", "predict"}
    attempt : int
        Number of the training attempt, from 1; a prediction has that of the last training.
    environment : str
        Which workers may do it.
    state : JobState
    worker : str or None
        Uid of the worker that claimed it.
    log_offset : int
        Bytes of the worker's log that are in the telemetry.
    exit_code : int or None
    error : str or None
    """

    id: int
    kind: Literal["train", "predict"]
    attempt: int
    environment: str
    state: JobState
    worker: str | None
    log_offset: int
    exit_code: int | None
    error: str | None

    def __init__(self, store: ExperimentStore, row: sqlite3.Row, *, claimed: bool = False) -> None:
        self.store = store
        self._take(row)
        self._experiment_id: int = row["experiment_id"]
        self._claimed = claimed
        self._payload: dict[str, Any] | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """What is to be done, as it was given to ``store.enqueue``."""
        if self._payload is None:
            with self.store.database.read() as connection:
                encoded = sql_jobs.payload(connection, self.id)
            if encoded is None:
                raise StoreError(f"Job {self.id} is no longer in the store.")
            self._payload = dict(json.loads(encoded))
        return self._payload

    @property
    def experiment(self) -> Experiment:
        """The experiment; in the process that claimed the job, every write of this handle is fenced."""
        experiment = self.store.experiment(self._experiment_id)
        if self._claimed:
            experiment.fence = self.fence
        return experiment

    @property
    def fence(self) -> Fence:
        """What tells whether the job is still ours."""
        return Fence(self.id, self.worker, self.attempt)

    @property
    def stop_requested(self) -> bool:
        """Whether somebody asked for the job to end, read from the store."""
        with self.store.database.read() as connection:
            row = sql_jobs.job(connection, self.id)
        return row is not None and bool(row["stop_requested"])

    def refresh(self) -> Job:
        """Read the job's row again; returns the job itself."""
        with self.store.database.read() as connection:
            row = sql_jobs.job(connection, self.id)
        if row is None:
            raise StoreError(f"Job {self.id} is no longer in the store.")
        self._take(row)
        return self

    def heartbeat(self) -> None:
        """Tell other hosts that the worker lives.

        Raises
        ------
        StaleAttemptError
            The job was taken from this worker meanwhile.
        """
        with self.store.database.write() as connection:
            self.fence.check(connection)
            if self.worker is not None:
                sql_jobs.beat(connection, self.worker, now())

    def append_output(self, lines: Iterable[str], offset: int, *, stream: str = "output") -> None:
        """Add lines of the worker's log to the telemetry, exactly once.

        Parameters
        ----------
        lines : iterable of str
            As :func:`split_output` gives them.
        offset : int
            The position in the log after these lines. It is kept in the same transaction; a call whose
            `offset` is not beyond the kept one was made before, and changes nothing.

        Raises
        ------
        StaleAttemptError
            The job is no longer this worker's.
        """
        with self.store.database.write() as connection:
            self.fence.check(connection)
            if offset > sql_jobs.log_offset(connection, self.id):
                append_lines(connection, self._experiment_id, lines, stream, now())
                sql_jobs.set_log_offset(connection, self.id, offset)
        self.log_offset = max(offset, self.log_offset)

    def finish(self, state: JobState | str, exit_code: int | None = None, error: str | None = None) -> None:
        """End the job, and with a training its experiment: DONE SUCCESS, FAILED, CANCELED, TERMINATED.

        Nobody may have changed the job since this object was made or refreshed. A job that nobody claimed
        can be ended so too, and a LOST one be explained: FAILED or TERMINATED, once its exit code is
        known.

        Raises
        ------
        StaleAttemptError
            The job is in other hands or has ended; nothing was changed.
        """
        state = JobState(state)
        if state in (JobState.WAITING, JobState.RUNNING, JobState.LOST):
            raise StoreError(f"A job ends as DONE, FAILED, CANCELED or TERMINATED, not as {state}.")
        explains = self.state is JobState.LOST and state in (JobState.FAILED, JobState.TERMINATED)
        if self.state not in (JobState.WAITING, JobState.RUNNING) and not explains:
            raise StaleAttemptError(f"Job {self.id} has ended already, as {self.state}.")
        with self.store.database.write(durable=True) as connection:
            if not end_job(connection, self.id, self.state, self.worker, state, exit_code, error):
                raise StaleAttemptError(
                    f"Job {self.id} (attempt {self.attempt}) is no longer {self.state} in these hands; "
                    "it was not changed."
                )
        self.refresh()

    def cancel(self) -> None:
        """Ask the job to end: one that waits is CANCELED at once, one that runs is asked to stop."""
        with self.store.database.write(durable=True) as connection:
            row = sql_jobs.job(connection, self.id)
            if row is not None:
                cancel(connection, row)
        self.refresh()

    def __repr__(self) -> str:
        return f"<Job {self.id}: {self.kind}, attempt {self.attempt}, {self.state}>"

    def _take(self, row: sqlite3.Row) -> None:
        self.id, self.kind, self.attempt = row["id"], row["kind"], row["attempt"]
        self.environment, self.worker = row["environment"], row["worker"]
        self.state = JobState(row["state"])
        self.log_offset = row["log_offset"]
        self.exit_code, self.error = row["exit_code"], row["error"]


def enqueue(
    store: ExperimentStore,
    experiment: Experiment,
    kind: str,
    payload: Mapping[str, Any],
    environment: str,
    after_attempt: int | None = None,
) -> Job:
    """Put work on the list. See ``ExperimentStore``."""
    if kind not in KINDS:
        raise StoreError(f"A job is one of {', '.join(KINDS)}, not {kind!r}.")
    store.check_member(experiment)
    encoded = to_json(dict(payload), "The payload")
    reconcile(store)
    with store.database.write(durable=True) as connection:
        attempt = sql_jobs.last_attempt(connection, experiment.id)
        if after_attempt is not None and attempt != after_attempt:
            raise StaleAttemptError(
                f"Somebody else has started attempt {attempt} of {experiment.name!r} meanwhile; nothing was started."
            )
        if kind == "train":
            current = sql_jobs.current_training(connection, experiment.id)
            if current is not None:
                raise StoreError(
                    f"Experiment {experiment.name!r} is {current['state'].lower()} already; stop it first, "
                    "or start another experiment."
                )
            attempt += 1
            sql_record.update_experiment(
                connection,
                experiment.id,
                status=Status.WAITING,
                started=None,
                ended=None,
                exit_code=None,
                error=None,
            )
        job_id = sql_jobs.insert_job(connection, experiment.id, kind, attempt, encoded, environment, now())
        row = sql_jobs.job(connection, job_id)
    assert row is not None
    return Job(store, row)


def claim(store: ExperimentStore, worker: WorkerRecord, environment: str, log_offset: int) -> Job | None:
    """Take the oldest waiting job of an environment. See ``ExperimentStore``."""
    reconcile(store)
    keep_heartbeat(store, worker.uid)
    with store.database.read() as connection:
        # workers ask many times a second; an empty list costs no write
        if sql_jobs.oldest_waiting(connection, environment) is None:
            return None
    with store.database.write(durable=True) as connection:
        time = now()
        job_id = sql_jobs.oldest_waiting(connection, environment)
        if job_id is None or not sql_jobs.claim_job(connection, job_id, worker.uid, log_offset, time):
            return None
        row = sql_jobs.job(connection, job_id)
        assert row is not None
        if row["kind"] == "train":
            sql_record.update_experiment(
                connection, row["experiment_id"], status=Status.RUNNING, started=time, ended=None
            )
    return Job(store, row, claimed=True)


def cancel(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Cancel a waiting job, ask a running one to stop; one that has ended stays as it is."""
    sql_jobs.request_stop(connection, row["id"])
    if row["state"] == JobState.WAITING:
        end_job(connection, row["id"], JobState.WAITING, None, JobState.CANCELED)
