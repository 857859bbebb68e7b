"""A training of a person's own, in this process, with the record of one that a worker does.

It is a job like any other, of an environment that no worker has: so it has an attempt number, can be stopped
from a monitor, refuses the writes of an attempt that was taken over, and is INTERRUPTED when its process vanishes.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import PiximiError, StaleAttemptError, StoreError
from ...storage import FileLock

if TYPE_CHECKING:
    from ..experiment import Experiment
    from .jobs import Job

_ENVIRONMENT = "own training "
_LOOK_SECONDS = 0.5
_BEAT_SECONDS = 15.0
_FAILED_EXIT_CODE = 1
_OUT_OF_MEMORY = ("ResourceExhaustedError", "OutOfMemoryError")


def is_own(environment: str) -> bool:
    """Whether the jobs of an environment are trainings of a person's own, and not of ``Project.fit``."""
    return environment.startswith(_ENVIRONMENT)


class OwnTraining:
    """One attempt: RUNNING once it is made, until `end` is called or this process vanishes.

    Parameters
    ----------
    experiment : Experiment
    gone : callable
        Asked twice a second: the exception that ended the training, if it ended without a call of `end`; or None.
    payload : mapping
        Kept in the job.

    Raises
    ------
    StoreError
        It is being trained already.
    """

    def __init__(
        self,
        experiment: Experiment,
        gone: Callable[[], BaseException | None] = lambda: None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        store = experiment.store
        store.check_writable()
        self._uid = uid = uuid.uuid4().hex
        self.experiment = experiment
        folder = store.folder / "workers"
        folder.mkdir(exist_ok=True)
        self._lock = FileLock(folder / f"{uid}.lock")
        if not self._lock.acquire():
            raise StoreError(f"The lock {self._lock.path} is held by another process; try again.")
        job: Job | None = None
        try:
            environment = f"{_ENVIRONMENT}{uid}"
            worker = store.register_worker(
                uid, lock=f"workers/{uid}.lock", log=f"workers/{uid}.log", environment=environment
            )
            job = store.enqueue(experiment, "train", {"process": os.getpid(), **(payload or {})}, environment)
            claimed = store.claim(worker, environment, 0)
            if claimed is None:
                raise StoreError(f"{experiment.name!r} was canceled before its training began.")
        except BaseException:
            if job is not None:
                # Nobody else may ever claim it.
                with contextlib.suppress(PiximiError):
                    job.cancel()
            self._let_go()
            raise
        self._job = claimed
        self._gone = gone
        self._ending = threading.Lock()
        self._stop = threading.Event()
        self._done = threading.Event()
        self.experiment = claimed.experiment
        """Its writes are refused once the attempt is lost."""
        self.is_open = True
        self._watch = threading.Thread(target=self._run, name="piximi-own-training", daemon=True)
        self._watch.start()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the training to end, or took it over."""
        return self._stop.is_set()

    def end(self, error: BaseException | None = None) -> None:
        """Record how it ended; later calls change nothing.

        Without an error it is a SUCCESS, or CANCELED after a request to stop. Ctrl+C is CANCELED; running out
        of memory and leaving Python TERMINATED; any other exception FAILED.
        """
        with self._ending:
            if not self.is_open:
                return
            self.is_open = False
            self._done.set()
            state, exit_code, words = self._outcome(error)
            try:
                with contextlib.suppress(StaleAttemptError):
                    self._job.finish(state, exit_code, words)
            finally:
                self._let_go()

    def _outcome(self, error: BaseException | None) -> tuple[str, int, str | None]:
        if error is None:
            return ("CANCELED" if self.stopping else "DONE"), 0, None
        if isinstance(error, KeyboardInterrupt):
            return "CANCELED", 0, None
        words = "".join(traceback.format_exception(error))
        if isinstance(error, MemoryError) or type(error).__name__ in _OUT_OF_MEMORY:
            return "TERMINATED", _FAILED_EXIT_CODE, words
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else _FAILED_EXIT_CODE
            return "TERMINATED", code, words
        return "FAILED", _FAILED_EXIT_CODE, words

    def _let_go(self) -> None:
        with contextlib.suppress(PiximiError):
            self.experiment.store.retire_worker(self._uid)
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.path).unlink()

    def _run(self) -> None:
        beaten = time.monotonic()
        while not self._done.wait(_LOOK_SECONDS):
            try:
                if self._job.stop_requested or self._job.refresh().state != "RUNNING":
                    self._stop.set()
                if time.monotonic() - beaten > _BEAT_SECONDS:
                    beaten = time.monotonic()
                    self._job.heartbeat()
            except StaleAttemptError:
                self._stop.set()
            except PiximiError:
                # The store cannot be read for now; the training's own next write says why.
                continue
            error = self._gone()
            if error is not None:
                self.end(error)
                return
