"""The learning rate rises over the warm-up, batch by batch, and falls as the schedule says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.training.schedules import Schedule


def course(
    config: TrainingConfig, epochs: int, losses=None, batches: int = 1, rate: float = 1.0
) -> list[float]:
    """The last rate of each epoch."""
    schedule, rates = Schedule(config, epochs, rate), []
    for epoch in range(1, epochs + 1):
        rates.append(float(schedule.rates(epoch, batches)[-1]))
        schedule.observe(epoch, 1.0 if losses is None else losses[epoch - 1])
    return rates


def test_constant_stays():
    assert course(TrainingConfig(schedule="constant", learning_rate=0.5), 3) == [0.5, 0.5, 0.5]


def test_the_cosine_falls_from_the_full_rate_to_almost_none():
    expected = [1.0, (1 + np.sqrt(0.5)) / 2, 0.5, (1 - np.sqrt(0.5)) / 2]
    assert course(TrainingConfig(schedule="cosine", learning_rate=1.0), 4) == pytest.approx(expected)


def test_step_falls_every_few_epochs():
    config = TrainingConfig(schedule="step", schedule_epochs=2, schedule_factor=0.5, learning_rate=1.0)
    assert course(config, 5) == [1, 1, 0.5, 0.5, 0.25]


def test_a_stage_multiplies_the_rate():
    assert course(TrainingConfig(schedule="constant", learning_rate=0.5), 2, rate=0.1) == pytest.approx(
        [0.05, 0.05]
    )


def test_the_warm_up_rises_batch_by_batch_to_the_full_rate():
    config = TrainingConfig(schedule="cosine", warmup_epochs=2, learning_rate=1.0)
    schedule = Schedule(config, 4)
    warm = np.concatenate([schedule.rates(1, 4), schedule.rates(2, 4)])
    np.testing.assert_allclose(warm, np.arange(1, 9) / 8)
    np.testing.assert_array_equal(schedule.rates(3, 4), np.ones(4))
    np.testing.assert_allclose(schedule.rates(4, 4), np.full(4, 0.5))


def test_a_warm_up_longer_than_its_stage_ends_with_it():
    schedule = Schedule(TrainingConfig(warmup_epochs=5, learning_rate=1.0), 2)
    assert schedule.rates(2, 3)[-1] == 1.0


LOSSES = [3.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9]


def test_plateau_falls_after_epochs_without_a_better_loss():
    config = TrainingConfig(schedule="plateau", schedule_epochs=2, schedule_factor=0.1, learning_rate=1.0)
    expected = [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001]
    assert course(config, 10, LOSSES) == pytest.approx(expected)


@pytest.mark.training
def test_plateau_falls_where_keras_does(tensorflow):
    import keras

    config = TrainingConfig(schedule="plateau", schedule_epochs=2, schedule_factor=0.5, learning_rate=1.0)
    losses = np.random.default_rng(0).uniform(size=40).round(1).tolist()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    peer = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=0.0, min_lr=0.0)
    peer.set_model(model)
    peer.on_train_begin()
    rates = []
    for epoch, loss in enumerate(losses):
        rates.append(float(model.optimizer.learning_rate.numpy()))
        peer.on_epoch_end(epoch, {"loss": loss})
    assert course(config, 40, losses) == pytest.approx(rates)


def test_a_position_taken_over_goes_on_alike():
    config = TrainingConfig(schedule="plateau", schedule_epochs=2, schedule_factor=0.1, learning_rate=1.0)
    whole = course(config, 10, LOSSES)
    for until in range(10):
        first = Schedule(config, 10)
        for epoch in range(1, until + 1):
            first.observe(epoch, LOSSES[epoch - 1])
        second = Schedule(config, 10)
        second.go_to(json.loads(json.dumps(first.position())))
        assert second.rates(until + 1, 1)[0] == whole[until]
