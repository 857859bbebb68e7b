"""Handing a training to whoever does it."""

from __future__ import annotations

from collections.abc import Callable
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


def environment_for(project: Project, run: str | Submitter) -> str:
    """Who may do a job: the workers of this project, or only the process that it is handed to."""
    return launcher.environment(project.path) if run == "worker" else launcher.inline_environment()


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
    store = project.experiments
    job = store.enqueue(experiment, "train", request.to_json(), environment_for(project, run), after_attempt)
    if run == "worker":
        launcher.ensure_worker(store, project.path)
    elif run == "inline":
        launcher.run_inline(store, project.path, job)
    elif not isinstance(run, str):
        try:
            run.submit(launcher.run_job, str(project.path), store.url, store.artifacts_url, job.id)
        except BaseException:
            job.cancel()
            raise
    return job
