"""The visits of an epoch: each image, rare ones more often, and the same again from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.training.sampling import epoch_order, image_weights, padding

LABELS = np.array([0] * 7 + [1] * 2 + [3] * 3)


def test_each_epoch_has_an_order_of_its_own():
    config, labels = TrainingConfig(seed=3), np.zeros(50, int)
    first, second = epoch_order(config, labels, 1), epoch_order(config, labels, 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, epoch_order(config, labels, 1))
    assert not np.array_equal(first, epoch_order(TrainingConfig(seed=4), labels, 1))


def test_without_shuffle_the_order_is_that_of_the_images():
    np.testing.assert_array_equal(epoch_order(TrainingConfig(shuffle=False), np.zeros(5), 2), range(5))


def test_oversampling_visits_all_classes_as_often_as_the_largest():
    config = TrainingConfig(oversampling=True)
    seen = np.zeros(12)
    for epoch in range(1, 41):
        order = epoch_order(config, LABELS, epoch)
        assert np.bincount(LABELS[order]).tolist() == [7, 7, 0, 7]
        visits = np.bincount(order, minlength=12)
        # Of one class no image comes twice more often than another.
        for label in (0, 1, 3):
            assert np.ptp(visits[label == LABELS]) <= 1
        seen += visits
    # Which image comes once more changes from epoch to epoch: 7 visits for 3 images.
    assert np.ptp(seen[9:]) < 40
    assert seen[9:].min() > 2 * 40


def test_oversampling_without_shuffle_is_the_same_in_all_epochs():
    config = TrainingConfig(oversampling=True, shuffle=False)
    order = epoch_order(config, LABELS, 1)
    np.testing.assert_array_equal(order[:12], range(12))
    np.testing.assert_array_equal(order, epoch_order(config, LABELS, 2))


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_sample_weight

    weights = image_weights(TrainingConfig(class_weights="balanced"), LABELS)
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", LABELS), rtol=1e-6)
    assert np.mean(weights, dtype=np.float64) == pytest.approx(1)


def test_what_is_oversampled_is_not_weighted_too():
    config = TrainingConfig(class_weights="balanced", oversampling=True)
    assert image_weights(config, LABELS).tolist() == [1] * 12
    assert image_weights(TrainingConfig(), LABELS).tolist() == [1] * 12


def test_the_last_batch_is_filled_with_places_that_do_not_count():
    assert padding(5, 3).tolist() == [[1, 1, 1], [1, 1, 0]]
    assert padding(6, 3).tolist() == [[1, 1, 1], [1, 1, 1]]
