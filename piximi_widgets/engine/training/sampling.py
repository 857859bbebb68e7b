"""Which images an epoch visits, in what order, and how much each counts."""

from __future__ import annotations

import math

import numpy as np

from ..config import TrainingConfig

# Separates the choice of repeated images from the streams of the order and of augmentation.
_REPEATS = 100


def epoch_order(config: TrainingConfig, labels: np.ndarray, epoch: int) -> np.ndarray:
    """Return the positions of the images that `epoch` visits, in order.

    Parameters
    ----------
    config : TrainingConfig
        With ``oversampling`` all classes are visited as often as the largest; which images of a class come once more
        than others is drawn anew for each epoch. Without ``shuffle`` all epochs are alike.
    labels : (N,) ndarray of int
    epoch : int
        From 1.

    Returns
    -------
    (V,) ndarray of int64
        V is the same in all epochs.
    """
    visits = np.arange(len(labels))
    if config.oversampling:
        visits = np.concatenate([visits, _repeats(config, labels, epoch)])
    if config.shuffle:
        visits = visits[np.random.default_rng([config.seed, epoch]).permutation(len(visits))]
    return visits


def _repeats(config: TrainingConfig, labels: np.ndarray, epoch: int) -> np.ndarray:
    generator = np.random.default_rng([config.seed, epoch, _REPEATS])
    classes, counts = np.unique(labels, return_counts=True)
    chosen = []
    for label, count in zip(classes, counts, strict=True):
        rows = np.flatnonzero(labels == label)
        whole, rest = divmod(int(counts.max() - count), int(count))
        some = generator.permutation(rows)[:rest] if config.shuffle else rows[:rest]
        chosen += [*[rows] * whole, np.sort(some)]
    return np.sort(np.concatenate(chosen))


def image_weights(config: TrainingConfig, labels: np.ndarray) -> np.ndarray:
    """Return how much each image counts in the loss, (N,) float32; the mean over the visits of an epoch is 1.

    Notes
    -----
    balanced is ``n / (K * count)``, with the K classes that there are; after oversampling they are balanced already.
    """
    if config.class_weights == "none" or config.oversampling or not len(labels):
        return np.ones(len(labels), dtype=np.float32)
    _, indices, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(counts) * counts))[indices].astype(np.float32)


def padding(visits: int, size: int) -> np.ndarray:
    """Return 1 for each place in the batches of an epoch that holds a visit, and 0 for those that fill the last batch.

    All batches have one shape, and the last one still counts only the images that it has.

    Returns
    -------
    (batches, size) ndarray of float32
    """
    total = math.ceil(visits / size)
    return (np.arange(total * size) < visits).astype(np.float32).reshape(total, size)
