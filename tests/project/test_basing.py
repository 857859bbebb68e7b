"""`fit(base=...)`: going on from another experiment's weights, with other labels and categories."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import piximi_widgets as pw
from piximi_widgets.errors import ConfigurationError, NotTrainableError, StoreError
from piximi_widgets.experiments import ExperimentStore
from tests.project.conftest import stripes

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


# -- a base from another project ---------------------------------------------------------------------

FAINT = {"epochs": 1, "learning_rate": 1e-6}


def pixels_of(project, ids) -> np.ndarray:
    return np.stack([project.pixels(id)[0, :, :, 0] for id in ids])


def scored_of(base, there, images, labels):
    """Train in another project on a base that comes in an archive; the new experiment, and the positions that it scores."""
    imported = there.experiments.import_experiment(base)
    ids = there.add_images(images, labels=labels).added
    # All of the images that both projects have are validation images here.
    there.set_partition(ids, "validation")
    mine, names = stripes(16, seed=77)
    there.set_partition(there.add_images(mine, labels=names).added, "training")
    changes = {**FAINT, "input_shape": "auto"}
    experiment = there.fit(imported.config.model_copy(update=changes), base=imported, run="inline")
    place = {int(id): position for position, id in enumerate(ids)}
    return experiment, {place[id] for id in experiment.evaluate().ids.tolist() if id in place}


@pytest.fixture
def there(tmp_path):
    with pw.Project(tmp_path / "there") as project:
        # Other ids, and another order of the categories.
        project.add_images(np.full((3, 24, 24), 9, np.uint8))
        for name in ("vertical", "dots", "horizontal"):
            project.add_category(name)
        yield project


def test_images_that_an_imported_base_was_trained_on_are_known_by_their_pixels(
    project, trained, there, tmp_path
):
    version = project.version(trained.datasets["train"].uid)
    seen = set(version.select("training").tolist())
    images = pixels_of(project, version.ids)
    labels = [version.classes[label] for label in version.labels]
    child, scored = scored_of(trained.export(tmp_path / "first.zip"), there, images, labels)
    assert scored == {position for position, id in enumerate(version.ids.tolist()) if id not in seen}
    assert len(scored) == 10
    told = "".join(line.text for line in child.telemetry.lines())
    assert "30 images of validation are not scored" in told
    # It goes along with the next archive, though that project never had most of them.
    with pw.Project(tmp_path / "third") as third:
        _, scored_there = scored_of(child.export(tmp_path / "child.zip"), third, images, labels)
    assert scored_there == scored


def test_images_that_were_never_read_are_compared_before_they_are_scored(project, trained, there, tmp_path):
    """Files that come later, which the base has seen; and one that it has not."""
    version = project.version(trained.datasets["train"].uid)
    images = pixels_of(project, version.ids[:4])
    labels = [version.classes[label] for label in version.labels[:4]]
    child, _ = scored_of(trained.export(tmp_path / "first.zip"), there, images, labels)
    late = [*pixels_of(project, version.select("training")[-6:]), stripes(1, seed=99)[0][0]]
    for position, picture in enumerate(late):
        Image.fromarray(picture).save(tmp_path / f"{position}.png")
    ids = there.add_images(
        [tmp_path / f"{position}.png" for position in range(7)], labels=["vertical"] * 7
    ).added
    there.set_partition(ids, "validation")
    scored = child.evaluate(dataset="current", predict=True).ids.tolist()
    assert set(scored) & set(ids) == {ids[-1]}


def test_the_classes_of_an_imported_base_are_known_by_their_names(project, trained, there, tmp_path):
    images = pixels_of(project, project.images.index[:10])
    dots, _ = stripes(8, seed=5)
    there.add_images(255 - dots, labels=["dots"] * 8)
    version = project.version(trained.datasets["train"].uid)
    labels = [version.classes[label] for label in version.labels]
    path = trained.export(tmp_path / "first.zip")
    child, _ = scored_of(path, there, pixels_of(project, version.ids), labels)
    names, classes = child.classifier.classes, trained.classifier.classes
    assert sorted(names) == ["dots", "horizontal", "vertical"]
    before = trained.classifier.predict(images)[:, [classes.index("horizontal"), classes.index("vertical")]]
    after = child.classifier.predict(images)[:, [names.index("horizontal"), names.index("vertical")]]
    np.testing.assert_allclose(
        np.log(after[:, 0] / after[:, 1]), np.log(before[:, 0] / before[:, 1]), atol=0.02
    )
    assert child.replay(run="inline").same is True


def test_a_base_that_came_without_the_table_of_its_images_is_refused(project, trained, there, tmp_path):
    with ExperimentStore(project.path / "experiments.db") as bare:
        path = bare["first"].export(tmp_path / "bare.zip")
    imported = there.experiments.import_experiment(path)
    with pytest.raises(NotTrainableError, match="cannot be a base.*without the table of its images"):
        there.fit(base=imported)
    published = imported.publish("stripes")
    with pytest.raises(NotTrainableError, match="cannot be a base.*without the table of its images"):
        there.fit(base=published)


def test_a_published_version_of_an_imported_experiment_is_a_base(project, trained, there, tmp_path):
    imported = there.experiments.import_experiment(trained.export(tmp_path / "first.zip"))
    version = imported.publish("stripes")
    seen = project.version(trained.datasets["train"].uid).select("training")
    ids = there.add_images(pixels_of(project, seen[:6]), labels=["horizontal", "vertical"] * 3).added
    there.set_partition(ids, "validation")
    mine, names = stripes(17, seed=77)
    ids = there.add_images(mine, labels=names).added
    there.set_partition(ids[:16], "training")
    there.set_partition(ids[16:], "validation")
    experiment = there.fit(base=version, run="inline")
    assert experiment.evaluate().ids.tolist() == ids[16:]
    # What came with it is needed by whoever goes on from there.
    imported.delete()
    with pytest.raises(StoreError, match="went on from 'first'"):
        imported.purge()
