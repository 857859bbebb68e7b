"""small-resnet takes any size from 16 on, stays small, begins as a shallow network, and trains on where it was left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.engine.architectures import build, minimum_size, summarize
from piximi_widgets.engine.architectures.logits import Logits
from piximi_widgets.engine.classifier import Classifier
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.preprocessing import Preprocessing
from piximi_widgets.engine.training import TrainingState, train, weights_digest
from piximi_widgets.errors import ConfigurationError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


def test_on_mnist_its_parameters_are_those_counted_by_hand():
    rows = {row["layer"]: row["parameters"] for row in summarize(build("small-resnet", (28, 28, 1), 10, 0))}
    by_hand = {
        "stem": 5 * 5 * 1 * 16,
        "stem_normalization": 2 * 16,
        "stage_1_convolution": 3 * 3 * 16 * 24,
        "stage_1_normalization": 2 * 24,
        "stage_2_convolution": 3 * 3 * 24 * 48,
        "stage_2_normalization": 2 * 48,
        "residual_convolution": 3 * 3 * 48 * 48,
        "residual_normalization": 2 * 48,
        "classes": 4 * 4 * 48 * 10 + 10,
    }
    assert {name: count for name, count in rows.items() if count} == by_hand
    assert sum(by_hand.values()) == 42_922


@pytest.mark.parametrize(
    "shape", [(16, 16, 1), (17, 40, 3), (64, 64, 2), (100, 65, 5), (16, 600, 1), (300, 257, 1)]
)
def test_it_takes_any_size_and_stays_small(shape):
    model = build("small-resnet", shape, 3, seed=0)
    assert 5_000 < model.count_params() < 100_000
    height, width, _ = model.get_layer("flatten").input.shape[1:]
    assert max(height, width) <= 4
    found = model(np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")).numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert Logits(model).exact


def test_every_pixel_of_a_large_image_plays_a_part():
    import tensorflow as tf

    model = build("small-resnet", (300, 257, 1), 3, seed=0)
    pixels = tf.constant(np.random.default_rng(0).normal(size=(1, 300, 257, 1)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        # The largest values alone go on from a pooling; here, all that the first convolution gives.
        stem = model.get_layer("stem")(model.get_layer("shrink")(pixels))
    assert (tape.gradient(stem, pixels).numpy() != 0).all()


def test_images_below_16_are_refused():
    assert minimum_size("small-resnet") == 16
    with pytest.raises(ConfigurationError, match="at least 16×16; got 15×20"):
        build("small-resnet", (15, 20, 1), 3, seed=0)


def test_the_initial_weights_follow_the_seed_and_no_two_layers_share_a_stream():
    models = [build("small-resnet", (28, 28, 1), 10, seed) for seed in (1, 1, 2)]
    first, same, different = (
        [variable.numpy() for variable in model.weights if variable.path.endswith("/kernel")]
        for model in models
    )
    starts = set()
    for kernel, again, other in zip(first, same, different, strict=True):
        fan_in = np.prod(kernel.shape[:-1])
        gain = 1 if kernel.ndim == 2 else 2
        assert kernel.std() == pytest.approx(np.sqrt(gain / fan_in), rel=0.15)
        np.testing.assert_array_equal(kernel, again)
        assert not np.array_equal(kernel, other)
        starts.add(float(kernel.flat[0] / kernel.std()))
    assert len(starts) == len(first)


def test_before_the_training_the_residual_convolution_adds_nothing():
    import keras

    model = build("small-resnet", (28, 28, 1), 10, seed=0)
    inner = keras.Model(
        model.input, [model.get_layer("stage_2_relu").output, model.get_layer("residual_relu").output]
    )
    before, after = inner(np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32"))
    np.testing.assert_array_equal(before, after)


def test_what_is_normalised_no_longer_depends_on_the_exposure():
    """An image twice as bright and one that is lighter by a constant give the same, but for the edges' zeros."""
    model = build("small-resnet", (32, 32, 1), 3, seed=0)
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(model(image), model(2 * image), atol=2e-3)


def test_a_training_with_dropout_goes_on_bit_for_bit_where_it_was_left():
    generator = np.random.default_rng(0)
    training = Partition(
        generator.normal(size=(20, 16, 16, 2)).astype(np.float32), (np.arange(20) % 3).astype(np.int32)
    )
    nothing = Partition(training.pixels[:0], training.labels[:0])
    config = TrainingConfig(architecture="small-resnet", epochs=3, batch_size=8, seed=5)
    states: list[TrainingState] = []
    whole = build("small-resnet", (16, 16, 2), 3, seed=5)
    train(whole, config, training, nothing, on_epoch=lambda report: states.append(report.state()))
    other = build("small-resnet", (16, 16, 2), 3, seed=6)
    train(other, config, training, nothing, resume_from=states[0])
    assert weights_digest(other) == weights_digest(whole)
    again = build("small-resnet", (16, 16, 2), 3, seed=5)
    train(again, config, training, nothing)
    assert weights_digest(again) == weights_digest(whole)


def test_its_file_holds_it_whole(tmp_path: Path):
    model = build("small-resnet", (20, 30, 5), 4, seed=0)
    preprocessing = Preprocessing((20, 30, 5), (0.0,) * 5, (1.0,) * 5)
    classifier = Classifier(model, list("abcd"), preprocessing, TrainingConfig(architecture="small-resnet"))
    classifier.save(tmp_path / "network.keras")
    pixels = np.random.default_rng(0).normal(size=(3, 20, 30, 5)).astype(np.float32)
    loaded = Classifier.load(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded.predict_prepared(pixels), classifier.predict_prepared(pixels))
