"""What a classifier got right and wrong on images whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataset.fields.certainty import entropy, margin
from ..errors import EvaluationError
from ..experiments.results import scores
from ..experiments.results.scores import Average, ClassMetrics

if TYPE_CHECKING:
    import pandas as pd

_MATRIX_UP_TO = 30
_NAME_LENGTH = 40


class Evaluation:
    """Predictions against truth, image by image, and the numbers that follow from them.

    Parameters
    ----------
    classes : sequence of str
        K names, in the order of the columns of `probabilities`.
    ids : (N,) array of int
        Ids of the images.
    truth : (N,) array of int
        The true class of each image, as an index into `classes`.
    probabilities : (N, K) array of float
    partition : str
        What was scored: ``"validation"``, ``"test"``, ``"unassigned"``, or ``"new"`` for images that are in no project.
    dataset_name, dataset_uid : str
        The dataset version whose labels are the truth.
    unscored : int
        Images of the partition that could not be scored: no prediction of them is stored, or the classifier does not
        know their category.
    names : sequence of str or int, optional
        What the N images are called, where their ids do not say it: the paths of files.

    Raises
    ------
    EvaluationError
        There is no image to score, or the arrays do not fit together.
    """

    def __init__(
        self,
        classes: Sequence[str],
        ids: np.ndarray,
        truth: np.ndarray,
        probabilities: np.ndarray,
        *,
        partition: str = "validation",
        dataset_name: str = "",
        dataset_uid: str = "",
        unscored: int = 0,
        names: Sequence[str | int] | None = None,
    ) -> None:
        self.classes = list(classes)
        self.ids = np.asarray(ids, dtype=np.int64)
        self.truth = np.asarray(truth, dtype=np.int64)
        self.probabilities = np.asarray(probabilities, dtype=np.float32)
        self.partition = partition
        self.dataset_name = dataset_name
        self.dataset_uid = dataset_uid
        self.unscored = unscored
        self.names = None if names is None else list(names)
        self._check()

    def _check(self) -> None:
        count, size = len(self.ids), len(self.classes)
        if count == 0:
            if self.partition == "new":
                raise EvaluationError(
                    "None of these images has a label that the classifier knows. Give each one of its classes: "
                    f"{', '.join(map(repr, self.classes[:10]))}{'…' if size > 10 else ''}."
                )
            raise EvaluationError(
                f"There is no labeled image in the {self.partition} partition that may be scored. "
                "Label some, or choose another partition."
            )
        if self.truth.shape != (count,) or self.probabilities.shape != (count, size):
            raise EvaluationError(
                f"{count} ids and {size} classes need truth of shape ({count},) and probabilities of shape "
                f"({count}, {size}); got {self.truth.shape} and {self.probabilities.shape}."
            )
        if self.names is not None and len(self.names) != count:
            raise EvaluationError(f"{count} ids need as many names; got {len(self.names)}.")
        if self.truth.min() < 0 or self.truth.max() >= size:
            raise EvaluationError(
                f"Truth must hold indices from 0 to {size - 1}, one for each of the classes."
            )
        if not np.isfinite(self.probabilities).all():
            raise EvaluationError(
                "The classifier gave probabilities that are not numbers. Train again with a smaller learning rate."
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return (
            f"Evaluation({len(self)} {self.partition} images of {self.dataset_name!r}: "
            f"accuracy {self.accuracy:.3f}, balanced {self.balanced_accuracy:.3f}, "
            f"cross-entropy {self.cross_entropy:.3f})"
        )

    @cached_property
    def predicted(self) -> np.ndarray:
        """(N,) int64: the most probable class of each image; of equally probable ones the first."""
        best: np.ndarray = self.probabilities.argmax(axis=1)
        return best

    @cached_property
    def confusion_matrix(self) -> np.ndarray:
        """(K, K) int64: images by true class (rows) and predicted class (columns)."""
        return scores.confusion_matrix(self.truth, self.predicted, len(self.classes))

    @cached_property
    def class_metrics(self) -> ClassMetrics:
        """Precision, recall, F1 and support of each class as arrays."""
        return scores.class_metrics(self.confusion_matrix)

    @property
    def accuracy(self) -> float:
        """Share of the images that were predicted right."""
        return scores.accuracy(self.confusion_matrix)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that images are of: what `accuracy` would be if these had as many images each."""
        return scores.balanced_accuracy(self.class_metrics)

    @cached_property
    def cross_entropy(self) -> float:
        """Mean cross-entropy in nats, probabilities clipped to 1e-7 … 1 - 1e-7."""
        return scores.cross_entropy(self.truth, self.probabilities)

    @property
    def macro(self) -> Average:
        """Precision, recall and F1, every class counting the same, also one without images or predictions, as 0."""
        return scores.macro_average(self.class_metrics)

    @property
    def weighted(self) -> Average:
        """Precision, recall and F1, each class counting by its number of images."""
        return scores.weighted_average(self.class_metrics)

    @property
    def per_class(self) -> pd.DataFrame:
        """Index category; columns precision, recall, f1, support, predicted, undefined.

        ``undefined`` is True where a 0 only means that no image is of the class, or none was predicted as it.
        """
        import pandas as pd

        values = self.class_metrics
        return pd.DataFrame(
            {
                "precision": values.precision,
                "recall": values.recall,
                "f1": values.f1,
                "support": values.support,
                "predicted": values.predicted,
                "undefined": values.undefined,
            },
            index=pd.Index(self.classes, name="category"),
        )

    @property
    def predictions(self) -> pd.DataFrame:
        """Every image: index id; columns truth, prediction, confidence, loss, margin, entropy, and ``p(name)`` by class.

        Where images have `names`, these are a further column, the first one.

        Notes
        -----
        ``prediction`` is the most probable class, of equally probable ones the first, and ``confidence`` its
        probability. ``loss`` is the cross-entropy of the image, minus the logarithm of its true class's probability,
        clipped to 1e-7 … 1 - 1e-7; its mean is `cross_entropy`. ``margin`` is the best probability minus the second
        best: near 0 where the classifier hesitates between two classes. ``entropy`` is minus the sum of p log p over
        the classes: 0 where it is sure, log K where all are as likely. Loss and entropy are in nats.
        """
        import pandas as pd

        names = np.asarray(self.classes, dtype=object)
        columns: dict[str, Any] = {} if self.names is None else {"name": self.names}
        columns |= {
            "truth": names[self.truth],
            "prediction": names[self.predicted],
            "confidence": self.probabilities.max(axis=1),
            "loss": scores.image_losses(self.truth, self.probabilities),
            "margin": margin(self.probabilities),
            "entropy": entropy(self.probabilities),
        }
        for index, name in enumerate(self.classes):
            columns[f"p({name})"] = self.probabilities[:, index]
        return pd.DataFrame(columns, index=pd.Index(self.ids, name="id"))

    def ids_of(self, truth: int | None = None, predicted: int | None = None) -> np.ndarray:
        """Return the ids of the images in one cell, row or column of the confusion matrix, the least sure first.

        Parameters
        ----------
        truth, predicted : int, optional
            Indices into `classes`; None means any.
        """
        wanted = np.ones(len(self), dtype=bool)
        if truth is not None:
            wanted &= self.truth == truth
        if predicted is not None:
            wanted &= self.predicted == predicted
        order = np.argsort(self.probabilities.max(axis=1)[wanted], kind="stable")
        return self.ids[wanted][order]

    def _repr_html_(self) -> str:
        measured = f"{len(self)} {self.partition} images"
        if self.dataset_name:
            whose = "the labels of dataset version " if self.dataset_uid else "the "
            measured += f", with {whose}{self.dataset_name}"
        if self.unscored:
            measured += f" ({self.unscored} more could not be scored)"
        head = (
            f"<p><b>Accuracy {self.accuracy:.1%}</b> · balanced {self.balanced_accuracy:.1%} · cross-entropy {self.cross_entropy:.3f} · "
            f"macro F1 {self.macro.f1:.3f} · measured on {escape(measured)}</p>"
        )
        body = self._matrix_html() if len(self.classes) <= _MATRIX_UP_TO else self._confusions_html()
        return f"<div>{head}{body}</div>"

    def _matrix_html(self) -> str:
        values = self.class_metrics
        rows = [
            "<tr><th>truth ↓ · prediction →</th>"
            + "".join(f"<th>{_short(name)}</th>" for name in self.classes)
            + "<th>precision</th><th>recall</th><th>F1</th><th>support</th></tr>"
        ]
        for index, name in enumerate(self.classes):
            total = int(values.support[index])
            cells = "".join(
                _cell(int(count), total, right=column == index)
                for column, count in enumerate(self.confusion_matrix[index])
            )
            precision = f"{values.precision[index]:.3f}" if values.predicted[index] else "0 (never predicted)"
            recall = f"{values.recall[index]:.3f}" if total else "0 (no image)"
            rows.append(
                f"<tr><th>{_short(name)}</th>{cells}<td>{precision}</td><td>{recall}</td>"
                f"<td>{values.f1[index]:.3f}</td><td>{total}</td></tr>"
            )
        return f"<table>{''.join(rows)}</table>"

    def _confusions_html(self) -> str:
        errors = self.confusion_matrix.copy()
        np.fill_diagonal(errors, 0)
        worst = np.argsort(-errors, axis=None, kind="stable")[:_MATRIX_UP_TO]
        rows = []
        for row, column in zip(*np.unravel_index(worst, errors.shape), strict=True):
            if errors[row, column]:
                rows.append(
                    f"<tr><td>{_short(self.classes[row])}</td><td>{_short(self.classes[column])}</td>"
                    f"<td>{errors[row, column]}</td></tr>"
                )
        return (
            f"<p>The most frequent confusions of {len(self.classes)} classes:</p>"
            f"<table><tr><th>truth</th><th>prediction</th><th>images</th></tr>{''.join(rows)}</table>"
        )


def _cell(count: int, total: int, *, right: bool) -> str:
    if not count:
        return "<td></td>"
    # Half-transparent colours stay readable on light and on dark pages.
    color = "46,125,50" if right else "198,40,40"
    share = count / total
    return f'<td style="background:rgba({color},{0.15 + 0.5 * share:.2f})" title="{share:.1%}">{count}</td>'


def _short(name: str) -> str:
    return escape(name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…")
