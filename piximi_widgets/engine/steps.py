"""What one step of a training computes: TensorFlow graph functions over resident pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .config import TrainingConfig

if TYPE_CHECKING:
    import keras

_SCORE_BATCH = 256


class Stepper:
    """The graph functions of one training, and the optimizer's state.

    Parameters
    ----------
    model : keras.Model
        Ends in a Dense layer with softmax.
    config : TrainingConfig
    """

    def __init__(self, model: keras.Model, config: TrainingConfig) -> None:
        import tensorflow as tf

        self._tf = tf
        self._model = model
        self._config = config
        self._variables = [variable.value for variable in model.trainable_variables]
        self._slots = [
            [tf.Variable(tf.zeros_like(variable)) for variable in self._variables]
            for _ in range(2 if config.optimizer == "adam" else 1)
        ]
        self._step = tf.Variable(0, dtype=tf.int64)
        self._rate = tf.Variable(config.learning_rate, dtype=tf.float32)
        self._train = tf.function(self._train_batches, jit_compile=False, autograph=False)
        self._score = tf.function(self._score_batch, jit_compile=False, autograph=False)

    def set_learning_rate(self, rate: float) -> None:
        """Use `rate` from the next step on."""
        self._rate.assign(rate)

    def run(
        self, data: tuple[Any, Any, Any], order: Any, weights: Any, start: int, stop: int
    ) -> tuple[Any, Any]:
        """Train on batches `start` to `stop`; return the mean loss and the hits of each as (n,) float32.

        Parameters
        ----------
        data : pixels (N, h, w, C) float32, labels (N,) int32, transforms (N, 8) float32
        order : (batches, size) tensor of int32
            Which images each batch holds.
        weights : (batches, size) tensor of float32
            1, or 0 for an image that only fills up its batch.
        start, stop : int
        """
        tf = self._tf
        losses, hits = self._train(*data, order, weights, tf.constant(start), tf.constant(stop))
        return losses.numpy(), hits.numpy()

    def score(
        self, pixels: np.ndarray, labels: np.ndarray, stop: Callable[[], bool]
    ) -> tuple[float, float] | None:
        """Return mean loss and accuracy; None when stopped."""
        loss_sum, hits = 0.0, 0
        for start in range(0, len(labels), _SCORE_BATCH):
            if stop():
                return None
            chunk = slice(start, start + _SCORE_BATCH)
            truth = self._tf.constant(labels[chunk], self._tf.int32)
            losses, correct = self._score(self._tf.constant(pixels[chunk]), truth)
            loss_sum += float(losses.numpy().sum(dtype=np.float64))
            hits += int(correct)
        return loss_sum / len(labels), hits / len(labels)

    def _logits(self, x: Any, training: bool) -> Any:
        *body, head = self._model.layers
        for layer in body:
            x = layer(x, training=training)
        return self._tf.linalg.matmul(x, head.kernel.value) + head.bias.value

    def _train_batches(
        self, pixels: Any, labels: Any, transforms: Any, order: Any, weights: Any, start: Any, stop: Any
    ) -> tuple[Any, Any]:
        tf = self._tf

        def batch(index: Any, losses: Any, hits: Any) -> tuple[Any, Any, Any]:
            total = tf.reduce_sum(weights[index])
            parts = [
                self._part(self._views(pixels, transforms, chosen), tf.gather(labels, chosen), weight, total)
                for chosen, weight in zip(self._split(order[index]), self._split(weights[index]), strict=True)
            ]
            part_losses, part_hits, part_gradients = zip(*parts, strict=True)
            self._apply([tf.add_n(gradients) for gradients in zip(*part_gradients, strict=True)])
            losses = losses.write(index - start, tf.add_n(part_losses))
            return index + 1, losses, hits.write(index - start, tf.add_n(part_hits))

        empty = tf.TensorArray(tf.float32, stop - start)
        _, losses, hits = tf.while_loop(
            lambda index, *_: index < stop, batch, (start, empty, empty), parallel_iterations=1
        )
        return losses.stack(), hits.stack()

    def _split(self, batch: Any) -> list[Any]:
        # Two halves of a batch run side by side, each on one thread: faster than all threads on each operation, and
        # the sums, hence the weights, come out the same on any number of cores.
        half = self._config.batch_size // 2
        return [batch[:half], batch[half:]] if half else [batch]

    def _views(self, pixels: Any, transforms: Any, chosen: Any) -> Any:
        tf = self._tf
        x = tf.gather(pixels, chosen)
        if not self._config.shift:
            return x
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=x,
            transforms=tf.gather(transforms, chosen),
            output_shape=tf.constant(pixels.shape.as_list()[1:3], tf.int32),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )

    def _part(self, x: Any, y: Any, weight: Any, total: Any) -> tuple[Any, Any, list[Any]]:
        tf = self._tf
        with tf.GradientTape() as tape:
            logits = self._logits(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            loss = tf.reduce_sum(losses * weight) / total
        hits = tf.reduce_sum(tf.cast(tf.argmax(logits, 1, tf.int32) == y, tf.float32) * weight)
        return loss, hits, tape.gradient(loss, self._variables)

    def _apply(self, gradients: list[Any]) -> None:
        # The fused kernels compute what keras.optimizers.Adam and SGD do, in one pass over each variable.
        tf, config = self._tf, self._config
        rate = self._rate.read_value()
        step = tf.cast(self._step.assign_add(1), tf.float32)
        for index, (variable, gradient) in enumerate(zip(self._variables, gradients, strict=True)):
            if config.optimizer == "adam":
                tf.raw_ops.ResourceApplyAdam(
                    var=variable.handle,
                    m=self._slots[0][index].handle,
                    v=self._slots[1][index].handle,
                    beta1_power=tf.pow(0.9, step),
                    beta2_power=tf.pow(0.999, step),
                    lr=rate,
                    beta1=0.9,
                    beta2=0.999,
                    epsilon=1e-7,
                    grad=gradient,
                )
            else:
                tf.raw_ops.ResourceApplyKerasMomentum(
                    var=variable.handle,
                    accum=self._slots[0][index].handle,
                    lr=rate,
                    grad=gradient,
                    momentum=config.momentum,
                )

    def _score_batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        tf = self._tf
        logits = self._logits(x, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        return losses, tf.math.count_nonzero(tf.argmax(logits, 1, tf.int32) == y, dtype=tf.int32)
