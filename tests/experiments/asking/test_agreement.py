"""Two evaluations of the same images, and whether their difference could be chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from piximi_widgets.errors import LogError, StoreError
from piximi_widgets.experiments.asking.agreement import mcnemar

CLASSES = ["cat", "dog", "owl"]


def _evaluate(experiment, ids, truth, prediction, classes=CLASSES, partition="validation"):
    probabilities = np.full((len(ids), len(classes)), 0.1)
    probabilities[np.arange(len(ids)), prediction] = 0.8
    experiment.add_evaluations(partition, ids, truth, probabilities, classes)


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [
        # by hand: 2 * (1 + 6) / 2**6; 2 * 1 / 2**5; 2 * (1 + 10 + 45) / 2**10
        (1, 5, 14 / 64),
        (0, 5, 2 / 32),
        (8, 2, 112 / 1024),
        (0, 1, 1.0),
        (0, 0, 1.0),
        (7, 7, 1.0),
    ],
)
def test_mcnemars_exact_test_on_hand_worked_tables(only_first, only_second, expected):
    assert mcnemar(only_first, only_second) == pytest.approx(expected, rel=1e-12)


def test_mcnemars_exact_test_is_scipys_binomial_test():
    generator = np.random.default_rng(0)
    for most in (10, 100, 1000, 100_000):
        for first, second in generator.integers(0, most, (25, 2)).tolist():
            if first + second:
                expected = binomtest(first, first + second, 0.5).pvalue
                assert mcnemar(first, second) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_images_that_one_alone_got_right(store):
    one, two = store.create_experiment("one"), store.create_experiment("two")
    truth = [0, 1, 2, 0, 1]
    _evaluate(one, [1, 2, 3, 4, 5], truth, [0, 1, 2, 0, 2])
    _evaluate(two, [5, 4, 3, 2, 1, 6], [1, 0, 2, 1, 0, 0], [1, 1, 2, 0, 1, 0])
    found = store.compare([one, two]).evaluation()
    assert found.ids.tolist() == [1, 2, 3, 4, 5]
    assert found.accuracy.to_dict() == {"one": pytest.approx(0.8), "two": pytest.approx(0.4)}
    table = found.disagreements
    assert table.index.tolist() == [1, 2, 4, 5]
    assert table["truth"].tolist() == ["cat", "dog", "cat", "dog"]
    assert table["prediction"]["one"].tolist() == ["cat", "dog", "cat", "owl"]
    assert table["prediction"]["two"].tolist() == ["dog", "cat", "dog", "dog"]
    # three against one: 2 * (1 + 4) / 2**4
    assert found.p_value == pytest.approx(0.625)
    assert not found.same_images
    assert found.evaluated == (5, 6)
    assert "accuracy one 0.800, two 0.400" in repr(found)


def test_classes_in_another_order_are_the_same_classes(store):
    one, two = store.create_experiment("one"), store.create_experiment("two")
    _evaluate(one, [1, 2], ["cat", "owl"], [0, 2])
    _evaluate(two, [1, 2], ["cat", "owl"], [2, 0], classes=["owl", "dog", "cat"])
    found = store.compare([one, two]).evaluation("validation")
    assert found.accuracy.tolist() == [1.0, 1.0]
    assert found.same_images
    assert found.disagreements.empty
    assert found.p_value == 1.0


def test_images_relabeled_in_between_or_without_category_are_left_out(store):
    one, two = store.create_experiment("one"), store.create_experiment("two")
    _evaluate(one, [1, 2, 3], [0, 1, -1], [0, 0, 0])
    _evaluate(two, [1, 2, 3], [0, 2, 0], [0, 0, 0])
    found = store.compare([one, two]).evaluation()
    assert found.ids.tolist() == [1]
    assert (found.relabeled, found.unlabeled) == (1, 1)


def test_probabilities_of_nan_are_wrong(store):
    one, two = store.create_experiment("one"), store.create_experiment("two")
    _evaluate(one, [1], [0], [0])
    two.add_evaluations("validation", [1], [0], [[np.nan] * 3], CLASSES)
    found = store.compare([one, two]).evaluation()
    assert found.accuracy.tolist() == [1.0, 0.0]
    assert found.disagreements["prediction"]["two"].tolist() == [None]


def test_three_experiments_are_compared_in_pairs(store):
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, 60)
    right = {}
    for name, share in (("a", 0.9), ("b", 0.5), ("c", 0.7)):
        prediction = np.where(generator.random(60) < share, truth, (truth + 1) % 3)
        right[name] = prediction == truth
        _evaluate(store.create_experiment(name), np.arange(60), truth, prediction)
    found = store.compare(["a", "b", "c"]).evaluation()
    for one in right:
        for other in right:
            counts = [int((right[one] & ~right[other]).sum()), int((right[other] & ~right[one]).sum())]
            expected = 1.0 if one == other else binomtest(counts[0], sum(counts), 0.5).pvalue
            assert found.p_values.loc[one, other] == pytest.approx(expected)
    assert found.p_value == found.p_values.loc["a", "c"]
    votes = sum(right.values())
    assert found.disagreements.index.tolist() == np.flatnonzero((votes > 0) & (votes < 3)).tolist()


def test_other_classes_are_refused(store):
    one, two = store.create_experiment("one"), store.create_experiment("two")
    _evaluate(one, [1], [0], [0])
    _evaluate(two, [1], [0], [0], classes=["cat", "dog"])
    with pytest.raises(StoreError, match="'one' has the classes"):
        store.compare([one, two]).evaluation()


def test_other_images_are_refused(store):
    one, two = store.create_experiment("one"), store.create_experiment("two")
    _evaluate(one, [1], [0], [0])
    _evaluate(two, [2], [0], [0])
    with pytest.raises(StoreError, match="same images"):
        store.compare([one, two]).evaluation()


def test_a_partition_that_was_not_evaluated_is_refused(store, pair):
    with pytest.raises(LogError, match="no evaluations of 'test'"):
        store.compare(pair).evaluation("test")
