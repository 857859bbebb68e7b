"""An experiment of a project: the store's record, and what needs the project's images and workers."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataset.records import PARTITIONS, PredictionArrays
from ..engine import launcher
from ..engine.config import TrainingConfig
from ..engine.evaluation import Evaluation
from ..engine.jobs.checkpoints import Checkpoints
from ..engine.jobs.lineage import images_trained_on
from ..engine.jobs.requests import read_architecture
from ..errors import EvaluationError, TrainingFailed
from ..experiments import Experiment as StoredExperiment
from ..experiments import ExperimentStore, Status
from ..experiments.results.evaluations import read_evaluations
from . import continuing, elsewhere
from .recorded import recorded_evaluation

if TYPE_CHECKING:
    import pandas as pd

    from ..dataset import DatasetVersion
    from ..engine.classifier import Classifier
    from ..engine.jobs.replaying import Replay
    from ..experiments.archive.layout import Dataset
    from .project import Project
    from .submitting import Submitter

#: An experiment with one of these has no training under way.
ENDED = frozenset({"SUCCESS", "FAILED", "CANCELED", "TERMINATED", "INTERRUPTED"})
_HISTORY = {
    "train/loss": "loss",
    "train/accuracy": "accuracy",
    "val/loss": "val_loss",
    "val/accuracy": "val_accuracy",
}
_SCORABLE = {"validation", "test", "unassigned"}
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
        """The settings of the training.

        Raises
        ------
        ConfigurationError
            The parameters are none of `Project.fit`, for example those of a ``model.fit`` of your own.
        """
        return continuing.settings_of(self)

    @property
    def architecture_record(self) -> dict[str, Any] | None:
        """Name, source and SHA-256 of its architecture if that was registered; None if it is one of this package.

        Read the source before you let it run with `pw.trust_architecture`.
        """
        return read_architecture(self)

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

    @property
    def status(self) -> Status:
        """Where it stands. One that waits for a worker that is gone gets a new one by this look."""
        if super().status == Status.WAITING:
            launcher.attend(self.store, self.project.path)
        return super().status

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
        TrainingError
            Nobody has asked for a training of it, so that there is nothing to wait for.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        news = threading.Event()
        subscription = self.store.watch(news.set)
        try:
            while (status := self.status) not in ENDED:
                continuing.refuse_never_begun(self, status)
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

    def resume(self, *, wait: bool = False, run: str | Submitter = "worker") -> Experiment:
        """Go on with a training that did not come to its end, whether it was stopped, killed, or failed.

        It goes on from its last checkpoint, which is made after each epoch (of epochs shorter than a quarter of a second
        only some), and from the beginning when there is none. The weights in the end are those of a training that was
        never interrupted, bit for bit, and no metric is there twice.

        Parameters
        ----------
        wait : bool
            Return when the training has ended.
        run : {"worker", "inline"} or object with ``submit``
            As in `Project.fit`.

        Raises
        ------
        TrainingError
            It waits or runs; it has come to its end (see `extend`); or somebody else resumed it in the same moment.
        """
        elsewhere.refuse(self, "resumed")
        return continuing.resume(self, run, wait)

    def extend(self, epochs: int, *, wait: bool = False, run: str | Submitter = "worker") -> Experiment:
        """Train some epochs more, after the end of the training or after Stop.

        It begins with the final weights (after early stopping those of the best epoch), with a learning rate, a
        schedule and an optimizer that begin anew. Epochs and metrics are counted on; ``config`` stays what it was, and
        the log ``"extensions"`` says what was added. Predictions of the earlier weights are removed. An extension that
        is interrupted can be resumed.

        Parameters
        ----------
        epochs : int
            From 1 to 10000.
        wait : bool
            Return when the training has ended.
        run : {"worker", "inline"} or object with ``submit``
            As in `Project.fit`.

        Raises
        ------
        ConfigurationError
            `epochs` is out of range.
        TrainingError
            It waits or runs, or it was interrupted or failed (see `resume`).
        """
        elsewhere.refuse(self, "extended")
        return continuing.extend(self, epochs, run, wait)

    def replay(self, *, wait: bool = True, run: str | Submitter = "worker") -> Replay:
        """Train again as the record says, in an experiment of its own, and compare the weights epoch by epoch.

        Also one that was killed and resumed is repeated from its beginning to its end. What `extend` has added is not:
        the repetition has the epochs before it, the result's ``epochs`` says which these are, and what it prints says so.

        Parameters
        ----------
        wait : bool
            Return when the repetition has ended; otherwise the result tells how it stands whenever it is asked.
        run : {"worker", "inline"} or object with ``submit``
            As in `Project.fit`.

        Returns
        -------
        Replay
            Whether the weights are the same, else where they diverged and why.

        Raises
        ------
        TrainingError
            There is no record to repeat.

        Warns
        -----
        UserWarning
            Package versions or the processor differ from the record, so that the weights will too: compare accuracies.
        """
        elsewhere.refuse(self, "replayed")
        return continuing.replay(self, run, wait)

    def purge(self) -> None:
        """Remove a deleted experiment for good: its record, its checkpoints, its predictions, and its files.

        What it has published stays. An experiment that others go on from is not removed: see the error.

        Raises
        ------
        StoreError
            It was not deleted, it is being worked on, or others go on from it. Nothing was removed.
        """
        uid, checkpoints = self.uid, Checkpoints(self)
        super().purge()
        checkpoints.remove()
        self.project.clear_predictions(SimpleNamespace(uid=uid))

    def _datasets_for_archive(self) -> list[Dataset]:
        return elsewhere.for_archive(self)

    def _images_of(self) -> str | None:
        return elsewhere.images_of(self, super()._images_of())

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
        self,
        partition: str = "validation",
        *,
        dataset: DatasetVersion | str | None = None,
        predict: bool = False,
    ) -> Evaluation:
        """Compare the predictions of this experiment with the labels.

        Parameters
        ----------
        partition : {"validation", "test", "unassigned"}
            What to score. No image is ever scored that was trained on, here or in an experiment that this one goes on
            from.
        dataset : DatasetVersion or its uid or name, or "current", optional
            Whose labels are the truth: by default the version that the experiment was trained with; a newer one, or
            ``"current"`` for the labels as they are now, scores the stored predictions against it.
        predict : bool
            Let a worker predict those images first of which no prediction is stored.

        Returns
        -------
        Evaluation
            Its ``unscored`` counts images of the partition that have no stored prediction, or a category that the
            classifier does not know. Images that are in no project are for `Classifier.evaluate`. Of an experiment that
            was imported from another project the predictions and labels that came with it are scored; its images are
            not here, and their ids are negative: minus the id that each one has there.

        Raises
        ------
        EvaluationError
            There is nothing that may be scored.
        """
        if partition not in _SCORABLE:
            raise EvaluationError(
                f"partition must be 'validation', 'test' or 'unassigned'; got {partition!r}. Images that were trained on "
                "are not scored: the result would say nothing about new ones."
            )
        if (kept := elsewhere.kept(self)) is not None:
            if predict or dataset is not None:
                raise EvaluationError(
                    f"{self.name!r} was imported without its images: evaluate(partition) alone scores the predictions and"
                    " labels that came with it. Classifier.evaluate scores images of your own."
                )
            return elsewhere.evaluate(self, kept, partition)
        if "train" not in self.datasets:
            if predict or dataset is not None:
                raise EvaluationError(
                    f"{self.name!r} was not trained by Project.fit: evaluate(partition) alone scores what add_evaluations() "
                    "has recorded."
                )
            return recorded_evaluation(self, partition)
        trained_with = self.project.version(self.datasets["train"].uid)
        ids, categories, label = self._truth(trained_with, partition, dataset)
        if predict:
            there = np.isin(ids, self.project.columns().id)
            known = [part.ids for part in self._predictions()]
            self.project.predict(self, ids[there & ~np.isin(ids, np.concatenate([[], *known]))])
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
        if dataset == "current":
            columns = self.project.columns()
            mine = columns.partition == PARTITIONS.index(partition)
            mine &= (columns.category_id > 0) & ~columns.excluded
            ids, categories = columns.id[mine], columns.category_id[mine]
            label = ("labels as they are now", "")
        else:
            version = trained_with
            if dataset is not None:
                # Also one that is given itself is looked up: ids of another project would name other images.
                version = self.project.version(dataset if isinstance(dataset, str) else dataset.uid)
            mine = np.isin(version.ids, version.select(partition))
            ids, categories = version.ids[mine], version.category_ids[version.labels[mine]]
            label = (version.name, version.uid)
        unseen = ~np.isin(ids, images_trained_on(self, self.project, ids))
        return ids[unseen], categories[unseen], label

    def _predictions(self) -> list[PredictionArrays]:
        """What this classifier has predicted at the end of its training, and later."""
        found = [
            PredictionArrays(part.classes, part.ids, part.probabilities)
            for part in read_evaluations(self, None)
        ]
        later = self.project.prediction_arrays(self.uid)
        if later is not None:
            found.append(later)
        return found

    def _stored_predictions(self) -> PredictionArrays:
        """Every image that this classifier has predicted, each once."""
        found = self._predictions()
        if not found:
            advice = "Wait for its end." if self.status not in ENDED else "evaluate(predict=True) makes them."
            raise EvaluationError(
                f"{self.name!r} has no predictions yet; its status is {self.status}. {advice}"
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
