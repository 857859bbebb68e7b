"""small-resnet takes any size from 16 on, stays small, and begins as its shortcuts."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.architectures import build, minimum_size, summarize
from piximi_widgets.engine.architectures.logits import Logits
from piximi_widgets.errors import ConfigurationError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


def test_on_mnist_its_parameters_are_those_counted_by_hand():
    rows = {row["layer"]: row["parameters"] for row in summarize(build("small-resnet", (28, 28, 1), 10, 0))}
    by_hand = {
        "stem": 5 * 5 * 1 * 16,
        "stem_normalization": 2 * 16,
        "block_1_convolution_1": 3 * 3 * 16 * 32,
        "block_1_normalization_1": 2 * 32,
        "block_1_convolution_2": 3 * 3 * 32 * 32,
        "block_1_normalization_2": 2 * 32,
        "block_1_shortcut": 16 * 32,
        "block_2_convolution_1": 3 * 3 * 32 * 64,
        "block_2_normalization_1": 2 * 64,
        "block_2_convolution_2": 3 * 3 * 64 * 64,
        "block_2_normalization_2": 2 * 64,
        "block_2_shortcut": 32 * 64,
        "classes": 4 * 4 * 64 * 10 + 10,
    }
    assert {name: count for name, count in rows.items() if count} == by_hand
    assert sum(by_hand.values()) == 82_746


@pytest.mark.parametrize(
    "shape", [(16, 16, 1), (17, 40, 3), (64, 64, 2), (100, 65, 5), (16, 600, 1), (300, 257, 1)]
)
def test_it_takes_any_size_and_stays_small(shape):
    model = build("small-resnet", shape, 3, seed=0)
    assert 10_000 < model.count_params() < 300_000
    height, width, _ = model.get_layer("flatten").input.shape[1:]
    assert max(height, width) <= 4
    found = model(np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")).numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert Logits(model).exact


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


def test_before_the_training_a_block_is_its_shortcut():
    import keras

    model = build("small-resnet", (28, 28, 1), 10, seed=0)
    inner = keras.Model(
        model.input, [model.get_layer("block_1_shortcut").output, model.get_layer("block_1_relu_2").output]
    )
    shortcut, block = inner(np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32"))
    np.testing.assert_array_equal(np.maximum(shortcut, 0), block)
