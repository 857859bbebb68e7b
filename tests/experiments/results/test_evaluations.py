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


# Metrics and shapes ----------------------------------------------------------------------------------------


def test_metrics_of_ones_own_come_back_exactly(experiment, query):
    metrics = {"IoU": np.array([0.1, math.nan]), "µ/odd 'name'": [-0.0, math.inf], "count": [3, -1]}
    experiment.add_evaluations("test", [2, 1], [0, 1], [[1, 0], [0, 1]], CLASSES, metrics=metrics)
    frame = experiment.evaluations("test")
    assert list(frame.columns)[-3:] == ["metric.IoU", "metric.µ/odd 'name'", "metric.count"]
    assert repr(frame["metric.IoU"].tolist()) == "[nan, 0.1]"
    assert repr(frame["metric.µ/odd 'name'"].tolist()) == "[inf, -0.0]"
    assert frame["metric.count"].tolist() == [-1.0, 3.0]
    assert query("SELECT metrics FROM evaluation_row WHERE image_id = 2") == [
        ('{"IoU":0.1,"\\u00b5/odd \'name\'":-0.0,"count":3.0}',)
    ]
    assert experiment.evaluation_arrays("test").metrics["count"].dtype == np.float64


def test_an_image_without_a_metric_has_nan(experiment):
    experiment.add_evaluations("test", [1, 2], [0, 1], [[1, 0], [0, 1]], CLASSES, metrics={"a": [1, 2]})
    experiment.add_evaluations("test", [2, 3], [0, 1], [[1, 0], [0, 1]], CLASSES, metrics={"b": [5, 6]})
    frame = experiment.evaluations("test")
    assert repr(frame["metric.a"].tolist()) == "[1.0, nan, nan]", "what is replaced is replaced whole"
    assert repr(frame["metric.b"].tolist()) == "[nan, 5.0, 6.0]"


BOX = {"type": "box", "xywh": [1, 2.5, 3, 4], "label": "cat", "score": 0.5}
MASK = {"type": "mask", "rle": "12 3 4", "size": (8, 9)}


def test_shapes_come_back_as_they_were(experiment, query):
    probabilities = [[1, 0], [0, 1], [1, 0]]
    shapes = [[BOX, MASK], None, []]
    experiment.add_evaluations("test", [1, 2, 3], [0, 1, 0], probabilities, CLASSES, shapes=shapes)
    assert experiment.evaluations()["shapes"].tolist() == [[BOX, MASK | {"size": [8, 9]}], None, []]
    assert experiment.evaluation_arrays("test").shapes[2] == []
    assert query("SELECT image_id, shapes FROM evaluation_row WHERE image_id > 1") == [(2, None), (3, "[]")]


def test_partitions_with_and_without_metrics_and_shapes_make_one_table(experiment):
    experiment.add_evaluations("validation", [1], [0], [[1, 0]], CLASSES)
    experiment.add_evaluations(
        "test", [1], [0], [[1, 0, 0]], ["cat", "dog", "fox"], metrics={"a": [1]}, shapes=[[BOX]]
    )
    frame = experiment.evaluations()
    assert list(frame.columns)[4:] == ["p(cat)", "p(dog)", "p(fox)", "metric.a", "shapes"]
    assert frame["shapes"].tolist() == [None, [BOX]]
    assert "shapes" not in experiment.evaluations("validation")


def test_images_that_are_there_can_be_kept(experiment):
    experiment.add_evaluations("test", [1], [0], [[1, 0]], CLASSES, metrics={"a": [1]}, mode="keep")
    experiment.add_evaluations(
        "test", [1, 2], [1, 1], [[0, 1], [0, 1]], CLASSES, metrics={"a": [8, 9]}, mode="keep"
    )
    frame = experiment.evaluations("test")
    assert frame["truth"].tolist() == ["cat", "dog"]
    assert frame["p(cat)"].tolist() == [1, 0]
    assert frame["metric.a"].tolist() == [1, 9]
    experiment.add_evaluations("test", [1], [1], [[0, 1]], CLASSES, mode="replace")
    assert experiment.evaluations("test").loc[1, "truth"] == "dog"


