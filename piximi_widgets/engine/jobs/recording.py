"""What a training writes into the record of its experiment."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LogError
from .. import architectures
from .surroundings import Surroundings

if TYPE_CHECKING:
    from ...experiments import Experiment
    from ..classifier import Classifier
    from ..evaluation import Evaluation
    from ..training import BatchReport, EpochReport

DIGESTS = "weights sha256 by epoch"
"""Name of the TABLE with the SHA-256 of all weights after each epoch, 0 being before the first."""

#: Partitions that are scored in the end, and the phase under which their results are logged.
SCORED = {"validation": "val", "test": "test"}

_NUMBERS = ("final-accuracy", "final-cross-entropy", "final-macro-f1")
_RESULTS = ("confusion-matrix", "metrics", *_NUMBERS)


class EpochLog:
    """Logs batches and epochs, counted on from what the record had before.

    Parameters
    ----------
    experiment : Experiment
    total : int
        Epochs in the record when all is done, for the person who reads the output.
    say : callable
        Takes lines for that person.
    epochs_done, steps_done : int
        What is known to be right in the record; what comes after it is overwritten.
    """

    def __init__(
        self,
        experiment: Experiment,
        around: Surroundings,
        total: int,
        epochs_done: int,
        steps_done: int,
    ) -> None:
        self._experiment = experiment
        self._say = around.say
        self._total = total
        self.first_epoch = self.epochs_done = epochs_done
        self.first_step = self.steps_done = steps_done
        known = read_digests(experiment)
        self._digests = {epoch: digest for epoch, digest in known.items() if epoch <= epochs_done}

    def begin_phase(self, first_epoch: int, first_step: int) -> None:
        """Let the epochs and batches that are logged from here on follow these."""
        self.first_epoch, self.first_step = first_epoch, first_step

    def batches(self, report: BatchReport) -> None:
        """Log the losses of some batches."""
        first = self.first_step + report.first_step
        self.steps_done = first + len(report.losses) - 1
        steps = list(range(first, self.steps_done + 1))
        self._experiment.log("batch/loss", {"steps": steps, "values": report.losses.tolist()}, type="LINE")

    def epoch(self, report: EpochReport) -> None:
        """Log the metrics of an epoch."""
        self.epochs_done = self.first_epoch + report.epoch
        metrics = {"train/loss": report.loss, "train/accuracy": report.accuracy}
        line = (
            f"Epoch {self.epochs_done} of {self._total} · loss {report.loss:.3f} · "
            f"accuracy {report.accuracy:.1%}"
        )
        if report.val_loss is not None and report.val_accuracy is not None:
            metrics |= {"val/loss": report.val_loss, "val/accuracy": report.val_accuracy}
            line += (
                f" · validation loss {report.val_loss:.3f} · validation accuracy {report.val_accuracy:.1%}"
            )
        metrics |= {"learning-rate": report.learning_rate, "epoch-time": report.seconds}
        self._experiment.log_metrics(metrics, step=self.epochs_done)
        self._say(line)

    def note_digest(self, epoch: int, digest: str) -> None:
        """Note the SHA-256 of the weights after an epoch, 0 for those of the beginning; `write_digests` writes it."""
        self._digests[epoch] = digest

    def write_digests(self) -> None:
        """Write the table of what was noted."""
        table = {
            "columns": ["sha256"],
            "rows": [str(epoch) for epoch in self._digests],
            "data": [[digest] for digest in self._digests.values()],
        }
        self._experiment.log(DIGESTS, table, type="TABLE")


def read_digests(experiment: Experiment) -> dict[int, str]:
    """Return the SHA-256 of the weights by epoch, as far as the record holds them."""
    table = read_table(experiment, DIGESTS)
    rows = zip(table.get("rows", ()), table.get("data", ()), strict=True)
    return {int(epoch): row[0] for epoch, row in rows}


def read_table(experiment: Experiment, name: str) -> dict[str, Any]:
    """Return the data of a log, empty where there is none."""
    return dict(read_log(experiment, name) or {})


def read_log(experiment: Experiment, name: str) -> Any:
    """Return what was logged under a name; None where nothing was."""
    try:
        return experiment.get_log(name).data
    except LogError:
        return None


def result_logs() -> list[str]:
    """Names of the logs that `store_evaluation` writes."""
    return [f"{phase}/{name}" for phase in SCORED.values() for name in _RESULTS]


def record_setup(
    experiment: Experiment,
    classifier: Classifier,
    environment: Mapping[str, str],
    details: Mapping[str, Any],
) -> None:
    """Record what is about to be trained: classes, network, what ``auto`` became, and the environment.

    Parameters
    ----------
    experiment : Experiment
    classifier : Classifier
    environment : mapping
        As `runtime.describe` gives it.
    details : mapping
        What else the artifact ``"config"`` shall hold: JSON values.
    """
    preprocessing, config = classifier.preprocessing, classifier.config
    experiment.labelmap = list(classifier.classes)
    layers = architectures.summarize(classifier.keras_model)
    columns = [name for name in layers[0] if name != "layer"]
    summary = {
        "columns": columns,
        "rows": [row["layer"] for row in layers],
        "data": [[row[name] for name in columns] for row in layers],
    }
    experiment.log("model-summary", summary, type="TABLE")
    resolved = {
        "input_shape": "×".join(str(size) for size in preprocessing.input_shape),
        "channels": "all" if preprocessing.channels is None else ", ".join(map(str, preprocessing.channels)),
        "plane": preprocessing.plane,
        "mean": ", ".join(f"{value:g}" for value in preprocessing.mean),
        "scale": ", ".join(f"{value:g}" for value in preprocessing.scale),
        "parameters": classifier.keras_model.count_params(),
    }
    experiment.log("resolved", resolved, type="TABLE")
    experiment.log("environment", dict(environment), type="TABLE")
    record = {
        "config": config.to_json(),
        "resolved": config.model_copy(update={"input_shape": preprocessing.input_shape}).to_json(),
        "preprocessing": preprocessing.to_json(),
        "environment": dict(environment),
        **details,
    }
    store_once(experiment, "config", json.dumps(record, indent=1).encode(), "config.json")


def store_once(experiment: Experiment, name: str, content: bytes, filename: str) -> None:
    """Store an artifact unless its newest version has this content."""
    before = experiment.artifacts.get(name)
    if before is None or before.path.read_bytes() != content:
        experiment.artifacts.store(name, content, filename=filename)


def store_classifier(experiment: Experiment, classifier: Classifier) -> None:
    """Store the classifier as it is now as ``model-latest``."""
    with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
        path = classifier.save(Path(folder) / "model.keras")
        experiment.artifacts.store("model-latest", path)


def store_evaluation(experiment: Experiment, evaluation: Evaluation, around: Surroundings) -> None:
    """Replace what the record says of one partition: probabilities by image, matrix, and the numbers."""
    partition, phase = evaluation.partition, SCORED[evaluation.partition]
    # An earlier attempt may have had other images.
    experiment.clear_evaluations(partition)
    experiment.add_evaluations(
        partition, evaluation.ids, evaluation.truth, evaluation.probabilities, evaluation.classes
    )
    matrix = {"categories": evaluation.classes, "values": evaluation.confusion_matrix.tolist()}
    experiment.log(f"{phase}/confusion-matrix", matrix, type="HEATMAP")
    experiment.log(f"{phase}/metrics", _class_table(evaluation), type="TABLE")
    # The metrics by epoch have the names val/accuracy and val/loss; these are the numbers of the final classifier.
    numbers = (evaluation.accuracy, evaluation.cross_entropy, evaluation.macro.f1)
    for name, value in zip(_NUMBERS, numbers, strict=True):
        experiment.log(f"{phase}/{name}", value, type="VALUE")
    around.say(
        f"{partition.capitalize()}: {evaluation.accuracy:.1%} of {len(evaluation)} images right, "
        f"cross-entropy {evaluation.cross_entropy:.3f}"
    )


def _class_table(evaluation: Evaluation) -> dict[str, Any]:
    per_class = evaluation.class_metrics
    columns: Sequence[Any] = (per_class.precision, per_class.recall, per_class.f1, per_class.support)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {
        "columns": ["precision", "recall", "f1", "support"],
        "rows": evaluation.classes,
        "data": [list(row) for row in rows],
    }
