"""Going on with a training that has ended, and doing one again: resume, extend, replay."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..engine import launcher, runtime
from ..engine.config import TrainingConfig
from ..engine.jobs.commits import commit_of
from ..engine.jobs.keeping import read_weights_record, was_replaced
from ..engine.jobs.recording import read_table
from ..engine.jobs.replaying import Replay, environment_differences
from ..engine.jobs.requests import ARCHITECTURE, BASE_MODEL, Extension, TrainingRequest
from ..errors import ConfigurationError, StaleAttemptError, TrainingError
from ..experiments import Job, Status
from .basing import forget_inherited
from .submitting import all_or_nothing, start

if TYPE_CHECKING:
    from .experiment import Experiment

_REPLAY = " replay"
_LONGEST_NAME = 60
#: Artifacts that a training needs before it begins.
_NEEDED = (BASE_MODEL, ARCHITECTURE)


def resume(experiment: Experiment, run: Any, wait: bool) -> Experiment:
    """See `Experiment.resume`."""
    job = _last_training(experiment)
    status = experiment.status
    if status == Status.SUCCESS:
        raise TrainingError(
            f"{experiment.name!r} was trained to its end: there is nothing to resume. "
            "experiment.extend(epochs) trains it further."
        )
    _refuse_under_way(experiment, job)
    return _next_attempt(experiment, job, TrainingRequest.from_json(job.payload), run, wait)


def extend(experiment: Experiment, epochs: int, run: Any, wait: bool) -> Experiment:
    """See `Experiment.extend`."""
    job = _last_training(experiment)
    epochs = experiment.config.model_copy(update={"epochs": epochs}).epochs
    _refuse_under_way(experiment, job)
    trained = experiment.artifacts.get("model-latest") is not None
    if experiment.status not in (Status.SUCCESS, Status.CANCELED) or not trained:
        raise TrainingError(
            f"{experiment.name!r} ended as {experiment.status} and has no final weights to extend. "
            "experiment.resume() goes on with it."
        )
    if was_replaced(experiment):
        raise TrainingError(
            f"The artifact 'model-latest' of {experiment.name!r} was replaced after the training: nobody knows of which epoch "
            "its weights are. Delete that version (experiment.artifacts['model-latest'].delete_version()), and the "
            "weights of the training can be extended."
        )
    weights = read_weights_record(experiment)
    in_record = experiment.metrics_array("train/loss")[0]
    last = int(in_record[-1]) if len(in_record) else 0
    if weights is None or weights.epoch != last:
        known = "of an unknown epoch" if weights is None else f"those after epoch {weights.epoch}"
        raise TrainingError(
            f"{experiment.name!r} has metrics of {last} epochs, and its weights are {known}: an attempt that was killed or "
            "stopped had come to another end. Call resume() first, and extend(epochs) when it has come to its end."
        )
    extension = Extension(epochs, weights.epoch, weights.step, weights.model)
    request = TrainingRequest.from_json(job.payload).extended(extension)
    return _next_attempt(experiment, job, request, run, wait)


def replay(experiment: Experiment, run: Any, wait: bool) -> Replay:
    """See `Experiment.replay`."""
    first = _last_training(experiment)
    recorded = read_table(experiment, "environment")
    if not recorded:
        raise TrainingError(
            f"{experiment.name!r} has no record of how it was trained yet; its status is {experiment.status}."
        )
    differences = environment_differences(recorded, runtime.describe_machine())
    if differences:
        named = "; ".join(f"{name} was {then} and is {now}" for name, (then, now) in differences.items())
        warnings.warn(
            f"This is not the environment of the record: {named}. The weights will differ; compare the accuracies.",
            stacklevel=3,
        )
    request = replace(
        TrainingRequest.from_json(first.payload),
        extensions=(),
        replay_of=experiment.uid,
        git_commit=commit_of(Path.cwd()),
    )
    dataset = experiment.project.version(request.dataset)
    store = experiment.store
    repeated = store.create_experiment(
        experiment.name[: _LONGEST_NAME - len(_REPLAY)].rstrip() + _REPLAY,
        description=f"Repeats {experiment.name!r} ({experiment.uid}).",
        # So that what the base was trained on is known here, too, and never scored.
        base_experiment=experiment.base_experiment,
        base_model=experiment.base_model,
        parameters=experiment.parameters,
        tags=("replay",),
        if_exists="rename",
    )
    with all_or_nothing(repeated):
        forget_inherited(repeated)
        for name in _NEEDED:
            if (artifact := experiment.artifacts.get(name)) is not None:
                repeated.artifacts.store(name, artifact.path, filename=artifact.filename)
        repeated.attach_dataset(dataset, alias="train")
        start(experiment.project, repeated, request, run)
    if wait:
        cast("Experiment", repeated).wait()
    return Replay(experiment, repeated)


def settings_of(experiment: Experiment) -> TrainingConfig:
    """See `Experiment.config`."""
    try:
        return TrainingConfig.from_json(dict(experiment.parameters))
    except ConfigurationError:
        trainings = _trainings(experiment)
        if trainings and "dataset" in trainings[0].payload:
            raise
        raise ConfigurationError(
            {
                "parameters": f"The parameters of {experiment.name!r} are no settings of Project.fit, which has not trained it; "
                "experiment.parameters gives them as they are."
            }
        ) from None


def refuse_never_begun(experiment: Experiment, status: Status) -> None:
    """Raise TrainingError where nobody has asked for the training that `wait` would wait for."""
    if status == Status.WAITING and not experiment.store.jobs(experiment):
        raise TrainingError(
            f"Nobody has asked for a training of {experiment.name!r}, so that there is nothing to wait for. project.fit() "
            "makes an experiment and trains it; experiment.start() and finish() are for a training of your own."
        )


def _trainings(experiment: Experiment) -> list[Job]:
    return [job for job in experiment.store.jobs(experiment) if job.kind == "train"]


def _last_training(experiment: Experiment) -> Job:
    trainings = _trainings(experiment)
    if not trainings:
        raise TrainingError(
            f"{experiment.name!r} was not trained by Project.fit, so that there is nothing to go on from."
        )
    if "dataset" not in trainings[-1].payload:
        raise TrainingError(
            f"The last training of {experiment.name!r} was a model.fit of your own, logged by a KerasLogger, of which the "
            "record holds no images and no settings to go on with: call model.fit again (initial_epoch=… goes on "
            "with its epochs), or project.fit() for a training that can be resumed, extended and replayed."
        )
    return trainings[-1]


def _refuse_under_way(experiment: Experiment, job: Job) -> None:
    if experiment.status not in (Status.WAITING, Status.RUNNING):
        return
    name = experiment.name
    worker = next((found for found in experiment.store.live_workers() if found.uid == job.worker), None)
    if worker is not None and launcher.is_suspended(worker):
        raise TrainingError(
            f"{name!r} is under way in process {worker.pid} of {worker.host}, which is suspended and would go on when "
            f"it wakes. Wake it (kill -CONT {worker.pid}), and stop() ends it; or end it (kill -KILL {worker.pid}) and "
            "call this again."
        )
    raise TrainingError(
        f"{name!r} is {experiment.status}: wait() waits for its end; stop() ends it, and resume() goes on later."
    )


def _next_attempt(
    experiment: Experiment, job: Job, request: TrainingRequest, run: Any, wait: bool
) -> Experiment:
    request = replace(request, git_commit=commit_of(Path.cwd()))
    try:
        start(experiment.project, experiment, request, run, after_attempt=job.attempt)
    except StaleAttemptError:
        raise TrainingError(
            f"Somebody else went on with {experiment.name!r} in this very moment: its status is {experiment.status}. "
            "This call has started nothing."
        ) from None
    return experiment.wait() if wait else experiment
