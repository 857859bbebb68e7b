"""simple-cnn is Piximi's SimpleCNN, layer for layer."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.architectures import build, minimum_size, summarize
from piximi_widgets.errors import ConfigurationError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


def test_on_mnist_it_has_5994_parameters():
    model = build("simple-cnn", (28, 28, 1), 10, seed=0)
    assert [row["parameters"] for row in summarize(model)] == [208, 0, 3216, 0, 0, 2570]
    assert model.count_params() == 5994
    assert [row["output shape"] for row in summarize(model)][-2:] == ["256", "10"]


def test_it_ends_in_a_softmax():
    model = build("simple-cnn", (28, 28, 1), 10, seed=0)
    probabilities = model(np.random.default_rng(0).normal(size=(3, 28, 28, 1)).astype("float32")).numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_the_initial_weights_are_scaled_by_fan_in_and_follow_the_seed():
    weights = [build("simple-cnn", (28, 28, 1), 10, seed=seed).get_weights() for seed in (1, 1, 2)]
    for kernel, same, different in zip(*(each[::2] for each in weights), strict=True):
        fan_in = np.prod(kernel.shape[:-1])
        assert kernel.std() == pytest.approx(np.sqrt(1 / fan_in), rel=0.15)
        np.testing.assert_array_equal(kernel, same)
        assert not np.array_equal(kernel, different)
    for bias in weights[0][1::2]:
        assert not bias.any()


def test_it_builds_at_its_minimum_and_not_below():
    size = minimum_size("simple-cnn")
    assert build("simple-cnn", (size, size, 2), 3, seed=0).output_shape == (None, 3)
    with pytest.raises(ValueError, match=r"[Nn]egative|output"):
        build("simple-cnn", (size - 1, size, 2), 3, seed=0)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match="simple-cnn"):
        minimum_size("simple")
