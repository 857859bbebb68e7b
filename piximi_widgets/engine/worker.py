"""The process that trains: ``python -m piximi_widgets.engine.worker``, started by `launcher`.

It holds an OS lock while it lives, loads TensorFlow before there is work, takes jobs from the store, and ends itself
when nothing comes for a while. Its output goes to a file, and from there into the telemetry of the job at hand.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import StaleAttemptError
from ..experiments import ExperimentStore, split_output
from ..storage import FileLock
from .launcher import IDLE_VARIABLE, environment, worker_files

if TYPE_CHECKING:
    from ..experiments import Job, WorkerRecord

_IDLE_SECONDS = 600.0
# TensorFlow gives a GPU's memory back when its process ends, and only then; a queue that is filled by a loop in a
# notebook still finds the worker.
_IDLE_SECONDS_WITH_GPU = 10.0
_LOOK_SECONDS = 0.5
_OUTPUT_SECONDS = 0.1
_OUTPUT_CHUNK = 1 << 20


class OutputFollower:
    """Brings what the process writes to its log file into the telemetry of one job, each line exactly once."""

    def __init__(self, job: Job, log: Path) -> None:
        self._job = job
        self._log = log
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="piximi-output", daemon=True)
        self._thread.start()

    def flush(self, final: bool = True) -> None:
        """Bring over all that was written until now; with `final` an unfinished last line too."""
        sys.stdout.flush()
        sys.stderr.flush()
        with self._lock, contextlib.suppress(StaleAttemptError):
            # A stale attempt's output stays in the log file; the job's own thread learns of it by its next write.
            while self._copy(final):
                pass

    def close(self) -> None:
        """Stop following."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(_OUTPUT_SECONDS):
            self.flush(final=False)

    def _copy(self, final: bool) -> bool:
        with self._log.open("rb") as file:
            file.seek(self._job.log_offset)
            data = file.read(_OUTPUT_CHUNK)
        # Only the end of the file may hold an unfinished line, or a line is longer than a chunk.
        full = len(data) == _OUTPUT_CHUNK
        lines, consumed = split_output(data, final=final and not full)
        if full and not consumed:
            lines, consumed = split_output(data, final=True)
        if consumed:
            self._job.append_output(lines, self._job.log_offset + consumed)
        return full


class Worker:
    """One worker process.

    Parameters
    ----------
    project_path : Path
    store : ExperimentStore
    uid : str
        Names its files in ``workers/`` beside the store.
    """

    def __init__(self, project_path: Path, store: ExperimentStore, uid: str) -> None:
        self._project_path = project_path
        self._store = store
        self._uid = uid
        self._lock_name, self._log_name = worker_files(uid)
        self._signal: int | None = None

    def run(self) -> int:
        """Serve jobs until there were none for a while; returns the exit code."""
        lock = FileLock(self._store.folder / self._lock_name)
        if not lock.acquire():
            print(f"Another process is the worker {self._uid}.", file=sys.stderr)
            return 2
        signal.signal(signal.SIGTERM, self._on_signal)
        # Before the import: everybody sees that a worker is on its way, and nobody starts another one.
        record = self._store.register_worker(
            self._uid, lock=self._lock_name, log=self._log_name, environment=environment(self._project_path)
        )
        from . import runtime

        runtime.start_tensorflow(lean=True)
        self._serve(record)
        if self._signal is not None:
            self._store.retire_worker(self._uid)
            # The parent, where it lives, shall see which signal it was.
            signal.signal(self._signal, signal.SIG_DFL)
            os.kill(os.getpid(), self._signal)
        return 0

    def _serve(self, record: WorkerRecord) -> None:
        from .runtime import has_gpu

        news = threading.Event()
        subscription = self._store.watch(news.set)
        idle_limit = float(os.environ.get(IDLE_VARIABLE, _IDLE_SECONDS))
        limit_after_work = min(idle_limit, _IDLE_SECONDS_WITH_GPU) if has_gpu() else idle_limit
        idle_since = time.monotonic()
        log = self._store.folder / self._log_name
        try:
            while self._signal is None and self._store.database.path.exists():
                news.clear()
                sys.stdout.flush()
                sys.stderr.flush()
                job = self._store.claim(record, record.environment, log.stat().st_size)
                if job is not None:
                    self._do(job, log)
                    idle_since, idle_limit = time.monotonic(), limit_after_work
                elif time.monotonic() - idle_since > idle_limit and self._store.retire_worker(self._uid):
                    return
                else:
                    news.wait(_LOOK_SECONDS)
        finally:
            subscription.close()

    def _do(self, job: Job, log: Path) -> None:
        from .jobs.execution import execute

        follower = OutputFollower(job, log)
        try:
            execute(
                job,
                self._project_path,
                say=lambda line: print(line, flush=True),
                signalled=lambda: self._signal is not None,
                flush=follower.flush,
                signal_exit_code=-int(signal.SIGTERM),
            )
        finally:
            follower.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = number


def main(arguments: list[str] | None = None) -> int:
    """Run a worker; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m piximi_widgets.engine.worker", description=__doc__)
    parser.add_argument("--project", required=True, type=Path, help="the project's folder")
    parser.add_argument("--store", required=True, help="URL of the experiment store")
    parser.add_argument("--artifacts", required=True, help="URL of the folder of artifacts")
    parser.add_argument("--uid", required=True, help="names the worker's lock and log")
    options = parser.parse_args(arguments)
    faulthandler.enable()
    # An interrupt in a terminal goes to every process of the group; only Stop and SIGTERM end a training.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ExperimentStore(options.store, options.artifacts) as store:
        return Worker(options.project, store, options.uid).run()


if __name__ == "__main__":
    sys.exit(main())
