"""The training loop: whole runs of batches in one compiled call, one callback between calls.

A call of Keras' ``fit`` spends most of a small network's time between the steps. Here the pixels are one tensor, and a
graph function takes the indices of several batches, gathers, differentiates and applies them in a loop of its own. It
returns at least four times a second, so that progress is live and Stop is quick. How the batches fall into calls never
changes the result: what is random is drawn for whole epochs, from the seed and the epoch alone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import TrainingError
from ..augmentation import Channels, draw, measure_channels
from ..config import TrainingConfig
from ..partitions import Partition
from .early_stopping import EarlyStopping
from .feeding import Feed
from .head import HeadStepper, linear_head
from .prerequisites import augments, check_training
from .reports import BatchReport, EpochReport
from .sampling import epoch_order, image_weights, padding
from .schedules import Schedule
from .stages import Stage
from .state import Position, TrainingState, assign, listed, named, seed_layers
from .steps import Stepper

if TYPE_CHECKING:
    import keras

__all__ = ["BatchReport", "EpochReport", "Partition", "Stage", "TrainingState", "train", "weights_digest"]

_CALL_SECONDS = 0.1


def train(
    model: keras.Model,
    config: TrainingConfig,
    training: Partition,
    validation: Partition,
    *,
    on_batches: Callable[[BatchReport], None] | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    resume_from: TrainingState | None = None,
    stages: Sequence[Stage] | None = None,
    epoch_pixels: Callable[[int], np.ndarray | None] | None = None,
) -> bool:
    """Train `model` in place.

    Parameters
    ----------
    model : keras.Model
        Its output are (N, K) probabilities; the loss is computed from what goes into its softmax.
    config : TrainingConfig
    training, validation : Partition
        `validation` is only scored, never learned from; it may be empty.
    on_batches, on_epoch : callable, optional
        Called in this thread, after some batches and after each epoch.
    stop : callable
        Asked several times a second.
    resume_from : TrainingState, optional
        Continue behind its epoch, with the same settings, data and stages; stages may be added behind. Everything ends
        as if the training had never been interrupted, bit for bit.
    stages : sequence of Stage, optional
        By default one of the settings' epochs.
    epoch_pixels : callable, optional
        Returns for an epoch (from 1) what replaces `training.pixels` in it, (N, ...) float32. There is no augmentation
        then: whoever gives the pixels has seen to it.

    Returns
    -------
    bool
        False if `stop` ended the training early; the model then holds the weights so far. With early stopping a finished
        training leaves those of its best epoch.

    Raises
    ------
    ConfigurationError
        Settings contradict each other; nothing was trained.
    NotTrainableError
        There are no training images.
    TrainingError
        The loss is no longer a number, or `resume_from` is of another network.
    """
    stages = [Stage(config.epochs)] if stages is None else stages
    check_training(model, config, training, stages, given_pixels=epoch_pixels is not None)
    loop = _Loop(model, config, training, validation, on_batches, on_epoch, stop, epoch_pixels)
    seed_layers(model, config.seed)
    if resume_from is not None:
        loop.take_over(resume_from)
    with loop.feed:
        for index, stage in enumerate(stages):
            if stage.trainable is not None:
                stage.trainable(model)
            if index >= loop.position.stage and not loop.run_stage(stage, resume_from):
                return False
    return True


class _Loop:
    """One training: what stays the same over its epochs, and where it is."""

    def __init__(
        self,
        model: keras.Model,
        config: TrainingConfig,
        training: Partition,
        validation: Partition,
        on_batches: Callable[[BatchReport], None] | None,
        on_epoch: Callable[[EpochReport], None] | None,
        stop: Callable[[], bool],
        epoch_pixels: Callable[[int], np.ndarray | None] | None,
    ) -> None:
        import tensorflow as tf

        self._tf = tf
        self._model, self._config = model, config
        self._training, self._validation = training, validation
        self._on_batches, self._on_epoch, self._stop = on_batches, on_epoch, stop
        self._epoch_pixels = epoch_pixels
        self._channels: Channels | None = None
        if epoch_pixels is None and augments(config):
            self._channels = measure_channels(config, training)
        self._labels = tf.constant(training.labels, tf.int32)
        self._weights = image_weights(config, training.labels)
        self._visits = len(epoch_order(config, training.labels, 1))
        self._padding = padding(self._visits, config.batch_size)
        self._calls = _CallLength(len(self._padding))
        self._stopping = EarlyStopping(config)
        self.position = Position()
        self.feed = Feed(training)

    def take_over(self, state: TrainingState) -> None:
        """Continue behind the epoch of `state`."""
        assign(self._model.variables, state, "model")
        self.position = Position(state.epoch, state.values["stage"], state.values["stage_epoch"])
        self._stopping.go_to(state.values["early_stopping"], listed(state, "best") or None)

    def run_stage(self, stage: Stage, resumed: TrainingState | None) -> bool:
        """Train the epochs of `stage` that are not done; False when stopped."""
        position = self.position
        schedule = Schedule(self._config, stage.epochs, stage.rate)
        if position.stage_epoch:
            assert resumed is not None
            schedule.go_to(resumed.values["schedule"])
        stepper: Stepper | HeadStepper | None = None
        while position.stage_epoch < stage.epochs and not self._stopping.over:
            if stepper is None:
                shape = self._training.pixels.shape[1:]
                head = linear_head(self._model, self._config)
                if head is None:
                    stepper = Stepper(self._model, self._config, shape, self._channels)
                else:
                    stepper = HeadStepper(head, self._config)
                if position.stage_epoch:
                    assert resumed is not None
                    assign(stepper.state, resumed, "optimizer")
            if not self._run_epoch(stepper, schedule):
                return False
        self._stopping.restore(self._model)
        position.stage, position.stage_epoch = position.stage + 1, 0
        return True

    def _run_epoch(self, stepper: Stepper | HeadStepper, schedule: Schedule) -> bool:
        started = time.perf_counter()
        position = self.position
        rates = schedule.rates(position.stage_epoch + 1, len(self._padding))
        trained = self._train_epoch(stepper, position.epoch + 1, rates)
        if trained is None:
            return False
        scored: tuple[float | None, float | None] | None = (None, None)
        if len(self._validation):
            scored = stepper.score(self._validation, self._stop)
        if scored is None:
            return False
        position.epoch, position.stage_epoch = position.epoch + 1, position.stage_epoch + 1
        epoch, seconds = position.epoch, time.perf_counter() - started

        def state() -> TrainingState:
            if self.position.epoch != epoch:
                raise RuntimeError(f"epoch {epoch} is over; ask for its state before on_epoch returns")
            return self._capture(stepper, schedule)

        report = EpochReport(epoch, *trained, *scored, seconds, float(rates[-1]), state)
        schedule.observe(position.stage_epoch, report.watched_loss)
        self._stopping.observe(report.watched_loss, self._model)
        if self._on_epoch is not None:
            self._on_epoch(report)
        return True

    def _train_epoch(
        self, stepper: Stepper | HeadStepper, epoch: int, rates: np.ndarray
    ) -> tuple[float, float] | None:
        """Return the mean loss and accuracy; None when stopped."""
        order = np.resize(epoch_order(self._config, self._training.labels, epoch), self._padding.shape)
        counts = self._padding.sum(axis=1)
        weights = self._padding * self._weights[order]
        draws = self._draws(epoch)
        inputs = None if self._epoch_pixels is None else self._epoch_pixels(epoch)
        if inputs is None and self._epoch_pixels is not None:
            return None
        self.feed.begin(order, inputs)
        loss_sum, hits, done, total = 0.0, 0.0, 0, len(order)
        while done < total:
            if self._stop():
                return None
            until = min(done + min(self._calls.steps, self.feed.most), total)
            with self._calls as call:
                pixels, rows, until = self.feed.fetch(done, until)
                self.feed.announce(until, min(until + min(self._calls.steps, self.feed.most), total))
                now = slice(done, until)
                images = order[now].astype(np.int32)
                shares = weights[now], counts[now], rates[now].astype(np.float32)
                losses, correct = stepper.run(pixels, self._labels, draws, rows, images, *shares)
                call.done(until - done)
            _check_losses(losses, epoch, done, self._config)
            loss_sum += float(losses.astype(np.float64) @ counts[now])
            hits += float(correct.sum())
            if self._on_batches is not None:
                self._on_batches(BatchReport(epoch, (epoch - 1) * total + done + 1, losses, until, total))
            done = until
        return loss_sum / self._visits, hits / self._visits

    def _draws(self, epoch: int) -> dict[str, Any]:
        if self._channels is None:
            return {}
        drawn = draw(self._config, self._training.pixels.shape, epoch).arrays()
        return {name: self._tf.constant(value) for name, value in drawn.items()}

    def _capture(self, stepper: Stepper | HeadStepper, schedule: Schedule) -> TrainingState:
        position = self.position
        arrays: dict[str, np.ndarray] = {}
        for kind, variables in (("model", self._model.variables), ("optimizer", stepper.state)):
            arrays |= named(kind, [variable.numpy() for variable in variables])
        if self._stopping.weights is not None:
            arrays |= named("best", self._stopping.weights)
        values = {
            "stage": position.stage,
            "stage_epoch": position.stage_epoch,
            "schedule": schedule.position(),
            "early_stopping": self._stopping.position(),
        }
        return TrainingState(position.epoch, arrays, values)


def weights_digest(model: keras.Model) -> str:
    """Return the SHA-256 (hex) of all weights: equal only for weights that are equal bit for bit."""
    digest = hashlib.sha256()
    # By their places: Keras numbers layers without a name differently each time that it builds them.
    for place, variable in enumerate(model.weights):
        values = np.ascontiguousarray(variable.numpy())
        digest.update(f"{place} {values.shape} {values.dtype.str}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


class _CallLength:
    """How many batches one call may take so that it returns in time; changes the pace, never the result."""

    def __init__(self, total: int) -> None:
        self.steps = 1
        self._total = total
        self._calls = 0
        self._started = 0.0
        self._taken = 1

    def __enter__(self) -> _CallLength:
        self._started = time.perf_counter()
        return self

    def done(self, steps: int) -> None:
        """Say how many batches this call had."""
        self._taken = steps

    def __exit__(self, *_: object) -> None:
        self._calls += 1
        # The first call also builds the graph and says nothing about the pace.
        if self._calls > 1:
            pace = (time.perf_counter() - self._started) / self._taken
            self.steps = max(1, min(self._total, self.steps * 4, int(_CALL_SECONDS / max(pace, 1e-6))))


def _check_losses(losses: np.ndarray, epoch: int, done: int, config: TrainingConfig) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        rate = config.learning_rate
        clipping = "" if config.gradient_clipping else ", or gradient clipping of 1"
        raise TrainingError(
            f"In epoch {epoch}, batch {done + int(bad[0]) + 1}, the loss was no longer a number: the steps were too "
            f"large. Try a smaller learning rate than {rate:g}, for example {rate / 10:g}{clipping}."
        )
