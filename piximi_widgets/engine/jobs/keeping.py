"""Keeping the weights that a training ends with, beside a record that says which they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...experiments.results.withdrawing import withdraw_results
from ..preprocessing import Preprocessing
from .recording import SCORED, read_log, read_table, result_logs, store_classifier

if TYPE_CHECKING:
    from ...dataset import Dataset
    from ...experiments import Experiment
    from ..classifier import Classifier

WEIGHTS = "weights"
"""Name of the TABLE that says after which epoch and batch the classifier in ``model-latest`` was stored."""

DIGEST = "weights sha256"


@dataclass(frozen=True)
class WeightsRecord:
    """Which weights the artifact ``"model-latest"`` holds.

    Attributes
    ----------
    epoch, step : int
        The last epoch that was finished, and the last batch, counted over all phases and extensions.
    model : str
        SHA-256 of the artifact.
    """

    epoch: int
    step: int
    model: str


def keep_weights(
    experiment: Experiment, classifier: Classifier, dataset: Dataset, digest: str, epoch: int, step: int
) -> None:
    """Store a classifier as ``model-latest``; results and predictions of other weights go before it comes.

    Parameters
    ----------
    experiment : Experiment
    classifier : Classifier
    dataset : Dataset
    digest : str
        SHA-256 of its weights.
    epoch, step : int
        As in `WeightsRecord`.
    """
    if read_log(experiment, DIGEST) != digest or experiment.artifacts.get("model-latest") is None:
        dataset.clear_predictions(experiment.uid)
        withdraw_results(experiment, SCORED, [*result_logs(), DIGEST])
        store_classifier(experiment, classifier)
    model = experiment.artifacts["model-latest"].sha256
    experiment.log(WEIGHTS, {"epoch": epoch, "step": step, "model sha256": model}, type="TABLE")
    # The last of all: who finds it finds the others as well.
    experiment.log(DIGEST, digest, type="VALUE")


def read_weights_record(experiment: Experiment) -> WeightsRecord | None:
    """Return what `keep_weights` has recorded; None before, or when ``model-latest`` was replaced since."""
    table, model = read_table(experiment, WEIGHTS), experiment.artifacts.get("model-latest")
    if model is None:
        return None
    if not table and str(experiment.status) == "SUCCESS":
        # Trained to its end before there was such a table: the weights are those of the end.
        steps = [experiment.metrics_array(name)[0] for name in ("train/loss", "batch/loss")]
        epoch, step = (int(known[-1]) if len(known) else 0 for known in steps)
        return WeightsRecord(epoch, step, model.sha256)
    if not table or table["model sha256"] != model.sha256:
        return None
    return WeightsRecord(table["epoch"], table["step"], model.sha256)


def was_replaced(experiment: Experiment) -> bool:
    """Whether somebody has stored another file as ``model-latest`` after `keep_weights`."""
    table, model = read_table(experiment, WEIGHTS), experiment.artifacts.get("model-latest")
    return bool(table) and model is not None and table["model sha256"] != model.sha256


def recorded_preprocessing(experiment: Experiment) -> Preprocessing:
    """Return how the images of an earlier attempt were prepared."""
    record: dict[str, Any] = json.loads(experiment.artifacts["config"].path.read_bytes())
    return Preprocessing.from_json(record["preprocessing"])
