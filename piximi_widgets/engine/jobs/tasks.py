"""What a job does: train a classifier on a dataset version, or predict images with a trained one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dataset.schema import CACHE_FOLDER
from ...errors import ExperimentNotFoundError, TrainingError
from .. import architectures, runtime
from ..architectures import registry
from ..classifier import Classifier
from ..config import TrainingConfig
from ..evaluation import Evaluation
from ..partitions import Partition
from ..pixels.preparing import prepare_partitions
from ..predicting import predict_project
from ..preprocessing import Preprocessing
from ..training import weights_digest
from . import warmstart
from .checkpoints import Checkpoints
from .course import Course, phases_of
from .keeping import keep_weights, recorded_preprocessing
from .lineage import images_bases_trained_on
from .recording import SCORED, read_table, record_setup, store_evaluation
from .replaying import environment_differences
from .requests import TrainingRequest, read_architecture
from .surroundings import Stopped, Surroundings

if TYPE_CHECKING:
    from ...dataset import Dataset, DatasetVersion
    from ...experiments import Experiment, Job

__all__ = ["WORK", "Stopped", "Surroundings", "predict_job", "train_job", "unknown_kind"]


def train_job(job: Job, dataset: Dataset, around: Surroundings) -> None:
    """Train as the experiment's parameters say; everything that happens goes into the experiment.

    Where the experiment has a checkpoint of this training, it goes on from there, and ends in the same weights.

    Raises
    ------
    Stopped
        The training was stopped; the weights until then are stored as ``model-latest``.
    PiximiError
        Settings, data or pixels do not allow the training.
    """
    experiment = job.experiment
    request = TrainingRequest.from_json(job.payload)
    config = TrainingConfig.from_json(dict(experiment.parameters))
    version = dataset.version(request.dataset)
    around.say("--#-- Prepare")
    _adopt_architecture(experiment)
    environment = _environment(experiment, request, around)
    base = None if request.base_dataset is None else warmstart.load_base(experiment)
    given = None if base is None else base.preprocessing
    try:
        partitions, preprocessing = prepare_partitions(
            config, dataset, version, around.say, around.check, given
        )
        around.check()
    except Stopped:
        _keep_checkpoint(experiment, config, request, dataset, version, base, around)
        raise
    with runtime.device(request.device):
        classifier = _beginning(experiment, config, request, dataset, version, preprocessing, base, around)
        details = _details(experiment, request, version, weights_digest(classifier.keras_model))
        record_setup(experiment, classifier, environment, details)
        ids = {name: version.select(name) for name in SCORED}
        if base is not None:
            first = _original(experiment, request) or experiment
            seen = images_bases_trained_on(first, dataset, np.concatenate(list(ids.values())))
            _leave_out_seen(seen, partitions, ids, around)
        _train_and_score(experiment, classifier, request, dataset, partitions, ids, around)


def _leave_out_seen(
    seen: np.ndarray, partitions: dict[str, Partition], ids: dict[str, np.ndarray], around: Surroundings
) -> None:
    """Take images that the base was trained on out of the partitions that are scored, for example after a new split."""
    for name in SCORED:
        unseen = ~np.isin(ids[name], seen)
        if unseen.all():
            continue
        ids[name] = ids[name][unseen]
        partitions[name] = partitions[name].select(np.flatnonzero(unseen))
        around.say(f"{int((~unseen).sum())} images of {name} are not scored: the base was trained on them.")


def _adopt_architecture(experiment: Experiment) -> None:
    """Let the network of a user be built here, if its source may run; that is found out before images are read."""
    record = read_architecture(experiment)
    if record is not None:
        found = registry.from_record(record)
        registry.check_trust(found)
        registry.adopt(found)


def _original(experiment: Experiment, request: TrainingRequest) -> Experiment | None:
    """What the experiment repeats; None where it repeats nothing, or the original was purged meanwhile."""
    try:
        return None if request.replay_of is None else experiment.store[request.replay_of]
    except ExperimentNotFoundError:
        return None


def _environment(experiment: Experiment, request: TrainingRequest, around: Surroundings) -> dict[str, str]:
    environment = runtime.describe()
    original = _original(experiment, request)
    if original is not None:
        recorded = read_table(original, "environment")
        for name, (then, now) in environment_differences(recorded, environment).items():
            around.say(
                f"Not as in {original.name!r}: {name} was {then}, and is {now}. Compare accuracies, not weights."
            )
    if request.git_commit is not None:
        environment["git commit"] = request.git_commit
    return environment


def _beginning(
    experiment: Experiment,
    config: TrainingConfig,
    request: TrainingRequest,
    dataset: Dataset,
    version: DatasetVersion,
    preprocessing: Preprocessing,
    base: Classifier | None,
    around: Surroundings,
) -> Classifier:
    """The classifier with the weights with which this part of the experiment begins."""
    # Weights that are replaced at once need not be fetched.
    begins_trained = bool(request.extensions) or base is not None
    weights = None if begins_trained else architectures.base_weights_file(config, around.say)
    model = architectures.build(
        config.architecture,
        preprocessing.input_shape,
        len(version.classes),
        config.seed,
        weights=weights,
        precision=config.precision,
    )
    if request.extensions:
        # Built anew all the same: what a file does not hold, such as the state of dropout, is then always alike.
        stored = experiment.store.contents.existing(request.extensions[-1].model)
        warmstart.copy_weights(model, Classifier.load(stored).keras_model)
    elif base is not None:
        kept = warmstart.kept_classes(request, base, dataset, version)
        warmstart.transfer(model, base.keras_model, kept)
    return Classifier(model, version.classes, preprocessing, config)


def _details(
    experiment: Experiment, request: TrainingRequest, version: DatasetVersion, digest: str
) -> dict[str, Any]:
    details: dict[str, Any] = {
        "dataset": {"uid": version.uid, "name": version.name, "fingerprint": version.fingerprint},
        "initial weights sha256": digest,
        "git commit": request.git_commit,
        "replay of": request.replay_of,
        "extensions": [asdict(extension) for extension in request.extensions],
    }
    if request.base_dataset is not None:
        base, published = experiment.base_experiment, experiment.base_model
        details["base"] = {
            "uid": None if base is None else base.uid,
            "model version": published.uid if base is None and published is not None else None,
            "dataset": request.base_dataset,
            "model sha256": experiment.artifacts[warmstart.BASE_MODEL].sha256,
        }
    return details


def _train_and_score(
    experiment: Experiment,
    classifier: Classifier,
    request: TrainingRequest,
    dataset: Dataset,
    partitions: dict[str, Partition],
    ids: dict[str, np.ndarray],
    around: Surroundings,
) -> None:
    around.say("--#-- Train")
    model = classifier.keras_model
    phases = phases_of(classifier.config, request)
    features = dataset.path / CACHE_FOLDER / "features"
    course = Course(model, experiment, phases, request, partitions, around, features)
    if request.extensions:
        _record_extensions(experiment, request)
    finished = course.run()
    _keep(experiment, classifier, dataset, course)
    if not finished:
        around.say("Stopped. The classifier with the weights so far is kept.")
        raise Stopped
    around.say("--#-- Evaluate")
    for name in SCORED:
        if len(partitions[name]):
            probabilities = classifier.predict_prepared(partitions[name])
            labels = partitions[name].labels
            evaluation = Evaluation(classifier.classes, ids[name], labels, probabilities, partition=name)
            store_evaluation(experiment, evaluation, around)
    course.clear_checkpoints()
    around.say("Done.")


def _keep(experiment: Experiment, classifier: Classifier, dataset: Dataset, course: Course) -> None:
    digest = weights_digest(classifier.keras_model)
    keep_weights(experiment, classifier, dataset, digest, course.epochs_done, course.steps_done)


def _keep_checkpoint(
    experiment: Experiment,
    config: TrainingConfig,
    request: TrainingRequest,
    dataset: Dataset,
    version: DatasetVersion,
    base: Classifier | None,
    around: Surroundings,
) -> None:
    """Keep the classifier of the checkpoint, where there is one: the training was stopped before it could go on."""
    if Checkpoints(experiment).newest(request.part) is None:
        return
    preprocessing = recorded_preprocessing(experiment) if base is None else base.preprocessing
    with runtime.device(request.device):
        classifier = _beginning(experiment, config, request, dataset, version, preprocessing, base, around)
        phases = phases_of(config, request)
        course = Course(classifier.keras_model, experiment, phases, request, {}, around)
        course.take_checkpoint()
        _keep(experiment, classifier, dataset, course)


def _record_extensions(experiment: Experiment, request: TrainingRequest) -> None:
    table = {
        "columns": ["after epoch", "epochs"],
        "rows": [str(number) for number in range(1, request.part + 1)],
        "data": [[extension.from_epoch, extension.epochs] for extension in request.extensions],
    }
    experiment.log("extensions", table, type="TABLE")


def predict_job(job: Job, dataset: Dataset, around: Surroundings) -> None:
    """Predict images with the experiment's classifier; what is done is stored from time to time.

    An image that cannot be read is reported and left out.

    Raises
    ------
    Stopped
        The job was stopped; the predictions until then are stored.
    ImageReadError
        None of the images could be read.
    """
    experiment = job.experiment
    around.say("--#-- Predict")
    classifier = Classifier.load(experiment.artifacts["model-latest"].path)
    predict_project(classifier, dataset, _images_to_predict(job, dataset), experiment.uid, around)


def _images_to_predict(job: Job, dataset: Dataset) -> np.ndarray:
    if job.payload.get("ids") is not None:
        return np.asarray(job.payload["ids"], dtype=np.int64)
    columns = dataset.columns()
    return columns.id[(columns.category_id == 0) & ~columns.excluded]


WORK = {"train": train_job, "predict": predict_job}


def unknown_kind(kind: str) -> TrainingError:
    """Return the error for a job that this version cannot do."""
    return TrainingError(
        f"This version of piximi_widgets has no work of the kind {kind!r}. Update the package."
    )
