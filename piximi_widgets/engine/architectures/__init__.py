"""The networks, by name. Building one loads Keras; asking for its limits does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError

if TYPE_CHECKING:
    import keras

# Height and width below which a network has nothing left after its convolutions.
_MINIMUM_SIZE = {"simple-cnn": 16}


def names() -> tuple[str, ...]:
    """The architectures that this process can build."""
    return tuple(_MINIMUM_SIZE)


def minimum_size(architecture: str) -> int:
    """Return the smallest height and width that `architecture` can take."""
    return _MINIMUM_SIZE[_known(architecture)]


def build(architecture: str, input_shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Build an untrained network.

    Parameters
    ----------
    architecture : str
        A name, like ``"simple-cnn"``.
    input_shape : (height, width, channels)
    classes : int
        Number of classes K; the network's output is (N, K) probabilities.
    seed : int
        Drives the initial weights; each layer draws from a stream of its own.
    """
    builders = {"simple-cnn": _simple_cnn}
    return builders[_known(architecture)](input_shape, classes, seed)


def summarize(model: keras.Model) -> list[dict[str, Any]]:
    """Return one row a layer: layer, kind, output shape (without the batch), parameters, trainable."""
    rows = []
    for layer in model.layers:
        shape = "×".join(str(size) for size in layer.output.shape[1:])
        rows.append(
            {
                "layer": layer.name,
                "kind": type(layer).__name__,
                "output shape": shape,
                "parameters": int(layer.count_params()),
                "trainable": bool(layer.trainable_weights),
            }
        )
    return rows


def _simple_cnn(input_shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    # Piximi's SimpleCNN, layer for layer; only the seeds differ: Piximi gives every layer the same one, so that
    # layers of equal shape would start with equal weights.
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


def _known(architecture: str) -> str:
    if architecture not in _MINIMUM_SIZE:
        raise ConfigurationError(
            {
                "architecture": f"There is no architecture {architecture!r}; choose one of {', '.join(_MINIMUM_SIZE)}."
            }
        )
    return architecture
