"""Small bases with weights and moments that differ from what they begin with."""

from __future__ import annotations

from typing import Any

import numpy as np

SIDE = 32


def mobilenet_base(channels: int = 3, seed: int = 0) -> Any:
    """The base of Keras' MobileNet with random weights, moving means and variances."""
    import keras

    base = keras.applications.MobileNet(
        (SIDE, SIDE, channels), alpha=0.25, weights=None, include_top=False, pooling="avg"
    )
    return randomized(base, seed)


def randomized(model: Any, seed: int = 0) -> Any:
    """Give all weights values at random; those of convolutions of a size that keeps features alive."""
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        if variable.name in ("gamma", "moving_variance"):
            values = generator.uniform(0.5, 1.5, shape)
        elif variable.name in ("beta", "moving_mean", "bias"):
            values = generator.normal(0, 0.2, shape)
        else:
            inputs = np.prod(shape[:2]) * (
                1 if "dw" in variable.path or "depthwise" in variable.path else shape[2]
            )
            values = generator.normal(0, np.sqrt(2 / inputs), shape)
        variable.assign(values)
    return model


def pictures(count: int, channels: int = 3, seed: int = 1) -> np.ndarray:
    """(count, 32, 32, channels) float32 from -1 to 1."""
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (count, SIDE, SIDE, channels)).astype(np.float32)
