"""What one step of a training computes: TensorFlow graph functions over runs of batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..architectures.logits import Logits
from ..augmentation import Channels, apply, draw
from ..config import TrainingConfig
from ..partitions import Partition
from .losses import per_image
from .optimizers import Optimizer
from .precision import LossScale, compute_types

if TYPE_CHECKING:
    import keras

_SCORE_BATCH = 256
_SCORE_VALUES = 2**22


class Stepper:
    """The graph functions of one stage of a training, and its optimizer's state.

    Parameters
    ----------
    model : keras.Model
        Its variables that are trainable now are trained.
    config : TrainingConfig
    shape : tuple of int
        Of one image, or of its features.
    channels : Channels, optional
        Scales the augmentation; None for none.

    Attributes
    ----------
    state : list of tf.Variable
        All that a step depends on besides the network.
    """

    def __init__(
        self, model: keras.Model, config: TrainingConfig, shape: tuple[int, ...], channels: Channels | None
    ) -> None:
        import tensorflow as tf

        self._tf = tf
        self._config = config
        self._channels = channels
        self._logits = Logits(model)
        self._parameters = model.trainable_variables
        self._variables = [parameter.value for parameter in self._parameters]
        optimizer = Optimizer(config, self._parameters)
        self._scale = LossScale(optimizer) if "float16" in compute_types(model) else None
        self._optimizer = self._scale or optimizer
        self.state = self._optimizer.state
        gpu = "GPU" in tf.zeros(()).device
        self._halved = not gpu and config.batch_size > 1 and not _couples_images(model)
        # Never XLA. It is slow on CPUs; on GPUs it refuses the gradient of max pooling once operations are asked to be
        # deterministic, as they are here, and the loop below already spares the calls between the steps.
        self._train = tf.function(
            self._train_batches, input_signature=self._signature(shape), jit_compile=False, autograph=False
        )
        image = tf.TensorSpec((None, *shape), tf.float32)
        self._score = tf.function(
            self._score_batch,
            input_signature=(image, tf.TensorSpec((None,), tf.int32)),
            jit_compile=False,
            autograph=False,
        )

    def _signature(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        tf, size = self._tf, self._config.batch_size
        draws = {} if self._channels is None else draw(self._config, (1, *shape), 1).arrays()
        return (
            tf.TensorSpec((None, *shape), tf.float32),
            tf.TensorSpec((None,), tf.int32),
            {name: tf.TensorSpec((None, *value.shape[1:]), value.dtype) for name, value in draws.items()},
            tf.TensorSpec((None, size), tf.int32),
            tf.TensorSpec((None, size), tf.int32),
            tf.TensorSpec((None, size), tf.float32),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((None,), tf.float32),
        )

    def run(
        self,
        pixels: Any,
        labels: Any,
        draws: Mapping[str, Any],
        rows: np.ndarray,
        images: np.ndarray,
        weights: np.ndarray,
        counts: np.ndarray,
        rates: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train on n batches; return the mean loss and the hits of each as (n,) float32.

        Parameters
        ----------
        pixels : (M, ...) tensor of float32
        labels : (N,) tensor of int32
        draws : mapping of str to (N, ...) tensor
        rows, images : (n, size) ndarray of int32
            Which pixels, and which labels and draws, each batch holds.
        weights : (n, size) ndarray of float32
            How much each image counts; 0 for an image that only fills up its batch.
        counts : (n,) ndarray of float32
            By what the sum of a batch's losses is divided: the number of its images.
        rates : (n,) ndarray of float32
            Learning rates.
        """
        losses, hits = self._train(pixels, labels, dict(draws), rows, images, weights, counts, rates)
        return losses.numpy(), hits.numpy()

    def score(self, partition: Partition, stop: Callable[[], bool]) -> tuple[float, float] | None:
        """Return mean loss and accuracy; None when stopped."""
        # Of one size whatever the machine does: the loss decides on schedules, so its last bits must repeat.
        size = max(8, min(_SCORE_BATCH, _SCORE_VALUES // partition.pixels[0].size))
        loss_sum, hits = 0.0, 0
        for start in range(0, len(partition), size):
            if stop():
                return None
            chunk = slice(start, start + size)
            truth = self._tf.constant(partition.labels[chunk], self._tf.int32)
            losses, correct = self._score(self._tf.constant(partition.take(chunk)), truth)
            loss_sum += float(losses.numpy().sum(dtype=np.float64))
            hits += int(correct)
        return loss_sum / len(partition), hits / len(partition)

    def _train_batches(
        self,
        pixels: Any,
        labels: Any,
        draws: Mapping[str, Any],
        rows: Any,
        images: Any,
        weights: Any,
        counts: Any,
        rates: Any,
    ) -> tuple[Any, Any]:
        tf = self._tf

        def batch(index: Any, losses: Any, hits: Any) -> tuple[Any, Any, Any]:
            parts = []
            for chosen, image, weight in zip(
                self._split(rows[index]), self._split(images[index]), self._split(weights[index]), strict=True
            ):
                x = tf.gather(pixels, chosen)
                if self._channels is not None:
                    drawn = {name: tf.gather(value, image) for name, value in draws.items()}
                    x = apply(tf, drawn, x, self._channels, noise=self._config.noise)
                parts.append((x, tf.gather(labels, image), weight))
            loss, correct = self._one_step(parts, counts[index], rates[index])
            return index + 1, losses.write(index, loss), hits.write(index, correct)

        count = tf.shape(rows)[0]
        empty = tf.TensorArray(tf.float32, count)
        _, losses, hits = tf.while_loop(
            lambda index, *_: index < count, batch, (tf.constant(0), empty, empty), parallel_iterations=1
        )
        return losses.stack(), hits.stack()

    def _split(self, batch: Any) -> list[Any]:
        # Two halves of a batch run side by side, each on one thread: faster than all threads on each operation, and
        # the sums, hence the weights, come out the same on any number of cores. A GPU is filled by the whole batch; a
        # layer that measures its batch, as batch normalisation does, must see all of it.
        half = self._config.batch_size // 2
        return [batch[:half], batch[half:]] if self._halved else [batch]

    def _one_step(self, parts: list[tuple[Any, Any, Any]], count: Any, rate: Any) -> tuple[Any, Any]:
        tf = self._tf
        done = [self._part(*part, count, first=index == 0) for index, part in enumerate(parts)]
        losses, hits, gradients = zip(*done, strict=True)
        if len(parts) == 1:
            self._optimizer.apply(gradients[0], rate)
            return losses[0], hits[0]
        self._optimizer.apply([tf.add_n(pair) for pair in zip(*gradients, strict=True)], rate)
        return tf.add_n(losses), tf.add_n(hits)

    def _part(self, x: Any, y: Any, weight: Any, count: Any, *, first: bool) -> tuple[Any, Any, list[Any]]:
        tf, config = self._tf, self._config
        with tf.GradientTape() as tape:
            logits = self._logits(x, training=True)
            losses = per_image(tf, config.loss, logits, y, config.label_smoothing)
            wanted = tf.reduce_sum(losses * weight) / count
            if first:
                wanted += self._penalty()
            wanted = wanted if self._scale is None else self._scale.enlarge(wanted)
        # Smoothing, and what a network of the user's asks for beyond the loss, act, but are not reported.
        if config.label_smoothing:
            losses = per_image(tf, config.loss, logits, y)
        loss = tf.reduce_sum(losses * weight) / count
        right = tf.logical_and(tf.argmax(logits, 1, tf.int32) == y, weight > 0)
        gradients = tape.gradient(wanted, self._variables, unconnected_gradients="zero")
        # A lookup's gradient comes as rows; the kernels want the whole of it.
        return (
            loss,
            tf.reduce_sum(tf.cast(right, tf.float32)),
            [tf.convert_to_tensor(value) for value in gradients],
        )

    def _penalty(self) -> Any:
        wanted = [
            parameter for parameter in self._parameters if getattr(parameter, "regularizer", None) is not None
        ]
        return sum((parameter.regularizer(parameter.value) for parameter in wanted), 0.0)

    def _score_batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        tf = self._tf
        count = tf.shape(y)[0]
        # Halves side by side as in training. Of an odd number both have the one in the middle, since convolutions of
        # no image at all fail.
        half = (count + 1) // 2
        logits = [self._logits(part, training=False) for part in (x[:half], x[count - half :])]
        both = tf.concat([logits[0], logits[1][2 * half - count :]], 0)
        hits = tf.math.count_nonzero(tf.argmax(both, 1, tf.int32) == y, dtype=tf.int32)
        return per_image(tf, self._config.loss, both, y), hits


def _couples_images(model: keras.Model) -> bool:
    # A layer that keeps statistics measures the batch. Of a last batch that is filled up it sees the images that fill
    # it, too; they are training images like all others.
    for layer in model._flatten_layers(include_self=False):
        kept = [
            variable for variable in layer.non_trainable_variables if variable.name != "seed_generator_state"
        ]
        inner = list(layer._flatten_layers(include_self=False))
        if layer.trainable and kept and not inner:
            return True
    return False
