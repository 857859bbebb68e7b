"""Every optimizer takes the steps that Keras' takes, and only kernels decay."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.training.optimizers import ADAMW_DECAY, Optimizer, is_kernel

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

RATES = (0.01, 0.01, 0.02, 0.005, 0.001)


def parameters():
    import keras

    generator = np.random.default_rng(0)
    kernel = keras.Variable(generator.normal(size=(4, 3)).astype("float32"), name="kernel")
    return [kernel, keras.Variable(generator.normal(size=3).astype("float32"), name="bias")]


def gradients(step: int) -> list[np.ndarray]:
    generator = np.random.default_rng([1, step])
    return [generator.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,))]


def start(tensorflow, config: TrainingConfig):
    trained = parameters()
    optimizer = Optimizer(config, trained)
    return [*trained, *optimizer.state], tensorflow.function(optimizer.apply, autograph=False)


def ours(tensorflow, config: TrainingConfig, pause: int | None = None) -> list[np.ndarray]:
    tf = tensorflow
    variables, step = start(tf, config)
    for index, rate in enumerate(RATES):
        if index == pause:
            kept = [variable.numpy() for variable in variables]
            variables, step = start(tf, config)
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)
        step([tf.constant(value) for value in gradients(index)], tf.constant(rate))
    return [variable.numpy() for variable in variables[:2]]


def of_keras(kind: str, **options) -> list[np.ndarray]:
    import keras

    kinds = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "momentum": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "adagrad": keras.optimizers.Adagrad,
        "adadelta": keras.optimizers.Adadelta,
        "adamax": keras.optimizers.Adamax,
    }
    optimizer, trained = kinds[kind](learning_rate=RATES[0], **options), parameters()
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    for index, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor(value) for value in gradients(index)], trained)
    return [variable.numpy() for variable in trained]


ALL = ("adam", "adamw", "sgd", "momentum", "rmsprop", "adagrad", "adadelta", "adamax")


def close(mine: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for one, other, before in zip(mine, theirs, parameters(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)
        assert not np.array_equal(one, before.numpy())


@pytest.mark.parametrize("kind", ALL)
def test_it_takes_the_steps_of_keras(tensorflow, kind: str):
    options = {"momentum": {"momentum": 0.9}, "adamw": {"weight_decay": ADAMW_DECAY}}.get(kind, {})
    close(ours(tensorflow, TrainingConfig(optimizer=kind)), of_keras(kind, **options))


@pytest.mark.parametrize("kind", ALL)
def test_it_decays_kernels_as_keras_does(tensorflow, kind: str):
    options = {"momentum": 0.9} if kind == "momentum" else {}
    config = TrainingConfig(optimizer=kind, weight_decay=0.2)
    close(ours(tensorflow, config), of_keras(kind, weight_decay=0.2, **options))


def test_gradients_are_clipped_by_their_norm_over_all_variables(tensorflow):
    config = TrainingConfig(optimizer="sgd", gradient_clipping=0.5)
    close(ours(tensorflow, config), of_keras("sgd", global_clipnorm=0.5))


@pytest.mark.parametrize("kind", ALL)
def test_its_state_is_all_that_it_remembers(tensorflow, kind: str):
    config = TrainingConfig(optimizer=kind, weight_decay=0.1)
    for one, other in zip(ours(tensorflow, config), ours(tensorflow, config, pause=3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_biases_and_normalisations_are_no_kernels():
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.DepthwiseConv2D(3),
            layers.GroupNormalization(2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    decayed = [parameter.path for parameter in model.trainable_variables if is_kernel(parameter)]
    assert [path.split("/")[-1] for path in decayed] == ["kernel", "kernel"]
