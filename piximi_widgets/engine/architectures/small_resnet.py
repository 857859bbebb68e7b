"""A small residual network that is trained from scratch, for images on which two convolutions are not enough.

Each stage convolves, keeps the largest value of every 2×2 pixels, and normalises what is left, in one group (Y. Wu and
K. He, "Group Normalization", https://arxiv.org/abs/1803.08494); a residual convolution follows (K. He et al., "Deep
Residual Learning for Image Recognition", https://arxiv.org/abs/1512.03385) where it is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

_STEM_FILTERS = 16
_FILTERS = (24, 48, 64)
#: Images that are larger than this are shrunk by the first convolution; the stages go on halving down to the last.
_LARGEST_INSIDE, _LAST = 32, 4
_LARGEST_STRIDE = 4
_DROPOUT = 0.5
_SEEDS = 64


def small_resnet(input_shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Build it, with as many stages as the size of the images asks for: two at 28×28, three at 64×64.

    Parameters
    ----------
    input_shape : (height, width, channels)
        At least 16×16.
    classes : int
    seed : int
        Each kernel, and the dropout, draws from a stream of its own.
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
    if stride == 1:
        x = layers.MaxPooling2D(2, padding="same", name="stem_pooling")(x)
        side = _half(side)
    x = layers.GroupNormalization(1, name="stem_normalization")(x)
    x = layers.Activation("relu", name="stem_relu")(x)
    index = 0
    while side > _LAST:
        # Stages beyond those that have a number of their own are as wide as the last one.
        filters = _FILTERS[min(index, len(_FILTERS) - 1)]
        side, index = _half(side), index + 1
        x = _stage(x, filters, seeds, f"stage_{index}")
    x = _residual(x, seeds)
    # The last features keep their places: what counts is the object in the middle, not its neighbours.
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(_DROPOUT, seed=next(seeds), name="dropout")(x)
    kernel = keras.initializers.VarianceScaling(1.0, "fan_in", "truncated_normal", seed=next(seeds))
    x = layers.Dense(classes, activation="softmax", kernel_initializer=kernel, name="classes")(x)
    return keras.Model(image, x, name="small_resnet")


def _stage(x: Any, filters: int, seeds: Iterator[int], name: str) -> Any:
    """Convolve and halve height and width; normalised after the pooling, where only a quarter of the values is left."""
    from keras import layers

    x = _convolution(x, filters, 3, 1, seeds, f"{name}_convolution")
    x = layers.MaxPooling2D(2, padding="same", name=f"{name}_pooling")(x)
    x = layers.GroupNormalization(1, name=f"{name}_normalization")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _residual(x: Any, seeds: Iterator[int]) -> Any:
    """Learn what the last stage leaves out."""
    from keras import layers

    y = _convolution(x, x.shape[-1], 3, 1, seeds, "residual_convolution")
    # With a scale of zero it begins as if it were not there, and the network as a shallow one.
    y = layers.GroupNormalization(1, gamma_initializer="zeros", name="residual_normalization")(y)
    x = layers.Add(name="residual_sum")([x, y])
    return layers.Activation("relu", name="residual_relu")(x)


def _convolution(x: Any, filters: int, size: int, stride: int, seeds: Iterator[int], name: str) -> Any:
    import keras

    kernel = keras.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal", seed=next(seeds))
    layer = keras.layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, kernel_initializer=kernel, name=name
    )
    return layer(x)


def _half(side: int) -> int:
    return -(-side // 2)
