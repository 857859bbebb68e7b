"""simple-cnn is Piximi's SimpleCNN, layer for layer; every network has logits and a summary that adds up."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from piximi_widgets.engine.architectures import (
    Logits,
    build,
    minimum_size,
    names,
    summarize,
    summary_csv,
)
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
    with pytest.raises(ConfigurationError, match="at least 16×16; got 15×16"):
        build("simple-cnn", (size - 1, size, 2), 3, seed=0)


def test_an_unknown_name_is_refused_with_the_known_ones():
    for ask in (minimum_size, lambda name: build(name, (32, 32, 1), 2, 0)):
        with pytest.raises(
            ConfigurationError, match="'simple'; choose one of simple-cnn, small-resnet, mobilenet"
        ):
            ask("simple")


@pytest.mark.parametrize("name", ["simple-cnn", "small-resnet", "mobilenet"])
def test_each_is_listed_and_builds_at_its_minimum(name):
    assert name in names()
    size = minimum_size(name)
    assert build(name, (size, size, 1), 2, seed=0).output_shape == (None, 2)


# Logits -----------------------------------------------------------------------------------------------------


def endings(keras):
    """Networks that end in probabilities in every way that Keras knows."""
    from keras import layers

    def network(end):
        image = keras.Input((6, 5, 2))
        return keras.Model(image, end(layers.Flatten()(image)))

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.flatten, self.dense = layers.Flatten(), layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.dense(self.flatten(x))

    own = Own()
    own(np.zeros((1, 6, 5, 2)))
    return {
        "dense": network(layers.Dense(3, activation="softmax")),
        "dense without bias": network(layers.Dense(3, activation="softmax", use_bias=False)),
        "activation": network(lambda x: layers.Activation("softmax")(layers.Dense(3)(x))),
        "softmax": network(lambda x: layers.Softmax()(layers.Dense(3)(x))),
        "sequential": keras.Sequential(
            [keras.Input((6, 5, 2)), layers.Flatten(), layers.Dense(3, activation="softmax")]
        ),
        "operation": network(lambda x: keras.ops.softmax(layers.Dense(3)(x))),
        "class": own,
    }


@pytest.mark.parametrize(
    ("ending", "exact"),
    [
        ("dense", True),
        ("dense without bias", True),
        ("activation", True),
        ("softmax", True),
        ("sequential", True),
        ("operation", False),
        ("class", False),
    ],
)
def test_the_softmax_of_the_logits_are_the_probabilities(tensorflow, ending, exact):
    import keras

    model = endings(keras)[ending]
    logits = Logits(model)
    assert logits.exact is exact
    x = np.random.default_rng(0).normal(size=(4, 6, 5, 2)).astype("float32")
    found = tensorflow.function(lambda pixels: logits(pixels, training=False))(x).numpy()
    np.testing.assert_allclose(tensorflow.nn.softmax(found).numpy(), model(x).numpy(), rtol=1e-5, atol=1e-6)


def test_logits_stay_exact_where_probabilities_vanish(tensorflow):
    import keras

    model = endings(keras)["activation"]
    dense = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense))
    dense.set_weights([np.zeros((60, 3), "float32"), np.array([0, 300, -300], "float32")])
    found = Logits(model)(np.zeros((1, 6, 5, 2), "float32"), training=False).numpy()
    np.testing.assert_array_equal(found, [[0, 300, -300]])


@pytest.mark.parametrize("ending", ["dense", "softmax", "operation", "class"])
def test_gradients_through_the_logits_reach_the_networks_own_weights(tensorflow, ending):
    import keras

    model = endings(keras)[ending]
    x = np.random.default_rng(0).normal(size=(4, 6, 5, 2)).astype("float32")
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_sum(Logits(model)(x, training=True) ** 2)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    assert gradients
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients)


# Summaries --------------------------------------------------------------------------------------------------


def test_a_network_within_a_network_is_one_row_and_the_parameters_add_up():
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.Flatten()], name="inner")
    inner.trainable = False
    image = keras.Input((6, 6, 1), name="image")
    x = layers.Concatenate(name="both")([inner(image), inner(image * 2)])
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="classes")(x))
    rows = {row["layer"]: row for row in summarize(model)}
    assert rows["inner"] == {
        "layer": "inner",
        "kind": "Sequential",
        "output shape": "32",
        "parameters": 2 * 9 + 2,
        "trainable": False,
    }
    assert rows["classes"]["parameters"] == 64 * 3 + 3
    assert sum(row["parameters"] for row in rows.values()) == model.count_params() == 20 + 195


def test_weights_beside_the_layers_are_counted_too(tensorflow):
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = keras.layers.Dense(3, name="dense")
            self.extra = self.add_weight(shape=(7,))

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(np.zeros((1, 4)))
    assert [(row["layer"], row["parameters"]) for row in summarize(model)] == [("dense", 15), ("own", 7)]


def test_the_summary_as_csv_has_every_row_and_quotes_what_needs_it():
    rows = summarize(build("simple-cnn", (28, 28, 1), 10, seed=0))
    rows[0] = {**rows[0], "kind": 'a "kind", with a comma'}
    read = list(csv.DictReader(io.StringIO(summary_csv(rows), newline="")))
    assert read == [{name: str(value) for name, value in row.items()} for row in rows]
    assert summary_csv([]) == "layer,kind,output shape,parameters,trainable\r\n"


def test_mixed_precision_computes_in_halves_and_leaves_no_trace():
    import keras

    model = build("small-resnet", (32, 32, 1), 3, 0, precision="mixed")
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    assert {
        layer.compute_dtype for layer in build("mobilenet", (32, 32, 1), 3, 0, precision="mixed").layers
    } == {"float32"}
