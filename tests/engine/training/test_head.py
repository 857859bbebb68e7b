"""The NumPy steps of a linear head are TensorFlow's, and are taken only where they are."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.training import loop as module
from piximi_widgets.engine.training import train
from piximi_widgets.engine.training.head import linear_head

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

SETTINGS = {"augmentation": "none", "epochs": 3, "batch_size": 16, "early_stopping": 50}


def head(dropout: float = 0.0, classes: int = 4):
    """A head as mobilenet's: dropout, a 1×1 convolution, softmax."""
    import keras
    from keras import layers

    x = features = keras.Input((32,))
    x = layers.Dropout(dropout, seed=3)(layers.Reshape((1, 1, 32))(x))
    x = layers.Conv2D(classes, 1, kernel_initializer=keras.initializers.GlorotUniform(seed=1))(x)
    x = layers.Reshape((classes,))(x)
    return keras.Model(features, layers.Activation("softmax")(x))


def data(count: int = 70) -> Partition:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, count).astype(np.int32)
    features = generator.normal(size=(count, 32)) + np.eye(4, 32)[labels] * 2
    return Partition(features.astype(np.float32), labels)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam"},
        {"optimizer": "adamw", "label_smoothing": 0.1},
        {"optimizer": "momentum", "gradient_clipping": 0.3},
        {"optimizer": "sgd", "weight_decay": 0.05, "class_weights": "balanced"},
    ],
)
def test_weights_and_reports_are_those_of_tensorflow_steps(settings, monkeypatch):
    config, results = TrainingConfig(**SETTINGS, **settings), []
    for _ in range(2):
        model, reports = head(), []
        train(model, config, data(), data(30), on_epoch=reports.append)
        numbers = [(r.loss, r.accuracy, r.val_loss, r.val_accuracy) for r in reports]
        results.append(([*model.get_weights()], np.array(numbers)))
        monkeypatch.setattr(module, "linear_head", lambda *_: None)
    (numpy_weights, numpy_numbers), (weights, numbers) = results
    np.testing.assert_allclose(numpy_numbers, numbers, atol=1e-5)
    for ours, theirs in zip(numpy_weights, weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_a_resumed_training_ends_in_the_same_bits_with_dropout_too(optimizer):
    config, states = TrainingConfig(optimizer=optimizer, **SETTINGS), []
    whole, resumed = head(0.3), head(0.3)
    train(whole, config, data(), data(30), on_epoch=lambda report: states.append(report.state()))
    train(resumed, config, data(), data(30), resume_from=states[0])
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_dropout_drops_and_keeps_the_mean():
    config = TrainingConfig(**SETTINGS)
    stepper = module.HeadStepper(linear_head(head(0.25), config), config)
    dropped = stepper._dropped(np.ones((200, 100), np.float32))
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1 / 0.75)}
    assert dropped.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    "settings", [{"optimizer": "rmsprop"}, {"loss": "huber"}, {"precision": "mixed"}, {"batch_size": 4096}]
)
def test_other_settings_are_left_to_tensorflow(settings):
    assert linear_head(head(), TrainingConfig(**{**SETTINGS, **settings})) is None


def test_other_networks_are_left_to_tensorflow():
    import keras
    from keras import layers

    config, features = TrainingConfig(**SETTINGS), keras.Input((32,))
    hidden = layers.Dense(8, "relu")(features)
    regular = layers.Dense(4, "softmax", kernel_regularizer="l2")(features)
    sigmoid = layers.Dense(4, "sigmoid")(features)
    two = layers.Dense(4, "softmax")(hidden)
    for output in (regular, sigmoid, two):
        assert linear_head(keras.Model(features, output), config) is None
    frozen = keras.Model(features, layers.Dense(4, "softmax", trainable=False)(features))
    assert linear_head(frozen, config) is None
    plain = keras.Model(features, layers.Dense(4, "softmax")(features))
    assert linear_head(plain, config) is not None
