"""Predicting and scoring a project's images: told of, canceled, and never an image that was trained on."""

from __future__ import annotations

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.engine import launcher
from piximi_widgets.errors import DatasetVersionError, EvaluationError, TrainingFailed

pytestmark = pytest.mark.training


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


def test_a_worker_tells_how_far_it_is(project, trained):
    told = []
    project.predict(trained, progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (10, 10)
    assert len(project.predictions(trained)) == 10
    assert "10 of 10 images predicted" in [line.text for line in trained.telemetry.lines()]


def test_interrupting_the_wait_cancels_the_prediction(project, trained, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "ensure_worker", lambda *_: None)
    monkeypatch.setattr(launcher, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        project.predict(trained)
    assert str(project.experiments.jobs(trained)[-1].state) == "CANCELED"


def test_a_canceled_prediction_is_said(project, trained, monkeypatch):
    monkeypatch.setattr(launcher, "ensure_worker", lambda *_: project.experiments.jobs(trained)[-1].cancel())
    with pytest.raises(TrainingFailed, match="canceled"):
        project.predict(trained)


def test_images_that_were_labeled_later_are_predicted_when_asked(project, trained):
    added = project.select("category.isna()")[:4]
    project.label(added, "vertical")
    with pytest.raises(EvaluationError):
        trained.evaluate("unassigned", dataset="current")
    evaluation = trained.evaluate("unassigned", dataset="current", predict=True)
    assert list(evaluation.ids) == sorted(added)
    expected = trained.classifier.predict([project.pixels(int(id)) for id in evaluation.ids])
    np.testing.assert_allclose(evaluation.probabilities, expected, atol=1e-6)


def test_what_the_base_was_trained_on_is_not_scored(project, config, trained):
    seen = project.select("partition == 'training'")
    project.split(training=0.5, seed=8)
    again = project.fit(config.model_copy(update={"epochs": 1}), base=trained, run="inline", name="second")
    validation = project.select("partition == 'validation'")
    assert np.isin(validation, seen).any()
    assert set(again.evaluate().ids) == set(validation) - set(seen)


def test_a_version_of_another_project_is_refused(project, trained, tmp_path):
    with pw.Project(tmp_path / "other") as other:
        other.add_images(np.zeros((4, 24, 24), np.uint8), labels=["horizontal", "vertical"] * 2)
        version = other.snapshot()
    with pytest.raises(DatasetVersionError):
        trained.evaluate(dataset=version)
