"""A training that goes on from a stored epoch ends bit for bit as one that was never interrupted."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest

from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.preprocessing import fit_preprocessing
from piximi_widgets.engine.training import Stage, train, weights_digest
from piximi_widgets.engine.training.state import TrainingState, seed_layers
from piximi_widgets.errors import TrainingError

from ..conftest import SIDE, stripes

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


def raw(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = stripes(count, seed)
    return pixels.astype(np.float32)[..., None], labels


def partition(count: int, seed: int = 0) -> Partition:
    pixels, labels = raw(count, seed)
    return Partition((pixels - 120) / 60, labels)


def simple(config: TrainingConfig):
    return build("simple-cnn", (SIDE, SIDE, 1), 2, config.seed)


def random_layers(config: TrainingConfig):
    """Functional, with dropout, batch normalisation and its softmax in a layer of its own."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(config.seed)
    image = keras.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="convolution")(image)
    x = layers.Dropout(0.3, name="dropout_1")(layers.BatchNormalization(name="normalization")(x))
    x = layers.Dropout(0.3, name="dropout_2")(layers.Flatten()(x))
    x = layers.Dense(2, name="classes", kernel_regularizer=keras.regularizers.L2(1e-3))(x)
    return keras.Model(image, layers.Softmax()(x), name="random_layers")


def stored(state: TrainingState) -> TrainingState:
    """What is left of a state after it was on disk."""
    file = io.BytesIO()
    np.savez(file, **state.arrays)
    file.seek(0)
    with np.load(file) as arrays:
        return TrainingState(state.epoch, dict(arrays), json.loads(json.dumps(state.values)))


def run(make: Callable, config: TrainingConfig, **options) -> tuple[str, list, list[TrainingState]]:
    """Digest of the weights at the end, reports without their times, and the state after each epoch."""
    model, reports, states = make(config), [], []

    def note(report) -> None:
        reports.append(
            (
                report.epoch,
                report.loss,
                report.accuracy,
                report.val_loss,
                report.val_accuracy,
                report.learning_rate,
            )
        )
        states.append(stored(report.state()))

    assert train(model, config, partition(30), partition(12, seed=1), on_epoch=note, **options)
    return weights_digest(model), reports, states


def head_only(model) -> None:
    for layer in model.layers:
        layer.trainable = layer.name == "classes"


def everything(model) -> None:
    for layer in model.layers:
        layer.trainable = True


SETTINGS = {"batch_size": 8, "seed": 3}
CASES = {
    "adam, cosine, early stopping": (
        simple,
        TrainingConfig(epochs=6, early_stopping=2, learning_rate=0.02, **SETTINGS),
        None,
    ),
    "momentum, plateau, augmentation, dropout": (
        random_layers,
        TrainingConfig(
            epochs=6,
            optimizer="momentum",
            learning_rate=0.05,
            schedule="plateau",
            schedule_epochs=1,
            augmentation="microscopy",
            noise=0.1,
            gradient_clipping=1.0,
            **SETTINGS,
        ),
        None,
    ),
    "stages": (
        simple,
        TrainingConfig(
            epochs=3, warmup_epochs=1, early_stopping=2, weight_decay=0.01, oversampling=True, **SETTINGS
        ),
        (Stage(3, trainable=head_only), Stage(2, rate=0.1, trainable=everything)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_resumed_training_ends_as_one_that_was_never_interrupted(case: str):
    make, config, stages = CASES[case]
    digest, reports, states = run(make, config, stages=stages)
    for state in states:
        resumed, rest, _ = run(make, config, stages=stages, resume_from=state)
        assert resumed == digest, state.epoch
        assert rest == reports[state.epoch :], state.epoch


def test_stages_follow_each_other_and_each_trains_what_it_says():
    make, config, stages = CASES["stages"]
    _, reports, states = run(make, config, stages=stages)
    assert [report[0] for report in reports] == [1, 2, 3, 4, 5]
    assert [report[-1] for report in reports[3:]] == pytest.approx([0.0003, 0.0003])
    beginning = [variable.numpy() for variable in make(config).variables]
    kernels = [[state.arrays[f"model/{index:04}"] for index in (0, 4)] for state in states]
    np.testing.assert_array_equal(kernels[2][0], beginning[0])
    assert not np.array_equal(kernels[2][1], beginning[4])
    assert not np.array_equal(kernels[4][0], beginning[0])


def test_a_stage_may_be_added_to_a_finished_training():
    config = TrainingConfig(epochs=2, **SETTINGS)
    digest, _, states = run(simple, config)
    longer, reports, _ = run(simple, config, stages=[Stage(2), Stage(3)], resume_from=states[-1])
    assert [report[0] for report in reports] == [3, 4, 5]
    assert longer != digest
    assert longer == run(simple, config, stages=[Stage(2), Stage(3)])[0]


def test_pixels_that_do_not_fit_in_memory_give_the_same_weights():
    """Read call by call, with augmentation; the second fetch of a call is one that was announced."""
    config = TrainingConfig(epochs=3, augmentation="microscopy", **SETTINGS)
    pixels, labels = raw(61)
    preprocessing = fit_preprocessing(pixels, "training-statistics")
    resident = Partition(preprocessing.normalize(pixels.copy()), labels)
    streamed = Partition(pixels, labels, preprocessing)
    digests = []
    for training in (resident, streamed):
        model, validation = simple(config), training
        assert train(model, config, training, validation)
        digests.append(weights_digest(model))
    assert digests[0] == digests[1]


def test_the_seed_decides_on_dropout():
    """The layers' own random numbers, which keras took from Python's generator, follow from the seed."""
    config = CASES["momentum, plateau, augmentation, dropout"][1]
    states = []
    for seed in (1, 1, 2):
        model = random_layers(config)
        seed_layers(model, seed)
        states.append([variable.numpy().tolist() for variable in model.variables if "seed" in variable.name])
    assert states[0] == states[1] != states[2]
    assert states[0][0] != states[0][1]


def test_moving_averages_see_whole_batches():
    """One epoch of one batch: the averages are those of that batch, not of its halves one after the other."""
    config = TrainingConfig(epochs=1, batch_size=30, augmentation="none", learning_rate=1e-6)
    model = random_layers(config)
    training = partition(30)
    before = model.get_layer("convolution")(training.pixels).numpy()
    train(model, config, training, partition(4))
    normalization = model.get_layer("normalization")
    np.testing.assert_allclose(
        normalization.moving_mean.numpy(), 0.01 * before.mean(axis=(0, 1, 2)), rtol=1e-3
    )
    variance = 0.99 + 0.01 * before.var(axis=(0, 1, 2))
    np.testing.assert_allclose(normalization.moving_variance.numpy(), variance, rtol=1e-3)


def test_a_state_of_another_network_is_refused():
    config = TrainingConfig(epochs=1, **SETTINGS)
    _, _, states = run(simple, config)
    with pytest.raises(TrainingError, match="checkpoint of epoch 1 .* another network"):
        run(random_layers, config, resume_from=states[0])


def test_a_state_is_asked_for_in_time():
    config, reports = TrainingConfig(epochs=2, **SETTINGS), []
    train(simple(config), config, partition(16), partition(4), on_epoch=reports.append)
    with pytest.raises(RuntimeError, match="epoch 1 is over"):
        reports[0].state()