def test_a_label_and_a_score_are_enough(experiment):
    predictions = [("dog", 0.75), None, ("cat", np.float32(0.5))]
    experiment.add_evaluations("test", [1, 2, 3], [1, 0, 1], None, CLASSES, predictions=predictions)
    frame = experiment.evaluations("test")
    assert frame["prediction"].tolist() == ["dog", None, "cat"]
    assert repr(frame["confidence"].tolist()) == "[0.75, nan, 0.5]"
    assert repr(frame["p(dog)"].tolist()) == "[0.75, nan, nan]"
    numbers = experiment.evaluation_metrics().loc["test"]
    assert numbers["accuracy"] == pytest.approx(1 / 3)
    assert math.isnan(numbers["cross_entropy"]), (
        "of the third image, the probability of its class is not known"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics": {"a": [1, 2, "x"]}}, "'a' must be 3 numbers"),
        ({"metrics": {"a": [1, 2, None]}}, "'a' must be 3 numbers"),
        ({"metrics": {"a": [1, 2]}}, "'a' must be 3 numbers"),
        ({"metrics": {"": [1, 2, 3]}}, "metric's name is empty"),
        ({"metrics": {"a": [1, 2, 3], " a": [1, 2, 3]}}, "Two metrics"),
        ({"metrics": [1, 2, 3]}, "dict"),
        ({"shapes": [[BOX], [BOX], [{"xywh": [1]}]]}, r"shapes\[2\]\[0\] must be a dict with a \"type\""),
        ({"shapes": [None, None, [{"type": "box", "pixels": object()}]]}, "'pixels'"),
        ({"shapes": [None, None, BOX]}, r"shapes\[2\] must be a list"),
        ({"shapes": [None, None]}, "3, not 2"),
        ({"shapes": BOX}, "list with an entry for each image"),
        ({"mode": "KEEP"}, "'KEEP'"),
        ({"predictions": [("cat", 1)] * 3}, "either"),
        ({"probabilities": None}, "either"),
        (
            {"probabilities": None, "predictions": [None, None, ("cow", 1)]},
            r"predictions\[2\] names 'cow'",
        ),
        ({"probabilities": None, "predictions": [None, None, ("cat", math.nan)]}, "finite"),
        ({"probabilities": None, "predictions": [None, None, "cat"]}, r"predictions\[2\] must be"),
        ({"probabilities": None, "predictions": [None]}, "3, not 1"),
        ({"truth": [0, 1, 2]}, "from 0 to 1"),
    ],
)
def test_a_call_with_one_wrong_row_stores_none(experiment, query, options, words):
    experiment.add_evaluations("test", [1], [0], [[1, 0]], CLASSES, metrics={"a": [7]})
    before = query("SELECT * FROM evaluation"), query("SELECT * FROM evaluation_row")
    given = {"truth": [1, 1, 1], "probabilities": [[0, 1]] * 3} | options
    with pytest.raises(LogError, match=words):
        experiment.add_evaluations("test", [1, 2, 3], classes=CLASSES, **given)
    assert (query("SELECT * FROM evaluation"), query("SELECT * FROM evaluation_row")) == before


# The numbers that follow -----------------------------------------------------------------------------------


def test_the_numbers_by_hand(experiment):
    """Cats: two right, one called a dog, one not predicted; one dog right; one image of unknown truth."""
    probabilities = [[0.8, 0.2], [0.5, 0.5], [0.4, 0.6], [math.nan] * 2, [0.3, 0.7], [1, 0]]
    experiment.add_evaluations("test", range(1, 7), [0, 0, 0, 0, 1, -1], probabilities, CLASSES)
    row = experiment.evaluation_metrics("test").loc["test"]
    assert (row["images"], row["known"]) == (6, 5)
    assert row["accuracy"] == pytest.approx(3 / 5)
    assert row["balanced_accuracy"] == pytest.approx((2 / 4 + 1) / 2)
    assert row["macro_precision"] == pytest.approx((1 + 1 / 2) / 2)
    assert row["weighted_recall"] == pytest.approx(3 / 5)
    assert row["weighted_f1"] == pytest.approx((4 * (2 / 3) + 1 * (2 / 3)) / 5)
    assert math.isnan(row["cross_entropy"])


SCORED = {
    "random": (np.random.default_rng(0).integers(0, 3, 100), None),
    "a class without predictions": ([0, 1, 2], [[0.6, 0.4, 0], [0.3, 0.5, 0.2], [0.5, 0.25, 0.25]]),
    "a class without truth": ([0, 0, 1], [[0.6, 0.4, 0], [0.3, 0.1, 0.6], [0.25, 0.5, 0.25]]),
    "one image": ([2], [[0.25, 0.25, 0.5]]),
    "one image, wrong": ([2], [[0.5, 0.25, 0.25]]),
    "nothing predicted for one": ([0, 2, 1], [[0.5, 0.25, 0.25], [math.nan] * 3, [0.25, 0.5, 0.25]]),
}


