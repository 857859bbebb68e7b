"""An experiment of a project: the store's record, and what needs the project's images and workers."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.records import PARTITIONS, PredictionArrays
from ..engine import launcher
from ..engine.config import TrainingConfig
from ..engine.evaluation import Evaluation
from ..errors import EvaluationError, TrainingFailed
from ..experiments import Experiment as StoredExperiment
from ..experiments import ExperimentStore
from ..experiments.evaluations import read_evaluations

if TYPE_CHECKING:
    import pandas as pd

    from ..dataset import DatasetVersion
    from ..engine.classifier import Classifier
    from .project import Project

#: An experiment with one of these has no training under way.
ENDED = frozenset({"SUCCESS", "FAILED", "CANCELED", "TERMINATED", "INTERRUPTED"})
_HISTORY = {
    "train/loss": "loss",
    "train/accuracy": "accuracy",
    "val/loss": "val_loss",
    "val/accuracy": "val_accuracy",
}
_LOOK_EVERY = 0.5


class Experiment(StoredExperiment):
    """One training of a project, and its record.

    Made by `Project.fit`, or found in ``project.experiments``.
    """

    def __init__(self, store: ExperimentStore, id: int, *, project: Project) -> None:
        super().__init__(store, id)
        self.project = project

    @property
    def config(self) -> TrainingConfig:
        """The settings of the training."""
        return TrainingConfig.from_json(dict(self.parameters))

    @property
    def history(self) -> pd.DataFrame:
        """Metrics by epoch: index epoch (from 1), columns loss, accuracy, val_loss, val_accuracy where logged."""
        import pandas as pd

        series = {}
        for name in self.metrics:
            phase, _, metric = name.partition("/")
            if phase in {"train", "val"}:
                steps, values = self.metrics_array(name)
                column = _HISTORY.get(name, metric if phase == "train" else f"val_{metric}")
                series[column] = pd.Series(values, index=steps)
        known = [column for column in _HISTORY.values() if column in series]
        frame = pd.DataFrame(series, columns=[*known, *(name for name in series if name not in known)])
        frame.index = frame.index.astype("int64")
        frame.index.name = "epoch"
        return frame

    # -- the run -----------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> Experiment:
        """Return when the training has ended. Interrupting the wait leaves the training running.

        Parameters
        ----------
        timeout : float, optional
            Seconds after which a TimeoutError is raised; the training goes on.

        Raises
        ------
        TrainingFailed
            It ended without a result: by an exception (with the worker's traceback), a signal, or because the
            worker vanished.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        news = threading.Event()
        subscription = self.store.watch(news.set)
        try:
            while (status := self.status) not in ENDED:
                left = _LOOK_EVERY if deadline is None else min(_LOOK_EVERY, deadline - time.monotonic())
                if left <= 0:
                    raise TimeoutError(
                        f"{self.name!r} is still {status} after {timeout:g} seconds; it goes on."
                    )
                # Also without news: a vanished worker commits nothing.
                news.wait(left)
                news.clear()
        finally:
            subscription.close()
        if status == "INTERRUPTED":
            # Where this process had started the worker, it may be about to learn how it died.
            launcher.settle(self.store)
            status = self.status
        if status in {"FAILED", "TERMINATED", "INTERRUPTED"}:
            raise TrainingFailed(_REASONS[str(status)].format(name=self.name), self.error or "")
        return self

    def stop(self) -> None:
        """Ask the training to stop; it keeps the weights that it has, and ends as CANCELED within a second."""
        self.request_stop()

    # -- what came of it ---------------------------------------------------------------------------

    @property
    def classifier(self) -> Classifier:
        """The trained classifier. Loads TensorFlow into this process.

        Raises
        ------
        ArtifactError
            There is none yet, or its file is missing or damaged.
        """
        from ..engine.classifier import Classifier

        return Classifier.load(self.artifacts["model-latest"].path)

    def evaluate(
        self, partition: str = "validation", *, dataset: DatasetVersion | str | None = None
    ) -> Evaluation:
        """Compare the predictions of this experiment with the labels.

        Parameters
        ----------
        partition : {"validation", "test"}
            What to score. No image that was trained on is ever scored.
        dataset : DatasetVersion or its uid or name, or "current", optional
            Whose labels are the truth: by default the version that the experiment was trained with; a newer one, or
            ``"current"`` for the labels as they are now, scores the stored predictions against it.

        Returns
        -------
        Evaluation
            Its ``unscored`` counts images of the partition that have no stored prediction, or a category that the
            classifier does not know.

        Raises
        ------
        EvaluationError
            There is nothing that may be scored.
        """
        if partition not in {"validation", "test"}:
            raise EvaluationError(
                f"partition must be 'validation' or 'test'; got {partition!r}. Images that were trained on are not "
                "scored: the result would say nothing about new ones."
            )
        trained_with = self.project.version(self.datasets["train"].uid)
        ids, categories, label = self._truth(trained_with, partition, dataset)
        predicted = self._stored_predictions()
        # By the categories' ids: a renamed category stays the same class, and a new one of its old name is another.
        index = {
            int(category): predicted.classes.index(name)
            for category, name in zip(trained_with.category_ids, trained_with.classes, strict=True)
        }
        target = np.array([index.get(category, -1) for category in categories.tolist()], dtype=np.int64)
        usable = np.isin(ids, predicted.ids) & (target >= 0)
        rows = np.searchsorted(predicted.ids, ids[usable])
        return Evaluation(
            predicted.classes,
            ids[usable],
            target[usable],
            predicted.probabilities[rows],
            partition=partition,
            dataset_name=label[0],
            dataset_uid=label[1],
            unscored=int((~usable).sum()),
        )

    def _truth(
        self, trained_with: DatasetVersion, partition: str, dataset: DatasetVersion | str | None
    ) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
        """Ids and category ids to score against, never of an image that was trained on, and whose they are."""
        trained_on = trained_with.select("training")
        if dataset == "current":
            columns = self.project.columns()
            mine = columns.partition == PARTITIONS.index(partition)
            mine &= (columns.category_id > 0) & ~columns.excluded & ~np.isin(columns.id, trained_on)
            return columns.id[mine], columns.category_id[mine], ("labels as they are now", "")
        version: DatasetVersion
        if dataset is None:
            version = trained_with
        elif isinstance(dataset, str):
            version = self.project.version(dataset)
        else:
            version = dataset
        chosen = np.isin(version.ids, version.select(partition)) & ~np.isin(version.ids, trained_on)
        return (
            version.ids[chosen],
            version.category_ids[version.labels[chosen]],
            (version.name, version.uid),
        )

    def _stored_predictions(self) -> PredictionArrays:
        """Every image that this classifier has predicted, at the end of its training or later."""
        found = [
            PredictionArrays(part.classes, part.ids, part.probabilities)
            for part in read_evaluations(self, None)
        ]
        later = self.project.prediction_arrays(self.uid)
        if later is not None:
            found.append(later)
        if not found:
            raise EvaluationError(
                f"{self.name!r} has no predictions yet; its status is {self.status}. Wait for its end."
            )
        ids, first = np.unique(np.concatenate([part.ids for part in found]), return_index=True)
        return PredictionArrays(
            found[0].classes, ids, np.concatenate([part.probabilities for part in found])[first]
        )


_REASONS = {
    "FAILED": "The training {name!r} failed.",
    "TERMINATED": "The training {name!r} was ended from outside, or ran out of memory.",
    "INTERRUPTED": "The worker that trained {name!r} vanished: it was killed, ran out of memory, or the machine stopped.",
}
