"""Published models of a project: their classifier, and beginning a training with one."""

from __future__ import annotations

import json

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import ArtifactError, ConfigurationError, NotTrainableError, StoreError
from piximi_widgets.experiments import ExperimentStore

pytestmark = pytest.mark.training


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


def record(experiment) -> dict:
    return json.loads(experiment.artifacts["config"].path.read_text())


def test_a_published_version_gives_its_classifier_also_when_the_experiment_is_gone(project, trained):
    images = np.stack([project.pixels(id)[0, :, :, 0] for id in project.images.index[:8]])
    expected = trained.classifier.predict(images)
    version = trained.publish("stripes")
    assert (version.framework, list(version.labels.values())) == ("TENSORFLOW", trained.classifier.classes)
    assert version.config == trained.config
    assert version.context.datasets["train"].fingerprint == trained.datasets["train"].fingerprint
    trained.delete()
    trained.purge()
    found = project.experiments.models["stripes"].latest
    assert found.context.experiment is None
    np.testing.assert_array_equal(found.classifier.predict(images), expected)
    assert found.classifier.classes == list(version.labels.values())


def test_a_training_begins_with_its_weights_and_scores_no_image_that_they_have_seen(project, config, trained):
    """The experiment is purged and the images are split anew: what its weights have seen is still known."""
    weights, model = trained.get_log("weights sha256").data, trained.artifacts["model-latest"].sha256
    seen = set(project.version(trained.datasets["train"].uid).select("training").tolist())
    version = trained.publish("stripes")
    trained.delete()
    trained.purge()
    project.split(training=0.5, seed=9)
    again = project.fit(config.model_copy(update={"epochs": 1}), base=version, run="inline")
    assert (again.base_experiment, again.base_model) == (None, version)
    assert record(again)["initial weights sha256"] == weights
    assert record(again)["base"]["model version"] == version.uid
    assert record(again)["base"]["model sha256"] == model
    validation = set(project.version(again.datasets["train"].uid).select("validation").tolist())
    assert validation & seen
    assert set(again.evaluate().ids.tolist()) == validation - seen

    second = again.publish("stripes")
    assert second.number == 2
    third = project.fit(base=second, run="inline", name="third")
    assert seen & set(third.evaluate(dataset="current").ids.tolist()) == set()
    same = project.fit(
        base=second, run="inline", name="third", if_exists="reuse", dataset=third.datasets["train"].uid
    )
    assert same == third


def test_what_does_not_fit_is_named_and_nothing_is_made(project, config, trained, tmp_path):
    version = trained.publish("stripes")
    with pytest.raises(ConfigurationError, match="architecture.*stripes 1"):
        project.fit(config.model_copy(update={"architecture": "small-resnet"}), base=version)
    own = project.experiments.create_experiment("own")
    own.artifacts.store("weights", b"x", filename="net.pt")
    foreign = own.publish("foreign")
    with pytest.raises(NotTrainableError, match="'foreign 1' cannot be a base"):
        project.fit(config, base=foreign)
    with pytest.raises(ArtifactError, match="'model-latest'.*'weights'"):
        foreign.classifier  # noqa: B018
    with ExperimentStore(tmp_path / "other.db") as other:
        stranger = other.create_experiment("stranger")
        stranger.artifacts.store("model-latest", b"x")
        with pytest.raises(StoreError, match="belongs to the store"):
            project.fit(config, base=stranger.publish("x"))
    assert [found.name for found in project.experiments] == ["first", "own"]


def test_a_purge_takes_predictions_and_checkpoints_along(project, trained):
    folder = project.path / "checkpoints" / trained.uid
    folder.mkdir(parents=True)
    (folder / "00000001.checkpoint").write_bytes(b"x")
    project.predict(trained, run="inline")
    assert len(project.predictions(trained)) == 10
    trained.delete()
    trained.purge()
    assert not folder.exists()
    assert len(project.predictions()) == 0
    assert isinstance(trained, pw.Experiment)
