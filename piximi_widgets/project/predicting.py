"""Waiting for a prediction that a worker makes: telling how far it is, and canceling it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ..dataset.adding.progress import shown
from ..engine import launcher
from ..engine.predicting import read_progress_line
from ..experiments import Experiment, Job

_LOOK_SECONDS = 0.3


def follow_prediction(
    experiment: Experiment, job: Job, count: int, progress: bool | Callable[[int, int], object]
) -> None:
    """Return when the job has ended, in whatever state; an interruption cancels the job.

    Parameters
    ----------
    experiment : Experiment
        Whose classifier predicts.
    job : Job
    count : int
        How many images it is about.
    progress : bool or callable
        See ``Project.predict``.
    """
    after, began = 0, datetime.now(UTC)
    with shown(progress, count) as tell:
        try:
            while True:
                try:
                    launcher.wait_for(experiment.store, job, _LOOK_SECONDS)
                    ended = True
                except TimeoutError:
                    ended = False
                lines = experiment.telemetry.lines(after)
                for line in reversed(lines):
                    told = read_progress_line(line.text)
                    # Earlier predictions of the experiment have left such lines too.
                    if told is not None and line.time >= began:
                        tell(*told)
                        break
                if ended:
                    return
                if lines:
                    # Only the last line is ever replaced.
                    after = lines[-1].number - 1
        except BaseException:
            job.cancel()
            raise
