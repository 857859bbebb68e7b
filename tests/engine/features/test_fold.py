"""Folded networks compute what the unfolded ones do."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.features import fold
from tests.engine.features.bases import mobilenet_base, pictures, randomized

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


def normalisations(model) -> int:
    return sum("BatchNormalization" in type(layer).__name__ for layer in model._flatten_layers())


@pytest.mark.parametrize("channels", [1, 3])
def test_every_normalisation_of_mobilenet_is_folded_and_its_features_stay(channels):
    base, images = mobilenet_base(channels), pictures(5, channels)
    folded = fold(base)
    assert (normalisations(base), normalisations(folded)) == (27, 0)
    expected = base.predict(images, verbose=0)
    assert expected.std() > 0.1
    np.testing.assert_allclose(folded.predict(images, verbose=0), expected, rtol=1e-5, atol=1e-5)


def test_a_base_that_takes_its_channels_one_by_one_is_folded_inside():
    import keras

    one = mobilenet_base(1)
    image = keras.Input((32, 32, 2))
    parts = [one(image[..., c : c + 1], training=False) for c in range(2)]
    base = keras.Model(image, keras.layers.Concatenate()(parts))
    folded, images = fold(base), pictures(3, 2)
    assert normalisations(folded) == 0
    np.testing.assert_allclose(
        folded.predict(images, verbose=0), base.predict(images, verbose=0), rtol=1e-5, atol=1e-5
    )


def test_a_convolution_with_a_bias_and_normalisations_that_cannot_be_folded_stay_right():
    import keras
    from keras import layers

    x = image = keras.Input((32, 32, 3))
    x = layers.BatchNormalization(name="on_pixels")(x)
    x = layers.Conv2D(4, 3, name="with_bias")(x)
    x = layers.BatchNormalization(scale=False)(x)
    # Its depthwise outputs are ordered by input and multiplier.
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.BatchNormalization(center=False)(x)
    shared = layers.Conv2D(8, 1)(x)
    x = layers.Add()([shared, layers.BatchNormalization(name="beside")(shared)])
    x = layers.Conv2D(8, 1, activation="relu")(x)
    x = layers.BatchNormalization(name="after_relu")(x)
    base = randomized(keras.Model(image, layers.GlobalAveragePooling2D()(x)))
    folded, images = fold(base), pictures(3)
    left = {layer.name for layer in folded.layers if "BatchNormalization" in type(layer).__name__}
    assert left == {"on_pixels", "beside", "after_relu"}
    np.testing.assert_allclose(
        folded.predict(images, verbose=0), base.predict(images, verbose=0), rtol=1e-5, atol=1e-5
    )


def test_folding_leaves_the_network_itself_as_it_was():
    base = mobilenet_base()
    before, output = base.get_weights(), base.layers[3].output
    fold(base)
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    assert base.layers[3].output is output
