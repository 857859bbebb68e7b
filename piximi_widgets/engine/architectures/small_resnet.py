"""A small residual network that is trained from scratch, for images on which two convolutions are not enough.

Residual blocks after K. He et al., "Deep Residual Learning for Image Recognition", https://arxiv.org/abs/1512.03385, with
group normalisation after Y. Wu and K. He, https://arxiv.org/abs/1803.08494. Three choices are made for small data and a few
CPU cores, all measured:

- No batch normalisation: its averages have not settled when a short training ends.
- One group: the same accuracy as eight, in a third of the time, since one group is a contiguous block of memory.
- The last features keep their places (4×4) instead of being averaged: a few epochs are enough, where a mean over all places
  takes many more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

_STEM_FILTERS = 16
_NARROWEST, _WIDEST = 32, 64
#: The first convolution leaves at most this height and width, and the blocks go on halving down to the second number.
_LARGEST_INSIDE, _LAST = 64, 4
_LARGEST_STRIDE = 4
_SEEDS = 64


def small_resnet(input_shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Build it, with as many blocks as the size of the images asks for: two at 28×28, three at 64×64 and above.

    Parameters
    ----------
    input_shape : (height, width, channels)
        At least 16×16.
    classes : int
    seed : int
        Each kernel draws from a stream of its own.
    """
    import keras
    from keras import layers

    seeds = (int(value) for value in np.random.SeedSequence(seed).generate_state(_SEEDS))
    side, stride = max(input_shape[:2]), 1
    while side > _LARGEST_INSIDE:
        side, stride = _half(side), stride * 2
    image = x = keras.Input(input_shape, name="image")
    if stride > _LARGEST_STRIDE:
        # A convolution with a larger stride would not look at every pixel.
        x = layers.AveragePooling2D(stride // _LARGEST_STRIDE, padding="same", name="shrink")(x)
    x = _convolution(x, _STEM_FILTERS, 5, min(stride, _LARGEST_STRIDE), seeds, "stem")
    # Normalised after the pooling, where only a quarter of the values is left.
    x = layers.MaxPooling2D(2, padding="same", name="stem_pooling")(x)
    x = layers.GroupNormalization(1, name="stem_normalization")(x)
    x = layers.Activation("relu", name="stem_relu")(x)
    side, filters, index = _half(side), _NARROWEST, 1
    while side > _LAST:
        x = _block(x, filters, seeds, f"block_{index}")
        side, filters, index = _half(side), min(2 * filters, _WIDEST), index + 1
    x = layers.Flatten(name="flatten")(x)
    kernel = keras.initializers.VarianceScaling(1.0, "fan_in", "truncated_normal", seed=next(seeds))
    x = layers.Dense(classes, activation="softmax", kernel_initializer=kernel, name="classes")(x)
    return keras.Model(image, x, name="small_resnet")


def _block(x: Any, filters: int, seeds: Iterator[int], name: str) -> Any:
    """Halve height and width; the two convolutions learn what the shortcut leaves out."""
    from keras import layers

    y = _convolution(x, filters, 3, 2, seeds, f"{name}_convolution_1")
    y = layers.GroupNormalization(1, name=f"{name}_normalization_1")(y)
    y = layers.Activation("relu", name=f"{name}_relu_1")(y)
    y = _convolution(y, filters, 3, 1, seeds, f"{name}_convolution_2")
    # With a scale of zero a block begins as its shortcut, and the network as a shallow one.
    y = layers.GroupNormalization(1, gamma_initializer="zeros", name=f"{name}_normalization_2")(y)
    x = layers.AveragePooling2D(2, padding="same", name=f"{name}_pooling")(x)
    if x.shape[-1] != filters:
        x = _convolution(x, filters, 1, 1, seeds, f"{name}_shortcut")
    x = layers.Add(name=f"{name}_sum")([x, y])
    return layers.Activation("relu", name=f"{name}_relu_2")(x)


def _convolution(x: Any, filters: int, size: int, stride: int, seeds: Iterator[int], name: str) -> Any:
    import keras

    kernel = keras.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal", seed=next(seeds))
    layer = keras.layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, kernel_initializer=kernel, name=name
    )
    return layer(x)


def _half(side: int) -> int:
    return -(-side // 2)
