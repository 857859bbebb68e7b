"""The work that is to be done for experiments: who asked for it, who does it, and who is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

from ...errors import StoreError
from ..sql import jobs as sql_jobs
from ..status import JobState
from ..values import now
from . import jobs, reconcile, workers
from .jobs import Fence, Job
from .reserved import Reservation
from .workers import WorkerRecord

if TYPE_CHECKING:
    from pathlib import Path

    from ...storage import Database
    from ..experiment import Experiment
    from ..store import ExperimentStore


class WorkList:
    """The part of an :class:`ExperimentStore` that deals with jobs and workers."""

    database: Database
    url: str
    folder: Path
    fences: dict[int, Fence]

    def enqueue(
        self,
        experiment: Experiment,
        kind: Literal["train", "predict"],
        payload: Mapping[str, Any],
        environment: str,
        after_attempt: int | None = None,
    ) -> Job:
        """Put work on the list, durably; a training is the experiment's next attempt.

        Parameters
        ----------
        after_attempt : int, optional
            The last attempt that the caller knows of: of several who want to go on from it, one succeeds.

        Raises
        ------
        StaleAttemptError
            There is an attempt after `after_attempt`; nothing was put on the list.
        StoreError
            A training of this experiment waits or runs already.
        """
        return jobs.enqueue(self._whole, experiment, kind, payload, environment, after_attempt)

    def claim(self, worker: WorkerRecord, environment: str, log_offset: int) -> Job | None:
        """Take the oldest waiting job of an environment; exactly one worker gets each.

        Parameters
        ----------
        worker : WorkerRecord
            Who takes it.
        environment : str
        log_offset : int
            Size of the worker's log now: what it holds before is not of this job.
        """
        return jobs.claim(self._whole, worker, environment, log_offset)

    def job(self, id: int) -> Job:
        """The job with that id."""
        with self.database.read() as connection:
            row = sql_jobs.job(connection, id)
        if row is None:
            raise StoreError(f"There is no job {id!r} in {self.url}.")
        return Job(self._whole, row)

    def jobs(self, experiment: Experiment | None = None, state: JobState | str | None = None) -> list[Job]:
        """Jobs, oldest first; of one experiment, in one state."""
        with self.database.read() as connection:
            rows = sql_jobs.jobs(connection, None if experiment is None else experiment.id)
        return [Job(self._whole, row) for row in rows if state is None or row["state"] == JobState(state)]

    def register_worker(
        self,
        uid: str,
        *,
        host: str | None = None,
        pid: int | None = None,
        lock: str,
        log: str,
        environment: str,
    ) -> WorkerRecord:
        """Make a worker known, which must hold its lock already.

        Parameters
        ----------
        uid : str
            New for each process.
        host, pid : optional
            By default this computer and process.
        lock, log : str
            Files, relative to `folder`.
        environment : str
            What it can run.
        """
        return workers.register_worker(
            self._whole, uid, host=host, pid=pid, lock=lock, log=log, environment=environment
        )

    def retire_worker(self, uid: str) -> bool:
        """Strike a worker off the list; False, and it must stay, when a job of its environment waits."""
        return workers.retire_worker(self._whole, uid)

    def live_workers(self, environment: str | None = None) -> list[WorkerRecord]:
        """Registered workers that live: on this host those that hold their lock."""
        return workers.live_workers(self._whole, environment)

    def reconcile(self) -> None:
        """Close running jobs whose worker is dead, and waiting ones of a process that is gone (see `reserve`).

        What is left in the worker's log goes into the telemetry, the job is LOST, a training's
        experiment INTERRUPTED.
        """
        reconcile.reconcile(self._whole)

    def reserve(self) -> Reservation:
        """Return an environment of which only this process is; when it ends, jobs that wait for it are LOST."""
        return Reservation(self._whole)

    def unattended(self) -> dict[str, float]:
        """Environments of which jobs wait and no worker lives: for how many seconds there was no sign of one."""
        with self.database.read() as connection:
            rows = sql_jobs.waiting_environments(connection)
        return {
            row["environment"]: (now() - row["sign"]) / 1000
            for row in rows
            if not self.live_workers(row["environment"])
        }

    def move_waiting(self, environment: str, to: str) -> int:
        """Let the waiting jobs of one environment, whose workers are gone for good, be of another; how many."""
        with self.database.write(durable=True) as connection:
            return sql_jobs.move_waiting(connection, environment, to)

    @contextmanager
    def fenced(self, job: Job) -> Iterator[Experiment]:
        """Within the block, refuse every write to the job's experiment once the job is in other hands.

        The check is part of each write's transaction; a refused one raises StaleAttemptError.
        """
        experiment = job.experiment
        earlier = self.fences.get(experiment.id)
        self.fences[experiment.id] = job.fence
        try:
            yield experiment
        finally:
            if earlier is None:
                del self.fences[experiment.id]
            else:
                self.fences[experiment.id] = earlier

    @property
    def _whole(self) -> ExperimentStore:
        return cast("ExperimentStore", self)
