"""Doing one job: watching for Stop, keeping the heartbeat, and recording how it ended."""

from __future__ import annotations

import ctypes
import errno
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import PiximiError, StaleAttemptError
from .tasks import WORK, Stopped, Surroundings, unknown_kind

if TYPE_CHECKING:
    from ...experiments import Job

_LOOK_SECONDS = 0.1
_BEAT_SECONDS = 5.0
_OUT_OF_MEMORY = "The training ran out of memory. Choose a smaller input shape or batch size, or close other programs and kernels."
_FAILED_EXIT_CODE = 1


class Watch:
    """A thread that looks for a request to stop, and tells other hosts that the worker lives.

    Use it as a context manager around the job's work.

    Parameters
    ----------
    job : Job
        Claimed by this process.
    signalled : callable
        Whether the process itself was asked to end.
    """

    def __init__(self, job: Job, signalled: Callable[[], bool] = lambda: False) -> None:
        self._job = job
        self._signalled = signalled
        self._stop = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="piximi-watch", daemon=True)

    def stopping(self) -> bool:
        """Whether the job shall end, for whatever reason."""
        return self._stop.is_set() or self._signalled()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        beat = time.monotonic()
        while not self._done.wait(_LOOK_SECONDS):
            try:
                if self._job.stop_requested:
                    self._stop.set()
                if time.monotonic() - beat > _BEAT_SECONDS:
                    beat = time.monotonic()
                    self._job.heartbeat()
            except StaleAttemptError:
                # The next write of the job's own thread meets the same error and ends it.
                self._stop.set()
                return
            except PiximiError:
                # The store cannot be read for now; the job's own next write says why.
                continue


def execute(
    job: Job,
    project_path: Path,
    say: Callable[[str], None],
    *,
    signalled: Callable[[], bool] = lambda: False,
    flush: Callable[[], None] = lambda: None,
    signal_exit_code: int | None = None,
) -> None:
    """Do a claimed job and record its end; a job that meanwhile belongs to somebody else is left alone.

    Parameters
    ----------
    job : Job
    project_path : Path
    say : callable
        Takes the lines for the person who reads the output.
    signalled : callable
        Whether the process was asked to end by a signal: the job is then TERMINATED, not CANCELED.
    flush : callable
        Brings all output into the record; called before the job ends, after which nothing more may be written.
    signal_exit_code : int, optional
        Recorded when `signalled`.
    """
    from ...dataset import Dataset

    def finish(state: str, exit_code: int | None, error: str | None = None) -> None:
        flush()
        job.finish(state, exit_code, error)

    try:
        with Watch(job, signalled) as watch, job.experiment.telemetry.sampling():
            try:
                dataset = Dataset(project_path, mode="r+")
                try:
                    if job.kind not in WORK:
                        raise unknown_kind(job.kind)
                    WORK[job.kind](job, dataset, Surroundings(say, watch.stopping))
                finally:
                    dataset.close()
            except StaleAttemptError:
                raise
            except Stopped:
                if signalled():
                    finish(
                        "TERMINATED",
                        signal_exit_code,
                        "The training process was ended by a signal (SIGTERM).",
                    )
                else:
                    finish("CANCELED", 0)
            except Exception as error:
                traceback.print_exc()
                if ran_out_of_memory(error):
                    finish("TERMINATED", _FAILED_EXIT_CODE, _OUT_OF_MEMORY)
                else:
                    say(f"Failed: {error}")
                    finish("FAILED", _FAILED_EXIT_CODE, traceback.format_exc())
            else:
                finish("DONE", 0)
    except StaleAttemptError:
        # Ended or taken over by somebody else, who keeps the record from here on.
        return
    finally:
        release_memory()


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that this computer, or its GPU, had no memory left."""
    import tensorflow as tf

    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # CUDA's own words come as one of several kinds of error.
    said = str(error).lower().replace("_", " ")
    return isinstance(error, tf.errors.OpError) and "out of memory" in said


def release_memory() -> None:
    """Give back what a job held: Keras' global state, Python's garbage, and the allocator's free pages."""
    import keras

    # It collects Python's garbage, too.
    keras.backend.clear_session()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
