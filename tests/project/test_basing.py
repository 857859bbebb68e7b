"""`fit(base=...)`: going on from another experiment's weights, with other labels and categories."""

from __future__ import annotations

import json

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import ConfigurationError, NotTrainableError

pytestmark = pytest.mark.training


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


def record(experiment) -> dict:
    return json.loads(experiment.artifacts["config"].path.read_text())


def test_it_begins_with_the_bases_weights_preprocessing_and_settings(project, config, trained):
    project.unlabel(project.select("partition == 'training'")[:6])
    again = project.fit(base="first", run="inline")
    assert again.base_experiment == trained
    assert again.config == config.model_copy(update={"input_shape": (24, 24, 1)})
    mine, theirs = record(again), record(trained)
    assert mine["preprocessing"] == theirs["preprocessing"]
    assert mine["initial weights sha256"] == trained.get_log("weights sha256").data
    assert mine["base"]["uid"] == trained.uid
    assert mine["base"]["model sha256"] == trained.artifacts["model-latest"].sha256
    assert again.history["loss"][1] < trained.history["loss"][1] / 4


def test_a_new_category_joins_and_renamed_ones_stay(project, config, trained):
    """Reordered, renamed and new at once: after no training to speak of, the old classes are still known."""
    classes = trained.classifier.classes
    pixels = project.images.index[:10].to_list()
    unlabeled = project.select("category.isna()")
    project.rename_category("vertical", "upright")
    project.add_category("a third one")
    project.label(unlabeled[:8], "a third one")
    faint = config.model_copy(update={"epochs": 1, "learning_rate": 1e-6})
    grown = project.fit(faint, base=trained, run="inline")
    names = grown.classifier.classes
    assert sorted(names) == ["a third one", "horizontal", "upright"]
    images = np.stack([project.pixels(id)[0, :, :, 0] for id in pixels])
    before = trained.classifier.predict(images)[:, [classes.index("horizontal"), classes.index("vertical")]]
    after = grown.classifier.predict(images)[:, [names.index("horizontal"), names.index("upright")]]
    # The odds of the two old classes do not depend on the new one.
    np.testing.assert_allclose(
        np.log(after[:, 0] / after[:, 1]), np.log(before[:, 0] / before[:, 1]), atol=0.02
    )


def test_a_base_of_a_base_and_its_replay(project, config, trained):
    second = project.fit(base=trained, run="inline", name="second")
    third = project.fit(base=second, run="inline", name="third")
    assert record(third)["initial weights sha256"] == second.get_log("weights sha256").data
    assert third.replay(run="inline").same is True


def test_no_image_that_the_base_was_trained_on_is_scored(project, config, trained):
    """A new split moves images from training to validation; the weights know them all the same."""
    seen = set(project.version(trained.datasets["train"].uid).select("training").tolist())
    project.split(training=0.5, seed=9)
    again = project.fit(config.model_copy(update={"epochs": 1}), base=trained, run="inline")
    validation = set(project.version(again.datasets["train"].uid).select("validation").tolist())
    assert validation & seen
    assert set(again.evaluate().ids.tolist()) == validation - seen
    told = "".join(line.text for line in again.telemetry.lines())
    assert f"{len(validation & seen)} images of validation are not scored" in told


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"architecture": "small-resnet"}, "architecture"),
        ({"normalization": "none"}, "normalization"),
        ({"input_shape": (32, 32, "auto")}, "input_shape"),
        ({"plane": "max"}, "plane"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_made(project, config, trained, changes, named):
    with pytest.raises(ConfigurationError, match=f"{named}.*first"):
        project.fit(config.model_copy(update=changes), base=trained)
    assert len(project.experiments) == 1


def test_a_base_without_a_classifier(project, config):
    class Never:
        def submit(self, function, /, *arguments):
            pass

    waiting = project.fit(config, run=Never(), name="waiting")
    with pytest.raises(NotTrainableError, match="cannot be a base"):
        project.fit(base=waiting)
    own = project.experiments.create_experiment("own")
    with pytest.raises(NotTrainableError, match="cannot be a base"):
        project.fit(base=own)
    assert isinstance(own, pw.Experiment)
