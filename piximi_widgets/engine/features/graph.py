"""A base as a TensorFlow graph of constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .fold import fold

if TYPE_CHECKING:
    import keras

#: Images in a call. On processors larger ones leave the cache, on GPUs smaller ones leave units idle.
CPU_BATCH, GPU_BATCH = 16, 128


class GraphBase:
    """A base in batches of one size: the last one is filled up, so that no image is computed in another way.

    Parameters
    ----------
    base : keras.Model
    batch : int
        Images in each call.
    """

    def __init__(self, base: keras.Model, batch: int) -> None:
        import tensorflow as tf

        self.backend = f"tensorflow-{tf.__version__}-{'gpu' if on_gpu() else 'cpu'}-{batch}"
        self._batch = batch
        self._function = constant_function(base, batch)

    def run(
        self, image: Callable[[int], np.ndarray], features: np.ndarray, check: Callable[[], None]
    ) -> None:
        """Fill `features`, as `CompiledBase` says."""
        import tensorflow as tf

        for start in range(0, len(features), self._batch):
            check()
            rows = range(start, min(start + self._batch, len(features)))
            images = np.stack([image(row) for row in rows])
            images = np.pad(images, ((0, self._batch - len(rows)), (0, 0), (0, 0), (0, 0)))
            (computed,) = self._function(tf.constant(images))
            features[start : rows.stop] = computed.numpy()[: len(rows)]


def constant_function(base: keras.Model, batch: int) -> Any:
    """Return a concrete function of `base`, folded, for (batch, h, w, C) float32, its weights constants of its graph."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    folded = fold(base)
    function = tf.function(lambda pixels: folded(pixels, training=False), jit_compile=False, autograph=False)
    pixels = tf.TensorSpec((batch, *base.input_shape[1:]), tf.float32)
    return convert_variables_to_constants_v2(function.get_concrete_function(pixels))


def on_gpu() -> bool:
    """Whether TensorFlow computes on a GPU at this point of the program."""
    import tensorflow as tf

    return "GPU" in tf.zeros(()).device
