"""How the evaluations of several experiments differ on the images that all of them evaluated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ...errors import StoreError
from ..results.evaluations import UNKNOWN, EvaluationArrays

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EvaluationDifference:
    """N images with the same known truth in all of E evaluations of one partition.

    Attributes
    ----------
    partition : str
    labels : tuple of str
        The E experiments.
    classes : tuple of str
        The K classes, in the order of the first evaluation.
    ids : (N,) ndarray of int64
    truth : (N,) ndarray of int32
        Index in `classes`.
    predictions : (E, N) ndarray of int32
        Index in `classes`; -1 where all probabilities are NaN, which counts as wrong.
    evaluated : tuple of int
        How many images each experiment evaluated.
    relabeled : int
        Images that all evaluated, but whose truth was another one in between; they are left out.
    unlabeled : int
        Images that all evaluated, whose truth is not known in at least one; they are left out.
    """

    partition: str
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    ids: np.ndarray
    truth: np.ndarray
    predictions: np.ndarray
    evaluated: tuple[int, ...]
    relabeled: int
    unlabeled: int

    @property
    def same_images(self) -> bool:
        """Whether every experiment evaluated these images and no others."""
        return all(count == len(self.ids) for count in self.evaluated)

    @property
    def correct(self) -> np.ndarray:
        """(E, N) ndarray of bool."""
        return np.asarray(self.predictions == self.truth)

    @property
    def accuracy(self) -> pd.Series:
        """Fraction of the N images that each experiment got right, by experiment."""
        import pandas as pd

        return pd.Series(self.correct.mean(axis=1), index=list(self.labels), name="accuracy")

    @property
    def disagreements(self) -> pd.DataFrame:
        """Images that some got right and others wrong: index id; truth and what each experiment predicted."""
        import pandas as pd

        right = self.correct.sum(axis=0)
        chosen = (right > 0) & (right < len(self.labels))
        names = np.array([*self.classes, None], dtype=object)
        columns = [("truth", ""), *(("prediction", label) for label in self.labels)]
        values = [names[self.truth[chosen]], *names[self.predictions[:, chosen]]]
        return pd.DataFrame(
            dict(zip(columns, values, strict=True)),
            index=pd.Index(self.ids[chosen], name="id"),
            columns=pd.MultiIndex.from_tuples(columns),
        )

    @property
    def p_values(self) -> pd.DataFrame:
        """McNemar's exact p-value of each pair of experiments; 1 on the diagonal."""
        import pandas as pd

        table = np.ones((len(self.labels), len(self.labels)))
        correct = self.correct
        for one, other in combinations(range(len(self.labels)), 2):
            only_one = int((correct[one] & ~correct[other]).sum())
            only_other = int((correct[other] & ~correct[one]).sum())
            table[one, other] = table[other, one] = mcnemar(only_one, only_other)
        return pd.DataFrame(table, index=list(self.labels), columns=list(self.labels))

    @property
    def p_value(self) -> float:
        """That of the first and the last experiment, which of two is the only one.

        How probable so uneven a difference, or a more uneven one, would be if both were right equally often.
        """
        return float(self.p_values.to_numpy()[0, -1])

    def __repr__(self) -> str:
        scores = ", ".join(f"{label} {value:.3f}" for label, value in self.accuracy.items())
        return (
            f"<EvaluationDifference of {self.partition!r} on {len(self.ids)} images: accuracy {scores};"
            f" {len(self.disagreements)} images on which they differ, p = {self.p_value:.3g}>"
        )


def evaluation_difference(
    labels: Sequence[str], evaluations: Sequence[EvaluationArrays]
) -> EvaluationDifference:
    """Put evaluations of one partition side by side.

    Raises
    ------
    StoreError
        The classes differ, or no image with a known truth is in all of them.
    """
    first = evaluations[0]
    for label, evaluation in zip(labels, evaluations, strict=True):
        if set(evaluation.classes) != set(first.classes):
            raise StoreError(
                f"The evaluations of {first.partition!r} cannot be compared: {labels[0]!r} has the classes"
                f" {first.classes}, and {label!r} has {evaluation.classes}."
            )
    common = first.ids
    for evaluation in evaluations[1:]:
        common = np.intersect1d(common, evaluation.ids, assume_unique=True)
    truths, predictions = [], []
    for evaluation in evaluations:
        # the same classes in another order are the same classes
        index = np.array([*(first.classes.index(name) for name in evaluation.classes), UNKNOWN], np.int32)
        rows = np.searchsorted(evaluation.ids, common)
        truths.append(index[evaluation.truth[rows]])
        predictions.append(index[evaluation.prediction[rows]])
    truth = np.stack(truths)
    known = (truth != UNKNOWN).all(axis=0)
    same = (truth == truth[0]).all(axis=0)
    chosen = known & same
    if not chosen.any():
        raise StoreError(
            f"The evaluations of {first.partition!r} cannot be compared: no image has the same known category"
            f" in all of them; {len(common)} images are in all. Evaluate the experiments on the same images."
        )
    return EvaluationDifference(
        first.partition,
        tuple(labels),
        tuple(first.classes),
        common[chosen],
        truth[0, chosen],
        np.stack(predictions)[:, chosen],
        tuple(len(evaluation.ids) for evaluation in evaluations),
        int((known & ~same).sum()),
        int((~known).sum()),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of McNemar's test: a binomial test of the images that one alone got right.

    Parameters
    ----------
    only_first, only_second : int
        How many images only the first, and only the second, classifier got right.

    References
    ----------
    Q. McNemar, Psychometrika 12 (1947), 153-157, with the binomial distribution in place of its approximation.
    """
    count = only_first + only_second
    fewer = min(only_first, only_second)
    if 2 * fewer == count:
        return 1.0
    # sum of the binomial coefficients up to `fewer`, over 2 ** count: by logarithms, which do not overflow
    steps = np.arange(fewer, dtype=np.float64)
    logarithms = np.concatenate([[0.0], np.cumsum(np.log((count - steps) / (steps + 1)))])
    largest = logarithms.max()
    total = largest + math.log(np.exp(logarithms - largest).sum()) - count * math.log(2)
    return min(1.0, 2 * math.exp(total))
