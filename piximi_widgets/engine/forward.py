"""A network's probabilities, such that what it says of an image does not depend on the images beside it.

Convolutions compute each image of a batch for itself; that holds with oneDNN's kernels, which the trainer uses too. A
product of all features with a matrix does not: its rounding depends on an image's row. The final Dense layer is
therefore computed image by image, and a network that has other layers of that kind inside is run image by image.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .runtime import SETTINGS

if TYPE_CHECKING:
    import keras

BATCH = 32

# Layers and operations whose result for an image does not depend on the rest of a batch, measured bit for bit.
_APART = frozenset(
    {
        *("InputLayer", "Rescaling", "Reshape", "Flatten", "ZeroPadding2D", "Cropping2D", "GetItem"),
        *("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"),
        *("GlobalAveragePooling2D", "GlobalMaxPooling2D", "BatchNormalization", "GroupNormalization"),
        *("Activation", "ReLU", "LeakyReLU", "Softmax", "Relu", "Relu6"),
        *("Add", "Subtract", "Multiply", "Concatenate", "Dropout", "SpatialDropout2D"),
    }
)


def choose_kernels() -> None:
    """Have TensorFlow compute as the trainer's does, where nobody has imported it in this process yet."""
    if "tensorflow" not in sys.modules:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)


class Forward:
    """The forward pass of one network, compiled once for batches of 32.

    Parameters
    ----------
    model : keras.Model
        From (N, h, w, C) float32 to (N, K) probabilities.
    """

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        self._tf = tf
        self._model = model
        self._body, self._head = _parted(model)
        if self._head is not None:
            compute = self._head_by_image
        elif _is_apart(model):
            compute = self._at_once
        else:
            compute = self._image_by_image
        self._compiled = tf.function(compute, jit_compile=False, autograph=False)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return (n, K) float32 probabilities of up to 32 prepared images (n, h, w, C) float32."""
        # Always full batches: other batch sizes may take other paths through the kernels, with other rounding.
        full = np.zeros((BATCH, *pixels.shape[1:]), dtype=np.float32)
        full[: len(pixels)] = pixels
        result: np.ndarray = self._compiled(self._tf.constant(full)).numpy()[: len(pixels)]
        return result

    def _at_once(self, batch: Any) -> Any:
        return self._tf.cast(self._model(batch, training=False), self._tf.float32)

    def _head_by_image(self, batch: Any) -> Any:
        tf, head = self._tf, self._head
        features = tf.cast(self._body(batch, training=False), tf.float32)
        kernel = tf.cast(head.kernel.value, tf.float32)
        logits = tf.squeeze(tf.linalg.matmul(features[:, None, :], kernel), 1)
        if head.bias is not None:
            logits += tf.cast(head.bias.value, tf.float32)
        return tf.nn.softmax(logits)

    def _image_by_image(self, batch: Any) -> Any:
        return self._tf.map_fn(
            lambda image: self._at_once(image[None])[0], batch, fn_output_signature=self._tf.float32
        )


def _parted(model: keras.Model) -> tuple[Any, Any]:
    """Return what comes before a final Dense layer with softmax, and that layer; Nones for another network."""
    import keras

    head = model.layers[-1]
    if (
        not isinstance(head, keras.layers.Dense)
        or head.activation is not keras.activations.softmax
        or len(model.inputs) != 1
        or len(model.outputs) != 1
        or model.outputs[0] is not head.output
        or len(head.input.shape) != 2
    ):
        return None, None
    body = keras.Model(model.inputs[0], head.input)
    return (body, head) if _is_apart(body) else (None, None)


def _is_apart(model: keras.Model) -> bool:
    import keras

    parts = getattr(model, "operations", None) or model.layers
    return all(
        _is_apart(part) if isinstance(part, keras.Model) else type(part).__name__ in _APART for part in parts
    )
