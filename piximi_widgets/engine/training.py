"""The training loop: resident pixels, whole runs of batches in one compiled call, one callback between calls.

A call of Keras' ``fit`` spends most of a small network's time between the steps. Here the pixels are one tensor, and a
graph function takes the indices of several batches, gathers, differentiates and applies them in a loop of its own. It
returns at least five times a second, so that progress is live and Stop is quick. XLA stays off: it is slow on CPUs.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import TrainingError
from .augmentation import shift_transforms
from .config import TrainingConfig
from .partitions import Partition
from .steps import Stepper

if TYPE_CHECKING:
    import keras

_CALL_SECONDS = 0.1


@dataclass(frozen=True)
class BatchReport:
    """Batches that were just done.

    Attributes
    ----------
    epoch : int
        From 1.
    first_step : int
        Number of the first of these batches, counted from 1 over the whole training.
    losses : (n,) ndarray of float32
        Mean loss of each batch.
    done, total : int
        Batches of this epoch that are done, and all of them.
    """

    epoch: int
    first_step: int
    losses: np.ndarray
    done: int
    total: int


@dataclass(frozen=True)
class EpochReport:
    """An epoch that was just done.

    Attributes
    ----------
    epoch : int
        From 1.
    loss, accuracy : float
        Means over the epoch's training images, each taken when its batch was visited, while the weights moved: as Keras
        reports them. They lag behind what the weights at the epoch's end would score.
    val_loss, val_accuracy : float or None
        Of the weights at the epoch's end on the validation images; None without any.
    seconds : float
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


def train(
    model: keras.Model,
    config: TrainingConfig,
    training: Partition,
    validation: Partition,
    *,
    on_batches: Callable[[BatchReport], None] | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train `model` in place.

    Parameters
    ----------
    model : keras.Model
        Ends in a Dense layer with softmax; the loss is computed from what goes into the softmax.
    config : TrainingConfig
    training, validation : Partition
        `validation` is only scored, never learned from; it may be empty.
    on_batches, on_epoch : callable, optional
        Called in this thread, after some batches and after each epoch.
    stop : callable
        Asked several times a second.

    Returns
    -------
    bool
        False if `stop` ended the training early; the model then holds the weights so far.

    Raises
    ------
    TrainingError
        The loss is no longer a number.
    """
    import tensorflow as tf

    stepper = Stepper(model, config)
    pixels, labels = tf.constant(training.pixels), tf.constant(training.labels, tf.int32)
    weights, counts = _batch_weights(len(training), config.batch_size)
    total = len(counts)
    calls = _CallLength(total)
    for epoch in range(1, config.epochs + 1):
        started = time.perf_counter()
        order = np.resize(epoch_order(config, len(training), epoch), weights.shape)
        data = pixels, labels, tf.constant(shift_transforms(config, training.pixels.shape, epoch))
        batches = tf.constant(order, tf.int32), tf.constant(weights)
        stepper.set_learning_rate(learning_rate(config, epoch))
        loss_sum, hits, done = 0.0, 0.0, 0
        while done < total:
            if stop():
                return False
            until = min(done + calls.steps, total)
            with calls:
                losses, correct = stepper.run(data, *batches, done, until)
            _check_losses(losses, epoch, done, config)
            loss_sum += float(losses.astype(np.float64) @ counts[done:until])
            hits += float(correct.sum())
            first_step = (epoch - 1) * total + done + 1
            done = until
            if on_batches is not None:
                on_batches(BatchReport(epoch, first_step, losses, done, total))
        val_loss, val_accuracy = None, None
        if len(validation):
            scored = stepper.score(validation.pixels, validation.labels, stop)
            if scored is None:
                return False
            val_loss, val_accuracy = scored
        if on_epoch is not None:
            seconds = time.perf_counter() - started
            loss, accuracy = loss_sum / len(training), hits / len(training)
            on_epoch(EpochReport(epoch, loss, accuracy, val_loss, val_accuracy, seconds))
    return True


def epoch_order(config: TrainingConfig, count: int, epoch: int) -> np.ndarray:
    """Return the order, (count,) int64, in which `epoch` (from 1) visits the training images."""
    if not config.shuffle:
        return np.arange(count)
    return np.random.default_rng([config.seed, epoch]).permutation(count)


def _batch_weights(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    # The last batch is filled up with images of weight 0: all batches have one shape, and it still counts only
    # the images that it has.
    total = math.ceil(count / size)
    weights = (np.arange(total * size) < count).astype(np.float32).reshape(total, size)
    return weights, weights.sum(axis=1, dtype=np.float64)


def learning_rate(config: TrainingConfig, epoch: int) -> float:
    """Return the learning rate of `epoch` (from 1)."""
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / config.epochs))


def weights_digest(model: keras.Model) -> str:
    """Return the SHA-256 (hex) of all weights: equal only for weights that are equal bit for bit."""
    digest = hashlib.sha256()
    for variable in model.weights:
        values = np.ascontiguousarray(variable.numpy())
        digest.update(f"{variable.path} {values.shape} {values.dtype.str}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


class _CallLength:
    """How many batches one call may take so that it returns in time; changes the pace, never the result."""

    def __init__(self, total: int) -> None:
        self.steps = 1
        self._total = total
        self._calls = 0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._calls += 1
        # The first call also builds the graph and says nothing about the pace.
        if self._calls > 1:
            pace = (time.perf_counter() - self._started) / self.steps
            self.steps = max(1, min(self._total, self.steps * 4, int(_CALL_SECONDS / max(pace, 1e-6))))


def _check_losses(losses: np.ndarray, epoch: int, done: int, config: TrainingConfig) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise TrainingError(
            f"In epoch {epoch}, batch {done + int(bad[0]) + 1}, the loss was no longer a number: the steps were too "
            f"large. Try a smaller learning rate than {config.learning_rate:g}, for example {config.learning_rate / 10:g}."
        )
