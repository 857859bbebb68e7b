"""Piximi's SimpleCNN: two convolutions and one dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def simple_cnn(input_shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Build it, layer for layer as Piximi does.

    Only the seeds differ: Piximi gives every layer the same one, so that layers of equal shape would start with equal
    weights.
    """
    import keras
    from keras import layers

    seeds = np.random.SeedSequence(seed).generate_state(3)

    def kernel(index: int) -> Any:
        return keras.initializers.VarianceScaling(1.0, "fan_in", "truncated_normal", seed=int(seeds[index]))

    return keras.Sequential(
        [
            keras.Input(input_shape, name="image"),
            layers.Conv2D(8, 5, activation="relu", kernel_initializer=kernel(0), name="convolution_1"),
            layers.MaxPooling2D(2, 2, name="pooling_1"),
            layers.Conv2D(16, 5, activation="relu", kernel_initializer=kernel(1), name="convolution_2"),
            layers.MaxPooling2D(2, 2, name="pooling_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(classes, activation="softmax", kernel_initializer=kernel(2), name="classes"),
        ],
        name="simple_cnn",
    )
