"""What a dead worker leaves behind: its exit code and last words, put into the record in plain words."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import StaleAttemptError
from ...experiments import JobState

if TYPE_CHECKING:
    from ...experiments import ExperimentStore, Job

_CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"})
_TAIL_BYTES = 8192


def explain(store: ExperimentStore, uid: str, exit_code: int, log: Path) -> bool:
    """Record the exit code with the job that the worker was doing when it died; whether there was one."""
    store.reconcile()
    lost = [job for job in store.jobs(state=JobState.LOST) if job.worker == uid]
    for job in lost:
        name = signal_name(exit_code)
        if name in _CRASHES or exit_code >= 0:
            reason = f"The training process crashed ({name or f'exit code {exit_code}'})."
            _finish(
                job, JobState.FAILED, exit_code, f"{reason} The last lines of its output:\n\n{_tail(log)}"
            )
        else:
            reason = f"The training process was killed ({name}), by somebody or because memory ran out."
            _finish(job, JobState.TERMINATED, exit_code, reason)
    return bool(lost)


def fail_waiting(jobs: Iterable[Job], exit_code: int, log: Path) -> None:
    """Fail jobs that a worker ended too early to take."""
    for job in jobs:
        words = f"The worker ended before it could begin.\n\n{_tail(log)}"
        _finish(job, JobState.FAILED, exit_code, words)


def was_killed(exit_code: int) -> bool:
    """Whether somebody else ended the process by a signal, rather than a defect of its own."""
    return exit_code < 0 and signal_name(exit_code) not in _CRASHES


def signal_name(exit_code: int) -> str:
    """Return ``"SIGKILL"`` for -9 and so on; empty for a process that ended by itself."""
    try:
        return signal.Signals(-exit_code).name if exit_code < 0 else ""
    except ValueError:
        return f"signal {-exit_code}"


def _finish(job: Job, state: JobState, exit_code: int, error: str) -> None:
    try:
        job.finish(state, exit_code, error)
    except StaleAttemptError:
        # Somebody claimed, cancelled or resumed it in the meantime: the record is theirs.
        return


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").strip()
    except OSError as error:
        return f"(its output cannot be read: {error})"
