"""Half precision trains a network that was built for it, and steps that overflow are left out."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.training import train
from piximi_widgets.engine.training.optimizers import Optimizer
from piximi_widgets.engine.training.precision import LossScale

from ..conftest import SIDE, stripes

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


def network(policy: str):
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(4, 3, strides=2, activation="relu", dtype=policy),
            layers.Flatten(dtype=policy),
            layers.Dense(2, activation="softmax", dtype="float32", name="classes"),
        ]
    )


def test_bfloat16_learns_what_float32_learns():
    pixels, labels = stripes(48)
    training = Partition(((pixels - 120.0) / 60).astype(np.float32)[..., None], labels)
    losses = {}
    for policy, precision in (("float32", "float32"), ("mixed_bfloat16", "mixed")):
        config = TrainingConfig(epochs=6, batch_size=8, augmentation="none", precision=precision)
        reports, model = [], network(policy)
        train(model, config, training, training, on_epoch=reports.append)
        losses[policy] = [report.loss for report in reports]
        assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    np.testing.assert_allclose(losses["mixed_bfloat16"], losses["float32"], rtol=0.1, atol=0.02)
    assert losses["mixed_bfloat16"] != losses["float32"]


def test_a_scaled_step_is_the_same_step_and_an_overflow_is_left_out(tensorflow):
    import keras

    tf = tensorflow
    weight = keras.Variable(np.array([1.0, 2.0], np.float32))
    optimizer = LossScale(Optimizer(TrainingConfig(optimizer="sgd"), [weight]))
    step = tf.function(optimizer.apply, autograph=False)
    step([optimizer.enlarge(tf.constant([1.0, -1.0]))], tf.constant(0.5))
    np.testing.assert_array_equal(weight.numpy(), [0.5, 2.5])
    step([tf.constant([np.inf, 1.0])], tf.constant(0.5))
    np.testing.assert_array_equal(weight.numpy(), [0.5, 2.5])
    assert optimizer.enlarge(tf.constant(1.0)).numpy() == 2.0**14
