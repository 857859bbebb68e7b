"""MobileNet v1 with a quarter of the filters, trained on photographs: a frozen base and one small layer to train.

A.G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
https://arxiv.org/abs/1704.04861. The base is that of ``keras.applications`` up to ``conv_pw_13_relu`` and the mean over
all places; the head is Piximi's: dropout, a 1×1 convolution, softmax. Pixels come in from -1 to 1, which is for the
preprocessing to see to. The base's normalisations always use the moments that they came with, also where it is trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError
from .base_weights import read_weights

if TYPE_CHECKING:
    import keras

ALPHA = 0.25
BLOCKS = 13
FEATURES = 256
_DROPOUT = 0.001
_NAME = "mobilenet"
_BASE = "base"
_PER_CHANNEL = "each_channel"


def mobilenet(
    input_shape: tuple[int, int, int], classes: int, seed: int, weights: Path | None = None
) -> keras.Model:
    """Build the network; only its last convolution is trainable.

    Parameters
    ----------
    input_shape : (height, width, channels)
        One channel: the first kernel is summed over its three inputs, which is what a gray image given three times would
        see. Three channels: red, green and blue. Any other count: each channel goes through the base by itself, as if it
        were the only one, and the features of all channels, 256 each, stand side by side.
    classes : int
    seed : int
        Draws the head's kernel and, without `weights`, the base's.
    weights : Path, optional
        A file of the base's weights, as `base_weights_file` finds it.

    Raises
    ------
    ConfigurationError
        The file does not hold the weights of this network.
    """
    import keras
    from keras import layers

    head_seed, dropout_seed = np.random.SeedSequence([seed, 0]).generate_state(2)
    base = _base(input_shape, seed, weights)
    features = base.output_shape[-1]
    image = keras.Input(input_shape, name="image")
    # Inference mode is part of the graph, so that no caller can move the normalisations' averages.
    x = base(image, training=False)
    x = layers.Reshape((1, 1, features), name="features")(x)
    x = layers.Dropout(_DROPOUT, seed=int(dropout_seed), name="dropout")(x)
    kernel = keras.initializers.GlorotUniform(seed=int(head_seed))
    x = layers.Conv2D(classes, 1, kernel_initializer=kernel, name="classes")(x)
    x = layers.Reshape((classes,), name="logits")(x)
    return keras.Model(image, layers.Activation("softmax", name="probabilities")(x), name=_NAME)


def base_of(model: keras.Model) -> keras.Model | None:
    """Return the part of a `mobilenet` that turns pixels into features; None of another network."""
    import keras

    if model.name != _NAME:
        return None
    found = [layer for layer in model.layers if layer.name == _BASE]
    return found[0] if len(found) == 1 and isinstance(found[0], keras.Model) else None


def fine_tune(model: keras.Model, blocks: int) -> None:
    """Make the convolutions of the last `blocks` depthwise-separable blocks trainable, and freeze those before them.

    Normalisation stays as it is in all of them, its scales and offsets too.

    Parameters
    ----------
    model : keras.Model
        A `mobilenet`, also one that was loaded.
    blocks : int
        0 (the base is frozen, as it is built) to 13.

    Raises
    ------
    ConfigurationError
        `model` is another network, or it has fewer blocks.
    """
    base = base_of(model)
    if base is None:
        raise ConfigurationError(
            {"fine_tuned_blocks": f"Only mobilenet has blocks to fine-tune; this network is {model.name!r}."}
        )
    if not 0 <= blocks <= BLOCKS:
        raise ConfigurationError(
            {
                "fine_tuned_blocks": f"mobilenet has {BLOCKS} blocks; got {blocks}. Give a number from 0 to {BLOCKS}."
            }
        )
    tuned = {
        f"conv_{part}_{block}" for block in range(BLOCKS - blocks + 1, BLOCKS + 1) for part in ("dw", "pw")
    }
    _set_trainable(base, tuned)


def channels_apart(base: keras.Model) -> int:
    """Return how many channels go through the base one by one; 0 where all go at once."""
    return base.input_shape[-1] if any(layer.name == _PER_CHANNEL for layer in base.layers) else 0


def _set_trainable(base: keras.Model, tuned: set[str]) -> None:
    import keras

    for layer in base._flatten_layers(include_self=True, recursive=True):
        # A model that is not trainable would hide its layers' variables.
        layer.trainable = (bool(tuned) and isinstance(layer, keras.Model)) or layer.name in tuned


def _base(input_shape: tuple[int, int, int], seed: int, file: Path | None) -> keras.Model:
    """Return the frozen network from pixels (N, h, w, C) to features (N, 256) or, channel by channel, (N, 256 C)."""
    import keras
    from keras import layers

    height, width, channels = input_shape
    at_once = channels if channels in (1, 3) else 1
    body = _topology((height, width, at_once))
    colour = _colour_weights(body, seed, file)
    gray = [colour[0].sum(axis=2, keepdims=True), *colour[1:]]
    body.set_weights(colour if at_once == 3 else gray)
    features = layers.GlobalAveragePooling2D(name="mean")(body.output)
    if at_once == channels:
        base = keras.Model(body.input, features, name=_BASE)
    else:
        one = keras.Model(body.input, features, name=_PER_CHANNEL)
        image = keras.Input(input_shape, name="channels")
        parts = [one(image[..., c : c + 1], training=False) for c in range(channels)]
        base = keras.Model(image, layers.Concatenate(name="side_by_side")(parts), name=_BASE)
    _set_trainable(base, set())
    return base


def _topology(input_shape: tuple[int, int, int]) -> Any:
    import keras

    return keras.applications.MobileNet(input_shape, alpha=ALPHA, include_top=False, weights=None)


def _colour_weights(body: keras.Model, seed: int, file: Path | None) -> list[np.ndarray]:
    """Return the weights of `body` for three channels, in Keras' order: from the file, or drawn."""
    if file is not None:
        # Half a second goes into building one more network.
        return read_weights(body if body.input_shape[-1] == 3 else _topology((32, 32, 3)), file)
    shapes = [tuple(variable.shape) for variable in body.weights]
    shapes[0] = (*shapes[0][:2], 3, shapes[0][3])
    streams = np.random.SeedSequence([seed, 1]).spawn(len(shapes))
    return [
        _drawn(variable, shape, np.random.default_rng(stream))
        for variable, shape, stream in zip(body.weights, shapes, streams, strict=True)
    ]


def _drawn(variable: Any, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    if len(shape) != 4:
        return np.asarray(variable.numpy())
    # Each filter of a depthwise convolution sees one channel only, whatever its shape says.
    seen = 1 if "conv_dw" in variable.path else shape[2]
    scale = np.sqrt(2 / (shape[0] * shape[1] * seen))
    kernel: np.ndarray = (generator.standard_normal(shape) * scale).astype(np.float32)
    return kernel
