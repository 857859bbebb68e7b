"""Batch normalisation folded into the convolutions before it.

In inference mode batch normalisation multiplies each channel by one number and adds another, and so does a convolution
with a bias: the two become one operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def fold(model: keras.Model) -> keras.Model:
    """Return a network that computes what `model` computes in inference mode, with fewer operations.

    A batch normalisation is folded when it directly follows a convolution or a depthwise convolution that nothing else
    reads; any other stays. `model` itself is not changed, and the new network shares nothing with it.

    Parameters
    ----------
    model : keras.Model
        Functional or sequential; a network inside of it is folded too. Of another kind it is returned as it is.

    Returns
    -------
    keras.Model
        Its weights cannot be trained to any purpose: statistics of batches are gone.
    """
    import keras

    if not getattr(model, "outputs", None):
        return model
    graph = keras.Model(model.inputs, model.outputs)
    pairs = _pairs(graph)
    convolutions = {convolution.name for convolution in pairs.values()}
    twins: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def twin(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.Model):
            return fold(layer)
        settings = layer.get_config()
        if layer.name in convolutions:
            settings["use_bias"] = True
        copy = type(layer).from_config(settings)
        twins.append((layer, copy))
        return copy

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        return inputs[0] if layer.name in pairs else layer(*inputs, **options)

    folded = keras.models.clone_model(graph, clone_function=twin, call_function=call)
    normalisations = {convolution.name: graph.get_layer(name) for name, convolution in pairs.items()}
    for layer, copy in twins:
        if layer.name in normalisations:
            copy.set_weights(_folded_weights(layer, normalisations[layer.name]))
        elif layer.name not in pairs and getattr(layer, "weights", None):
            copy.set_weights(layer.get_weights())
    return folded


def _pairs(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """The convolution by the name of the batch normalisation that can be folded into it."""
    import keras

    readers: dict[int, list[keras.layers.Layer]] = {}
    for layer in model.layers:
        for tensor in _inputs(layer) or []:
            readers.setdefault(id(tensor), []).append(layer)
    pairs = {}
    for layer in model.layers:
        # Not its subclasses: a depthwise convolution is one of them in some versions, others compute something else.
        if type(layer) not in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D):
            continue
        if layer.data_format != "channels_last" or layer.activation is not keras.activations.linear:
            continue
        # One that is used twice has no single output, and is left alone.
        if _inputs(layer) is None or any(layer.output is output for output in model.outputs):
            continue
        following = readers.get(id(layer.output), [])
        if len(following) != 1 or type(following[0]) is not keras.layers.BatchNormalization:
            continue
        if _inputs(following[0]) is not None and following[0].axis in (-1, 3):
            pairs[following[0].name] = layer
    return pairs


def _inputs(layer: keras.layers.Layer) -> list[Any] | None:
    """What the layer reads; None where it is used several times or not at all."""
    import keras

    try:
        return list(keras.tree.flatten(layer.input))
    except (AttributeError, ValueError):
        return None


def _folded_weights(convolution: keras.layers.Layer, normalisation: keras.layers.Layer) -> list[np.ndarray]:
    import keras

    kernel, *bias = (np.asarray(weight, dtype=np.float64) for weight in convolution.get_weights())
    mean = np.asarray(normalisation.moving_mean, dtype=np.float64)
    scale = 1 / np.sqrt(np.asarray(normalisation.moving_variance, dtype=np.float64) + normalisation.epsilon)
    if normalisation.scale:
        scale = scale * np.asarray(normalisation.gamma, dtype=np.float64)
    shift = np.asarray(normalisation.beta, dtype=np.float64) if normalisation.center else 0.0
    # A depthwise kernel is (height, width, inputs, multiplier), its outputs in the order of the last two; any other is
    # (height, width, inputs, outputs).
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    return [
        kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale),
        shift + ((bias[0] if bias else 0.0) - mean) * scale,
    ]