@pytest.mark.parametrize("name", SCORED)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_scikit_learn_agrees_to_a_billionth(experiment, name):
    from sklearn import metrics as theirs

    truth, probabilities = SCORED[name]
    if probabilities is None:
        probabilities = np.random.default_rng(1).dirichlet([0.5] * 3, len(truth)).clip(1e-6)
    probabilities = np.asarray(probabilities, np.float32)
    experiment.add_evaluations("test", range(len(truth)), truth, probabilities, ["a", "b", "c"])
    row = experiment.evaluation_metrics().loc["test"]
    lost = np.isnan(probabilities).any(axis=1)
    # scikit-learn has no word for no prediction; a fourth class is never true.
    predicted = np.where(lost, 3, probabilities.argmax(axis=1))
    assert row["accuracy"] == pytest.approx(theirs.accuracy_score(truth, predicted), abs=1e-9)
    expected = theirs.balanced_accuracy_score(truth, predicted)
    assert row["balanced_accuracy"] == pytest.approx(expected, abs=1e-9)
    for average in ("macro", "weighted"):
        expected = theirs.precision_recall_fscore_support(
            truth, predicted, labels=range(3), average=average, zero_division=0
        )
        found = [row[f"{average}_{name}"] for name in ("precision", "recall", "f1")]
        np.testing.assert_allclose(found, expected[:3], atol=1e-9)
    if not lost.any():
        exact = probabilities.astype(np.float64)
        own = exact[np.arange(len(truth)), truth]
        assert row["cross_entropy"] == pytest.approx(-np.log(own).mean(), abs=1e-9)
        # scikit-learn makes rows sum to one first, and float32 ones do not quite.
        exact /= exact.sum(axis=1, keepdims=True)
        expected = theirs.log_loss(truth, exact, labels=range(3))
        assert row["cross_entropy"] == pytest.approx(expected, abs=1e-6)


def test_without_a_known_truth_there_are_no_numbers(experiment):
    experiment.add_evaluations("test", [1, 2], [-1, -1], [[1, 0], [0, 1]], CLASSES, metrics={"a": [1, 3]})
    experiment.add_evaluations("empty", [], [], [], CLASSES)
    frame = experiment.evaluation_metrics()
    assert frame[["images", "known"]].to_numpy().tolist() == [[2, 0], [0, 0]]
    assert frame.drop(columns=["images", "known", "metric.a"]).isna().all(axis=None)
    assert repr(frame["metric.a"].tolist()) == "[2.0, nan]"
    assert frame.index.name == "partition"


def test_the_mean_of_a_metric_is_of_the_images_that_have_it(experiment):
    numbers = {"a": [1, math.nan, 4], "b": [math.inf, 1, 1], "c": [math.inf, -math.inf, 0]}
    experiment.add_evaluations("test", [1, 2, 3], [0, 0, 0], [[1, 0]] * 3, CLASSES, metrics=numbers)
    experiment.add_evaluations("test", [4], [0], [[1, 0]], CLASSES)
    row = experiment.evaluation_metrics().loc["test"]
    assert (row["metric.a"], row["metric.b"]) == (2.5, math.inf)
    assert math.isnan(row["metric.c"])


def test_metrics_of_a_partition_that_is_not_there(experiment):
    assert experiment.evaluation_metrics().empty
    with pytest.raises(LogError, match="no evaluations of 'test'; there are: none yet"):
        experiment.evaluation_metrics("test")


@pytest.mark.parametrize("row", [[5.0, -3.0], [1.01, 0.0], [-0.01, 1.0], [math.inf, 0.0], [-math.inf, 0.0]])
def test_what_is_no_probability_is_refused(experiment, row):
    with pytest.raises(LogError, match="from 0 to 1"):
        experiment.add_evaluations("val", [1, 2], [0, 1], [[0.5, 0.5], row], ["a", "b"])
    assert len(experiment.evaluations()) == 0


def test_rounding_and_unknown_probabilities_are_taken(experiment):
    experiment.add_evaluations("val", [1, 2], [0, 1], [[1.0005, -0.0005], [math.nan, math.nan]], ["a", "b"])
    assert len(experiment.evaluations()) == 2
