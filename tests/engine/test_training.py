"""The loop computes what Keras computes, repeats bit for bit, and learns from nothing but the training images."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.augmentation import shift_transforms
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.preprocessing import fit_preprocessing, stack
from piximi_widgets.engine.training import Partition, epoch_order, learning_rate, train, weights_digest
from piximi_widgets.errors import TrainingError

from .conftest import SIDE, stripes

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

CLASSES = 2


def partition(count: int, seed: int = 0) -> Partition:
    pixels, labels = stripes(count, seed)
    return Partition(((pixels - 120.0) / 60).astype(np.float32)[..., None], labels)


def fresh(config: TrainingConfig):
    return build("simple-cnn", (SIDE, SIDE, 1), CLASSES, config.seed)


def digest_of(config: TrainingConfig, training: Partition, validation: Partition, **options) -> str:
    model = fresh(config)
    train(model, config, training, validation, **options)
    return weights_digest(model)


@pytest.mark.parametrize(
    ("optimizer", "momentum", "count"),
    [("adam", 0.9, 24), ("adam", 0.9, 25), ("sgd", 0.9, 25), ("sgd", 0.0, 24)],
)
def test_it_computes_what_keras_computes(optimizer: str, momentum: float, count: int):
    """Same initial weights and order: the weights agree, with a last batch of one image too."""
    import keras

    rate = 0.001 if optimizer == "adam" else 0.01
    config = TrainingConfig(
        epochs=3,
        batch_size=8,
        optimizer=optimizer,
        momentum=momentum,
        learning_rate=rate,
        schedule="constant",
        shift=0,
        shuffle=False,
    )
    training, validation = partition(count), partition(10, seed=1)
    model, reports = fresh(config), []
    train(model, config, training, validation, on_epoch=reports.append)
    peer = fresh(config)
    rule = (
        keras.optimizers.Adam(rate) if optimizer == "adam" else keras.optimizers.SGD(rate, momentum=momentum)
    )
    peer.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    history = peer.fit(
        training.pixels,
        training.labels,
        batch_size=8,
        epochs=3,
        shuffle=False,
        verbose=0,
        validation_data=(validation.pixels, validation.labels),
    ).history
    for ours, theirs in zip(model.get_weights(), peer.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    np.testing.assert_allclose([report.loss for report in reports], history["loss"], rtol=1e-4)
    np.testing.assert_allclose([report.accuracy for report in reports], history["accuracy"])
    np.testing.assert_allclose([report.val_loss for report in reports], history["val_loss"], rtol=1e-4)
    np.testing.assert_allclose([report.val_accuracy for report in reports], history["val_accuracy"])


def test_the_loss_is_one_cross_entropy_of_the_softmax(config: TrainingConfig):
    """The first loss is that of the untrained network, not of a softmax of its softmax."""
    training, reports = partition(8), []
    model = fresh(config)
    probabilities = model(training.pixels).numpy()
    expected = -np.log(probabilities[np.arange(8), training.labels]).mean()
    plain = config.model_copy(update={"shift": 0, "epochs": 1})
    train(model, plain, training, training, on_batches=reports.append)
    assert reports[0].losses[0] == pytest.approx(expected, rel=1e-5)


def test_the_same_record_gives_the_same_weights(config: TrainingConfig):
    training, validation = partition(30), partition(10, seed=1)
    first = digest_of(config, training, validation)
    np.random.seed(99)  # noqa: NPY002 - nothing may read the global generator
    assert digest_of(config, training, validation) == first
    assert digest_of(config.model_copy(update={"seed": 4}), training, validation) != first


def test_the_pace_of_the_calls_does_not_change_the_weights(config: TrainingConfig):
    """A slow callback makes other chunks; the weights stay the same."""
    training, validation = partition(60), partition(10, seed=1)
    first = digest_of(config, training, validation)
    slow = digest_of(config, training, validation, on_batches=lambda _: time.sleep(0.05))
    assert slow == first


def test_poisoned_validation_pixels_leave_the_weights_unchanged(config: TrainingConfig):
    """Leakage canary, through the statistics too: validation pixels are only ever scored."""
    pixels, labels = stripes(40)
    clean = digest_of(config, *prepared(config, pixels, labels))
    poisoned = pixels.copy()
    poisoned[30:] = 255 - poisoned[30:] // 3
    assert digest_of(config, *prepared(config, poisoned, 1 - labels, keep=labels[:30])) == clean


def prepared(config, pixels, labels, keep=None) -> tuple[Partition, Partition]:
    """The first 30 images for training, the rest for validation, prepared as a job does it."""
    planes = [image[None, :, :, None] for image in pixels]
    raw = stack(planes[:30], (SIDE, SIDE, 1))
    preprocessing = fit_preprocessing(raw, config.normalization)
    training = Partition(preprocessing.normalize(raw), labels[:30] if keep is None else keep)
    return training, Partition(preprocessing.prepare(planes[30:]), labels[30:])


def test_it_learns_stripes_and_shuffled_labels_score_at_chance():
    config = TrainingConfig(epochs=15, batch_size=16, learning_rate=0.01)
    training, validation = partition(64), partition(200, seed=1)
    assert last_accuracy(config, training, validation) > 0.95
    shuffled = Partition(training.pixels, np.random.default_rng(5).permutation(training.labels))
    assert 0.3 < last_accuracy(config, shuffled, validation) < 0.7


def last_accuracy(config: TrainingConfig, training: Partition, validation: Partition) -> float:
    reports = []
    train(fresh(config), config, training, validation, on_epoch=reports.append)
    return reports[-1].val_accuracy


def test_batches_and_epochs_are_reported_without_a_hole(config: TrainingConfig):
    batches, epochs = [], []
    train(
        fresh(config), config, partition(30), partition(5), on_batches=batches.append, on_epoch=epochs.append
    )
    steps = [report.first_step + index for report in batches for index in range(len(report.losses))]
    assert steps == list(range(1, 4 * 4 + 1))
    assert [report.epoch for report in epochs] == [1, 2, 3, 4]
    assert all(report.done <= report.total == 4 for report in batches)


def test_stop_ends_it_quickly_and_keeps_the_weights(config: TrainingConfig):
    stop, asked = threading.Event(), []
    model = fresh(config)

    def ask(report) -> None:
        # Not in the first call, which also builds the graph.
        if report.first_step > 20 and not asked:
            asked.append(time.perf_counter())
            threading.Timer(0.05, stop.set).start()

    long = config.model_copy(update={"epochs": 10_000})
    assert train(model, long, partition(3000), partition(10), on_batches=ask, stop=stop.is_set) is False
    assert time.perf_counter() - asked[0] < 1.0
    assert weights_digest(model) != weights_digest(fresh(config))


def test_a_loss_that_is_no_number_stops_with_advice(config: TrainingConfig):
    wild = config.model_copy(update={"learning_rate": 10.0, "optimizer": "sgd", "schedule": "constant"})
    training = partition(30)
    huge = Partition(training.pixels * 1e18, training.labels)
    with pytest.raises(TrainingError, match="smaller learning rate than 10"):
        train(fresh(wild), wild, huge, huge)


def test_without_validation_images_it_trains(config: TrainingConfig):
    empty, reports = Partition(np.empty((0, SIDE, SIDE, 1), np.float32), np.empty(0, np.int32)), []
    assert train(fresh(config), config, partition(16), empty, on_epoch=reports.append)
    assert reports[-1].val_loss is None


@pytest.mark.parametrize("size", [1, 3])
def test_any_batch_size_trains(config: TrainingConfig, size: int):
    other = config.model_copy(update={"batch_size": size, "epochs": 1})
    assert train(fresh(other), other, partition(10), partition(4))


def test_each_epoch_has_an_order_of_its_own(config: TrainingConfig):
    first, second = epoch_order(config, 50, 1), epoch_order(config, 50, 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)
    fixed = config.model_copy(update={"shuffle": False})
    np.testing.assert_array_equal(epoch_order(fixed, 5, 2), range(5))


def test_the_cosine_schedule_falls_from_the_full_rate_to_almost_none(config: TrainingConfig):
    rates = [learning_rate(config, epoch) for epoch in range(1, 5)]
    assert rates[0] == config.learning_rate
    assert rates[2] == pytest.approx(config.learning_rate / 2)
    assert rates == sorted(rates, reverse=True)
    constant = config.model_copy(update={"schedule": "constant"})
    assert learning_rate(constant, 4) == constant.learning_rate


def test_a_shift_moves_pixels_and_repeats_the_edge(tensorflow):
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    transforms = shift_transforms(TrainingConfig(shift=0), (1, 4, 4, 1), 1)
    transforms[:, 2] = 1  # one pixel to the left
    moved = tensorflow.raw_ops.ImageProjectiveTransformV3(
        images=image,
        transforms=transforms,
        output_shape=[4, 4],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    ).numpy()
    np.testing.assert_array_equal(moved[0, 0, :, 0], [1, 2, 3, 3])


def test_shifts_stay_in_their_bounds_and_differ_by_image_and_epoch():
    config = TrainingConfig(shift=0.1)
    first = shift_transforms(config, (500, 20, 40, 1), 1)
    assert np.abs(first[:, 2]).max() <= 4
    assert np.abs(first[:, 5]).max() <= 2
    assert np.abs(first[:, 2]).max() > 3.5
    assert len(np.unique(first[:, 2])) == 500
    assert not np.array_equal(first, shift_transforms(config, (500, 20, 40, 1), 2))
