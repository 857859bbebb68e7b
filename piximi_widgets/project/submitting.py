"""Handing a training to whoever does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ..engine import launcher
from ..engine.jobs.requests import TrainingRequest
from ..errors import ConfigurationError
from ..experiments import Experiment, Job

if TYPE_CHECKING:
    from .project import Project


class Submitter(Protocol):
    """Anything that runs a function later, for example a ``concurrent.futures.Executor``."""

    def submit(self, function: Callable[..., object], /, *arguments: Any) -> Any:
        """Call `function` with `arguments`, here or elsewhere, now or later."""


def check_run(run: object) -> None:
    """Raise a ConfigurationError unless `run` says who shall do a training."""
    if run not in ("worker", "inline") and (isinstance(run, str) or not hasattr(run, "submit")):
        raise ConfigurationError(
            {"run": f"run must be 'worker', 'inline', or an object with submit; got {run!r}."}
        )


@contextmanager
def all_or_nothing(experiment: Experiment, *, made: bool = True) -> Iterator[None]:
    """Remove an experiment when the block is left by an error before its training is on the list.

    It would seem to wait for a worker, for ever.

    Parameters
    ----------
    experiment : Experiment
    made : bool
        It was made just now; one that was there before stays.
    """
    try:
        yield
    except BaseException:
        if made and not experiment.store.jobs(experiment):
            experiment.delete()
            experiment.purge()
        raise


def hand_over(project: Project, enqueue: Callable[[str], Job], run: str | Submitter) -> Job:
    """Put a job on the list, and see to it that somebody does it.

    Parameters
    ----------
    project : Project
    enqueue : callable
        Takes the environment that says who may do the job: the workers of this project, or only the process that it is
        handed to.
    run : {"worker", "inline"} or object with ``submit``
    """
    store = project.experiments
    if run == "worker":
        job = enqueue(launcher.environment(project.path))
        launcher.ensure_worker(store, project.path)
    elif isinstance(run, str):
        with store.reserve() as reservation:
            job = enqueue(reservation.environment)
            launcher.run_inline(store, project.path, job)
    elif isinstance(run, ThreadPoolExecutor | ProcessPoolExecutor):
        # Of these it is known that they end with this process; others, such as a cluster's, may go on without it.
        reservation = store.reserve()
        try:
            job = enqueue(reservation.environment)
            _submit(project, job, run).add_done_callback(lambda _: reservation.release())
        except BaseException:
            reservation.release()
            raise
    else:
        job = enqueue(launcher.inline_environment())
        _submit(project, job, run)
    return job


def _submit(project: Project, job: Job, run: Submitter) -> Any:
    store = project.experiments
    try:
        return run.submit(launcher.run_job, str(project.path), store.url, store.artifacts_url, job.id)
    except BaseException:
        job.cancel()
        raise


def start(
    project: Project,
    experiment: Experiment,
    request: TrainingRequest,
    run: str | Submitter,
    *,
    after_attempt: int | None = None,
) -> Job:
    """Put a training on the list, and see to it that somebody does it.

    Parameters
    ----------
    project : Project
    experiment : Experiment
    request : TrainingRequest
    run : {"worker", "inline"} or object with ``submit``
    after_attempt : int, optional
        The last attempt that the caller knows of.

    Raises
    ------
    StaleAttemptError
        There is an attempt after `after_attempt`; nothing was started.
    """
    check_run(run)
    store, payload = project.experiments, request.to_json()

    def enqueue(environment: str) -> Job:
        return store.enqueue(experiment, "train", payload, environment, after_attempt)

    return hand_over(project, enqueue, run)
