"""An evaluation is right in degenerate cases, small and safe as HTML, and loads no TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from piximi_widgets.engine.evaluation import Evaluation
from piximi_widgets.errors import EvaluationError

PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.9, 0.0], [0.7, 0.2, 0.1], [0.3, 0.6, 0.1]], np.float32
)


@pytest.fixture
def evaluation() -> Evaluation:
    return Evaluation(
        ["cat", "dog", "fox"], np.array([11, 12, 13, 14, 15]), np.array([0, 0, 1, 1, 1]), PROBABILITIES
    )


def test_the_numbers_by_hand(evaluation: Evaluation):
    np.testing.assert_array_equal(evaluation.confusion_matrix, [[1, 1, 0], [1, 2, 0], [0, 0, 0]])
    assert evaluation.accuracy == pytest.approx(3 / 5)
    assert evaluation.cross_entropy == pytest.approx(-np.log([0.8, 0.4, 0.9, 0.2, 0.6]).mean(), rel=1e-6)
    assert evaluation.macro.recall == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert evaluation.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2), "no image is a fox"


def test_per_class_is_a_table_without_nan_that_marks_what_is_undefined(evaluation: Evaluation):
    table = evaluation.per_class
    assert list(table.index) == ["cat", "dog", "fox"]
    assert not table.isna().any().any()
    assert table.loc["fox", "undefined"]
    assert not table.loc["cat", "undefined"]
    assert table.loc["dog", "support"] == 3


def test_predictions_are_by_image(evaluation: Evaluation):
    table = evaluation.predictions
    assert list(table.index) == [11, 12, 13, 14, 15]
    assert list(table["truth"]) == ["cat", "cat", "dog", "dog", "dog"]
    assert list(table["prediction"]) == ["cat", "dog", "dog", "cat", "dog"]
    assert table.loc[14, "loss"] == pytest.approx(-np.log(0.2), rel=1e-6)
    assert table.loc[14, "p(cat)"] == pytest.approx(0.7)
    assert table.loc[14, "confidence"] == pytest.approx(0.7)
    assert table.loc[14, "margin"] == pytest.approx(0.5)
    by_hand = -(0.7 * np.log(0.7) + 0.2 * np.log(0.2) + 0.1 * np.log(0.1))
    assert table.loc[14, "entropy"] == pytest.approx(by_hand, rel=1e-6)
    assert table["loss"].mean() == pytest.approx(evaluation.cross_entropy)


# (true classes, probabilities) of three classes.
CASES = {
    "random": None,
    "a class without predictions": ([0, 1, 2], [[0.6, 0.4, 0], [0.3, 0.5, 0.2], [0.5, 0.25, 0.25]]),
    "a class without truth": ([0, 0, 1], [[0.6, 0.4, 0], [0.3, 0.1, 0.6], [0.25, 0.5, 0.25]]),
    "one image": ([2], [[0.25, 0.25, 0.5]]),
    "one image, wrong and sure": ([2], [[1, 0, 0]]),
    "one class only": ([1, 1], [[0, 1, 0], [0.25, 0.5, 0.25]]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_scikit_learn_and_scipy_agree_to_a_billionth(name: str):
    from scipy.stats import entropy
    from sklearn import metrics as theirs

    generator = np.random.default_rng(7)
    truth, probabilities = CASES[name] or (
        generator.integers(0, 3, 200),
        generator.dirichlet([0.3] * 3, 200),
    )
    truth, probabilities = np.array(truth), np.array(probabilities, np.float32)
    found = Evaluation(["a", "b", "c"], np.arange(len(truth)), truth, probabilities)
    predicted, options = found.predicted, {"labels": range(3), "zero_division": 0}
    np.testing.assert_array_equal(
        found.confusion_matrix, theirs.confusion_matrix(truth, predicted, labels=range(3))
    )
    expected = np.array(theirs.precision_recall_fscore_support(truth, predicted, **options)).T
    np.testing.assert_allclose(found.per_class[["precision", "recall", "f1", "support"]], expected, atol=1e-9)
    for average in ("macro", "weighted"):
        expected = theirs.precision_recall_fscore_support(truth, predicted, average=average, **options)[:3]
        means = getattr(found, average)
        np.testing.assert_allclose((means.precision, means.recall, means.f1), expected, atol=1e-9)
    assert found.accuracy == pytest.approx(theirs.accuracy_score(truth, predicted), abs=1e-9)
    assert found.balanced_accuracy == pytest.approx(
        theirs.balanced_accuracy_score(truth, predicted), abs=1e-9
    )
    exact = probabilities.astype(np.float64)
    own = exact[range(len(truth)), truth].clip(1e-7, 1 - 1e-7)
    # As scikit-learn has it, of two classes: the own one and all others. It has no clipping of its own at 1e-7.
    losses = [theirs.log_loss([1], [[1 - share, share]], labels=[0, 1]) for share in own]
    table = found.predictions
    np.testing.assert_allclose(table["loss"], losses, atol=1e-9)
    assert found.cross_entropy == pytest.approx(np.mean(losses), abs=1e-9)
    best = np.sort(exact, axis=1)
    np.testing.assert_allclose(table["margin"], best[:, 2] - best[:, 1], atol=1e-9)
    np.testing.assert_allclose(
        table["entropy"], [-sum(p * np.log(p) for p in row if p) for row in exact], atol=1e-9
    )
    np.testing.assert_allclose(table["entropy"], entropy(exact, axis=1), atol=1e-6)


def test_margin_and_entropy_at_their_ends():
    probabilities = np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])
    table = Evaluation(["a", "b", "c"], np.array([1, 2]), np.array([0, 0]), probabilities).predictions
    np.testing.assert_allclose(table["margin"], [1, 0], atol=1e-7)
    np.testing.assert_allclose(table["entropy"], [0, np.log(3)], rtol=1e-6)
    assert list(table["prediction"]) == ["a", "a"], "of equally probable classes the first"


def test_files_are_called_by_their_paths():
    evaluation = Evaluation(
        ["a", "b"], np.array([0, 1]), np.array([0, 1]), np.eye(2), names=["x.png", "y.png"]
    )
    assert list(evaluation.predictions.columns)[:3] == ["name", "truth", "prediction"]
    assert list(evaluation.predictions["name"]) == ["x.png", "y.png"]
    with pytest.raises(EvaluationError, match="names"):
        Evaluation(["a", "b"], np.array([0, 1]), np.array([0, 1]), np.eye(2), names=["x.png"])


def test_a_class_may_be_called_like_a_column():
    evaluation = Evaluation(["truth", "loss"], np.array([1]), np.array([0]), np.array([[0.6, 0.4]]))
    assert evaluation.predictions.loc[1, "truth"] == "truth"
    assert evaluation.predictions.loc[1, "p(truth)"] == pytest.approx(0.6)


def test_ids_of_a_cell_row_and_column(evaluation: Evaluation):
    assert list(evaluation.ids_of(1, 0)) == [14]
    assert list(evaluation.ids_of(truth=1)) == [15, 14, 13], "the least sure come first"
    assert list(evaluation.ids_of(predicted=2)) == []
    assert len(evaluation.ids_of()) == 5


def test_nothing_to_score_is_said():
    with pytest.raises(EvaluationError, match="no labeled image in the test partition"):
        Evaluation(["a", "b"], np.array([]), np.array([]), np.empty((0, 2)), partition="test")
    with pytest.raises(EvaluationError, match="one of its classes: 'a', 'b'"):
        Evaluation(["a", "b"], np.array([]), np.array([]), np.empty((0, 2)), partition="new")


@pytest.mark.parametrize(
    ("truth", "probabilities"),
    [
        ([0], [[1.0]]),
        ([2], [[0.5, 0.5]]),
        ([-1], [[0.5, 0.5]]),
        ([0], [[np.nan, 0.5]]),
        ([0, 1], [[0.5, 0.5]]),
    ],
)
def test_what_does_not_fit_is_refused(truth, probabilities):
    with pytest.raises(EvaluationError):
        Evaluation(["a", "b"], np.array([1]), np.array(truth), np.array(probabilities))


def test_html_escapes_names_and_says_what_was_measured():
    names = ["<script>alert(1)</script>", "b" * 200]
    evaluation = Evaluation(
        names,
        np.array([1, 2]),
        np.array([0, 1]),
        np.eye(2),
        partition="test",
        dataset_name="<b>v1</b>",
        unscored=3,
    )
    html = evaluation._repr_html_()
    assert "<script" not in html
    assert "<b>v1" not in html
    assert "2 test images" in html
    assert "balanced 100.0%" in html
    assert "3 more could not be scored" in html
    assert "b" * 100 not in html


@pytest.mark.parametrize("classes", [2, 30, 400])
def test_html_stays_small(classes: int):
    generator = np.random.default_rng(0)
    count = 5000
    evaluation = Evaluation(
        [f"class & number {index} with a long name" for index in range(classes)],
        np.arange(count),
        generator.integers(0, classes, count),
        generator.random((count, classes)),
    )
    assert len(evaluation._repr_html_()) < 200_000


def test_what_a_kernel_uses_loads_neither_tensorflow_nor_pandas():
    code = (
        "import sys\n"
        "from piximi_widgets.engine import checks, config, evaluation, launcher, predicting, preprocessing, runtime\n"
        "from piximi_widgets.engine import architectures, augmentation\n"
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
