"""A network with a frozen base in two: what is the same in every epoch needs to be computed only once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .mobilenet import base_of

if TYPE_CHECKING:
    import keras


def split(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Return the frozen base of a network and the rest of it, or None when there is no such base.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    base : keras.Model
        Pixels (N, h, w, C) to features (N, F), in inference mode whatever it is told.
    head : keras.Model
        Features (N, F) to probabilities (N, K). Its layers are those of `model`, so that training one trains the other.
    """
    import keras

    base = base_of(model)
    if base is None or base.trainable_variables:
        return None
    before, *after = (layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))
    assert before is base
    features = x = keras.Input(base.output_shape[1:], name="base_features")
    for layer in after:
        x = layer(x)
    return base, keras.Model(features, x, name="head")
