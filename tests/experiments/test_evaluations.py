"""Evaluations: a row an image, replaced when it comes again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piximi_widgets.errors import LogError

CLASSES = ["cat", "dog"]


def test_rows_come_back_by_image(experiment, query):
    experiment.add_evaluations("validation", [9, 4], [0, 1], [[0.75, 0.25], [0.5, 0.5]], CLASSES)
    frame = experiment.evaluations()
    assert frame.index.tolist() == [4, 9]
    assert frame.index.name == "id"
    assert frame.loc[9].tolist() == ["validation", "cat", "cat", 0.75, 0.75, 0.25]
    assert frame.loc[4, ["truth", "prediction"]].tolist() == ["dog", "cat"]  # a tie goes to the first class
    assert list(frame.columns)[-2:] == ["p(cat)", "p(dog)"]
    rows = query("SELECT image_id, truth, probabilities FROM evaluation_row ORDER BY image_id")
    assert rows == [(4, 1, np.float32([0.5, 0.5]).tobytes()), (9, 0, np.float32([0.75, 0.25]).tobytes())]


def test_arrays_are_what_was_given(experiment):
    generator = np.random.default_rng(0)
    ids = generator.permutation(5000)
    probabilities = generator.random((5000, 3), dtype=np.float32)
    truth = generator.integers(-1, 3, 5000)
    experiment.add_evaluations("test", ids, truth, probabilities, ["a", "b", "c"])
    arrays = experiment.evaluation_arrays("test")
    order = np.argsort(ids)
    assert np.array_equal(arrays.ids, np.arange(5000))
    assert np.array_equal(arrays.truth, truth[order])
    assert np.array_equal(arrays.probabilities, probabilities[order])
    assert np.array_equal(arrays.prediction, probabilities[order].argmax(axis=1))
    assert (arrays.ids.dtype, arrays.truth.dtype, arrays.probabilities.dtype) == ("int64", "int32", "float32")
    assert arrays.classes == ["a", "b", "c"]


def test_an_image_that_comes_again_is_replaced(experiment):
    experiment.add_evaluations("test", [1, 2], ["cat", None], [[1, 0], [1, 0]], CLASSES)
    experiment.add_evaluations("test", [2, 3], ["dog", "dog"], [[0, 1], [0, 1]], CLASSES)
    arrays = experiment.evaluation_arrays("test")
    assert arrays.ids.tolist() == [1, 2, 3]
    assert arrays.truth.tolist() == [0, 1, 1]
    assert arrays.prediction.tolist() == [0, 1, 1]


def test_unknown_truth_and_nan_probabilities_are_shown_as_none(experiment):
    experiment.add_evaluations("test", [1], [-1], [[math.nan, math.nan]], CLASSES)
    row = experiment.evaluations("test").loc[1]
    assert row["truth"] is None
    assert row["prediction"] is None
    assert math.isnan(row["confidence"])


def test_partitions_stand_side_by_side_and_can_be_cleared(experiment):
    experiment.add_evaluations("validation", [1], [0], [[1, 0]], CLASSES)
    experiment.add_evaluations("test", [1], [0], [[1]], ["cat"])
    assert experiment.evaluations()["partition"].tolist() == ["validation", "test"]
    experiment.clear_evaluations("test")
    assert experiment.evaluations()["partition"].tolist() == ["validation"]
    with pytest.raises(LogError, match="'validation'"):
        experiment.evaluations("test")
    experiment.clear_evaluations()
    assert experiment.evaluations().empty


def test_no_images_are_no_rows(experiment):
    experiment.add_evaluations("test", [], [], [], CLASSES)
    assert experiment.evaluation_arrays("test").probabilities.shape == (0, 2)
    assert experiment.evaluations("test").empty


@pytest.mark.parametrize(
    ("ids", "truth", "probabilities", "classes"),
    [
        ([1, 1], [0, 0], [[1, 0], [1, 0]], CLASSES),
        ([1.5], [0], [[1, 0]], CLASSES),
        ([1], [2], [[1, 0]], CLASSES),
        ([1], [-2], [[1, 0]], CLASSES),
        ([1], ["cow"], [[1, 0]], CLASSES),
        ([1], [0.5], [[1, 0]], CLASSES),
        ([1], [0, 1], [[1, 0]], CLASSES),
        ([1], [0], [[1, 0, 0]], CLASSES),
        ([1], [0], [1, 0], CLASSES),
        ([1], [0], [["a", "b"]], CLASSES),
        ([1], [0], [[1, 0]], ["cat", "cat"]),
        ([1], [0], [[1, 0]], "ab"),
        ([1], [0], [[]], []),
    ],
)
def test_rows_that_do_not_fit_are_refused_whole(experiment, ids, truth, probabilities, classes):
    with pytest.raises(LogError):
        experiment.add_evaluations("test", ids, truth, probabilities, classes)
    assert experiment.evaluations().empty


def test_other_classes_need_a_clean_table(experiment):
    experiment.add_evaluations("test", [1], [0], [[1, 0]], CLASSES)
    with pytest.raises(LogError, match="clear_evaluations"):
        experiment.add_evaluations("test", [1], [0], [[1, 0]], ["dog", "cat"])
    assert experiment.evaluation_arrays("test").classes == CLASSES
