"""Numbers that say how good a classification is. Pure functions of arrays; definitions as scikit-learn's.

Averages are over all K classes that a classifier knows, with ``labels=range(K)`` in scikit-learn's words, also those
that no image is of and none was predicted as.

Where a number would be a division by zero (the precision of a class that was never predicted, the recall of a class
without images), it is 0, as with scikit-learn's ``zero_division=0``, and `ClassMetrics.undefined` marks the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PROBABILITY_FLOOR = 1e-7


@dataclass(frozen=True)
class ClassMetrics:
    """Per-class numbers, each a (K,) array.

    Attributes
    ----------
    precision : ndarray of float64
        Of the images predicted as the class, the share that is of it.
    recall : ndarray of float64
        Of the images of the class, the share that was predicted as it.
    f1 : ndarray of float64
        Harmonic mean of precision and recall.
    support : ndarray of int64
        Images that are of the class.
    predicted : ndarray of int64
        Images that were predicted as the class.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    predicted: np.ndarray

    @property
    def undefined(self) -> np.ndarray:
        """(K,) bool: precision or recall of the class is 0 only because there is nothing to divide by."""
        nothing: np.ndarray = (self.support == 0) | (self.predicted == 0)
        return nothing


@dataclass(frozen=True)
class Average:
    """Precision, recall and F1, averaged over the classes."""

    precision: float
    recall: float
    f1: float


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count images by true class (rows) and predicted class (columns).

    Parameters
    ----------
    truth, predicted : (N,) ndarray of int
        Indices of classes, 0 to `classes` - 1.
    classes : int

    Returns
    -------
    (K, K) ndarray of int64
    """
    pairs = np.asarray(truth, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=classes * classes).astype(np.int64).reshape(classes, classes)


def class_metrics(matrix: np.ndarray) -> ClassMetrics:
    """Compute precision, recall and F1 of each class.

    Parameters
    ----------
    matrix : (K, K) or (K, K + 1) ndarray of int
        A confusion matrix with rows of truth. A last column counts images for which nothing was predicted: each is one
        of its class that was not found.
    """
    hits = np.diagonal(matrix).astype(np.float64)
    support = matrix.sum(axis=1)
    predicted = matrix.sum(axis=0)[: len(matrix)]
    return ClassMetrics(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, support + predicted),
        support=support.astype(np.int64),
        predicted=predicted.astype(np.int64),
    )


def macro_average(metrics: ClassMetrics) -> Average:
    """Average over all K classes, each counting the same.

    A class without images counts with recall 0, one that was never predicted with precision 0, as with scikit-learn's
    ``average="macro", labels=range(K), zero_division=0``. `balanced_accuracy` leaves classes without images out.
    """
    return Average(float(metrics.precision.mean()), float(metrics.recall.mean()), float(metrics.f1.mean()))


def weighted_average(metrics: ClassMetrics) -> Average:
    """Average over the classes, each counting by its support."""
    total = max(int(metrics.support.sum()), 1)
    weights = metrics.support / total
    return Average(
        float(metrics.precision @ weights), float(metrics.recall @ weights), float(metrics.f1 @ weights)
    )


def accuracy(matrix: np.ndarray) -> float:
    """Share of images on the diagonal of a confusion matrix, as of `class_metrics`; 0 for an empty one."""
    return float(_ratio(np.trace(matrix).astype(np.float64), matrix.sum()))


def balanced_accuracy(metrics: ClassMetrics) -> float:
    """Mean recall of the classes that images are of, as ``sklearn.metrics.balanced_accuracy_score``; 0 without images."""
    recalls = metrics.recall[metrics.support > 0]
    return float(recalls.mean()) if len(recalls) else 0.0


def image_losses(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Cross-entropy of each image in nats, (N,) float64; probabilities are clipped to 1e-7 … 1 - 1e-7."""
    own = np.asarray(probabilities, dtype=np.float64)[
        np.arange(len(truth)), np.asarray(truth, dtype=np.int64)
    ]
    return -np.log(np.clip(own, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR))


def cross_entropy(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of `image_losses`; 0 without images."""
    return float(image_losses(truth, probabilities).mean()) if len(truth) else 0.0


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    ratio = np.zeros(np.shape(numerator), dtype=np.float64)
    np.divide(numerator, denominator, out=ratio, where=np.asarray(denominator) != 0)
    return ratio
