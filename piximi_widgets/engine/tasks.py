"""What a job does: train a classifier on a dataset version, or predict images with a trained one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ImageReadError, NotTrainableError, TrainingError
from . import architectures, runtime
from .classifier import Classifier
from .config import TrainingConfig
from .evaluation import Evaluation
from .preprocessing import (
    Preprocessing,
    chosen_channels,
    fit_preprocessing,
    resolve_input_shape,
    stack,
)
from .training import BatchReport, EpochReport, Partition, train, weights_digest

if TYPE_CHECKING:
    from ..dataset import Dataset, DatasetVersion
    from ..experiments import Experiment, Job

_PREDICT_CHUNK = 256
_SCORED = {"validation": "val", "test": "test"}


class Stopped(Exception):
    """Somebody asked for the end of the job; what was finished until then is stored."""


@dataclass(frozen=True)
class Surroundings:
    """What a job gets from the process that does it.

    Attributes
    ----------
    say : callable
        Takes one line for the person who reads the training's output; ``--#-- Name`` opens a chapter.
    stopping : callable
        Whether the job shall end; cheap, asked many times a second.
    """

    say: Callable[[str], None]
    stopping: Callable[[], bool]

    def check(self) -> None:
        """Raise Stopped when the job shall end."""
        if self.stopping():
            raise Stopped


def train_job(job: Job, dataset: Dataset, around: Surroundings) -> None:
    """Train as the experiment's parameters say; everything that happens goes into the experiment.

    Raises
    ------
    Stopped
        The training was stopped; the weights until then are stored as ``model-latest``.
    PiximiError
        Settings, data or pixels do not allow the training.
    """
    experiment = job.experiment
    config = TrainingConfig.from_json(dict(experiment.parameters))
    version = dataset.version(job.payload["dataset"])
    around.say("--#-- Prepare")
    partitions, preprocessing = _prepare(config, dataset, version, around)
    with runtime.device(job.payload.get("device", "auto")):
        _train_and_score(experiment, config, version, partitions, preprocessing, around)


def _train_and_score(
    experiment: Experiment,
    config: TrainingConfig,
    version: DatasetVersion,
    partitions: dict[str, Partition],
    preprocessing: Preprocessing,
    around: Surroundings,
) -> None:
    model = architectures.build(
        config.architecture, preprocessing.input_shape, len(version.classes), config.seed
    )
    classifier = Classifier(model, version.classes, preprocessing, config)
    _record_setup(experiment, classifier, version.classes)
    around.check()
    around.say("--#-- Train")
    finished = train(
        model,
        config,
        partitions["training"],
        partitions["validation"],
        on_batches=lambda report: _log_batches(experiment, report),
        on_epoch=lambda report: _log_epoch(experiment, config, report, around),
        stop=around.stopping,
    )
    _store_classifier(experiment, classifier)
    experiment.log("weights sha256", weights_digest(model), type="VALUE")
    if not finished:
        around.say("Stopped. The classifier with the weights so far is kept.")
        raise Stopped
    around.say("--#-- Evaluate")
    for name in _SCORED:
        if len(partitions[name]):
            ids = version.select(name)
            probabilities = classifier.predict_prepared(partitions[name].pixels)
            _store_evaluation(
                experiment,
                Evaluation(version.classes, ids, partitions[name].labels, probabilities, partition=name),
                around,
            )
    around.say("Done.")


def predict_job(job: Job, dataset: Dataset, around: Surroundings) -> None:
    """Predict images with the experiment's classifier; each chunk is stored when it is done.

    An image that cannot be read is reported and left out.

    Raises
    ------
    Stopped
        The job was stopped; the predictions until then are stored.
    ImageReadError
        None of the images could be read.
    """
    experiment = job.experiment
    uid = experiment.uid
    around.say("--#-- Predict")
    classifier = Classifier.load(experiment.artifacts["model-latest"].path)
    ids = _images_to_predict(job, dataset)
    done, last_error = 0, None
    for start in range(0, len(ids), _PREDICT_CHUNK):
        chosen, prepared = [], []
        for id in ids[start : start + _PREDICT_CHUNK]:
            around.check()
            try:
                prepared.append(classifier.preprocessing.prepare([dataset.pixels(int(id))])[0])
                chosen.append(int(id))
            except ImageReadError as error:
                last_error = error
                around.say(f"Image {id} is left out: {error}")
        if chosen:
            probabilities = classifier.predict_prepared(np.stack(prepared))
            dataset.store_predictions(uid, classifier.classes, np.array(chosen), probabilities)
            done += len(chosen)
        around.say(f"{min(start + _PREDICT_CHUNK, len(ids))} of {len(ids)} images predicted")
    if last_error is not None and not done:
        raise last_error


def _images_to_predict(job: Job, dataset: Dataset) -> np.ndarray:
    if job.payload.get("ids") is not None:
        return np.asarray(job.payload["ids"], dtype=np.int64)
    columns = dataset.columns()
    return columns.id[(columns.category_id == 0) & ~columns.excluded]


def _prepare(
    config: TrainingConfig, dataset: Dataset, version: DatasetVersion, around: Surroundings
) -> tuple[dict[str, Partition], Preprocessing]:
    ids = {name: version.select(name) for name in ("training", *_SCORED)}
    around.say(
        f"{len(ids['training'])} images for training, {len(ids['validation'])} for validation, "
        f"{len(ids['test'])} for the test; {len(version.classes)} classes"
    )
    if not len(ids["training"]):
        raise NotTrainableError(
            [f"The dataset version {version.name!r} has no images for training. Split the project again."]
        )
    input_shape = resolve_input_shape(config, dataset.shapes(ids["training"]))
    around.say("Input of {}×{} pixels, {} channel(s)".format(*input_shape))
    pixels = {name: _read(dataset, chosen, input_shape, config, around) for name, chosen in ids.items()}
    # The statistics see the training images and nothing else.
    preprocessing = fit_preprocessing(
        pixels["training"], config.normalization, plane=config.plane, channels=chosen_channels(config)
    )
    labels = dict(zip(version.ids.tolist(), version.labels.tolist(), strict=True))
    partitions = {
        name: Partition(
            preprocessing.normalize(pixels[name]),
            np.array([labels[id] for id in chosen.tolist()], dtype=np.int32),
        )
        for name, chosen in ids.items()
    }
    return partitions, preprocessing


def _read(
    dataset: Dataset,
    ids: np.ndarray,
    input_shape: tuple[int, int, int],
    config: TrainingConfig,
    around: Surroundings,
) -> np.ndarray:
    names: Sequence[int] = ids.tolist()
    return stack(
        (dataset.pixels(id) for id in names),
        input_shape,
        plane=config.plane,
        channels=chosen_channels(config),
        names=names,
        count=len(names),
        progress=lambda _: around.check(),
    )


def _record_setup(experiment: Experiment, classifier: Classifier, classes: Sequence[str]) -> None:
    preprocessing, config = classifier.preprocessing, classifier.config
    experiment.labelmap = list(classes)
    layers = architectures.summarize(classifier.keras_model)
    columns = [name for name in layers[0] if name != "layer"]
    experiment.log(
        "model-summary",
        {
            "columns": columns,
            "rows": [row["layer"] for row in layers],
            "data": [[row[name] for name in columns] for row in layers],
        },
        type="TABLE",
    )
    resolved = {
        "input_shape": "×".join(str(size) for size in preprocessing.input_shape),
        "channels": "all" if preprocessing.channels is None else ", ".join(map(str, preprocessing.channels)),
        "plane": preprocessing.plane,
        "mean": ", ".join(f"{value:g}" for value in preprocessing.mean),
        "scale": ", ".join(f"{value:g}" for value in preprocessing.scale),
        "parameters": classifier.keras_model.count_params(),
    }
    environment = runtime.describe()
    experiment.log("resolved", resolved, type="TABLE")
    experiment.log("environment", environment, type="TABLE")
    record = {
        "config": config.to_json(),
        "preprocessing": preprocessing.to_json(),
        "environment": environment,
    }
    experiment.artifacts.store("config", json.dumps(record, indent=1).encode(), filename="config.json")


def _log_batches(experiment: Experiment, report: BatchReport) -> None:
    steps = range(report.first_step, report.first_step + len(report.losses))
    experiment.log("batch/loss", {"steps": list(steps), "values": report.losses.tolist()}, type="LINE")


def _log_epoch(
    experiment: Experiment, config: TrainingConfig, report: EpochReport, around: Surroundings
) -> None:
    metrics = {"train/loss": report.loss, "train/accuracy": report.accuracy}
    line = (
        f"Epoch {report.epoch} of {config.epochs} · loss {report.loss:.3f} · accuracy {report.accuracy:.1%}"
    )
    if report.val_loss is not None and report.val_accuracy is not None:
        metrics |= {"val/loss": report.val_loss, "val/accuracy": report.val_accuracy}
        line += f" · validation loss {report.val_loss:.3f} · validation accuracy {report.val_accuracy:.1%}"
    experiment.log_metrics(metrics, step=report.epoch)
    around.say(line)


def _store_classifier(experiment: Experiment, classifier: Classifier) -> None:
    with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
        path = classifier.save(Path(folder) / "model.keras")
        experiment.artifacts.store("model-latest", path)


def _store_evaluation(experiment: Experiment, evaluation: Evaluation, around: Surroundings) -> None:
    partition, phase = evaluation.partition, _SCORED[evaluation.partition]
    # An earlier attempt may have had other images.
    experiment.clear_evaluations(partition)
    experiment.add_evaluations(
        partition, evaluation.ids, evaluation.truth, evaluation.probabilities, evaluation.classes
    )
    matrix = {"categories": evaluation.classes, "values": evaluation.confusion_matrix.tolist()}
    experiment.log(f"{phase}/confusion-matrix", matrix, type="HEATMAP")
    per_class = evaluation.class_metrics
    rows = zip(
        per_class.precision.tolist(),
        per_class.recall.tolist(),
        per_class.f1.tolist(),
        per_class.support.tolist(),
        strict=True,
    )
    table: dict[str, Any] = {
        "columns": ["precision", "recall", "f1", "support"],
        "rows": evaluation.classes,
        "data": [list(row) for row in rows],
    }
    experiment.log(f"{phase}/metrics", table, type="TABLE")
    # The metrics by epoch have the names val/accuracy and val/loss; these are the numbers of the final classifier.
    numbers = {
        "final-accuracy": evaluation.accuracy,
        "final-cross-entropy": evaluation.cross_entropy,
        "final-macro-f1": evaluation.macro.f1,
    }
    for name, value in numbers.items():
        experiment.log(f"{phase}/{name}", value, type="VALUE")
    around.say(
        f"{partition.capitalize()}: {evaluation.accuracy:.1%} of {len(evaluation)} images right, "
        f"cross-entropy {evaluation.cross_entropy:.3f}"
    )


WORK = {"train": train_job, "predict": predict_job}


def unknown_kind(kind: str) -> TrainingError:
    """Return the error for a job that this version cannot do."""
    return TrainingError(
        f"This version of piximi_widgets has no work of the kind {kind!r}. Update the package."
    )
