"""Starting workers, and doing jobs in this process. Loads no TensorFlow until `run_inline` needs it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import TrainingFailed
from ..experiments import ExperimentStore, Job, JobState, WorkerRecord, this_host
from ..storage import FileLock
from .jobs import deaths
from .runtime import determinism_put_back
from .starting import release_when_known, take_start

IDLE_VARIABLE = "PIXIMI_WORKER_IDLE"
"""Environment variable: after how many seconds without work a worker ends itself."""

_LOOK_SECONDS = 0.2
# For so long whoever has asked for work may need to start a worker, and the worker to say that it is there.
_PATIENCE_SECONDS = 5.0
_PATIENCE_WITH_OTHERS_SECONDS = 60.0
_SWEEP_AFTER_SECONDS = 3600
_ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELED, JobState.TERMINATED, JobState.LOST})
_starting = threading.Lock()
_watchers: list[tuple[str, subprocess.Popen[bytes], threading.Thread]] = []
_children: dict[tuple[str, str], subprocess.Popen[bytes]] = {}


def environment(project_path: str | Path) -> str:
    """Return what a job needs of its worker: this Python, this version of the package, and the job's project."""
    return f"{_installation()} {Path(project_path).absolute()}"


def inline_environment() -> str:
    """Return an environment of which no worker is, for jobs that wait for `run_inline` in nobody knows which process.

    For jobs of this process there is ``store.reserve()``, whose jobs do not wait longer than the process lives.
    """
    return f"inline {uuid.uuid4().hex}"


def worker_files(uid: str) -> tuple[str, str]:
    """Return the lock and the log of a worker, relative to the store's folder."""
    return f"workers/{uid}.lock", f"workers/{uid}.log"


def warm(store: ExperimentStore, project_path: str | Path) -> None:
    """Start a worker that loads TensorFlow now, unless one lives; returns at once."""
    with _starting:
        wanted = environment(project_path)
        child = _children.get((store.url, wanted))
        if (child is not None and child.poll() is None) or store.live_workers(wanted):
            return
        lock = take_start(store, wanted)
        if lock is not None:
            _start(store, Path(project_path), lock=lock)


def attend(store: ExperimentStore, project_path: str | Path | None = None) -> None:
    """See to it that no job waits for somebody who is gone; for whoever looks at work that waits. Returns at once.

    Who asked for a job starts a worker and watches it, but may have ended since, and the worker with it. A few seconds
    after the last sign of either a worker is started here.

    Parameters
    ----------
    store : ExperimentStore
        Of a read-only one nothing is started.
    project_path : path, optional
        A project whose jobs are done by this installation when the one that was to do them is gone for a minute, or
        when the project was moved since.
    """
    if store.read_only:
        return
    store.reconcile()
    for wanted, seconds in store.unattended().items():
        path = _project_of(wanted)
        if path is not None and path.is_dir():
            if seconds > _PATIENCE_SECONDS:
                warm(store, path)
        elif project_path is not None and seconds > _PATIENCE_WITH_OTHERS_SECONDS:
            place = Path(project_path).absolute()
            moved = path is not None and store.folder.absolute() == place
            if (moved or wanted.endswith(f" {place}")) and store.move_waiting(wanted, environment(place)):
                warm(store, place)


def ensure_worker(store: ExperimentStore, project_path: str | Path) -> None:
    """See to it that waiting jobs are done: by the worker that lives, or by a new one; returns at once.

    Jobs of a busy worker wait in a queue: two trainings at a time would share the same cores and double the memory.
    While this process lives it also watches the worker: one that dies before it takes a job fails the job with its
    last words, one that is killed later has its exit code recorded, and the rest of the queue gets a new worker.
    """
    warm(store, project_path)


@determinism_put_back()
def run_inline(store: ExperimentStore, project_path: str | Path, job: Job) -> None:
    """Do a waiting job in this process, which loads TensorFlow and computes as it did before when the job has ended.

    Raises
    ------
    TrainingFailed
        The job ended by an exception.
    KeyboardInterrupt
        Ctrl+C: the job is CANCELED.
    """
    from . import runtime
    from .jobs.execution import execute

    uid = uuid.uuid4().hex
    lock_name, log_name = worker_files(uid)
    (store.folder / lock_name).parent.mkdir(exist_ok=True)
    lock = FileLock(store.folder / lock_name)
    lock.acquire()
    try:
        runtime.start_tensorflow()
        record = store.register_worker(uid, lock=lock_name, log=log_name, environment=job.environment)
        while job.refresh().state == JobState.WAITING:
            claimed = store.claim(record, job.environment, 0)
            if claimed is None:
                continue
            experiment = claimed.experiment
            try:
                execute(claimed, Path(project_path), say=experiment.telemetry.append)
            except KeyboardInterrupt:
                claimed.finish(JobState.CANCELED, 0)
                raise
    except BaseException:
        # Nobody else may ever claim it.
        if job.refresh().state == JobState.WAITING:
            job.cancel()
        raise
    finally:
        store.retire_worker(uid)
        lock.release()
        (store.folder / lock_name).unlink(missing_ok=True)
    wait_for(store, job)
    if job.state not in (JobState.DONE, JobState.CANCELED):
        raise TrainingFailed(
            f"The job of {job.experiment.name!r} ended as {job.state.lower()}.", job.error or ""
        )


