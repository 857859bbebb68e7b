"""Training a head on features is training the network with a frozen base."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.augmentation import apply, draw, measure_channels, view_of
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.features import FeatureExtractor, frozen_training
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.training import train
from piximi_widgets.engine.training.sampling import epoch_order
from piximi_widgets.errors import TrainingError
from tests.engine.features.bases import mobilenet_base, pictures

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

COUNT = 60
SETTINGS = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "schedule": "constant"}


@pytest.fixture(scope="module")
def base(tensorflow):
    base = mobilenet_base()
    base.trainable = False
    return base


@pytest.fixture(scope="module")
def extractor(base, tmp_path_factory):
    return FeatureExtractor(base, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def partitions():
    images, labels = pictures(COUNT + 20), (np.arange(COUNT + 20) % 3).astype(np.int32)
    images[labels == 1, :16] *= 0.3
    images[labels == 2, :, :16] *= 0.3
    return Partition(images[:COUNT], labels[:COUNT]), Partition(images[COUNT:], labels[COUNT:])


def network(base):
    """The network and its head, which share the last layer."""
    import keras

    image = keras.Input((32, 32, 3))
    classes = keras.layers.Dense(3, "softmax", kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    model = keras.Model(image, classes(base(image, training=False)))
    features = keras.Input((256,))
    return model, keras.Model(features, classes(features))


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_validation_probabilities_are_those_of_keras_fit(base, extractor, partitions, optimizer):
    import keras

    config = TrainingConfig(augmentation="none", label_smoothing=0.0, optimizer=optimizer, **SETTINGS)
    training, validation = partitions
    model, _ = network(base)
    before = model.predict(validation.pixels, verbose=0)
    rates = {"adam": keras.optimizers.Adam(0.01), "momentum": keras.optimizers.SGD(0.01, 0.9)}
    model.compile(rates[optimizer], "sparse_categorical_crossentropy")
    for epoch in range(1, config.epochs + 1):
        order = epoch_order(config, training.labels, epoch)
        model.fit(training.pixels[order], training.labels[order], batch_size=16, shuffle=False, verbose=0)
    expected = model.predict(validation.pixels, verbose=0)

    model, head = network(base)
    learned, seen, epoch_pixels = frozen_training(model, config, training, validation, extractor)
    assert train(head, config, learned, seen, epoch_pixels=epoch_pixels)
    found = model.predict(validation.pixels, verbose=0)
    assert np.abs(expected - before).max() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(head.predict(seen.pixels, verbose=0), found, atol=1e-4)


def test_flips_and_turns_are_views_and_each_is_computed_once(base, extractor, partitions, monkeypatch):
    config = TrainingConfig(augmentation="none", horizontal_flip=True, quarter_turns=True, **SETTINGS)
    training, validation = partitions
    learned, seen, epoch_pixels = frozen_training(network(base)[0], config, training, validation, extractor)
    assert np.isnan(learned.pixels).all()
    assert seen.pixels.shape == (20, 256)
    for epoch in (1, 5):
        views = draw(config, training.pixels.shape, epoch).view
        turned = np.stack([view_of(*pair) for pair in zip(training.pixels, views, strict=True)])
        np.testing.assert_array_equal(epoch_pixels(epoch), extractor.compute(turned))
    monkeypatch.setattr(extractor._compiled, "run", None)
    again = frozen_training(network(base)[0], config, training, validation, extractor)[2]
    np.testing.assert_array_equal(again(5), epoch_pixels(5))


def test_continuous_variations_are_computed_in_every_epoch_and_that_is_said_once(
    base, extractor, partitions, monkeypatch, tensorflow
):
    monkeypatch.setattr("piximi_widgets.engine.features.frozen._CHUNK", 16)
    config = TrainingConfig(augmentation="microscopy", noise=0.1, **SETTINGS)
    training, validation = partitions
    said = []
    *_, epoch_pixels = frozen_training(
        network(base)[0], config, training, validation, extractor, say=said.append
    )
    first, second = epoch_pixels(1), epoch_pixels(2)
    drawn = draw(config, training.pixels.shape, 2).arrays()
    varied = apply(
        tensorflow, drawn, tensorflow.constant(training.pixels), measure_channels(config, training), noise=0.1
    )
    np.testing.assert_allclose(second, extractor.compute(varied.numpy()), atol=1e-4)
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_array_equal(epoch_pixels(1), first)
    assert len(said) == 1
    assert "every epoch" in said[0]


def test_pixels_that_are_not_in_memory_give_the_same_bits(base, extractor, partitions):
    class Apart(Partition):
        resident = False

    config = TrainingConfig(augmentation="none", vertical_flip=True, **SETTINGS)
    training, validation = partitions
    apart = Apart(training.pixels, training.labels)
    model = network(base)[0]
    here = frozen_training(model, config, training, validation, extractor)[2]
    there = frozen_training(model, config, apart, validation, FeatureExtractor(base, None))[2]
    np.testing.assert_array_equal(here(3), there(3))


def test_an_empty_validation_stays_empty(base, extractor, partitions):
    training, validation = partitions
    none = Partition(validation.pixels[:0], validation.labels[:0])
    config = TrainingConfig(augmentation="none", **SETTINGS)
    learned, seen, epoch_pixels = frozen_training(network(base)[0], config, training, none, extractor)
    assert (learned.pixels.shape, seen.pixels.shape, epoch_pixels) == ((COUNT, 256), (0, 256), None)


def test_images_of_another_size_are_refused(base, extractor, partitions):
    training, _ = partitions
    small = Partition(training.pixels[:, :8, :8], training.labels)
    config = TrainingConfig(augmentation="none", **SETTINGS)
    with pytest.raises(TrainingError, match=r"\(8, 8, 3\)"):
        frozen_training(network(base)[0], config, small, small, extractor)
