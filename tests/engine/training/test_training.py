"""The loop computes what Keras computes, repeats bit for bit, and learns from nothing but the training images."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.preprocessing import fit_preprocessing, stack
from piximi_widgets.engine.training import train, weights_digest
from piximi_widgets.errors import ConfigurationError, NotTrainableError, TrainingError

from ..conftest import SIDE, stripes

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
    [("adam", 0.9, 25), ("momentum", 0.9, 25), ("sgd", 0.0, 24)],
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
        label_smoothing=0.0,
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
    with pytest.raises(
        TrainingError, match="In epoch 1, batch .*smaller learning rate than 10.*gradient clipping"
    ):
        train(fresh(wild), wild, huge, huge)


def test_without_validation_images_it_trains(config: TrainingConfig):
    empty, reports = Partition(np.empty((0, SIDE, SIDE, 1), np.float32), np.empty(0, np.int32)), []
    assert train(fresh(config), config, partition(16), empty, on_epoch=reports.append)
    assert reports[-1].val_loss is None


@pytest.mark.parametrize("size", [1, 3])
def test_any_batch_size_trains(config: TrainingConfig, size: int):
    other = config.model_copy(update={"batch_size": size, "epochs": 1})
    assert train(fresh(other), other, partition(10), partition(4))


def spread(training: Partition, config: TrainingConfig, **options):
    model, reports = fresh(config), []
    train(model, config, training, partition(10, seed=1), on_epoch=reports.append, **options)
    return model, reports


def test_class_weights_are_those_of_keras():
    """Of 25 images 20 are of one class; the other's count four times as much."""
    import keras

    both = partition(50)
    rows = np.sort(
        np.concatenate([np.flatnonzero(both.labels == 0)[:20], np.flatnonzero(both.labels == 1)[:5]])
    )
    training = Partition(both.pixels[rows], both.labels[rows])
    weighted = TrainingConfig(
        epochs=2,
        label_smoothing=0.0,
        batch_size=8,
        optimizer="sgd",
        learning_rate=0.01,
        schedule="constant",
        augmentation="none",
        shuffle=False,
        class_weights="balanced",
    )
    model, _ = spread(training, weighted)
    peer = fresh(weighted)
    peer.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", jit_compile=False)
    peer.fit(
        training.pixels,
        training.labels,
        batch_size=8,
        epochs=2,
        shuffle=False,
        verbose=0,
        class_weight={0: 25 / 40, 1: 25 / 10},
    )
    for ours, theirs in zip(model.get_weights(), peer.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_validation_is_scored_without_class_weights_and_smoothing(config: TrainingConfig):
    both = partition(40)
    training = Partition(both.pixels[:31], np.where(np.arange(31) < 20, 0, both.labels[:31]).astype(np.int32))
    validation = partition(10, seed=1)
    update = {"class_weights": "balanced", "label_smoothing": 0.2, "epochs": 1, "loss": "mean-squared-error"}
    model, reports = spread(training, config.model_copy(update=update))
    probabilities = model(validation.pixels).numpy()
    truth = np.eye(CLASSES)[validation.labels]
    assert reports[-1].val_loss == pytest.approx(((probabilities - truth) ** 2).mean(), rel=1e-5)


def test_the_training_loss_is_reported_without_smoothing(config: TrainingConfig):
    """Beside the validation loss it would seem too high, and never fall to zero."""
    images = partition(16)
    update = {
        "label_smoothing": 0.4,
        "learning_rate": 1e-9,
        "batch_size": 16,
        "epochs": 1,
        "augmentation": "none",
    }
    model, reports = spread(images, config.model_copy(update=update))
    probabilities = model(images.pixels).numpy()[np.arange(16), images.labels]
    assert reports[-1].loss == pytest.approx(-np.log(probabilities).mean(), rel=1e-5)


def test_oversampling_visits_the_rare_class_as_often(config: TrainingConfig):
    both = partition(40)
    rows = np.concatenate([np.flatnonzero(both.labels == 0), np.flatnonzero(both.labels == 1)[:3]])
    reports = []
    training = Partition(both.pixels[rows], both.labels[rows])
    oversampled = config.model_copy(update={"oversampling": True, "epochs": 1})
    train(fresh(config), oversampled, training, partition(4), on_batches=reports.append)
    assert reports[-1].total == 5


def test_the_learning_rate_is_reported_and_used(config: TrainingConfig):
    warm = config.model_copy(update={"warmup_epochs": 2, "schedule": "constant", "learning_rate": 0.01})
    _, reports = spread(partition(24), warm)
    assert [report.learning_rate for report in reports] == pytest.approx([0.005, 0.01, 0.01, 0.01])


def test_the_warm_up_reaches_every_batch():
    """Plain steps on one image whose gradient is known: each is larger than the last by the schedule."""
    config = TrainingConfig(
        epochs=4,
        batch_size=1,
        optimizer="sgd",
        learning_rate=2e-5,
        schedule="constant",
        warmup_epochs=2,
        augmentation="none",
        shuffle=False,
    )
    twice = partition(4)
    same = Partition(np.repeat(twice.pixels[:1], 4, axis=0), np.repeat(twice.labels[:1], 4))
    reports = []
    train(fresh(config), config, same, partition(4), on_batches=reports.append)
    falls = -np.diff(np.concatenate([report.losses for report in reports]))
    np.testing.assert_allclose(falls[:8] / falls[8], np.arange(1, 9) / 8, rtol=0.05)


def test_early_stopping_ends_it_with_the_best_weights():
    """A rate at which the validation loss soon rises: what is left is the epoch with the smallest."""
    config = TrainingConfig(
        epochs=60,
        batch_size=8,
        learning_rate=0.01,
        augmentation="none",
        early_stopping=3,
        schedule="constant",
    )
    noise = np.random.default_rng(0).normal(size=(30, SIDE, SIDE, 1)).astype(np.float32)
    training = Partition(noise, (np.arange(30) % 2).astype(np.int32))
    validation = Partition(noise[::-1][:20] * 0.5 + noise[:20], (np.arange(20) % 2).astype(np.int32))
    model, digests, reports = fresh(config), [], []

    def keep(report) -> None:
        reports.append(report)
        digests.append(weights_digest(model))

    assert train(model, config, training, validation, on_epoch=keep) is True
    best = int(np.argmin([report.val_loss for report in reports]))
    assert len(reports) == best + 1 + 3 < 60
    assert weights_digest(model) == digests[best]


def test_early_stopping_without_validation_follows_the_training_loss():
    config = TrainingConfig(epochs=30, batch_size=8, early_stopping=2, augmentation="none", learning_rate=0.5)
    empty, reports = Partition(np.empty((0, SIDE, SIDE, 1), np.float32), np.empty(0, np.int32)), []
    noise = np.random.default_rng(0).normal(size=(30, SIDE, SIDE, 1)).astype(np.float32)
    training = Partition(noise, (np.arange(30) % 2).astype(np.int32))
    assert train(fresh(config), config, training, empty, on_epoch=reports.append)
    best = int(np.argmin([report.loss for report in reports]))
    assert len(reports) in (best + 3, 30)


def test_plateau_lowers_the_rate_by_the_validation_loss(config: TrainingConfig):
    update = {
        "schedule": "plateau",
        "schedule_epochs": 1,
        "schedule_factor": 0.5,
        "epochs": 12,
        "learning_rate": 0.05,
    }
    _, reports = spread(partition(24), config.model_copy(update=update))
    rate, best, expected = 0.05, np.inf, []
    for report in reports:
        expected.append(rate)
        rate, best = (rate, report.val_loss) if report.val_loss < best else (rate / 2, best)
    assert [report.learning_rate for report in reports] == pytest.approx(expected)
    assert expected[-1] < 0.05


def test_given_pixels_replace_those_of_the_epoch_without_augmentation(config: TrainingConfig):
    training, asked = partition(24), []

    def pixels(epoch: int) -> np.ndarray:
        asked.append(epoch)
        return training.pixels

    plain = digest_of(config.model_copy(update={"augmentation": "none"}), training, partition(10, seed=1))
    empty = Partition(np.zeros_like(training.pixels), training.labels)
    assert digest_of(config, empty, partition(10, seed=1), epoch_pixels=pixels) == plain
    assert asked == [1, 2, 3, 4]


def test_a_loss_of_every_kind_falls(config: TrainingConfig):
    for kind in type(config).model_fields["loss"].annotation.__args__:
        long = config.model_copy(
            update={"loss": kind, "epochs": 6, "augmentation": "none", "schedule": "constant"}
        )
        _, reports = spread(partition(32), long)
        assert reports[-1].loss < 0.8 * reports[0].loss, kind


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"warmup_epochs": 4, "epochs": 4}, "warmup_epochs"),
        ({"precision": "mixed"}, "precision"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_before_the_first_batch(
    config, settings: dict, field: str
):
    wrong, reports = config.model_copy(update=settings), []
    with pytest.raises(ConfigurationError) as caught:
        train(fresh(config), wrong, partition(8), partition(4), on_batches=reports.append)
    assert list(caught.value.problems) == [field]
    assert not reports


def test_data_that_do_not_fit_are_refused(config: TrainingConfig):
    empty = Partition(np.empty((0, SIDE, SIDE, 1), np.float32), np.empty(0, np.int32))
    with pytest.raises(NotTrainableError, match="no training images"):
        train(fresh(config), config, empty, empty)
    many = Partition(partition(8).pixels, np.arange(8, dtype=np.int32))
    with pytest.raises(NotTrainableError, match="from 0 to 7, but the network has 2 outputs"):
        train(fresh(config), config, many, empty)


def test_pixels_of_an_epoch_that_are_not_made_end_the_training_as_a_stop_does(config: TrainingConfig):
    """Who computes them was stopped: the weights of the epochs before stay."""
    training, reports = partition(8), []
    given = {1: training.pixels}
    model = fresh(config)
    assert not train(model, config, training, training, on_epoch=reports.append, epoch_pixels=given.get)
    assert [report.epoch for report in reports] == [1]
