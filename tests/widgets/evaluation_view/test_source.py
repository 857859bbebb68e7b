"""Experiments whose images are in no project are evaluated from their record."""

from __future__ import annotations

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import EvaluationError
from piximi_widgets.project.recorded import recorded_evaluation
from piximi_widgets.widgets.evaluation_view import EvaluationView

from ..conftest import eventually

CLASSES = ["cat", "dog"]


@pytest.fixture
def own(tmp_path):
    """A finished training of a person's own: three of four right, one image without a truth."""
    with pw.ExperimentStore(tmp_path / "lab.db") as store:
        experiment = store.create_experiment("own")
        experiment.start()
        probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4], [0.5, 0.5]])
        experiment.add_evaluations("holdout", [1, 2, 3, 4, 5], [0, 1, 0, 0, -1], probabilities, CLASSES)
        experiment.finish("SUCCESS")
        yield experiment


def test_a_record_is_scored_as_worked_by_hand(own):
    evaluation = recorded_evaluation(own, "holdout")
    assert evaluation.confusion_matrix.tolist() == [[2, 1], [0, 1]]
    assert evaluation.accuracy == pytest.approx(3 / 4)
    assert evaluation.unscored == 1


def test_a_partition_that_is_not_there_is_refused_with_those_that_are(own):
    with pytest.raises(EvaluationError, match="no evaluations of 'test'; there are those of 'holdout'"):
        recorded_evaluation(own, "test")


def test_the_view_shows_what_was_recorded(own, close_later):
    view = close_later(EvaluationView(own))
    assert view.refresher.flush()
    assert view.evaluation.confusion_matrix.tolist() == [[2, 1], [0, 1]]
    assert "truths that were recorded" in view._measured.value
    assert view._partition.options == (("Holdout", "holdout"),)


def test_the_view_follows_what_is_recorded_later(own, close_later):
    view = close_later(EvaluationView(own, partition="holdout"))
    assert view.refresher.flush()
    own.add_evaluations("holdout", [3], [0], [[0.8, 0.2]], CLASSES)
    assert eventually(lambda: view.evaluation.accuracy == 1.0)


def test_a_click_says_that_the_images_are_elsewhere(own, close_later):
    view = close_later(EvaluationView(own))
    assert view.refresher.flush()
    view.show_cell(0, 1)
    assert view.refresher.flush()
    assert "in no project" in view._missing.value
    assert view.labeler is None


def test_an_experiment_without_evaluations_says_how_to_record_some(tmp_path, close_later):
    with pw.ExperimentStore(tmp_path / "lab.db") as store:
        experiment = store.create_experiment("bare")
        experiment.finish("SUCCESS")
        view = close_later(EvaluationView(experiment))
        assert view.refresher.flush()
        assert "add_evaluations" in view._empty.value
        view.close()


def test_a_saved_notebook_shows_the_record(own, close_later):
    view = close_later(EvaluationView(own, partition="holdout"))
    bundle = view._repr_mimebundle_()
    page = (bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"]
    assert "75.0%" in page
