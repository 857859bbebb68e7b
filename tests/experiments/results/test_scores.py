"""Metrics against tables worked by hand, a brute-force oracle in plain Python, and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.experiments.results import scores

# Three classes by hand. Rows truth: cat 5 (3 right, 2 as dog), dog 4 (all right), fox 1 (as cat).
MATRIX = np.array([[3, 2, 0], [0, 4, 0], [1, 0, 0]])


def test_the_confusion_matrix_has_rows_of_truth():
    truth = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2]
    predicted = [0, 0, 0, 1, 1, 1, 1, 1, 1, 0]
    matrix = scores.confusion_matrix(np.array(truth), np.array(predicted), 3)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, MATRIX)


def test_per_class_by_hand():
    values = scores.class_metrics(MATRIX)
    np.testing.assert_allclose(values.precision, [3 / 4, 4 / 6, 0])
    np.testing.assert_allclose(values.recall, [3 / 5, 1, 0])
    np.testing.assert_allclose(values.f1, [2 * 0.75 * 0.6 / 1.35, 0.8, 0])
    np.testing.assert_array_equal(values.support, [5, 4, 1])
    np.testing.assert_array_equal(values.predicted, [4, 6, 0])
    np.testing.assert_array_equal(values.undefined, [False, False, True])


def test_averages_by_hand():
    values = scores.class_metrics(MATRIX)
    macro, weighted = scores.macro_average(values), scores.weighted_average(values)
    assert macro.precision == pytest.approx((3 / 4 + 4 / 6) / 3)
    assert macro.recall == pytest.approx(1.6 / 3)
    assert weighted.recall == pytest.approx(7 / 10)
    assert weighted.precision == pytest.approx((5 * 3 / 4 + 4 * 4 / 6) / 10)
    assert scores.accuracy(MATRIX) == pytest.approx(0.7)


def test_balanced_accuracy_by_hand_leaves_out_classes_without_images():
    assert scores.balanced_accuracy(scores.class_metrics(MATRIX)) == pytest.approx((3 / 5 + 1 + 0) / 3)
    without_fox = np.array([[3, 2, 0], [0, 4, 0], [0, 0, 0]])
    assert scores.balanced_accuracy(scores.class_metrics(without_fox)) == pytest.approx((3 / 5 + 1) / 2)


def test_two_classes_are_not_swapped():
    """The first class: 1 of 2 predictions right, 1 of 5 images found (Piximi 1.1.4 swaps these two)."""
    values = scores.class_metrics(np.array([[1, 4], [1, 4]]))
    assert values.precision[0] == pytest.approx(1 / 2)
    assert values.recall[0] == pytest.approx(1 / 5)


def test_images_without_a_prediction_are_not_found_by_hand():
    """Two cats right, one not predicted; one dog called a cat."""
    values = scores.class_metrics(np.array([[2, 0, 1], [1, 0, 0]]))
    np.testing.assert_allclose(values.precision, [2 / 3, 0])
    np.testing.assert_allclose(values.recall, [2 / 3, 0])
    np.testing.assert_array_equal(values.support, [3, 1])
    np.testing.assert_array_equal(values.predicted, [3, 0])
    assert scores.accuracy(np.array([[2, 0, 1], [1, 0, 0]])) == pytest.approx(2 / 4)


def test_cross_entropy_by_hand():
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
    losses = scores.image_losses(np.array([0, 1, 0]), probabilities)
    np.testing.assert_allclose(losses, [math.log(2), -math.log(0.75), -math.log(1e-7)])
    assert scores.cross_entropy(np.array([0, 1, 0]), probabilities) == pytest.approx(losses.mean())
    assert scores.cross_entropy(np.array([1]), np.array([[0.0, 1.0]])) == pytest.approx(1e-7)


def test_nothing_gives_zeros_and_no_warning():
    with np.errstate(all="raise"):
        empty = np.zeros((2, 2), np.int64)
        values = scores.class_metrics(empty)
        assert values.undefined.all()
        assert scores.accuracy(empty) == 0
        assert scores.macro_average(values).f1 == 0
        assert scores.weighted_average(values).f1 == 0
        assert scores.balanced_accuracy(values) == 0
        assert scores.cross_entropy(np.array([], int), np.empty((0, 2))) == 0


def oracle(truth: list[int], predicted: list[int], classes: int) -> list[tuple[float, float, float, int]]:
    """Count image by image, as the definitions say."""
    rows = []
    for name in range(classes):
        hits = sum(t == name and p == name for t, p in zip(truth, predicted, strict=True))
        of_class = sum(t == name for t in truth)
        called = sum(p == name for p in predicted)
        precision = hits / called if called else 0.0
        recall = hits / of_class if of_class else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        rows.append((precision, recall, f1, of_class))
    return rows


pairs = st.integers(2, 6).flatmap(
    lambda k: st.tuples(
        st.just(k),
        st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=60),
    )
)


@given(pairs)
def test_any_case_equals_the_oracle(case):
    classes, both = case
    truth, predicted = [list(column) for column in zip(*both, strict=True)]
    matrix = scores.confusion_matrix(np.array(truth), np.array(predicted), classes)
    values = scores.class_metrics(matrix)
    expected = oracle(truth, predicted, classes)
    found = zip(values.precision, values.recall, values.f1, values.support, strict=True)
    np.testing.assert_allclose(list(found), expected, atol=1e-12)
    macro = scores.macro_average(values)
    weighted = scores.weighted_average(values)
    for index, name in enumerate(("precision", "recall", "f1")):
        column = [row[index] for row in expected]
        support = [row[3] for row in expected]
        assert getattr(macro, name) == pytest.approx(sum(column) / classes, abs=1e-12)
        mean = sum(c * s for c, s in zip(column, support, strict=True)) / len(truth)
        assert getattr(weighted, name) == pytest.approx(mean, abs=1e-12)
    recalls = [row[1] for row in expected if row[3]]
    assert scores.balanced_accuracy(values) == pytest.approx(sum(recalls) / len(recalls), abs=1e-12)
    right = sum(t == p for t, p in both)
    assert scores.accuracy(matrix) == pytest.approx(right / len(both))


@pytest.mark.parametrize("seed", range(5))
def test_scikit_learn_agrees(seed: int):
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    generator = np.random.default_rng(seed)
    # The last class is sometimes neither true nor predicted.
    truth, predicted = generator.integers(0, 4 - seed % 2, (2, 50))
    matrix = scores.confusion_matrix(truth, predicted, 4)
    np.testing.assert_array_equal(matrix, confusion_matrix(truth, predicted, labels=range(4)))
    values = scores.class_metrics(matrix)
    expected = precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=0)
    np.testing.assert_allclose(
        (values.precision, values.recall, values.f1, values.support), expected, atol=1e-9
    )
    for average, found in (
        ("macro", scores.macro_average(values)),
        ("weighted", scores.weighted_average(values)),
    ):
        expected = precision_recall_fscore_support(
            truth, predicted, labels=range(4), average=average, zero_division=0
        )
        np.testing.assert_allclose((found.precision, found.recall, found.f1), expected[:3], atol=1e-9)


DEGENERATE = {
    "one image": ([1], [1]),
    "one image, wrong": ([0], [2]),
    "one class only": ([1, 1, 1], [1, 1, 1]),
    "a class without predictions": ([0, 1, 2, 2], [0, 1, 1, 0]),
    "a class without truth": ([0, 1, 1, 0], [0, 1, 2, 2]),
    "nothing right": ([0, 1, 2], [1, 2, 0]),
}


@pytest.mark.parametrize(("truth", "predicted"), DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_scikit_learn_agrees_in_degenerate_cases(truth, predicted):
    """With three classes, of which some do not occur: what scikit-learn gives with all labels and zero_division=0."""
    from sklearn import metrics as theirs

    matrix = scores.confusion_matrix(np.array(truth), np.array(predicted), 3)
    values = scores.class_metrics(matrix)
    options = {"labels": range(3), "zero_division": 0}
    expected = theirs.precision_recall_fscore_support(truth, predicted, **options)
    found = (values.precision, values.recall, values.f1, values.support)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    for average in ("macro", "weighted"):
        expected = theirs.precision_recall_fscore_support(truth, predicted, average=average, **options)[:3]
        means = getattr(scores, f"{average}_average")(values)
        np.testing.assert_allclose((means.precision, means.recall, means.f1), expected, atol=1e-9)
    assert scores.accuracy(matrix) == pytest.approx(theirs.accuracy_score(truth, predicted), abs=1e-9)
    expected = theirs.balanced_accuracy_score(truth, predicted)
    assert scores.balanced_accuracy(values) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_scikit_learn_agrees_on_balanced_accuracy_and_cross_entropy(seed: int):
    from sklearn import metrics as theirs

    generator = np.random.default_rng(seed)
    # Class 0 is always predicted for some and, with odd seeds, never true.
    truth = generator.integers(seed % 2, 4, 60)
    probabilities = generator.dirichlet([0.4] * 4, 60).clip(1e-6)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    values = scores.class_metrics(scores.confusion_matrix(truth, predicted, 4))
    expected = theirs.balanced_accuracy_score(truth, predicted)
    assert scores.balanced_accuracy(values) == pytest.approx(expected, abs=1e-9)
    expected = theirs.log_loss(truth, probabilities, labels=range(4))
    assert scores.cross_entropy(truth, probabilities) == pytest.approx(expected, abs=1e-9)