def run_job(project_path: str | Path, store_url: str, artifacts_url: str, job_id: int) -> None:
    """Do a waiting job in this process, given only texts and numbers: for executors of other processes."""
    with ExperimentStore(store_url, artifacts_url) as store:
        run_inline(store, project_path, store.job(job_id))


def wait_for(store: ExperimentStore, job: Job, timeout: float | None = None) -> Job:
    """Return when the job has ended, in whatever state; `job` is refreshed.

    Raises
    ------
    TimeoutError
        It has not ended after `timeout` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    news = threading.Event()
    subscription = store.watch(news.set)
    try:
        while job.refresh().state not in _ENDED:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(
                    f"Job {job.id} is still {job.state} after {timeout:g} seconds; it goes on."
                )
            news.wait(_LOOK_SECONDS)
            news.clear()
            # A worker that vanished commits nothing.
            attend(store)
    finally:
        subscription.close()
    if job.state == JobState.LOST:
        settle(store)
        job.refresh()
    return job


def settle(store: ExperimentStore, timeout: float = 5.0) -> None:
    """Wait until the ends of dead workers that this process has started are in the record."""
    _watchers[:] = [entry for entry in _watchers if entry[2].is_alive()]
    for url, process, watcher in list(_watchers):
        if url == store.url and process.poll() is not None and watcher is not threading.current_thread():
            watcher.join(timeout)


def is_suspended(worker: WorkerRecord) -> bool:
    """Whether a worker's process is stopped (SIGSTOP, Ctrl+Z), as far as this computer can tell."""
    if worker.host != this_host():
        return False
    try:
        status = Path(f"/proc/{worker.pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] in (["T"], ["t"])


def _installation() -> str:
    try:
        installed = version("piximi-widgets")
    except PackageNotFoundError:
        from .. import __version__ as installed
    return f"{sys.executable} piximi-widgets {installed}"


def _project_of(wanted: str) -> Path | None:
    """The project of an environment of this installation."""
    mine = f"{_installation()} "
    return Path(wanted.removeprefix(mine)) if wanted.startswith(mine) else None


def _start(
    store: ExperimentStore, project_path: Path, *, replacement: bool = False, lock: FileLock | None = None
) -> None:
    uid = uuid.uuid4().hex
    log = store.folder / worker_files(uid)[1]
    log.parent.mkdir(exist_ok=True)
    _sweep(store, log.parent)
    command = [sys.executable, "-m", "piximi_widgets.engine.worker"]
    command += ["--project", str(Path(project_path).absolute()), "--store", store.url]
    command += ["--artifacts", store.artifacts_url, "--uid", uid]
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            creationflags=flags,
            env=_worker_environment(),
        )
    _children[store.url, environment(project_path)] = process
    arguments = (store.url, store.artifacts_url, project_path, process, uid, replacement, lock)
    watcher = threading.Thread(target=_watch, args=arguments, name="piximi-launcher", daemon=True)
    _watchers.append((store.url, process, watcher))
    watcher.start()


def _worker_environment() -> dict[str, str]:
    from .runtime import SETTINGS

    values = dict(os.environ)
    for name, value in SETTINGS.items():
        values.setdefault(name, value)
    # A kernel's matplotlib and IPython settings make no sense in a process without a front end.
    values.pop("MPLBACKEND", None)
    return values | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _watch(
    url: str,
    artifacts_url: str,
    project_path: Path,
    process: subprocess.Popen[bytes],
    uid: str,
    replacement: bool,
    lock: FileLock | None,
) -> None:
    mine = environment(project_path)
    if lock is not None:
        release_when_known(lock, url, artifacts_url, process, mine, uid)
    exit_code = process.wait()
    if not Path(url.removeprefix("sqlite:///")).exists():
        return
    with ExperimentStore(url, artifacts_url) as store, _starting:
        if _children.get((url, mine)) is process:
            del _children[url, mine]
        log = store.folder / worker_files(uid)[1]
        worked = deaths.explain(store, uid, exit_code, log) or exit_code == 0
        waiting = [job for job in store.jobs(state=JobState.WAITING) if job.environment == mine]
        if not waiting or store.live_workers(mine):
            return
        # Killed while it was idle: a second one may succeed, but a third would meet the same lack of memory.
        if worked or (deaths.was_killed(exit_code) and not replacement):
            _start(store, project_path, replacement=not worked)
            return
        deaths.fail_waiting(waiting, exit_code, log)


def _sweep(store: ExperimentStore, folder: Path) -> None:
    """Remove the files of workers that are gone and whose log is in the record."""
    needed = {job.worker for job in store.jobs(state=JobState.RUNNING)}
    for lock in folder.glob("*.lock"):
        # A new file may belong to a worker that has opened it and not locked it yet.
        fresh = time.time() - lock.stat().st_mtime < _SWEEP_AFTER_SECONDS
        if lock.stem not in needed and not fresh and not FileLock.is_held(lock):
            lock.with_suffix(".log").unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
